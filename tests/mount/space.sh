#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What does not fit is refused at the write, not at the burn.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

new_image
mnt -o capacity=8M
head -c 2000000 /dev/urandom >fits
cp fits "$MNT/"
free=$(stat -f -c '%a' "$MNT")
size=$(stat -f -c '%S' "$MNT")
[ $((free * size)) -lt 6400000 ] || fail "df shows $((free * size)) bytes"
[ $((free * size)) -gt 3000000 ] || fail "df shows $((free * size)) bytes"
ok "df shows what can still be written"

if head -c 20000000 /dev/zero >"$MNT/too-large" 2>err; then
	fail "20 MB fit on 8"
fi
grep -q 'No space left' err || fail "refused otherwise: $(cat err)"
rm "$MNT/too-large"
ok "a write beyond it gets ENOSPC"

n=0
while head -c 100000 /dev/zero >"$MNT/part.$n" 2>/dev/null; do
	n=$((n + 1))
	[ $n -lt 100 ] || fail "no end"
done
rm "$MNT/part.$n"
[ $n -gt 30 ] || fail "only $n files of 100 kB fit into 6 MB"
same fits "$MNT/fits"
umnt
[ "$(stat -c %s "$IMG")" -le $((8 << 20)) ] || fail "the image is too large"
expect_sessions 1
extract "$IMG" got
same fits got/fits
[ "$(find got -name 'part.*' -size 100000c | wc -l)" -eq $n ] ||
	fail "files are missing"
ok "what was accepted is burned"
