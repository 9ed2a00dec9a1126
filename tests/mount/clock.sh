#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A wall clock that is set, or that is wrong: no wait of ours goes by it, and a
# session that is dated before the one that it follows is announced.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# mnt_by_wallclock - a mount with a wall clock of its own.
mnt_by_wallclock() {
	env LD_PRELOAD="$top_builddir/tests/mount/wallclock.so" \
		ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" \
		"$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
}

# Waits with an end are in one place.
! grep -rnE 'timedwait|clockwait|timedlock|timed(rd|wr)lock' --include='*.[ch]' \
	"$top_srcdir"/{common,burner,fs,cli} | grep -v '/common/cond\.h:' ||
	fail "a wait that does not go by common/cond.h"

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

# dated TIME - an image of that date, mounted and with a change.
dated() {
	rm -f "$IMG"
	TZ=UTC xorriso -outdev "$IMG" -volume_date c "$1" -map "$top_srcdir/README" \
		/README -commit -end 2>xorriso.err || fail "$(cat xorriso.err)"
	mnt
	echo x >"$MNT/x"
}
dated 2099010203040500
"$DISCFS" commit -n "$MNT" >said 2>err
grep -q '^discfs: the clock says .* is dated 2099-01-02 03:04:05 UTC' err ||
	fail "commit -n does not say it: $(cat err)"
"$DISCFS" status --json "$MNT" >json
jq -re .clock_warning json >said || fail "nor does status: $(cat json)"
umnt 2>err
[ "$(grep -c 'dated before the one that it follows' err)" -eq 1 ] ||
	fail "the unmount says: $(cat err)"
# The new one is dated as the clock has it, so the next one is in order.
mnt
echo y >"$MNT/y"
umnt 2>err
! grep dated err || fail "a second time: $(cat err)"
ok "a session that is dated before the one it follows is announced"

dated 2001010203040500
umnt 2>err
! grep dated err || fail "without a reason: $(cat err)"
ok "and no other one"
