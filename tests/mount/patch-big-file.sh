#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Ten bytes changed in the middle of a file of 1 GiB that is on the disc already:
# nothing is copied for that.
#
# Runs on disk: it takes some GiB.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires bsdtar
truncate -s 1G big
for at in 0 511 512 1023; do
	head -c 1000000 /dev/urandom |
		dd of=big bs=1M seek=$at conv=notrunc status=none
done
: >empty
xorriso -abort_on SORRY -outdev "stdio:$IMG" -map big /big -map empty /empty \
	-commit 2>xorriso.err || fail "$(tail -n 3 xorriso.err)"

staged() {
	du -s --block-size=1 "$STAGE" | cut -f 1
}

# io_bytes - what the daemon has read and written by system calls so far.
io_bytes() {
	awk '/^[rw]char:/ { n += $2 } END { print n }' "/proc/$(daemon)/io"
}

# opens FILE - microseconds for 200 times opening it for writing.
opens() {
	local begin=${EPOCHREALTIME/[.,]/} _

	for _ in {1..200}; do
		: 4<>"$1"
	done
	echo $((${EPOCHREALTIME/[.,]/} - begin))
}

mnt
: >>"$MNT/empty"
sync "$MNT/empty"
before=$(staged)
moved=$(io_bytes)
opens "$MNT/empty" >/dev/null
empty=$(opens "$MNT/empty")
big=$(opens "$MNT/big")
echo "200 opens: empty file $empty us, big file $big us"
# Times are only told; what must not be is that opening moves content.
moved=$(($(io_bytes) - moved))
[ "$moved" -lt 1000000 ] || fail "opening moved $moved bytes"
ok "opening 1 GiB for writing moves no more than opening an empty file"

patch() {
	printf 0123456789 |
		dd of="$1" bs=1 seek=$(((512 << 20) + 12345)) conv=notrunc,fsync \
			status=none
}

patch "$MNT/big"
after=$(staged)
[ $((after - before)) -lt 1048576 ] ||
	fail "the stage grew by $((after - before)) bytes"
ok "the stage grew by $((after - before)) bytes"

patch big
cmp "$MNT/big" big || fail "the patched file reads wrong"
has 'M big'

# copy FILE - cp within the mount; no byte of it may move.
copy() {
	local before after

	sync "$1"
	before=$(staged)
	cp "$1" "$MNT/copy"
	sync "$MNT/copy"
	after=$(staged)
	[ $((after - before)) -lt 100000 ] ||
		fail "a copy of $1 staged $((after - before)) bytes"
	cmp "$1" "$MNT/copy" || fail "a copy of $1 is another"
	# The copy is a file of its own.
	printf X | dd of="$MNT/copy" bs=1 seek=100000 conv=notrunc status=none
	cmp -s "$1" "$MNT/copy" && fail "a change of the copy shows in $1"
	rm "$MNT/copy"
}

# Partly on the disc, all of it there, nothing of it.
copy "$MNT/big"
umnt
mnt
copy "$MNT/big"
head -c 100000000 /dev/urandom >"$MNT/staged"
copy "$MNT/staged"
rm "$MNT/staged"
clean
ok "copies of 1 GiB within the mount stage nothing"
umnt
bsdtar -xOf "$IMG" big | cmp - big || fail "bsdtar reads something else"
expect_sessions 2
ok "and it is burned whole"
