#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# wodim burns three sessions on CDs, track at once.
. "$top_srcdir/tests/drive/lib.sh"
requires wodim genisoimage xorriso

three_trees
for kind in $CDS; do
	new_drive "$kind"
	for i in 1 2 3; do
		more=(-multi)
		before=()
		[ $i -lt 3 ] || more=()
		if [ $i -gt 1 ]; then
			burns wodim dev=/dev/sr0 -msinfo
			msinfo=$(grep -E '^[0-9]+,[0-9]+$' "$T/said")
			before=(-C "$msinfo" -M /dev/sr0)
		fi
		burns genisoimage -quiet -R "${before[@]}" -graft-points \
			-o "$T/image.iso" "/s$i=$T/t/s$i"
		burns wodim dev=/dev/sr0 gracetime=2 "${more[@]}" -tao -data \
			"$T/image.iso"
		rm "$T/image.iso"
		reload
	done
	holds 1 2 3
	disc_is closed
	ok "wodim: three sessions on $kind"
done

# The second one starts where the lead-out and the lead-in of CDs end.
new_drive cd-r
burns genisoimage -quiet -R -graft-points -o "$T/image.iso" "/s1=$T/t/s1"
burns wodim dev=/dev/sr0 gracetime=2 -multi -tao -data "$T/image.iso"
size=$(disc show | sed -n 's/^track 1: .* size \([0-9]*\) .*/\1/p')
burns wodim dev=/dev/sr0 -msinfo
grep -qx "0,$((size + 11400))" "$T/said" || fail "$(cat "$T/said")"
ok "wodim: a second session starts 11400 blocks behind the first"

new_drive cd-rw
burns wodim dev=/dev/sr0 gracetime=2 -multi -tao -data "$T/image.iso"
burns wodim dev=/dev/sr0 gracetime=2 blank=fast
disc_is blank
ok "wodim: blanks cd-rw"

# DVDs at once, in one session, which is all that it does with them.
size=$(($(stat -c %s "$T/image.iso") / 2048))
for kind in dvd-r dvd-rw dvd+r dvd+rw dvd-ram; do
	new_drive $kind
	if [ $kind = dvd+rw ]; then
		burns xorriso -outdev /dev/sr0 -format full
	fi
	burns wodim dev=/dev/sr0 gracetime=2 -dao -data "$T/image.iso"
	case $kind in
	dvd-r | dvd-rw) disc_is closed ;;
	dvd+r) disc_is appendable ;;
	esac
	disc extract 0 "$size" >"$T/back"
	same "$T/back" "$T/image.iso" "$kind: what was burned"
	holds 1
	ok "wodim: one session on $kind"
done
