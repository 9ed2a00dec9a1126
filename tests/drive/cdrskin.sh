#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cdrskin burns what genisoimage makes: three sessions on each kind of disc.
. "$top_srcdir/tests/drive/lib.sh"
requires cdrskin genisoimage xorriso

three_trees
for kind in $CDS $DVDS $BDS; do
	new_drive "$kind"
	options=()
	if is_overwritable "$kind"; then
		options=(--grow_overwriteable_iso)
	fi
	for i in 1 2 3; do
		more=(-multi)
		before=()
		[ $i -lt 3 ] || more=()
		if [ $i -gt 1 ]; then
			burns cdrskin dev=/dev/sr0 "${options[@]}" -msinfo
			msinfo=$(grep -E '^[0-9]+,[0-9]+$' "$T/said")
			before=(-C "$msinfo" -M /dev/sr0)
		elif [ "$kind" = bd-re ]; then
			more+=(blank=format_if_needed)
		fi
		burns genisoimage -quiet -R "${before[@]}" -graft-points \
			-o "$T/image.iso" "/s$i=$T/t/s$i"
		burns cdrskin dev=/dev/sr0 "${more[@]}" "${options[@]}" \
			"$T/image.iso"
		rm "$T/image.iso"
		reload
	done
	holds 1 2 3
	is_overwritable "$kind" || disc_is closed
	ok "cdrskin: three sessions on $kind"
done
