#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs mounts what others have burned, read-only: each kind of disc, each of
# its sessions; and says in words what cannot be mounted.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse

is_claimed() {
	! flock -n "$DRIVE" true
}

# troubled REGEX - status says why reading fails.
troubled() {
	on_drive status --json "$MNT" >json
	jq -re .medium.trouble json | grep -Eq -- "$1" ||
		fail "status says: $(cat json)"
	on_drive status "$MNT" | grep -Eq -- "$1" || fail "and not in words"
}

three_trees
for kind in $CDS $DVDS $BDS; do
	new_drive "$kind"
	for i in 1 2 3; do
		burns xorriso -for_backup -dev /dev/sr0 -close off \
			-map "$T/t/s$i" "/s$i" -commit
	done
	on_drive mount -o ro /dev/sr0 "$MNT"
	diff -r "$T/t" "$MNT" || fail "$kind: not what was burned"
	on_drive status --json "$MNT" >json
	[ "$(jq .medium.sessions json)" -eq 3 ] || fail "$(cat json)"
	[ "$(jq -r .medium.status json)" = appendable ] || fail "$(cat json)"
	disc show | grep -qx 'locked: yes' || fail "the tray is not locked"
	on_drive umount "$MNT"
	disc show | grep -qx 'locked: no' || fail "the tray stays locked"
	on_drive mount -o session=2 /dev/sr0 "$MNT"
	[ "$(ls "$MNT")" = $'s1\ns2' ] || fail "$kind: session 2: $(ls "$MNT")"
	on_drive umount "$MNT"
	ok "$kind: reads its sessions"
done

burns xorriso -outdev "$T/image.iso" -map "$T/t/s2" /s2 -commit
for kind in cd-rom dvd-rom bd-rom; do
	rm -f "$DRIVE"
	"$MMCDISC" "$DRIVE" create $kind image="$T/image.iso" \
		capacity=$(($(stat -c %s "$T/image.iso") / 2048))
	on_drive mount /dev/sr0 "$MNT" 2>err
	grep -q 'mounted read-only: the disc is closed' err || fail "$(cat err)"
	diff -r "$T/t/s2" "$MNT/s2" || fail "$kind: not what it holds"
	on_drive umount "$MNT"
	ok "$kind: reads it"
done

for kind in cd-r dvd-rw dvd+rw bd-re; do
	new_drive $kind
	mount_drive
	[ -z "$(ls -A "$MNT")" ] || fail "a blank $kind is not empty"
	on_drive umount "$MNT"
	[ "$(disc count write)" -eq 0 ] || fail "a blank $kind was written"
	disc_is blank
done
ok "blank discs are empty, and stay blank"

new_drive dvd+r
burns xorriso -for_backup -dev /dev/sr0 -map "$T/t/s1" /s1 -commit
burns xorriso -indev /dev/sr0 -find /s1/data -exec report_lba --
lba=$(sed -n 's/^File data lba: *[0-9]* , *\([0-9]*\) .*/\1/p' "$T/said")
on_drive mount -o ro /dev/sr0 "$MNT"
expect_error 32 'in use: discfs \(pid [0-9]+\) has it open' \
	on_drive mount /dev/sr0 "$T/t"
ok "a drive that is in use"
on_drive umount "$MNT"
# Another program, which has not claimed it: a burn could not be had beside it.
hold_drive
n=$(disc log | wc -l)
expect_error 32 "in use: sleep \\(pid $holder\\) has it open" mount_drive
[ "$(disc log | wc -l)" -eq "$n" ] || fail "it was sent commands"
on_drive mount -o ro /dev/sr0 "$MNT"
diff -r "$T/t/s1" "$MNT/s1"
on_drive umount "$MNT"
(
	sleep 1
	kill $holder
) &
mount_drive
wait $! || true
on_drive umount "$MNT"
ok "a drive that another program has open"
# As udev does with each disc that is put in.
flock "$DRIVE" sleep 1 &
within 5 is_claimed
on_drive mount -o ro /dev/sr0 "$MNT"
wait $!
ok "a drive that is in use for a moment"

disc fault read-error lba=$((lba + 100)) blocks=1
if cat "$MNT/s1/data" >x; then
	fail "an unreadable block was read"
fi
dd if="$MNT/s1/data" of=x bs=2048 count=90 status=none
cmp -n $((90 * 2048)) x "$T/t/s1/data" || fail "what can be read, is not"
cat "$MNT/s1/folder/a file with a longer name" >x
disc faults clear
same "$MNT/s1/data" "$T/t/s1/data"
ok "an unreadable block is an error of those reads that need it"
on_drive umount "$MNT"

# By the hole in the front, while it is mounted.
on_drive mount -o ro /dev/sr0 "$MNT"
disc fault eject on=read
if cat "$MNT/s1/data" >x; then
	fail "read from an open tray"
fi
troubled 'is gone'
disc load
same "$MNT/s1/data" "$T/t/s1/data"
on_drive status --json "$MNT" >json
[ "$(jq .medium.trouble json)" = null ] || fail "trouble that is over"
ok "the medium was out, and is in again"

on_drive umount "$MNT"
on_drive mount -o ro /dev/sr0 "$MNT"
head -c 4000000 /dev/urandom >"$T/other.iso"
disc create dvd+r capacity=$CAPACITY image="$T/other.iso"
sleep 4 # so long it would take, at least
for i in 1 2 3; do
	if cat "$MNT/s1/data" >x; then
		fail "read from another disc"
	fi
done
troubled 'another medium is in the drive'
on_drive umount "$MNT"
ok "another disc is not read"

new_drive cd-r
disc eject
expect_error 32 'no medium' on_drive mount -o ro /dev/sr0 "$MNT"
disc create cd-rom capacity=1000 image="$T/other.iso"
expect_error 32 'no ISO 9660' on_drive mount -o ro /dev/sr0 "$MNT"
disc unplug
expect_error 32 'cannot mount /dev/sr0' on_drive mount -o ro /dev/sr0 "$MNT"
expect_error 32 'neither an image file nor an optical drive' \
	on_drive mount /dev/null "$MNT"
ok "what cannot be mounted, and why"
