#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A short text written over a long file with the shell's > is short, in every
# cache and on the disc.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

long=$(printf 'forty bytes, and not a single one more..')
[ ${#long} -eq 40 ] || fail "the long text has ${#long} bytes"

new_image
mnt
printf %s "$long" >"$MNT/imported"
head -c 300000 /dev/urandom >"$MNT/imported-large"
umnt

# short FILE - it reads as "xyz", whoever asks.
short() {
	[ "$(stat -c %s "$1")" -eq 3 ] || fail "$1 has $(stat -c %s "$1") bytes"
	[ "$(cat "$1")" = xyz ] || fail "$1 reads $(head -c 40 "$1")"
}

mnt
printf %s "$long" >"$MNT/staged"
head -c 300000 /dev/urandom >"$MNT/staged-large"
sync "$MNT/staged-large"
files=("$MNT"/imported "$MNT"/imported-large "$MNT"/staged "$MNT"/staged-large)
cat "${files[@]}" >/dev/null
for f in "${files[@]}"; do
	printf xyz >"$f"
	short "$f"
done
ok "short at once"
drop_caches "${files[@]}"
for f in "${files[@]}"; do
	short "$f"
done
ok "short without the caches"

# What was cut off must not come back.
for f in "${files[@]}"; do
	truncate -s 40 "$f"
	[ "$(tail -c +4 "$f" | tr -d '\0' | wc -c)" -eq 0 ] ||
		fail "$f: the old bytes are back"
	truncate -s 3 "$f"
done
ok "grown again, it is zeros"

keep
mnt
for f in "${files[@]}"; do
	short "$f"
done
ok "short after the next mount"
umnt
mkdir got
for f in imported imported-large staged staged-large; do
	extract_file "$IMG" "/$f" "got/$f"
	short "got/$f"
done
ok "short on the disc"
