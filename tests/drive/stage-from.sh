#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A disc in a drive that a burn failed on, and that takes no more: its stage is
# burned to a blank one, whatever happens in between; and it has its changes
# still, should it be of use again.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso jq

stages() {
	"$DISCFS" stage list --stage "$STAGE" --json | jq -r '.stages[].id'
}

# swap KIND - a blank disc in the drive's place of the other one, which is kept.
swap() {
	mv "$DRIVE" "$T/lost.drive"
	new_drive "$1"
}

# is_on_disc - xorriso finds in the last session what $WANT has.
is_on_disc() {
	rm -rf "$T/x"
	burns xorriso -md5 on -indev /dev/sr0 -check_md5_r SORRY / -- \
		-osirrox on -extract / "$T/x"
	chmod -R u+w "$T/x"
	diff -r "$T/want" "$T/x" || fail "$kind: not what was to be had"
}

# failed_burn - a disc with one session, and a burn of changes that failed.
failed_burn() {
	rm -rf "$T/want" "$STAGE"
	mkdir "$T/want"
	new_drive "$kind"
	mount_drive
	head -c 100000 /dev/urandom >"$MNT/one"
	head -c 100000 /dev/urandom >"$MNT/patched"
	on_drive umount "$MNT" >/dev/null
	mount_drive
	head -c 400000 /dev/urandom >"$T/want/two"
	cp "$T/want/two" "$MNT/two"
	echo more >>"$MNT/patched"
	rm "$MNT/one"
	disc fault write-error skip=5 times=1
	expect_exit 32 on_drive umount "$MNT" 2>"$T/err"
	disc faults clear
	on_drive umount --keep "$MNT" >/dev/null
	id=$(stages)
}

for kind in bd-r dvd+r bd-re; do
	failed_burn
	swap $kind
	# By itself nothing leads from the one to the other.
	mount_drive
	[ -z "$(ls "$MNT")" ] || fail "$kind: another disc's changes"
	on_drive umount "$MNT"
	mount_drive "stage-from=$id" 2>"$T/said"
	grep -q 'missing: patched: 100000 of 100005 bytes' "$T/said" ||
		fail "$kind: $(cat "$T/said")"
	[ "$(ls "$MNT")" = two ] || fail "$kind: $(ls "$MNT")"
	slay
	mount_drive
	same "$MNT/two" "$T/want/two"
	on_drive umount "$MNT" >"$T/said"
	grep -q "discfs stage drop --stage $STAGE ${id:0:8}" "$T/said" || fail "$kind: $(cat "$T/said")"
	is_on_disc
	[ "$(stages)" = "$id" ] || fail "$kind: $(stages)"
	ok "$kind: a failed burn's stage is burned to a blank disc"

	# In the middle of its burn, and on a second blank one after that.
	new_drive $kind
	mount_drive "stage-from=$id" 2>/dev/null
	kill_in_burn
	mount_drive
	same "$MNT/two" "$T/want/two"
	disc fault write-error skip=5 times=1
	expect_exit 32 on_drive umount "$MNT" 2>"$T/err"
	disc faults clear
	on_drive umount --keep "$MNT" >/dev/null
	new=$(stages | grep -v "$id")
	new_drive $kind
	# Blank discs that are written over look all alike.
	is_overwritable $kind || expect_error 32 "as stage $new" \
		mount_drive "stage-from=$id"
	mount_drive "stage-from=$new"
	same "$MNT/two" "$T/want/two"
	on_drive umount "$MNT" >"$T/said"
	is_on_disc
	[ "$(stages)" = "$id" ] || fail "$kind: $(stages)"
	ok "$kind: killed, failed, and burned to the third disc"

	# The first one is back, and takes more after all.
	mv "$T/lost.drive" "$DRIVE"
	mount_drive
	tail -c 5 "$MNT/patched" | grep -q more || fail "$kind: no changes"
	[ ! -e "$MNT/one" ] || fail "$kind: a removal is lost"
	cp "$MNT/patched" "$T/want/patched"
	on_drive umount "$MNT" >/dev/null
	is_on_disc
	[ -z "$(stages)" ] || fail "$kind: $(stages)"
	ok "$kind: the disc that was lost has its changes still"

	# One that was blank when its burn failed: all moves to the next.
	rm -rf "$T/want" "$STAGE"
	mkdir "$T/want"
	new_drive $kind
	mount_drive
	head -c 400000 /dev/urandom >"$T/want/one"
	cp "$T/want/one" "$MNT/one"
	disc fault write-error skip=5 times=1
	expect_exit 32 on_drive umount "$MNT" 2>"$T/err"
	disc faults clear
	on_drive umount --keep "$MNT" >/dev/null
	id=$(stages)
	swap $kind
	mount_drive "stage-from=$id"
	[ "$(stages)" = "$id" ] || fail "$kind: $(stages)"
	on_drive umount "$MNT" >/dev/null
	is_on_disc
	[ -z "$(stages)" ] || fail "$kind: $(stages)"
	ok "$kind: what was for a blank disc goes to another one"
done

# To an image, and from one: the kinds do not matter.
kind=dvd+r
failed_burn
: >"$IMG"
on_drive mount -o "stage=$STAGE,stage-from=$id" "$IMG" "$MNT" 2>/dev/null
on_drive umount "$MNT" >/dev/null
extract_file "$IMG" /two "$T/two"
same "$T/two" "$T/want/two"
ok "a disc's stage is burned to an image"
