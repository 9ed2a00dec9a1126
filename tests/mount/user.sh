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
