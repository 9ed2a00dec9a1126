#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A wall clock that is set: no wait of ours goes by it.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# mnt_by_wallclock - a mount with a wall clock of its own.
mnt_by_wallclock() {
	env LD_PRELOAD="$top_builddir/tests/mount/wallclock.so" \
		ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" \
		"$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
}

# Set back by an hour under a mount, while the flush of the stage is waited for.
export WALLCLOCK_BACK=$T/back WALLCLOCK_WAITS=$T/waits
new_image
mnt_by_wallclock
echo one >"$MNT/one"
touch "$WALLCLOCK_BACK"
echo two >"$MNT/two"
[ "$(stat -c %Y "$MNT/two")" -lt $((EPOCHSECONDS - 3500)) ] ||
	fail "the clock of the mount was not set back"
sleep 6
slay
rm "$WALLCLOCK_BACK"
mnt
[ "$(cat "$MNT/one" "$MNT/two")" = $'one\ntwo' ] ||
	fail "what was written before the clock was set back is lost: $(ls "$MNT")"
umnt
ok "a clock that is set back by an hour does not stop the flush"

# All that waits in a mount's life, to its end and with notices to the kernel.
mnt_by_wallclock
echo three >"$MNT/three"
"$DISCFS" revert "$MNT" three
kill -TERM "$(daemon)"
within 10 no_daemon
[ ! -e "$WALLCLOCK_WAITS" ] || fail "waits by the wall clock: $(cat "$WALLCLOCK_WAITS")"
ok "nothing waits by the wall clock"
