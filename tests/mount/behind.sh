#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What lies behind the volume of an image stays as it is, and is told: the later
# sessions of a dumped disc, error correction data, a partition, anything.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires genisoimage isoinfo dvdisaster sfdisk

mkdir s1 s2
echo one >s1/one
head -c 100000 /dev/urandom >s1/d1
echo two >s2/two
head -c 100000 /dev/urandom >s2/d2
genisoimage -quiet -R -V S1 -o 1.iso s1

# part FILE BLOCK [BLOCKS] - a sum of what it has from there on.
part() {
	tail -c +$(($2 * 2048 + 1)) "$1" | head -c $((${3:-1000000} * 2048)) |
		md5sum
}

# change IMAGE NAME - burn one more file to it; what the mount said is in words.
change() {
	mnt "$1" 2>words
	sed 's/^/mount: /' words
	echo "$2" >"$MNT/$2"
	umnt
}

# sessions IMAGE - their volume ids.
sessions() {
	"$DISCFS" log --json "$1" | jq -r '.sessions[].volume_id' | tr '\n' ' '
}

# --- a dump -------------------------------------------------------------------

# dump FROM FILE GENISOIMAGE-ARG... - session 2 begins at block FROM.
dump() {
	local from=$1 file=$2

	shift 2
	genisoimage -quiet -R -V S2 -C "0,$from" -M 1.iso "$@" -o 2.iso s2
	cp 1.iso "$file"
	dd if=2.iso of="$file" bs=2048 seek="$from" conv=notrunc status=none
}

for from in 225 1024 11625; do
	for pad in -pad -no-pad; do
		dump $from dump.iso $pad
		size=$(stat -c %s dump.iso)
		blocks=$((size / 2048 - from))
		before=$(part dump.iso $from $blocks)
		[ "$(sessions dump.iso)" = "S1 S2 " ] ||
			fail "$from $pad: $(sessions dump.iso)"
		change dump.iso three
		change dump.iso four
		[ "$(part dump.iso $from $blocks)" = "$before" ] ||
			fail "$from $pad: session 2 was overwritten"
		[ "$(sessions dump.iso)" = "S1 S2 S2 S2 " ] ||
			fail "$from $pad: $(sessions dump.iso)"
		"$DISCFS" check dump.iso
		mnt dump.iso
		[ "$(cd "$MNT" && echo *)" = "d1 d2 four one three two" ]
		cmp s2/d2 "$MNT/d2"
		[ "$(cd "$MNT/.discfs/sessions/1" && echo *)" = "d1 one" ]
		cmp s1/d1 "$MNT/.discfs/sessions/1/d1"
		[ "$(cd "$MNT/.discfs/sessions/2" && echo *)" = \
			"d1 d2 one two" ]
		keep
		isoinfo -R -f -i dump.iso | grep -q '^/four$'
		"$DISCFS" export -s 2 dump.iso second.iso
		[ "$(isoinfo -R -f -i second.iso | wc -l)" -eq 4 ]
		rm second.iso
		rm -rf "${STAGE:?}"
	done
done
ok "a dump of two sessions is listed, shown, gone on from; none is lost"

# An image that is a file's content is none of the disc's sessions.
mkdir inner outer
echo inner >inner/inner
genisoimage -quiet -R -no-pad -V INNER -o outer/inner.iso inner
genisoimage -quiet -R -no-pad -V OUTER -o outer.iso outer
cat 1.iso outer.iso >both.iso
[ "$(sessions both.iso)" = "S1 " ] || fail "$(sessions both.iso)"
blocks=$(($(stat -c %s both.iso) / 2048 - 225))
before=$(part both.iso 225 $blocks)
change both.iso x
grep -q 'behind its file system' words || fail "not told: $(cat words)"
[ "$(part both.iso 225 $blocks)" = "$before" ] || fail "overwritten"
ok "an image behind an image is none of its sessions, and stays"

# --- other things -------------------------------------------------------------

cp 1.iso other.iso
printf 'secret key' >>other.iso
"$DISCFS" info other.iso | grep -q 'behind its file system lie' ||
	fail "info does not tell"
change other.iso x
grep -q 'behind its file system lie' words || fail "not told: $(cat words)"
[ "$(tail -c +$((225 * 2048 + 1)) other.iso | head -c 10)" = "secret key" ] ||
	fail "overwritten"
ok "a few bytes stay, and mount and info tell of them"

cp 1.iso far.iso
truncate -s 3G far.iso
printf x >>far.iso
change far.iso x
[ "$(tail -c +$((3 << 30 | 1)) far.iso | head -c 1)" = x ]
[ "$("$DISCFS" log --json far.iso | jq '.sessions[1].lba')" -gt \
	$((3 << 30 >> 11)) ] || fail "$("$DISCFS" log far.iso)"
rm far.iso
ok "one byte behind a long hole stays"

cp 1.iso zeros.iso
truncate -s +5M zeros.iso
change zeros.iso x
[ ! -s words ] || fail "told of zeros: $(cat words)"
[ "$("$DISCFS" log --json zeros.iso | jq '.sessions[1].lba')" = 256 ] ||
	fail "zeros are kept"
ok "zeros are taken for room"

cp 1.iso rs.iso
dvdisaster -i rs.iso -mRS02 -n 2000 -c >/dev/null 2>&1
end=$(($(stat -c %s rs.iso) / 2048))
before=$(part rs.iso 225 $((end - 225)))
change rs.iso x
grep -q 'error correction' words || fail "not told: $(cat words)"
[ "$(part rs.iso 225 $((end - 225)))" = "$before" ] || fail "overwritten"
ok "error correction data stays, and is told"

head -c 1000000 /dev/urandom >esp
for table in '' '-appended_part_as_gpt'; do
	# shellcheck disable=SC2086
	xorriso -as mkisofs -quiet -r -o part.iso $table \
		-append_partition 2 0xef esp s1 2>/dev/null
	start=$(sfdisk -J part.iso |
		jq '.partitiontable.partitions[] | select(.size > 1900) |
			.start' | tail -n 1)
	change part.iso x
	change part.iso y
	cmp -n 1000000 -i "$((start * 512)):0" part.iso esp
	[ "$(sessions part.iso | wc -w)" -eq 3 ]
done
ok "an appended partition stays byte for byte"

# --- a burn of ours that did not end ------------------------------------------

cp 1.iso cut.iso
DISCFS_CRASH=after-data mnt cut.iso
head -c 3M /dev/urandom >"$MNT/new"
if umnt >/dev/null 2>&1; then
	fail "no crash"
fi
umount -l "$MNT" 2>/dev/null || true
[ "$(stat -c %s cut.iso)" -gt 3000000 ] || fail "nothing was left"
mnt cut.iso
umnt
"$DISCFS" check cut.iso
[ "$("$DISCFS" log --json cut.iso | jq -c '[.sessions[].lba] | .[1:]')" = \
	'[256]' ] || fail "not where it began: $("$DISCFS" log cut.iso)"
ok "a burn of ours that was cut off is in nobody's way"
