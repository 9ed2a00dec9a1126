#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a mount ends: on a signal with pages that only a mapping has changed, under
# a program that goes on, and while somebody waits for sync.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires python3

cat >mapper.py <<'END'
import mmap, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 32 << 20)
m = mmap.mmap(fd, 32 << 20)
for page in range(0, 32 << 20, 4096):
    m[page:page + 6] = b"MAPPED"
print("changed", flush=True)
time.sleep(1000)
END

# map FILE - change it through a mapping that stays, and wait until it is done.
map() {
	mkfifo pipe
	python3 mapper.py "$1" >pipe &
	mapper=$!
	read -r _ <pipe
	rm pipe
}

mapped() {
	[ "$(grep -oa MAPPED "$1" | wc -l)" -eq 8192 ] ||
		fail "$1 lacks what was changed through a mapping"
}

new_image
mnt
map "$MNT/file"
# shellcheck disable=SC2046
kill -TERM $(daemon)
within 20 no_daemon
! mounted || fail "SIGTERM leaves the mount"
kill $mapper
wait $mapper || true
mnt
mapped "$MNT/file"
ok "SIGTERM keeps pages that are changed through a mapping"
umnt

mnt
map "$MNT/other"
"$DISCFS" commit "$MNT"
kill $mapper
wait $mapper || true
clean
umnt
extract_file "$IMG" /other other
mapped other
ok "a commit burns them"

mnt
exec 5<>"$MNT/open"
umount -i -l "$MNT"
echo late >&5
[ "$(daemon | wc -l)" -eq 1 ] || fail "it left a program alone"
exec 5>&-
within 20 no_daemon
extract_file "$IMG" /open open
[ "$(cat open)" = late ] || fail "what was written after umount -l is lost"
ok "after umount -l it serves those who are inside, then burns"

mnt
echo x >"$MNT/x"
expect_error 32 'mounted' mnt
# shellcheck disable=SC2046
kill -KILL $(daemon)
within 10 no_daemon
expect_error 32 'mounted' mnt
bury
mnt
[ "$(stat -c %s "$MNT/file")" -eq 33554432 ] || fail "the file is another"
ok "a mountpoint in use is refused, with a daemon and without"
keep

# A copy of the mount in a namespace that somebody else made keeps it alive.
mnt
echo more >"$MNT/more"
unshare --mount --propagation private sleep 1000 &
other=$!
within 10 grep -q "$MNT" "/proc/$other/mountinfo"
start=$SECONDS
umnt 2>err
[ $((SECONDS - start)) -lt $((30 * TEST_SLOW)) ] ||
	fail "umount took $((SECONDS - start)) s"
cat err
grep -q "pid $other) has it in a mount namespace of its own" err ||
	fail "umount does not say who has it"
! mounted || fail "it is still mounted"
[ "$(wc -l <err)" -eq 1 ] || fail "not one line"
kill $other
within 20 no_daemon
mnt
[ "$(cat "$MNT/more")" = more ] || fail "it was not burned"
clean
umnt
ok "a mount namespace of somebody else is named, and not waited for"
