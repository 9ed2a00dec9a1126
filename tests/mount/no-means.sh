#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No descriptors and no locks are to be had: a mount and a commit end with a line
# that says so, the changes stay, and are burned once there are.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq

new_image
mnt
echo one >"$MNT/one"
umnt

# ended COMMAND... - in time, and well or with a line of ours.
ended() {
	local status=0

	timeout $((20 * TEST_SLOW)) "$@" 2>err || status=$?
	[ $status -lt 124 ] || fail "it does not end ($status): $*"
	[ $status -eq 0 ] || grep -q '^discfs: ' err || fail "no line: $*"
	return $status
}

refused=0
for n in {15..24}; do
	if ! (ulimit -n "$n" && ended "$DISCFS" mount -o "stage=$STAGE" \
		"$IMG" "$MNT"); then
		! mounted || fail "refused, and mounted"
		continue
	fi
	echo "$n" >"$MNT/$n"
	if ended "$DISCFS" commit "$MNT"; then
		clean
	else
		grep -q 'Too many open files' err || fail "$(cat err)"
		has "A $n"
		refused=$((refused + 1))
	fi
	keep
done
[ $refused -gt 0 ] || fail "there were descriptors enough each time"
mnt
umnt
ok "few descriptors: $refused commits refused with the reason"

env LD_PRELOAD="$MEDDLE" MEDDLE_LOCK="$T/nolock" \
	ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" \
	"$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
echo two >"$MNT/two"
sync "$MNT/two"
: >nolock
! ended "$DISCFS" commit "$MNT" || clean
! ended "$DISCFS" umount "$MNT" || fail "it is unmounted"
mounted || fail "the mount is gone"
rm nolock
[ "$(cat "$MNT/two")" = two ] || fail "the change is gone"
umnt
extract_file "$IMG" /two got
[ "$(cat got)" = two ] || fail "the change is lost"
ok "no locks: refused, and burned once there are some"
