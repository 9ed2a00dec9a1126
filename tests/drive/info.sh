#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs drives and discfs info: in words and as JSON, of each medium, blank,
# with a session, closed, damaged, protected; of images; of a drive that others
# have.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires jq genisoimage

# asks FILTER - jq on what was printed is true.
asks() {
	[ "$(jq "$1" "$T/json")" = true ] || fail "not $1: $(cat "$T/json")"
}

info() {
	on_drive info --json /dev/sr0 >"$T/json"
}

three_trees
new_drive dvd+r
on_drive drives >"$T/words"
grep -Eq '^drive: +/dev/sr0, EMULATED DISC RECORDER 1.00$' "$T/words" ||
	fail "$(cat "$T/words")"
grep -Eq '^medium: +DVD\+R, blank$' "$T/words" || fail "$(cat "$T/words")"
on_drive drives --json >"$T/json"
asks '.drives | length == 1'
asks '.drives[0].path == "/dev/sr0" and .drives[0].vendor == "EMULATED"'
asks '.drives[0].serial | startswith("MMC-")'
asks '.drives[0].reads | contains(["CD-ROM", "BD-ROM", "DVD+R"])'
asks '.drives[0].writes | contains(["DVD+R", "BD-RE"])'
asks '.drives[0].writes | contains(["CD-ROM"]) | not'
asks '.drives[0].in_use == false and .drives[0].holder == null'
asks '.drives[0].buffer_bytes == 524288'
asks '.drives[0].medium.write_speeds | length > 1 and .[0] > .[1]'
ok "a drive with a blank DVD+R"

cp "$DRIVE" "$T/second"
MMC_DRIVES=/dev/sr0=$DRIVE,/dev/sr1=$T/second
disc eject
on_drive drives --json >"$T/json"
asks '.drives | length == 2'
asks '[.drives[].path] == ["/dev/sr0", "/dev/sr1"]'
asks '.drives[0].medium.status == "no medium"'
asks '.drives[1].medium.type == "DVD+R"'
MMC_DRIVES=/dev/sr0=$DRIVE
disc load
ok "two drives, one without a disc"

disc unplug
on_drive drives --json >"$T/json"
asks '.drives == []'
on_drive drives >"$T/words" 2>"$T/err"
grep -q 'no optical drive' "$T/err" || fail "$(cat "$T/err")"
disc plug
ok "no drive"

declare -A type=(
	[cd-r]='CD-R' [cd-rw]='CD-RW' [dvd-r]='DVD-R sequential recording'
	[dvd-rw]='DVD-RW sequential recording'
	[dvd-rw-ro]='DVD-RW restricted overwrite' [dvd+r]='DVD+R'
	[dvd+r-dl]='DVD+R/DL' [dvd+rw]='DVD+RW' [dvd-ram]='DVD-RAM'
	[bd-r]='BD-R sequential recording' [bd-re]='BD-RE'
)
for kind in $CDS $DVDS $BDS; do
	new_drive "$kind"
	info
	asks ".medium.type == \"${type[$kind]}\" and .kind == \"drive\""
	asks '.medium.status == "blank" and .medium.writable'
	asks '.medium.reason == null and .sessions == []'
	asks '.file_systems == [] and .boot == [] and .trouble == null'
	asks '.drive.product == "DISC RECORDER" and .mountpoint == null'
	asks ".medium.capacity_bytes > 120000000"
	case $kind in
	cd-rw | dvd-rw* | dvd+rw | dvd-ram | bd-re) erasable=true ;;
	*) erasable=false ;;
	esac
	asks ".medium.erasable == $erasable"
	is_overwritable "$kind" && overwritable=true || overwritable=false
	asks ".medium.overwritable == $overwritable"
	case $kind in
	dvd-ram | dvd-rw-ro) asks .medium.formatted ;;
	*) asks '.medium.formatted == false' ;;
	esac
	case $kind in
	cd-* | dvd+* | bd-*) asks '.medium.media_id | length > 5' ;;
	esac

	for i in 1 2; do
		burns xorriso -for_backup -dev /dev/sr0 -close off \
			-volid "VOLUME $i" -joliet on -map "$T/t/s$i" "/s$i" \
			-commit
	done
	info
	asks '.medium.status == "appendable" and .medium.sessions == 2'
	asks '[.sessions[].volume_id] == ["VOLUME 1", "VOLUME 2"]'
	asks '[.sessions[].number] == [1, 2]'
	asks '.sessions[1].date | test("^20..-..-..T..:..:..Z$")'
	burns xorriso -indev /dev/sr0 -toc
	sed -n 's/^ISO session  : *\([0-9]*\) *, *\([0-9]*\) .*/\2/p' \
		"$T/said" >"$T/lbas"
	[ "$(jq '.sessions[].lba' "$T/json")" = "$(cat "$T/lbas")" ] ||
		fail "$kind: $(cat "$T/lbas" "$T/json")"
	asks '[.file_systems[].type] == ["iso9660", "rock_ridge", "joliet"]'
	asks '.file_systems[0].supported'
	free=$(jq .medium.free_bytes "$T/json")
	[ "$free" -lt $((CAPACITY * 2048)) ] || fail "$kind: $free free"
	asks '.medium.nwa > .sessions[1].lba + 100'

	if ! is_overwritable "$kind"; then
		burns xorriso -for_backup -dev /dev/sr0 -close on \
			-map "$T/t/s3" /s3 -commit
		info
		asks '.medium.status == "closed" and (.medium.writable | not)'
		asks '.medium.reason | test("closed")'
		asks '.medium.free_bytes == 0 and .medium.sessions == 3'
	fi
	ok "$kind: blank, with sessions, closed"
done

new_drive dvd+rw
burns xorriso -for_backup -dev /dev/sr0 -map "$T/t/s1" /s1 -commit
on_drive info /dev/sr0 >"$T/words"
grep -Eq '^medium: +DVD\+RW, appendable, overwritable$' "$T/words" ||
	fail "$(cat "$T/words")"
grep -Eq '^space: .* free of .*, next writable block ' "$T/words" ||
	fail "$(cat "$T/words")"
grep -Eq '^holds: +ISO 9660' "$T/words" || fail "$(cat "$T/words")"
grep -Eq '^ +1 +32 +[0-9]+ +20' "$T/words" || fail "$(cat "$T/words")"
ok "in words"

for kind in cd-r dvd-r; do
	new_drive $kind
	burns xorriso -for_backup -dev /dev/sr0 -close off -map "$T/t/s1" /s1 \
		-commit
	disc damage
	info
	asks '.medium.status == "damaged" and .medium.damaged'
	asks '.medium.reason | test("discfs recover")'
	asks '.sessions | length == 1'
	disc protect
	info
	asks '.medium.status == "write-protected" and (.medium.writable | not)'
	on_drive drives --json >"$T/json"
	asks '.drives[0].medium.status == "write-protected"'
	disc unprotect
done
ok "damaged, write-protected"

genisoimage -quiet -udf -o "$T/udf.iso" "$T/t"
for kind in cd-rom dvd-rom bd-rom; do
	rm -f "$DRIVE"
	"$MMCDISC" "$DRIVE" create $kind image="$T/udf.iso" \
		capacity=$(($(stat -c %s "$T/udf.iso") / 2048))
	info
	asks '.medium.status == "closed" and .medium.erasable == false'
	asks '.medium.write_speeds == []'
	asks '[.file_systems[] | select(.supported | not).type] == ["udf"]'
done
ok "pressed discs, with UDF beside ISO 9660"

head -c 300000 /dev/urandom >"$T/noise"
rm -f "$DRIVE"
"$MMCDISC" "$DRIVE" create dvd+rw image="$T/noise" capacity=$CAPACITY
info
asks '.medium.status == "not a data disc" and .file_systems == []'
asks '.medium.reason | test("ISO 9660")'
disc eject
info
asks '.medium.status == "no medium" and .medium.writable == false'
disc load
ok "other data, no disc"

for kind in cd-rom cd-r; do
	new_drive $kind
	if [ $kind = cd-r ]; then
		burns xorriso -for_backup -dev /dev/sr0 -map "$T/t/s1" /s1 -commit
	fi
	disc audio
	info
	asks '.medium.status == "not a data disc" and .trouble == null'
	asks '.sessions | length == 1'
	burns cdrskin dev=/dev/sr0 -toc
	grep -q 'control: 0 mode: 0' "$T/said" || fail "$(cat "$T/said")"
	expect_error 32 'no ISO 9660' on_drive mount /dev/sr0 "$MNT"
done
ok "a CD of music"

# What cannot be read is told, and what the drive says all the same.
new_drive dvd+r
burns xorriso -for_backup -dev /dev/sr0 -close off -map "$T/t/s1" /s1 -commit
disc fault read-error lba=16 blocks=1
info
asks '.trouble | test("session 1 cannot be read")'
asks '.medium.type == "DVD+R" and .medium.sessions == 1'
disc faults clear
ok "a disc that cannot be read"

# ---- a drive that others have ----

mount_drive
on_drive drives --json >"$T/json"
asks '.drives[0].in_use and .drives[0].medium == null'
asks ".drives[0].mountpoint == \"$MNT\""
asks '.drives[0].holder | test("^discfs .pid [0-9]+. has it open$")'
on_drive drives >"$T/words"
grep -q "^mounted on: *$MNT\$" "$T/words" || fail "$(cat "$T/words")"
for source in /dev/sr0 "$MNT"; do
	on_drive info --json "$source" >"$T/json"
	asks ".mountpoint == \"$MNT\" and .source == \"/dev/sr0\""
	asks '.medium.status == "appendable" and .medium.type == "DVD+R"'
	asks '.sessions | length == 1'
	asks '.sessions[0] | keys | contains(["added"]) | not'
done
on_drive umount "$MNT"
ok "a drive that is mounted"

# Another program, which did not claim it: it is left alone.
hold_drive
n=$(disc log | wc -l)
on_drive drives --json >"$T/json"
asks '.drives[0].in_use and .drives[0].mountpoint == null'
asks '.drives[0].holder | test("^sleep .pid [0-9]+. has it open$")'
[ "$(disc log | wc -l)" -eq "$n" ] || fail "it was sent commands"
kill $holder
wait $holder || true
on_drive drives --json >"$T/json"
asks '.drives[0].in_use == false'
ok "a drive that another program has"

# ---- images ----

expect_error 32 'is a folder' on_drive info "$T/t"
expect_error 32 'cannot open' on_drive info "$T/absent"
expect_error 1 'no disc is named' on_drive info
expect_error 1 'too many arguments' on_drive drives /dev/sr0
new_image
on_drive info --json "$IMG" >"$T/json"
asks '.kind == "image" and .drive == null and .medium.status == "blank"'
mnt -o "stage=$STAGE" "$IMG"
cp -r "$T/t/s1" "$MNT"
on_drive umount "$MNT" >/dev/null
mnt -o "stage=$STAGE" "$IMG"
on_drive info --json "$IMG" >"$T/json"
asks ".mountpoint == \"$MNT\" and (.file_systems | length == 3)"
on_drive umount "$MNT"
on_drive info --json "$T/udf.iso" >"$T/json"
asks '[.file_systems[].type] == ["iso9660", "udf"]'
on_drive info --json "$T/noise" >"$T/json"
asks '.medium.status == "not a data disc"'
ok "images"
