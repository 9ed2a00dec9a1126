#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Folders that others made or may write to: those of control sockets are passed
# over, those of stages refused; sockets of mounts that were killed do not stay.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires setpriv fusermount3
[ "$(id -u)" -eq 0 ] || skip "only root can be another user"
. "$top_srcdir/tests/mount/users.sh"

taken=/tmp/discfs-4001
clear_taken() {
	rm -rf "$taken" "$taken"-*
}
trap clear_taken EXIT
clear_taken

mkdir home
chown 4001:4001 home "$MNT"
IMG=$T/home/disc.iso STAGE=$T/home/stage
as 4001 touch "$IMG"

# poor COMMAND... - by user 4001 without a folder for such things.
poor() {
	as 4001 env -u XDG_RUNTIME_DIR "$@"
}

# works WHAT - a mount of that user can be spoken to and burned.
works() {
	poor "$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT" || fail "$1: mount"
	poor sh -c "date >'$MNT/file'"
	poor "$DISCFS" status "$MNT" >out || fail "$1: status"
	"$DISCFS" status "$MNT" >out || fail "$1: status by root"
	poor "$DISCFS" umount "$MNT" || fail "$1: umount"
	ok "a user can mount: $1"
}

works 'the usual folder in /tmp'
[ "$(stat -c '%u %a' $taken)" = '4001 700' ] || fail "$(stat $taken)"
clear_taken
as 4002 mkdir -m 777 $taken
works 'another user has made it'
[ -z "$(ls -A $taken)" ] || fail "it was used"
[ "$(find $taken-* -maxdepth 0 -user 4001 -perm 700 | wc -l)" -eq 1 ] ||
	fail "$(ls -ld $taken*)"
works 'the same once more'
[ "$(find $taken-* -maxdepth 0 | wc -l)" -eq 1 ] || fail "$(ls -ld $taken*)"
clear_taken
mkdir decoy
chown 4001:4001 decoy
as 4002 ln -s "$T/decoy" $taken
works 'a symbolic link is there'
[ -z "$(ls -A decoy)" ] || fail "it was followed"
clear_taken
as 4001 mkdir -m 777 $taken
works 'others may write to it'
clear_taken
mkdir -m 700 theirs
chown 4002:4002 theirs
XDG=theirs
poor() {
	as 4001 env XDG_RUNTIME_DIR="$T/$XDG" "$@"
}
works 'XDG_RUNTIME_DIR is of another user'
clear_taken

# --- sockets that nobody serves ----------------------------------------------

sockets() {
	find /run/discfs -type s | wc -l
}

# dead - the mount's process has ended.
dead() {
	! stat "$MNT" >out 2>&1
}

IMG=$T/disc.iso STAGE=$T/stage
new_image
new_image other.iso
chown 0:0 "$MNT"
mkdir other
mnt other.iso other
mnt
[ "$(sockets)" -eq 2 ] || fail "no two sockets"
kill -KILL "$(pgrep -f "discfs mount .*$MNT\$")"
within 10 dead
expect_error any 'was it killed' "$DISCFS" status "$MNT"
[ "$(sockets)" -eq 1 ] || fail "the dead socket is there, or the other is not"
bury
"$DISCFS" status "$T/other" >out
ok "a command removes the socket of a mount that was killed, and no other"
mnt
kill -KILL "$(pgrep -f "discfs mount .*$MNT\$")"
within 10 dead
bury
[ "$(sockets)" -eq 2 ] || fail "$(sockets) sockets"
mnt
[ "$(sockets)" -eq 2 ] || fail "$(sockets) sockets"
"$DISCFS" status "$T/other" >out
umnt
umnt other
[ "$(sockets)" -eq 0 ] || fail "$(sockets) sockets are left"
ok "a mount does so, too"

# --- folders of stages ---------------------------------------------------------

mkdir stages
chmod 777 stages
expect_error 32 "$T/stages is writable by others.*chmod go-w $T/stages" \
	mnt -o "stage=$T/stages"
! mounted || fail "mounted"
chmod 775 stages
expect_error 32 'writable by others' mnt -o "stage=$T/stages"
chmod 755 stages
chown 4001 stages
expect_error 32 "$T/stages belongs to user 4001.*-o stage=DIR" \
	mnt -o "stage=$T/stages"
expect_error any 'belongs to user 4001' "$DISCFS" stage list --stage "$T/stages"
chown 0 stages
mnt -o "stage=$T/stages"
touch "$MNT/x"
keep
id=$(cd stages && echo *)
chmod 770 "stages/$id"
expect_error 32 "stages/$id is writable by others" \
	mnt -o "stage=$T/stages,stage-from=$id"
chmod 700 "stages/$id"
chown 4001 "stages/$id"
expect_error 32 "stages/$id belongs to user 4001" \
	mnt -o "stage=$T/stages,stage-from=$id"
chown 0 "stages/$id"
chmod 1777 stages
mnt -o "stage=$T/stages"
has 'A x'
umnt
ok "a stage where others may write, or are at home, is refused"
