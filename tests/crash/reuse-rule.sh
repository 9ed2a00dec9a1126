#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Write A, fsync, remove A, write B, kill -9 before the flush: A is whole.  Bytes
# that the last durable transaction names are never written over.
#
# Runs on disk: a kill is nearest to a power cut there.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

new_image
mnt
echo base >"$MNT/base"
umnt

survived=0
for size in 1 4096 100000 1048576 8388608; do
	head -c "$size" /dev/urandom >A
	head -c "$size" /dev/urandom >B
	mnt
	cp A "$MNT/A"
	sync "$MNT/A"
	rm "$MNT/A"
	cp B "$MNT/B"
	slay

	mnt
	if [ -e "$MNT/A" ]; then
		same A "$MNT/A" "A, $size bytes, fsynced and then removed,"
		survived=$((survived + 1))
	else
		# The flush came first: then both are as they were last.
		same B "$MNT/B" "B, $size bytes,"
	fi
	# Either file may be there; the next round begins without both.
	rm -f "$MNT/A" "$MNT/B"
	keep
done
[ $survived -ge 3 ] || fail "the flush came first $((5 - survived)) times of 5"
ok "A is whole, $survived times of 5"

# The same for a part of a file, cut off and grown again, and for a copy that
# shares its bytes.
head -c 4000000 /dev/urandom >A
mnt
cp A "$MNT/A"
sync "$MNT/A"
cp "$MNT/A" "$MNT/copy"
sync "$MNT/copy"
truncate -s 1000 "$MNT/A"
head -c 3000000 /dev/zero | tr '\0' x >>"$MNT/A"
head -c 3000000 /dev/zero | tr '\0' y >"$MNT/other"
same A "$MNT/copy" "a copy of what was then changed"
slay
mnt
same A "$MNT/copy" "after the kill, a copy of what was then changed"
if [ "$(stat -c %s "$MNT/A")" -eq 4000000 ]; then
	same A "$MNT/A" "a file as it was fsynced"
	ok "a file cut off after its fsync is whole"
else
	fail "the flush came first"
fi
umnt
extract_file "$IMG" /A got.A
same A got.A
extract_file "$IMG" /copy got.copy
same A got.copy
ok "and is burned whole"
