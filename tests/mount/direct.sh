#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Direct I/O, asynchronous too, beside reading through the page cache: that has
# what was written, at the latest when the write is over.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
direct=$top_builddir/tests/mount/direct

new_image
mnt
"$direct" "$MNT/new" 3 >out || fail "a file that is staged: $(cat out)"
cat out
ok "direct and buffered at once, in a file that is staged"

head -c 200000 /dev/urandom >"$MNT/burned"
umnt
mnt
"$direct" "$MNT/burned" 3 >out || fail "a file of the disc: $(cat out)"
cat out
cp "$MNT/burned" want
umnt
extract "$IMG" got
same want got/burned
ok "and in a file of the disc"
