#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file of 5 GiB goes in and comes out equal.
#
# Runs on disk: it takes 5 GiB.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires bsdtar
# Holes cost nothing here, but a disc has none.
need=$((6 * 1024 * 1024))
[ "$(df --output=avail -k "$T" | tail -n 1)" -gt $need ] ||
	skip "less than 6 GiB free in $T"

truncate -s 5G big
# Data at both ends, in the middle, and around 4 GiB, where extents change.
for at in 0 2500 4094 4095 4096 5119; do
	head -c 1000000 /dev/urandom |
		dd of=big bs=1M seek=$at conv=notrunc status=none
done

new_image
mnt
cp big "$MNT/"
[ "$(stat -c %s "$MNT/big")" -eq $((5 << 30)) ] || fail "the size is wrong"
staged=$(du -s --block-size=1M "$STAGE" | cut -f 1)
[ "$staged" -lt 200 ] || fail "$staged MiB staged for 6 MB of data"
ok "5 GiB go in, and holes stay holes"
umnt
expect_sessions 1
ok "they are burned"

bsdtar -xOf "$IMG" big | cmp - big || fail "bsdtar reads something else"
ok "bsdtar reads them back"
on_image "$IMG" - -find /big -exec lsdl -- | grep -q " $((5 << 30)) " ||
	fail "xorriso sees another size"
mnt
clean
# Around the places with data; bsdtar has compared all of it.
for at in 0 2499 4093 4095 5118; do
	cmp -i $((at << 20)) -n 3000000 "$MNT/big" big ||
		fail "differs near $at MiB"
done
umnt
ok "the next mount reads the same"
