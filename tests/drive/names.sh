#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# By which names a drive is reached: discfs follows a link to it, as /dev/cdrom;
# and nobody gets past the emulator to another drive.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires jq xorriso
[ -n "${TEST_PRIVATE:-}" ] || skip "no mount namespace of its own"

# A /dev with decoys in the places of drives.
mkdir dev
mount -t tmpfs -o mode=755 tmpfs dev || skip "cannot mount a tmpfs"
for node in null zero full random urandom fuse; do
	touch dev/$node
	mount --bind /dev/$node dev/$node
done
ln -s /proc/self/fd dev/fd
for drive in sr0 sr1 scd0 sg0 dvd; do
	echo decoy >dev/$drive
done
ln -s sr0 dev/cdrom
mount --rbind dev /dev

three_trees
new_drive dvd+r
burns xorriso -for_backup -dev /dev/sr0 -close off -map "$T/t/s1" /s1 -commit
[ "$(cat /dev/sr0)" = decoy ] || fail "/dev/sr0 was written"
ok "xorriso burns to the emulator, and not to what is there"

for drive in sr1 scd0 sg0 dvd; do
	[ "$(cat /dev/$drive)" = decoy ] || fail "no decoy $drive"
	if burner cat /dev/$drive; then
		fail "reads /dev/$drive"
	fi
	if burner xorriso -outdev /dev/$drive -toc; then
		fail "xorriso has /dev/$drive"
	fi
	expect_error 32 . on_drive mount /dev/$drive "$MNT"
	if burner dd if=/dev/zero of=/dev/$drive count=1 conv=notrunc; then
		fail "writes /dev/$drive"
	fi
	[ "$(cat /dev/$drive)" = decoy ] || fail "/dev/$drive was written"
done
ok "no other drive is reached, by whatever name"

on_drive info --json /dev/cdrom >json
[ "$(jq -r .source json)" = /dev/sr0 ] || fail "$(cat json)"
STAGE=$T/stage
on_drive mount -o "stage=$STAGE" /dev/cdrom "$MNT"
diff -r "$T/t/s1" "$MNT/s1" || fail "not what was burned"
cp -r "$T/t/s2" "$MNT/s2"
on_drive umount "$MNT" >said
grep -q '^burned and verified' said || fail "$(cat said)"
holds 1 2
[ "$(cat /dev/sr0)" = decoy ] || fail "/dev/sr0 was written"
ok "a link to a drive is that drive"
