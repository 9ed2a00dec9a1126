#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 of the daemon while files are copied in, at a random moment, 20 times:
# the next mount shows every file that had been fsynced, byte for byte, and every
# rename done or not done.
#
# Runs on disk: a kill is nearest to a power cut there.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# Copies of a few sizes, so that one extent, several, and none are met.
mkdir src
for i in {0..9}; do
	head -c $((i * i * 4321)) /dev/urandom >"src/$i"
done

# writer DIR LOG - until it fails, since the mount is gone.  In LOG: the number
# of each file that fsync has answered for.
writer() {
	local dir=$1 n=0

	mkdir "$dir" || return 0
	while :; do
		cp "src/$((n % 10))" "$dir/new.$n" 2>/dev/null || return 0
		sync "$dir/new.$n" 2>/dev/null || return 0
		echo $n >>"$2"
		mv "$dir/new.$n" "$dir/file.$n" 2>/dev/null || return 0
		if [ $((n % 7)) -eq 6 ]; then
			mkdir "$dir/open.$n" 2>/dev/null || return 0
			mv "$dir/file.$n" "$dir/open.$n/file.$n" 2>/dev/null ||
				return 0
			mv "$dir/open.$n" "$dir/done.$n" 2>/dev/null || return 0
		fi
		n=$((n + 1))
	done
}

# whole DIR LOG - every file of LOG is there once, under one of the names that
# it had, with its bytes.
whole() {
	local n file
	local -a found

	while read -r n; do
		found=()
		for file in "$1/new.$n" "$1/file.$n" "$1/open.$n/file.$n" \
			"$1/done.$n/file.$n"; do
			[ ! -e "$file" ] || found+=("$file")
		done
		[ ${#found[@]} -eq 1 ] ||
			fail "file $n is there ${#found[@]} times: ${found[*]}"
		cmp "src/$((n % 10))" "${found[0]}" || fail "${found[0]} differs"
	done <"$2"
}

seed=$EPOCHSECONDS
RANDOM=$seed
echo "seed $seed"
new_image
all=0
for round in {1..20}; do
	mnt
	: >"log.$round"
	writer "$MNT/round$round" "log.$round" &
	writer=$!
	sleep "0.$(printf %03d $((50 + RANDOM % 700)))"
	slay
	wait $writer

	mnt
	whole "$MNT/round$round" "log.$round"
	[ -z "$(find "$MNT" -mindepth 1 -maxdepth 1 ! -name 'round*')" ] ||
		fail "strange names in the root: $(ls "$MNT")"
	all=$((all + $(wc -l <"log.$round")))
	slay
done
[ $all -gt 100 ] || fail "only $all files were fsynced in all: too few to tell"
ok "20 times killed, $all files fsynced, all of them whole"

mnt
for round in {1..20}; do
	whole "$MNT/round$round" "log.$round"
done
cp -a "$MNT" want
umnt
extract "$IMG" got
same_tree want got
for round in {1..20}; do
	whole "got/round$round" "log.$round"
done
ok "and all of them are burned in the end"
