#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What cannot be read is an error, in large reads and in small ones; never
# zeros, and never a file that is shorter than it was.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

new_image
mnt
head -c 3000000 /dev/urandom >a
cp a "$MNT/a"
cp a "$MNT/b"
umnt

mnt
cp "$IMG" whole.iso
size=$(stat -c %s "$IMG")
# The end of the disc is gone, somewhere within the last file.
last=$(image_blocks "$IMG" | sort -n -k 2 | awk '{ f = $1 } END { print f }')
last=${last//[\'\/]/}
truncate -s $((size - 2000000)) "$IMG"
drop_caches "$IMG" "$MNT/$last"
for bs in 1M 64k 4k 100; do
	! dd if="$MNT/$last" of=got bs=$bs status=none 2>err ||
		fail "read in units of $bs without an error"
	grep -q 'Input/output error' err || fail "another error: $(cat err)"
	cmp -n "$(stat -c %s got)" got a || fail "damaged before the error"
	[ "$(stat -c %s "$MNT/$last")" -eq 3000000 ] ||
		fail "the file became shorter"
done
! dd if="$MNT/$last" of=got bs=1M iflag=direct status=none 2>err ||
	fail "read directly without an error"
ok "an error where blocks are gone, and the size stays"

cat whole.iso >"$IMG"
cmp a "$MNT/$last" || fail "not readable again"
ok "and all of it when they are back"
umnt
