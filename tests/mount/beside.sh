#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mount beside an unmount that is not over waits for it; beside a mount that
# stays it is refused at once.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires python3
install_helpers
opts=stage=$STAGE
mkdir other
new_image

unmounting() {
	"$DISCFS" status --json "$1" 2>/dev/null |
		grep -Eq '"unmounting": *true'
}

# begin DIR - an unmount that takes its time, in the background.
begin() {
	head -c 100000000 /dev/zero >"$1/large"
	umount "$1" >out 2>&1 &
	umounter=$!
	within 20 unmounting "$1"
}

mount -t discfs -o "$opts" "$IMG" "$MNT"
begin "$MNT"
mount -t discfs -o "$opts" "$IMG" "$MNT"
wait $umounter
[ "$(stat -c %s "$MNT/large")" -eq 100000000 ] || fail "it came too early"
expect_sessions 1
clean
ok "mount on the same folder while umount burns"

rm "$MNT/large"
begin "$MNT"
mount -t discfs -o "$opts" "$IMG" other
wait $umounter
! mounted || fail "it is mounted twice"
mounted other || fail "it is not mounted"
expect_sessions 2
ok "mount on another folder while umount burns"

# Past the helper: nothing is in the mount table, and yet the disc is in use.
rm other/large
head -c 100000000 /dev/zero >other/large
umount -i other
mount -t discfs -o "$opts" "$IMG" other 2>err || fail "refused: $(cat err)"
expect_sessions 3
clean other
ok "mount while a burn goes on in the background"

# A mount that stays.
for dir in "$MNT" other; do
	start=$(date +%s%N)
	expect_error 32 'in use' mount -t discfs -o "$opts" "$IMG" "$dir"
	[ $((($(date +%s%N) - start) / 1000000)) -lt $((1500 * TEST_SLOW)) ] ||
		fail "it took its time"
done
echo busy >other/busy
(cd other && exec sleep 1000) &
sleeper=$!
within 5 inside $sleeper "$T/other"
umount other 2>/dev/null &
umounter=$!
expect_error 32 'in use' mount -t discfs -o "$opts" "$IMG" "$MNT"
wait $umounter || true
kill $sleeper
wait $sleeper || true
mounted other || fail "not mounted"
umount other
ok "beside a mount that stays it is refused"

# Another program's lock is nothing to wait for.
python3 - "$IMG" <<'END' &
import fcntl, struct, sys, time
f = open(sys.argv[1], "r+b")
fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
open("locked", "w").close()
time.sleep(1000)
END
locker=$!
within 10 test -e locked
expect_error 32 'in use' mount -t discfs -o "$opts" "$IMG" "$MNT"
kill $locker
wait $locker || true
mnt
keep
ok "and beside another program"
