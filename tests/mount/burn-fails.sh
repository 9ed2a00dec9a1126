#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The image's file system has no space left, before the burn and in the midst of
# it: umount says so and exits 32, the mount and its deltas stay, and after space
# was made umount succeeds.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

mkdir small
mount -t tmpfs -o size=220m tmpfs small
IMG=$T/small/disc.iso

free_kib() {
	df --output=avail -k small | tail -n 1 | tr -d ' '
}

new_image
mnt
echo first >"$MNT/first"
umnt
cp "$IMG" before.iso

# still_there - the mount is as it was, and so is the disc.
still_there() {
	mounted || fail "the mount is gone"
	has 'A data'
	cmp data "$MNT/data" || fail "the staged file is damaged"
	untouched before.iso "$IMG"
	cmp -n 65536 before.iso "$IMG" || fail "the head was changed"
	expect_sessions 1
	[ "$(on_image "$IMG" - -find / -type f)" = "'/first'" ] ||
		fail "the last session is another"
}

mnt
head -c 100000000 /dev/urandom >data
cp data "$MNT/"
fallocate -l "$(($(free_kib) - 50000))K" small/filler
expect_error 32 'space|free' umnt
still_there
ok "no space before the burn: refused, nothing lost"

rm small/filler
echo 'still writable' >"$MNT/after"

# Enough when the burn begins, and little more; gone when a part of it is written.
# The burn is a matter of tenths of a second: it shall not be over before the
# filler has taken that little.
fallocate -l "$(($(free_kib) - 115000))K" small/most
for task in /proc/"$(daemon)"/task/*; do
	renice -n 19 -p "${task##*/}" >/dev/null
done
size=$(stat -c %s "$IMG")
(
	until [ "$(stat -c %s "$IMG")" -gt $((size + 1000000)) ]; do
		:
	done
	cat /dev/zero >small/filler 2>/dev/null || true
) &
filler=$!
expect_error 32 'space|free' umnt
wait $filler
still_there
ok "no space in the midst of the burn: the same"

rm small/filler small/most
echo 'and again' >>"$MNT/after"
umnt
! mounted || fail "still mounted"
expect_sessions 2
extract_file "$IMG" /data got
same data got
extract_file "$IMG" /after got.after
[ "$(cat got.after)" = 'still writable
and again' ] || fail "a later change is lost"
sound "$IMG"
ok "with space again, umount succeeds"
