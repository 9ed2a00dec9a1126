#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An ordinary user mounts an image of one's own, and burns it by discfs umount and
# by umount(8); another user gets no answer.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires setpriv fusermount3
[ "$(id -u)" -eq 0 ] || skip "only root can be another user"
. "$top_srcdir/tests/mount/users.sh"
install_helpers

mkdir home
chown 4001:4001 home "$MNT"
IMG=$T/home/disc.iso STAGE=$T/home/stage
as 4001 touch "$IMG"

user_mnt() {
	as 4001 "$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
}

user_mnt
as 4001 sh -c "echo mine >'$MNT/mine'"
[ "$(as 4001 stat -c '%u %g' "$MNT/mine")" = '4001 4001' ] ||
	fail "the file has another owner"
expect_exit 1 as 4001 "$DISCFS" diff "$MNT" >got
grep -qx 'A mine' got || fail "diff says $(cat got)"
expect_error any '.' as 4002 "$DISCFS" status "$MNT"
[ "$(stat -c %a "$(find "$STAGE" -mindepth 1 -maxdepth 1 -type d)")" = 700 ] ||
	fail "the stage is open to others"
as 4001 "$DISCFS" umount "$MNT"
! mounted || fail "still mounted"
expect_sessions 1
ok "discfs umount"

user_mnt
as 4001 sh -c "echo two >'$MNT/two'"
as 4001 umount "$MNT"
! mounted || fail "still mounted"
no_daemon || fail "umount did not wait"
expect_sessions 2
ok "umount(8)"

user_mnt
as 4001 sh -c "echo three >'$MNT/three'"
as 4001 fusermount3 -u "$MNT"
within 30 no_daemon
expect_sessions 3
extract "$IMG" got.tree
[ "$(cat got.tree/mine got.tree/two got.tree/three | tr '\n' ' ')" = \
	'mine two three ' ] || fail "the files on the disc are others"
ok "fusermount3 -u, in the background"

# By fstab, and mount(8) set-uid.
[ -u "$(command -v mount)" ] || skip "mount(8) is not set-uid"
echo "$IMG $MNT discfs stage=$STAGE,noauto,user,suid,dev 0 0" >fstab
mount --bind fstab /etc/fstab
as 4001 mount "$MNT"
findmnt -n -o VFS-OPTIONS "$MNT" | grep -q 'nosuid,nodev,noexec' ||
	fail "options: $(findmnt -n -o VFS-OPTIONS "$MNT")"
as 4001 sh -c "cp /bin/true '$MNT/true'; chmod 4755 '$MNT/true'"
! as 4001 "$MNT/true" 2>/dev/null || fail "a program can be run"
! as 4002 umount "$MNT" 2>/dev/null || fail "another user unmounts it"
as 4001 umount "$MNT"
! mounted || fail "still mounted"
expect_sessions 4
ok "an entry of fstab with user: nosuid and nodev whatever it says"
