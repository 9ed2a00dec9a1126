#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# growisofs burns three sessions on each kind of DVD and BD.
. "$top_srcdir/tests/drive/lib.sh"
requires growisofs genisoimage xorriso

three_trees
for kind in $DVDS $BDS; do
	new_drive "$kind"
	first=-Z
	for i in 1 2 3; do
		close=()
		[ $i -lt 3 ] || close=(-dvd-compat)
		# No spare areas: growisofs would pseudo-overwrite a BD-R.
		burns growisofs $first /dev/sr0 "${close[@]}" \
			-use-the-force-luke=spare:none -quiet -R \
			-graft-points "/s$i=$T/t/s$i"
		first=-M
	done
	holds 1 2 3
	ok "growisofs: three sessions on $kind"
done
