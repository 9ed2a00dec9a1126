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
head -c 100000000 /dev/zero >"$MNT/large"
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
[ "$(stat -c %s "$MNT/large")" -eq 100000000 ] || fail "it is not burned"
clean
umnt
ok "a burn that runs is burned to its end"

# While it burns logind is asked to refuse shutdown and sleep.  The program that
# does has none of the daemon's files, and ends with it, however that ends.
cat >"$T/systemd-inhibit" <<END
#!/bin/bash
echo "\$*" >$T/inhibited
ls /proc/\$\$/fd >$T/inhibit.fds
"\${@: -1}"
echo released >>$T/inhibited
END
chmod 755 "$T/systemd-inhibit"
ln -sf "$T/systemd-inhibit" /usr/bin/systemd-inhibit
mnt
umnt
[ ! -e inhibited ] || fail "asked for where nothing is burned"
mnt
echo inhibit >"$MNT/inhibit"
umnt
[ "$(head -n 1 inhibited)" = "--what=shutdown:sleep --who=discfs --why=a session \
is burned to $IMG --mode=block cat" ] || fail "asked for: $(cat inhibited)"
[ "$(tail -n 1 inhibited)" = released ] || fail "it goes on"
# 255 is the shell's own: the script.
[ "$(tr '\n' ' ' <inhibit.fds)" = '0 1 2 255 ' ] ||
	fail "it has files: $(cat inhibit.fds)"
rm inhibited
mnt
head -c 100000000 /dev/zero >"$MNT/large2"
"$DISCFS" commit "$MNT" >/dev/null 2>&1 &
within 20 test -s inhibited
slay
wait
within 10 grep -q released inhibited
mnt 2>err
grep -Eq 'discfs: .*: the last burn was cut off(: the disc is as it was before, and its changes wait for the next burn|, but its session is whole: it counts)$' err ||
	fail "mount says: $(cat err)"
umnt
ok "a burn inhibits the shutdown, and says why"

# A logind that does not answer takes nothing from a burn.
cat >"$T/systemd-inhibit" <<'END'
#!/bin/sh
exec sleep 1000
END
mnt
echo hung >"$MNT/hung"
umnt
no_daemon || fail "a process stays behind"
! pgrep -fx 'sleep 1000' >/dev/null || fail "it goes on"
rm /usr/bin/systemd-inhibit
mnt
echo missing >"$MNT/missing"
umnt
ok "a burn does not need it"
