#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xorriso burns three sessions on each kind of disc, the last one closing, and
# finds all of them again.
. "$top_srcdir/tests/drive/lib.sh"
requires xorriso

three_trees
for kind in $CDS $DVDS $BDS; do
	new_drive "$kind"
	for i in 1 2 3; do
		close=off
		[ $i -lt 3 ] || close=on
		burns xorriso -for_backup -dev /dev/sr0 -close $close \
			-map "$T/t/s$i" "/s$i" -commit
	done
	holds 1 2 3
	sessions 3
	if is_overwritable "$kind"; then
		disc_is formatted
	else
		disc_is closed
		if burner xorriso -dev /dev/sr0 -map "$T/t/s1" /s4 -commit; then
			fail "a closed $kind took one more session"
		fi
	fi
	ok "xorriso: three sessions on $kind"
done

# All in one session, at once where the medium knows that.
for kind in cd-r cd-rw dvd-r dvd-rw dvd+r bd-r; do
	new_drive $kind
	burns xorriso -for_backup -dev /dev/sr0 -close on -map "$T/t/s1" /s1 \
		-commit
	disc_is closed
	holds 1
	sessions 1
done
ok "xorriso: one session that closes the disc"

for kind in cd-rom dvd-rom bd-rom; do
	burns xorriso -outdev "$T/image.iso" -map "$T/t/s2" /s2 -commit
	blocks=$(($(stat -c '%s' "$T/image.iso") / 2048))
	rm -f "$DRIVE"
	"$MMCDISC" "$DRIVE" create $kind capacity=$blocks \
		image="$T/image.iso"
	rm "$T/image.iso"
	holds 2
	if burner xorriso -dev /dev/sr0 -map "$T/t/s1" /s4 -commit; then
		fail "a $kind was written"
	fi
	ok "xorriso: reads $kind, and cannot write it"
done

# What blanking and formatting leaves can be written again.
for kind in cd-rw dvd-rw dvd-rw-ro; do
	new_drive $kind
	burns xorriso -for_backup -dev /dev/sr0 -map "$T/t/s1" /s1 -commit
	burns xorriso -outdev /dev/sr0 -blank deformat
	disc_is blank
	burns xorriso -for_backup -dev /dev/sr0 -map "$T/t/s2" /s2 -commit
	holds 2
	ok "xorriso: blanks $kind"
done
