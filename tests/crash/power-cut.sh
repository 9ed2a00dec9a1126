#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The power fails: what was not synced is dropped, reordered or torn, in image
# and stage alike.  Nothing that was promised may be lost, and no session that
# was there.
#
#   POWER_STATES  how many states (default 48)
#   POWER_SEED    which (default 1)
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires python3
: "${RECORD:?is not set}"


export PYTHONDONTWRITEBYTECODE=1
states=${POWER_STATES:-48}
seed=${POWER_SEED:-1}

cut_power() {
	python3 "$top_srcdir/tests/crash/power_cut.py" "$@"
}

for kind in foreign blank; do
	cut_power "$T/$kind" $((states / 2)) "$seed" $kind ||
		fail "a power cut lost what was promised"
	ok "$kind: $((states / 2)) states after a power cut keep the promises"
done

if POWER_IGNORE_SYNCS=1 POWER_LOSSES=1 cut_power "$T/ignored" 40 "$seed" \
	foreign >said; then
	fail "a disk that ignores syncs loses nothing: the test sees nothing"
fi
cat said
grep -q 'foreign seed .* cut ' said || fail "it ended in another way"
ok "a disk that ignores syncs is found out"
