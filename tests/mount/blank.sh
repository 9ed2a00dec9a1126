#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Blank means blank: what "discfs info" says of each kind of content, and what
# a mount does with it.  The rows are those of the table in docs/semantics.md.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq genisoimage gzip script mkfs.ext4 mkfs.btrfs mkntfs sgdisk mkudffs

mkdir src
for i in 1 2 3; do
	echo "file $i" >src/f$i
done
head -c 300000 /dev/urandom >src/data

# zeros MIB FILE - in so many bytes, no holes.
zeros() {
	dd if=/dev/zero of="$2" bs=1M count="$1" status=none
}

# --- the kinds --------------------------------------------------------------

make_empty() { : >"$1"; }
make_zeros() { zeros 3 "$1"; }
make_hole() { truncate -s 200M "$1"; }
make_reserved() { fallocate -l 3M "$1"; }
make_ours() {
	mnt -o create "$1"
	cp src/* "$MNT"
	umnt >/dev/null
}
make_other() { genisoimage -quiet -R -o "$1" src; }
make_cut() {
	make_other whole
	head -c 200000 whole >"$1"
}
make_apple() { xorriso -as mkisofs -quiet -hfsplus -o "$1" src 2>/dev/null; }
make_udf_more() {
	genisoimage -quiet -udf -V MORE -hide data -hide f3 -o "$1" src
}
make_udf_same() { genisoimage -quiet -udf -R -V SAME -o "$1" src; }
make_udf_only() { mkudffs --media-type=dvdrw --label=PURE "$1" 20000 >/dev/null; }
make_btrfs() {
	truncate -s 200M "$1"
	mkfs.btrfs -q -L HOME "$1" 2>/dev/null
}
make_ext4() {
	truncate -s 20M "$1"
	mkfs.ext4 -q -L FOUR "$1"
}
make_ntfs() {
	truncate -s 20M "$1"
	mkntfs -F -q -L NT "$1" >/dev/null 2>&1
}
make_stick() {
	truncate -s 20M "$1"
	sgdisk -n 1:2048:30000 "$1" >/dev/null
}
make_pregap() {
	make_other whole
	head -c $((150 * 2048)) /dev/zero | cat - whole >"$1"
}
make_silence() { head -c 3000000 /dev/zero | cat - src/data >"$1"; }
make_late() {
	truncate -s 100M "$1"
	echo late >>"$1"
}
make_lost_head() {
	make_ours "$1"
	dd if=/dev/zero of="$1" bs=65536 count=1 conv=notrunc status=none
}
make_gzip() { gzip -c src/data >"$1"; }
make_noise() { cp src/data "$1"; }

# --- the table --------------------------------------------------------------

# info_says FILE STATUS HOLDS REGEX - its status, its file systems, and what it
# is said to look like, or why it cannot be written.
info_says() {
	"$DISCFS" info --json "$1" >info.json
	[ "$(jq -r .medium.status info.json)" = "$2" ] ||
		fail "$1: $(jq -c .medium info.json), not $2"
	[ "$(jq -r '[.file_systems[].type] | join(" ")' info.json)" = "$3" ] ||
		fail "$1: $(jq -c .file_systems info.json), not '$3'"
	jq -r '.medium | .looks_like, .reason' info.json >words
	grep -Eq -- "$4" words || fail "$1: no '$4' in: $(cat words)"
}

# names - what the mount shows.
names() {
	find "$MNT" -mindepth 1 -printf '%f\n' | sort | tr '\n' ' '
}

# row KIND DOES STATUS HOLDS REGEX [NAMES] - DOES is what a mount does: "empty",
# "writable", "read-only" or "refused"; it is what "discfs info" says before
# and after; nothing is changed by either.
row() {
	local kind=$1 does=$2 want=${6:-} before

	"make_$kind" "$kind.img"
	before=$(md5sum <"$kind.img")
	info_says "$kind.img" "$3" "$4" "$5"
	case $does in
	refused)
		expect_error 32 "$5" mnt "$kind.img"
		grep -Eq "\"discfs blank [^ ]*$kind.img\" makes it blank" err ||
			fail "$kind: the way to mean it: $(cat err)"
		expect_error 32 "$5" mnt -o create,capacity=dvd "$kind.img"
		! mounted || fail "$kind: mounted"
		;;
	read-only)
		mnt "$kind.img" 2>err
		grep -Eq -- "mounted read-only: .*$5|damaged: " err ||
			fail "$kind: $(cat err)"
		! touch "$MNT/new" 2>/dev/null || fail "$kind: writable"
		[ "$(names)" = "$want" ] || fail "$kind: $(names)"
		umnt
		;;
	*)
		mnt "$kind.img" 2>err
		[ ! -s err ] || fail "$kind: $(cat err)"
		[ "$(names)" = "$want" ] || fail "$kind: $(names)"
		touch "$MNT/new"
		rm "$MNT/new"
		umnt
		;;
	esac
	[ "$(md5sum <"$kind.img")" = "$before" ] || fail "$kind: was changed"
	ok "$kind: $does"
}

iso=iso9660 all="data f1 f2 f3 "
row empty empty blank '' '^null$'
row zeros empty blank '' '^null$'
row hole empty blank '' '^null$'
row reserved empty blank '' '^null$'
row ours writable appendable "$iso rock_ridge joliet" '^null$' "$all"
row other writable appendable "$iso rock_ridge" '^null$' "$all"
row apple writable appendable "$iso rock_ridge hfs_plus" '^null$' "$all"
row cut read-only closed "$iso rock_ridge" 'truncated' "$all"
row udf_more read-only appendable "$iso udf" 'also holds a UDF file system, .MORE.' \
	'F1 F2 '
row udf_same read-only appendable "$iso rock_ridge udf" \
	'also holds a UDF file system, .SAME.' "$all"
row udf_only refused 'not a data disc' udf \
	'UDF file system, .PURE. and no ISO 9660; "mount -t udf'
row btrfs refused 'not a data disc' '' "a file system, btrfs named 'HOME'"
row ext4 refused 'not a data disc' '' "a file system, ext4 named 'FOUR'"
row ntfs refused 'not a data disc' '' "a file system, ntfs named 'NT'"
row stick refused 'not a data disc' '' 'a disk with partitions, gpt'
row pregap refused 'not a data disc' '' 'behind a pregap of 150 blocks'
row silence refused 'not a data disc' '' 'begins with zeros.*byte 3000000'
row late refused 'not a data disc' '' 'begins with zeros.*byte 104857600'
row lost_head refused 'not a data disc' '' 'session at block 32 that no superblock'
row gzip refused 'not a data disc' '' 'compressed by gzip'
row noise refused 'not a data disc' '' 'neither blank nor'

cp apple.img before.iso
mnt apple.img
touch "$MNT/new"
umnt >/dev/null
cmp -n 32768 before.iso apple.img
cmp -i 40960 -n $(($(stat -c %s before.iso) - 40960)) before.iso apple.img
ok "what HFS+ has beside ISO 9660 stays when the image grows"

# --- a session that nothing leads to -----------------------------------------

mnt -o sbsector=32 lost_head.img 2>err
[ "$(names)" = "$all" ] || fail "$(names)"
! touch "$MNT/new" 2>/dev/null || fail "writable"
umnt
ok "-o sbsector= shows a session that no superblock leads to"

expect_error 32 'no session 1: the disc has 0' mnt -o session=1 hole.img
expect_error 32 'no ISO 9660 session at block 32' mnt -o sbsector=32 hole.img
expect_error 32 'no ISO 9660 session at block 32' mnt -o sbsector=32 btrfs.img
expect_error 32 'superblock of the session at block 32' \
	mnt -o sbsector=32 empty.img
expect_error 32 'no such file' mnt -o create,session=1 made.img
expect_error 32 'no such file' mnt -o create,sbsector=32 made.img
[ ! -e made.img ] || fail "made for nothing"
expect_error 32 'base=1: only on media that are written once' \
	mnt -o base=1 hole.img
ok "a session of a blank disc is an error"

# --- what becomes of a blank image under a mount -----------------------------

cp --sparse=always hole.img under.img
mnt under.img
cp src/data "$MNT/data"
printf X | dd of=under.img bs=1 seek=150000000 conv=notrunc status=none
before=$(md5sum <(tail -c +149000000 under.img | head -c 2000000))
expect_error 32 'another program wrote to it' umnt
[ "$(md5sum <(tail -c +149000000 under.img | head -c 2000000))" = "$before" ]
cmp -n 65536 under.img /dev/zero
has 'A data'
keep
expect_error 32 'begins with zeros.*byte 150000000' mnt under.img
fallocate -p -o 149995520 -l 8192 under.img
mnt under.img
has 'A data'
umnt >/dev/null
extract_file under.img /data got
same src/data got
ok "written to under the mount: refused, the changes kept, and burned later"

# --- the time it takes -------------------------------------------------------

# A first look has to read zeros, the others must not.
zeros 400 large.img
touch -d '1 hour ago' large.img
start=$(date +%s%N)
cat large.img >/dev/null
one=$((($(date +%s%N) - start) / 1000000))
start=$(date +%s%N)
mnt large.img
all=$((($(date +%s%N) - start) / 1000000))
umnt
[ $all -lt $((one * 3 + 1500 * TEST_SLOW)) ] ||
	fail "$all ms to mount what is read in $one ms"
ok "zeros are read once"
rm large.img

# --- discfs blank ------------------------------------------------------------

for kind in btrfs udf_only noise ours lost_head; do
	expect_error 32 'would be lost \(image file, .*-y must say so' \
		"$DISCFS" blank --stage "$STAGE" $kind.img
	[ -s $kind.img ] || fail "$kind: blanked unasked"
	"$DISCFS" blank -y --stage "$STAGE" $kind.img >words
	grep -q 'blanked; the image file is blank now$' words || fail "$(cat words)"
	[ ! -s $kind.img ] || fail "$kind: not cut to nothing"
	mnt $kind.img
	cp src/f1 "$MNT"
	umnt >/dev/null
	extract_file $kind.img /f1 got.$kind
	same src/f1 got.$kind
done
ok "discfs blank: the content is given up in words, and the image is blank"

"$DISCFS" blank -y hole.img >words
grep -q 'is blank already$' words || fail "$(cat words)"
expect_error 32 'no thorough blanking' "$DISCFS" blank -y --full ext4.img
for verb in format close recover; do
	expect_error 32 'an image file and no drive' "$DISCFS" $verb other.img
done
ok "what it does not do"

mnt other.img
expect_error 32 'mounted|in use' "$DISCFS" blank -y other.img
touch "$MNT/pending"
keep
exec 3<other.img
expect_error 32 'another program has it open' \
	"$DISCFS" blank -y --stage "$STAGE" other.img
exec 3<&-
chmod a-w other.img
[ "$(id -u)" -eq 0 ] || expect_error 32 'may not be written' \
	"$DISCFS" blank -y --stage "$STAGE" other.img
chmod u+w other.img
[ "$(sessions other.img | wc -l)" -eq 1 ] || fail "it was blanked"
printf 'n\n' | script -qec "'$DISCFS' blank --stage '$STAGE' other.img" \
	/dev/null >seen || true
grep -q '1 change in stage .* for it' seen || fail "$(cat seen)"
[ -s other.img ] || fail "blanked with an answer of no"
"$DISCFS" blank -y --stage "$STAGE" other.img >words 2>&1
grep -q '1 change in stage .*stage-from=' words || fail "$(cat words)"
ok "refused while somebody has it; what waits for it is named"
