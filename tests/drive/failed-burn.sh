#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A burn that fails or is killed on a disc in a drive: the sessions before it
# stand, no change is lost, a session that failed is never taken for the last
# one, and the next commit succeeds, on the same mount or the next one.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso cmp

SEQUENTIAL="cd-r dvd-r dvd+r bd-r"

# pending N - so many deltas, by the mount.
pending() {
	on_drive status --json "$MNT" >json
	[ "$(jq .pending.deltas json)" -eq "$1" ] ||
		fail "not $1 deltas: $(cat json)"
}

# is_on_disc - xorriso finds in the last session what $WANT has.
is_on_disc() {
	rm -rf "$T/x"
	burns xorriso -md5 on -indev /dev/sr0 -check_md5_r SORRY / -- \
		-osirrox on -extract / "$T/x"
	chmod -R u+w "$T/x"
	diff -r "$T/want" "$T/x" || fail "$kind: not what was written"
}

# add NAME - one more file, here and there.
add() {
	head -c 400000 /dev/urandom >"$T/want/$1"
	cp "$T/want/$1" "$MNT/$1"
}

# first_session - of a new disc; then it is mounted, with one file more.
first_session() {
	rm -rf "$T/want" "$STAGE"
	mkdir "$T/want"
	new_drive "$kind"
	mount_drive
	add one
	on_drive umount "$MNT" >/dev/null
	mount_drive
	add two
}

# fails REGEX COMMAND... - it ends with an error that says so, behind what is
# said before a burn.
fails() {
	local regex=$1

	shift
	if "$@" 2>"$T/err"; then
		fail "it went well: $*"
	fi
	sed 's/^/stderr: /' "$T/err"
	tail -n 1 "$T/err" | grep -Eq -- "$regex" || fail "no '$regex'"
	disc faults clear
}

for kind in $SEQUENTIAL dvd+rw; do
	first_session
	disc fault write-error skip=4 times=1
	if is_overwritable "$kind"; then
		fails 'cannot write' on_drive commit "$MNT"
	else
		fails 'cannot write.*stays on the disc.*does not count' \
			on_drive commit "$MNT"
	fi
	pending 1
	same "$MNT/one" "$T/want/one"
	same "$MNT/two" "$T/want/two"
	on_drive log "$MNT" >said.log
	if is_overwritable "$kind"; then
		[ "$(wc -l <said.log)" -eq 2 ] || fail "$(cat said.log)"
	else
		[ "$(grep -c 'cannot be read' said.log)" -eq 1 ] ||
			fail "$(cat said.log)"
	fi
	on_drive commit "$MNT" >/dev/null
	pending 0
	on_drive umount "$MNT"
	is_on_disc
	ok "$kind: a failed burn, and the next one"

	# The failed session is the disc's last one at the next mount.
	first_session
	disc fault write-error skip=5 times=1
	fails 'cannot write' on_drive umount "$MNT"
	add three
	on_drive umount --keep "$MNT" >/dev/null
	mount_drive
	pending 2
	same "$MNT/one" "$T/want/one"
	same "$MNT/two" "$T/want/two"
	on_drive umount "$MNT" >/dev/null
	is_on_disc
	[ -z "$(ls "$STAGE")" ] || fail "a stage stays: $(ls "$STAGE")"
	ok "$kind: a failed burn, and the next mount"

	# On a disc that was blank there is nothing else.
	rm -rf "$T/want" "$STAGE"
	mkdir "$T/want"
	new_drive "$kind"
	mount_drive
	add one
	skip=3
	# At once on a CD, behind 150 blocks of pre-gap.
	case $kind in cd-*) skip=14 ;; esac
	disc fault write-error skip=$skip times=1
	fails 'cannot write' on_drive umount "$MNT"
	on_drive umount --keep "$MNT" >/dev/null
	mount_drive
	pending 1
	on_drive umount "$MNT" >/dev/null
	is_on_disc
	ok "$kind: a first burn that failed"

	# All was written, but cannot be read back.
	first_session
	lba=$(on_drive status --json "$MNT" | jq .medium.nwa)
	disc fault read-error lba=$((lba + 60)) blocks=1
	fails 'cannot read back' on_drive commit "$MNT"
	on_drive umount --keep "$MNT" >/dev/null
	mount_drive
	pending 1
	same "$MNT/one" "$T/want/one"
	on_drive umount "$MNT" >/dev/null
	is_on_disc
	ok "$kind: a session that was not read back well does not count"

	# Killed between the last block and the stage.
	first_session
	on_drive umount --keep "$MNT" >/dev/null
	DISCFS_CRASH=after-data mount_drive
	if on_drive commit "$MNT" 2>/dev/null; then
		fail "it was not killed"
	fi
	within 10 no_daemon
	bury
	disc show | grep -qx 'locked: no' || fail "the tray stays locked"
	mount_drive 2>said
	grep -q 'the last burn was cut off, but its session is whole' said ||
		fail "mount says: $(cat said)"
	pending 0
	same "$MNT/two" "$T/want/two"
	on_drive umount "$MNT"
	is_on_disc
	ok "$kind: killed with a whole session, which is taken up"

	# The same, with more in the stage than was burned.
	first_session
	on_drive umount --keep "$MNT" >/dev/null
	DISCFS_CRASH=after-data mount_drive
	disc fault slow on=write ms=60
	on_drive commit "$MNT" >/dev/null 2>&1 &
	burn_begins
	add three
	sync "$MNT/three"
	wait $! && fail "it was not killed"
	within 10 no_daemon
	bury
	disc faults clear
	mount_drive
	pending 2
	same "$MNT/one" "$T/want/one"
	same "$MNT/three" "$T/want/three"
	on_drive umount "$MNT" >/dev/null
	is_on_disc
	ok "$kind: killed with a whole session, and later changes"

	# In the middle of the burn, by a signal and by the power.
	for how in kill powercut; do
		first_session
		disc fault slow on=write ms=60
		on_drive commit "$MNT" >/dev/null 2>&1 &
		burn_begins
		# shellcheck disable=SC2046
		kill -9 $(daemon)
		[ $how = kill ] || disc powercut
		wait $! && fail "it says that all went well"
		within 10 no_daemon
		bury
		disc faults clear
		mount_drive 2>said
		grep -Eq 'the last burn was cut off: (what it wrote stays on the disc from block [0-9]+ on and does not count|the disc is as it was before)' said ||
			fail "mount says: $(cat said)"
		grep -q '1 change from before waits' said ||
			fail "mount says: $(cat said)"
		pending 1
		same "$MNT/one" "$T/want/one"
		on_drive umount "$MNT" >/dev/null
		is_on_disc
		ok "$kind: $how in the middle of a burn"
	done
done
