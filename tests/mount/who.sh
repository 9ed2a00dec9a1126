#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who may burn: root and the mount's owner, by whatever way; nobody else, though
# one may read and write there.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires setpriv python3 fusermount3
[ "$(id -u)" -eq 0 ] || skip "only root can be another user"
. "$top_srcdir/tests/mount/users.sh"
install_helpers

# ask PATH REQUEST - the answer to one line at a control socket.
cat >ask.py <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.sendall(sys.argv[2].encode() + b"\n")
except BrokenPipeError:
    pass
print(s.makefile().readline())
END

# unburned WHAT
unburned() {
	cmp before.iso "$IMG" || fail "burned: $1"
	mounted || fail "unmounted: $1"
	ok "burns nothing: $1"
}

new_image
mnt
echo first >"$MNT/first"
umnt
cp "$IMG" before.iso
mnt
chmod 777 "$MNT"
as 4001 sh -c "echo theirs >'$MNT/theirs'"
for uid in 4001 65534; do
	as $uid sync "$MNT"
	(cd "$MNT" && as $uid sync .)
	unburned "sync of the root by user $uid"
done
# It is durability all the same.
has 'A theirs'
slay
mnt
has 'A theirs'
ok "sync of the root by others makes durable"

socket=$(find /run/discfs -type s)
expect_error any 'mount of user 0' as 4001 "$DISCFS" commit "$MNT"
chmod 777 "$socket"
chmod 755 /run/discfs
for op in commit size status keep release 'commit","hold":"1'; do
	as 4001 python3 ask.py "$socket" "{\"op\":\"$op\"}" >answer
	grep -q 'only the owner of the mount and root' answer ||
		fail "$op: $(cat answer)"
done
unburned "requests at a control socket that is open to all"
expect_error any 'user 0' as 4001 "$DISCFS" umount "$MNT"
! as 4001 umount "$MNT" || fail "umount(8) by another user"
! as 4001 fusermount3 -u "$MNT" || fail "fusermount3 -u by another user"
unburned "unmounts by another user"

# Root of a user namespace is who made it.
as 4001 unshare --user --map-root-user sync "$MNT" || skip "no user namespaces"
unburned "sync of the root by root of another's user namespace"
sync "$MNT"
expect_sessions 2
clean
ok "root's sync burns"
umnt
