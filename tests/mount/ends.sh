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
