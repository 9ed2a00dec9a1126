#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A disc that is mounted in more than one place: bind mounts of all of it, of a
# folder and of one file, one above the other, in other mount namespaces.  Only
# the unmount of the last one burns, and nothing waits without a word.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires python3
install_helpers
mkdir bound sub
touch one
opts=stage=$STAGE

# still N - N sessions, and the mount on DIR takes changes.
still() {
	expect_sessions "$1"
	touch "$2/still"
	rm "$2/still"
}

new_image
mnt
mkdir "$MNT/d"
echo text >"$MNT/d/f"
umnt
expect_sessions 1

mount -t discfs -o "$opts" "$IMG" "$MNT"
echo new >"$MNT/new"
mount --bind "$MNT" bound
mount --bind "$MNT/d" sub
mount --bind "$MNT/d/f" one
for b in bound sub one; do
	start=$SECONDS
	umount "$b" >out 2>err
	[ $((SECONDS - start)) -lt $((10 * TEST_SLOW)) ] || fail "$b: it waits"
	! mounted "$b" || fail "$b: still mounted"
	[ ! -s out ] || fail "$b: $(cat out)"
	grep -q "nothing was burned, the disc is still mounted on $T/" err ||
		fail "$b: $(cat err)"
	still 1 "$MNT"
done
ok "umount of a bind mount of the root, a folder, a file: nothing is burned"

# Nothing pending, nothing said.
umount "$MNT"
mount -t discfs -o "$opts" "$IMG" "$MNT"
mount --bind "$MNT/d" sub
umount sub >out 2>&1
[ ! -s out ] || fail "$(cat out)"
mount --bind "$MNT/d" sub
"$DISCFS" umount --keep sub
expect_sessions 2
echo kept >"$MNT/kept"
"$DISCFS" status --json "$MNT" | grep -q '"unmount"' ||
	fail "the mount does not burn any more"
mount --bind "$MNT/d" sub
umount -l sub
! mounted sub || fail "umount -l leaves it"
still 2 "$MNT"
ok "nothing is said where nothing waits; --keep and -l are of the one mount"

# The first mount goes, a folder of it stays: it is the last one that burns.
mount --bind "$MNT/d" sub
umount "$MNT" 2>err
grep -q "still mounted on $T/sub" err || fail "$(cat err)"
! mounted || fail "still mounted"
still 2 sub
python3 - sub/mapped <<'END'
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 4096)
mmap.mmap(fd, 4096)[0:6] = b"MAPPED"
END
# By an absolute path umount(8) looks for its helper in utab alone.
umount "$T/sub"
expect_sessions 3
within 20 no_daemon
extract_file "$IMG" /d/mapped mapped
grep -qa MAPPED mapped || fail "what a mapping changed is not burned"
extract_file "$IMG" /kept kept
ok "the last one burns, with all that was changed by the others"

# What is named below a bound folder is meant there, not in the root.
mnt
echo 1 >"$MNT/d/g"
echo 2 >"$MNT/g"
mount --bind "$MNT/d" sub
[ "$(deltas sub | wc -l)" -eq 2 ] || fail "diff: $(deltas sub)"
expect_exit 1 "$DISCFS" diff sub "$T/sub/g" >got
[ "$(cat got)" = 'A d/g' ] || fail "diff: $(cat got)"
"$DISCFS" revert sub "$T/sub/g"
[ ! -e sub/g ] || fail "revert leaves it"
[ "$(cat "$MNT/g")" = 2 ] || fail "revert took another one"
rm "$MNT/g"
umount sub
umnt
ok "paths below a bound folder"

# One above the other: the one on top goes, and umount finds its helper yet.
mount -t discfs -o "$opts" "$IMG" "$MNT"
mount --bind "$MNT" "$MNT"
echo up >"$MNT/up"
umount "$MNT" 2>err
still 3 "$MNT"
umount "$MNT"
! mounted || fail "still mounted"
expect_sessions 4
! grep -q "$MNT" /run/mount/utab || fail "utab keeps the mount"
ok "two mounts on one folder"

# What the kernel unmounts with it does not count: a peer of the folder above.
mkdir shared peer
mount -t tmpfs tmpfs shared
mount --make-shared shared
mkdir shared/disc
mount --bind shared peer
"$DISCFS" mount -o "$opts" "$IMG" "$T/shared/disc"
mounted peer/disc || fail "the test's own mistake"
echo peer >peer/disc/peer
umount shared/disc
! mounted peer/disc || fail "still mounted"
expect_sessions 5
no_daemon || fail "umount did not wait"
umount peer shared
ok "a copy that propagation made goes with it: it is burned"

# A process with a file open in what was detached before.
mnt
mount --bind "$MNT" bound
exec 7>bound/held
umount -l bound
umount "$MNT" >out 2>err
expect_sessions 6
grep -Eq "unmounted here, but .*has a file of it open" err || fail "$(cat err)"
exec 7>&-
within 20 no_daemon
ok "who has a file open in a mount that was detached is named"

# Another mount namespace: there it is a copy, here it is the mount.
mnt
echo more >"$MNT/more"
unshare --mount --propagation private bash -c "
	umount $MNT >$T/out 2>$T/err
	echo \$? >$T/code"
[ "$(cat code)" = 0 ] || fail "$(cat err)"
grep -q "still mounted on $MNT in the mount namespace of process" err ||
	fail "$(cat err)"
still 6 "$MNT"
umnt
expect_sessions 7
ok "a copy in another mount namespace burns nothing"

# A mount namespace that only a file holds: nobody is to be named, and not waited
# for either.
mnt
touch space
if unshare --mount="$T/space" --propagation private true 2>err; then
	echo held >"$MNT/held"
	start=$SECONDS
	umount "$MNT" 2>err
	[ $((SECONDS - start)) -lt $((20 * TEST_SLOW)) ] || fail "it waits"
	grep -q 'unmounted here, but something that cannot be named' err ||
		fail "$(cat err)"
	expect_sessions 8
	umount space
	within 20 no_daemon
	ok "a mount namespace without a process is told of"
else
	cat err
	echo held >"$MNT/held"
	umnt
fi

# SIGTERM leaves no dead mounts behind.
mnt
echo kept >"$MNT/kept2"
mount --bind "$MNT/d" sub
# shellcheck disable=SC2046
kill -TERM $(daemon)
within 20 no_daemon
! mounted sub || fail "a dead mount stays on the bound folder"
! mounted || fail "a dead mount stays"
expect_sessions 8
mnt
has 'A kept2'
umnt
ok "SIGTERM takes bind mounts along"
