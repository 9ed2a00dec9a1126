#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An unmount while the system goes down burns nothing, says so, and the next
# mount says what waits.  systemd is one of the test's own making.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

install_helpers
opts=stage=$STAGE
new_image

# system STATE - what systemctl says; in a copy of its folder, as none may be
# installed.
system() {
	printf '#!/bin/sh\n[ "$*" = is-system-running ] && echo %s\n' "$1" \
		>"$T/systemctl"
	chmod 755 "$T/systemctl"
}
cover_folder /usr/bin
ln -sf "$T/systemctl" /usr/bin/systemctl
mkdir -p /run/systemd/system

system stopping
mount -t discfs -o "$opts" "$IMG" "$MNT"
echo one >"$MNT/one"
echo two >"$MNT/two"
umount "$MNT" >out 2>err
! mounted || fail "still mounted"
no_daemon || fail "a process stays behind"
[ ! -s "$IMG" ] || fail "a session was burned"
[ ! -s out ] || fail "$(cat out)"
grep -Eqx 'discfs: .*/mnt: the system is going down: nothing was burned, 2 changes wait in stage [0-9a-f-]+ for the next mount' err ||
	fail "umount says: $(cat err)"
ok "umount while the system goes down burns nothing, and says so"

system running
mount -t discfs -o "$opts" "$IMG" "$MNT" 2>err
grep -Eqx 'discfs: .*disc.iso: 2 changes from before wait to be burned, in stage [0-9a-f-]+ \(not burned: the system was going down\); the unmount burns' err ||
	fail "mount says: $(cat err)"
"$DISCFS" status "$MNT" | grep -q 'not burned: the system was going down' ||
	fail "status does not say it"
umount "$MNT"
expect_sessions 1
mount -t discfs -o "$opts" "$IMG" "$MNT" 2>err
[ ! -s err ] || fail "nothing waits, and mount says: $(cat err)"
ok "the next mount says so, too, and its unmount burns"

# Nothing pending: nothing to ask, nothing to say.
system stopping
umount "$MNT" >out 2>&1
[ ! -s out ] || fail "$(cat out)"
ok "nothing is said where nothing waits"

# In words that are none, and with no answer at all.
for state in degraded offline starting unknown ''; do
	system "$state"
	mnt
	echo "$state" >"$MNT/state$state"
	umount "$MNT"
done
expect_sessions 6
rm /usr/bin/systemctl
mnt
echo none >"$MNT/none"
umount "$MNT"
expect_sessions 7
ok "any other state burns"

# What was asked for by name is burned; discfs umount is an unmount like another.
ln -s "$T/systemctl" /usr/bin/systemctl
system stopping
mnt
echo asked >"$MNT/asked"
"$DISCFS" commit "$MNT"
expect_sessions 8
echo more >"$MNT/more"
"$DISCFS" umount "$MNT" 2>err
grep -q 'the system is going down: nothing was burned, 1 change waits' err ||
	fail "$(cat err)"
expect_sessions 8
system running
mnt 2>/dev/null
umnt
expect_sessions 9
ok "discfs commit burns all the same"

# Killed, and ended by a signal: the next mount says what waits.
mnt
echo late >"$MNT/late"
# shellcheck disable=SC2046
kill -TERM $(daemon)
within 20 no_daemon
mnt 2>err
grep -q '1 change from before waits .*(not burned: the mount was ended by a signal)' err ||
	fail "mount says: $(cat err)"
keep
mnt -o commit=manual 2>err
grep -q '1 change from before waits ' err || fail "mount says: $(cat err)"
! grep -q 'unmount burns' err || fail "mount says: $(cat err)"
keep
mnt -o ro 2>err
umnt
ok "after SIGTERM and umount --keep the mount says what waits"

# A burn that runs when the shutdown comes is burned to its end.
mnt
head -c 150000000 /dev/zero >"$MNT/large"
"$DISCFS" commit "$MNT" >/dev/null &
burning() {
	"$DISCFS" status --json "$MNT" | grep -Eq '"state": *"(burning|verifying)"'
}
within 20 burning
system stopping
umount "$MNT" 2>err
wait
cat err
! mounted || fail "still mounted"
no_daemon || fail "a process stays behind"
system running
mnt 2>err
[ ! -s err ] || fail "mount says: $(cat err)"
[ "$(stat -c %s "$MNT/large")" -eq 150000000 ] || fail "it is not burned"
clean
umnt
ok "a burn that runs is burned to its end"
