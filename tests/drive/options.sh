#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The mount options for drives: a burn for a test, the speed, stream recording,
# the tray.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso

# A burn for a test writes nothing and drops nothing.
for kind in cd-r dvd-r dvd-rw; do
	rm -rf "$STAGE"
	new_drive $kind
	mount_drive dummy
	head -c 300000 /dev/urandom >"$MNT/file"
	cp "$MNT/file" file
	on_drive commit "$MNT" >said
	grep -q 'simulated a session .* nothing was burned' said ||
		fail "$(cat said)"
	disc_is blank
	disc extract 0 64 | cmp -n 131072 - /dev/zero || fail "it was written"
	on_drive umount "$MNT" >said
	grep -q simulated said || fail "$(cat said)"
	disc_is blank
	mount_drive
	same "$MNT/file" file
	on_drive umount "$MNT" >said
	grep -q '^burned and verified' said || fail "$(cat said)"
	rm -rf "$T/x"
	burns xorriso -indev /dev/sr0 -osirrox on -extract / "$T/x"
	same "$T/x/file" file
	ok "$kind: a burn for a test, then one in earnest"
done
for kind in dvd+r dvd+rw bd-r bd-re; do
	rm -rf "$STAGE"
	new_drive $kind
	expect_error 32 'no burn can be made for a test' mount_drive dummy
done
ok "media that cannot do so say so"

# speed_is N - the kB/s that the drive was told last.
speed_is() {
	disc show | grep -qx "speed: $1" || fail "speed: $(disc show)"
}
for pair in cd-r:4233:speed=24x dvd+r:5540:speed=5540k dvd-r:11080:speed=8d; do
	IFS=: read -r kind speed option <<<"$pair"
	rm -rf "$STAGE"
	new_drive "$kind"
	mount_drive "$option"
	touch "$MNT/file"
	on_drive umount "$MNT" >said
	speed_is "$speed"
done
ok "the speed"

# On the media whose drive asks for it in each burn.
for kind in cd-r cd-rw dvd-r dvd-rw; do
	rm -rf "$STAGE"
	new_drive $kind
	mount_drive
	touch "$MNT/file"
	on_drive umount "$MNT" >said
	[ "$(disc count write)" -gt 0 ] || fail "$kind: nothing was written"
	disc show | grep -qx 'unguarded: 0' || fail "$kind: $(disc show)"
done
ok "an empty buffer does not spoil a burn"

rm -rf "$STAGE"
new_drive bd-re
mount_drive stream=on
touch "$MNT/file"
on_drive umount "$MNT" >said
[ "$(disc count aa)" -gt 0 ] || fail "no stream recording"
ok "stream recording"
mount_drive stream=off
n=$(disc count aa)
touch "$MNT/more"
on_drive umount "$MNT" >said
[ "$(disc count aa)" -eq "$n" ] || fail "stream recording"
ok "no stream recording"

rm -rf "$STAGE"
new_drive dvd+r
mount_drive eject
touch "$MNT/file"
disc eject 2>/dev/null && fail "the tray is not locked"
on_drive umount --keep "$MNT" >said
disc show | grep -qx 'status: blank' || fail "ejected with changes pending"
mount_drive eject
on_drive umount "$MNT" >said
disc_is open
ok "the tray opens once all is burned"
disc load

# However the mount ends, the tray can be opened again.
mount_drive
kill "$(daemon)"
within 10 no_daemon
disc show | grep -qx 'locked: no' || fail "locked after SIGTERM"
expect_error any . on_drive mount -o "stage=$STAGE" /dev/sr0 "$T/not/there"
within 10 no_daemon
disc show | grep -qx 'locked: no' || fail "locked after a mount that failed"
mount_drive
disc show | grep -qx 'locked: yes' || fail "not locked"
slay
disc show | grep -qx 'locked: no' || fail "locked after a kill"
ok "the tray is locked while it is mounted only"
