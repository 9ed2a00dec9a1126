#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Media that can be written over and begin with zeros: what is behind them is
# found, and refused, until somebody blanks the disc.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires cdrskin mkfs.btrfs mkudffs genisoimage jq

three_trees
head -c 100000 /dev/urandom >music
truncate -s 110M btrfs
mkfs.btrfs -q -L HOME btrfs 2>/dev/null
genisoimage -quiet -udf -V WIN -hide data -o bridge.iso "$T/t/s1"

# formatted KIND - a disc that is blank, and can be written anywhere.
formatted() {
	rm -rf "$STAGE"
	new_drive "$1"
	[ "$1" != bd-re ] || on_drive format /dev/sr0 >/dev/null
}

# wrote N - so many write commands the drive has had.
wrote() {
	[ "$(disc log | grep -c ^2a)" -ge "$1" ]
}

# kill_later - as kill_in_burn, with more than the system area written.
kill_later() {
	disc fault slow on=write ms=60
	on_drive commit "$MNT" >/dev/null 2>&1 &
	within 20 wrote 5
	slay
	wait $! && fail "it says that all went well"
	disc faults clear
}

# put FILE BYTE - somebody writes that there.
put() {
	local size

	size=$(stat -c %s "$1")
	truncate -s $(((size + 65535) / 65536 * 65536)) "$1"
	if [ "$2" = 0 ]; then
		burns cdrskin dev=/dev/sr0 "$1"
	else
		burns cdrskin dev=/dev/sr0 write_start_address="$2" "$1"
	fi
	reload
}

status() {
	on_drive info --json /dev/sr0 >info.json
	jq -r .medium.status info.json
}

# refused REGEX - and nothing is written.
refused() {
	local writes

	[ "$(status)" = 'not a data disc' ] || fail "$(cat info.json)"
	writes=$(disc log | grep -c ^2a) || true
	expect_error 32 "$1" mount_drive
	grep -q '"discfs blank /dev/sr0" makes it blank' err || fail "$(cat err)"
	! mounted || fail "mounted"
	[ "$(disc log | grep -c ^2a || true)" = "$writes" ] || fail "written to"
}

for kind in dvd+rw dvd-ram bd-re dvd-rw-ro; do
	formatted $kind
	[ "$(status)" = blank ] || fail "$kind: $(cat info.json)"
	dd if=btrfs of=part bs=65536 skip=1 count=1 status=none
	put part 65536
	refused 'begins with zeros.* byte 65536.*btrfs named .HOME.'
	on_drive blank -y /dev/sr0 >words
	grep -q 'is blank now$' words || fail "$(cat words)"
	[ "$(status)" = blank ] || fail "$kind: $(cat info.json)"
	mount_drive
	cp -r t/s2 "$MNT/s2"
	on_drive umount "$MNT" >/dev/null
	holds 2
	on_drive blank -y /dev/sr0 >words
	[ "$(status)" = blank ] || fail "$kind: $(cat info.json)"
	ok "$kind: btrfs is found behind zeros; blanked, written, blanked again"
done

# 30000 blocks are the half of the disc; behind 59488 its last MiB.
for at in 0x4B000 4128768 16777216 61440000 122683392; do
	formatted dvd+rw
	put music $at
	refused "begins with zeros.* byte $((at))"
	on_drive blank -y /dev/sr0 >words
	[ "$(status)" = blank ] || fail "$at: $(cat info.json)"
done
ok "a pregap, silence, something in the middle or at the end"

# --- a first burn that did not end --------------------------------------------

for kind in dvd+rw bd-re; do
	formatted $kind
	mount_drive
	cp music "$MNT/music"
	cp -r t/s1 "$MNT/s1"
	kill_later
	expect_error 32 'begins with zeros' \
		on_drive mount -o "stage=$T/other" /dev/sr0 "$MNT"
	for opts in ro ''; do
		mount_drive $opts
		has 'A music' 'A s1'
		same music "$MNT/music"
		[ -n "$opts" ] && on_drive umount "$MNT"
	done
	rm "$MNT/music"
	on_drive umount "$MNT" >/dev/null
	holds 1
	ok "$kind: the changes of a burn that was killed are burned"
done

# In the same mount, and the disc is blank again for who comes next.
formatted dvd+rw
mount_drive
cp -r t/s1 "$MNT/s1"
disc fault write-error lba=64 times=1
expect_error 32 'discfs' on_drive commit "$MNT"
disc faults clear
has 'A s1'
on_drive commit "$MNT" >/dev/null
on_drive umount "$MNT"
holds 1
ok "a burn that failed is burned again in the same mount"

# --- UDF beside ISO 9660 -------------------------------------------------------

mkudffs --media-type=dvdr --udfrev=1.50 --label=PURE pure.udf 3000 >/dev/null
for kind in dvd-r dvd+rw; do
	rm -rf "$STAGE"
	new_drive $kind
	put pure.udf 0
	expect_error 32 'UDF file system.* and no ISO 9660; "mount -t udf' \
		mount_drive
	ok "$kind: UDF alone is refused, with the way to mount it"
done

for kind in dvd+rw dvd-ram dvd-r bd-r cd-rw; do
	rm -rf "$STAGE"
	new_drive $kind
	multi=-multi
	! is_overwritable $kind || multi=
	# shellcheck disable=SC2086
	burns cdrskin dev=/dev/sr0 $multi bridge.iso
	reload
	before=$(disc show)
	mount_drive 2>err
	grep -q 'mounted read-only: it also holds a UDF file system, .WIN.' err ||
		fail "$kind: $(cat err)"
	on_drive umount "$MNT"
	on_drive info --json /dev/sr0 >info.json
	jq -e '.file_systems[] | select(.type == "udf") | .label == "WIN"' \
		info.json >/dev/null || fail "$kind: $(cat info.json)"
	[ "$(disc show)" = "$before" ] || fail "$kind: written to"
	ok "$kind: UDF beside ISO 9660 is mounted read-only"
done
