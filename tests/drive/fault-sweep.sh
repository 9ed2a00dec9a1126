#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each kind of fault at write commands all over a commit, on a medium of each
# family.  Whatever happens: the command ends, says so in a line and by its exit
# status, the session before stands, no change is lost, and the next mount
# burns all of them, on this disc or, where it takes no more, on another one.
#
# SWEEP_STEP=1 takes each write command; by default it is each ninth.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso

STEP=${SWEEP_STEP:-9}
FAULTS="write-error full busy not-ready fail eject gone power-cut"
cases=0

# A disc with one session, and a stage with changes to it: made once a kind.
prepare() {
	rm -rf "$T/want" "$STAGE" "$T/stage.saved"
	mkdir "$T/want"
	new_drive "$kind"
	mount_drive
	head -c 100000 /dev/urandom >"$T/want/one"
	cp "$T/want/one" "$MNT"
	on_drive umount "$MNT" >/dev/null 2>&1
	mount_drive
	head -c 300000 /dev/urandom >"$T/want/two"
	cp "$T/want/two" "$MNT"
	on_drive umount --keep "$MNT" >/dev/null
	cp "$DRIVE" "$T/drive.saved"
	cp -a "$STAGE" "$T/stage.saved"
}

# The same drive again: by its inode, which the stage knows nothing of.
restore() {
	cp "$T/drive.saved" "$DRIVE"
	rm -rf "$STAGE"
	cp -a "$T/stage.saved" "$STAGE"
}

is_on_disc() {
	rm -rf "$T/x"
	burns xorriso -md5 on -indev /dev/sr0 -check_md5_r SORRY / -- \
		-osirrox on -extract / "$T/x"
	chmod -R u+w "$T/x"
	diff -r "$T/want" "$T/x" || fail "$what: not what was written"
}

# try FAULT SKIP [ON]
try() {
	local status=0 on=${3:-write}

	restore
	mount_drive
	disc fault "$1" on="$on" skip="$2" times=1
	on_drive commit "$MNT" >out 2>err || status=$?
	[ $status -lt 124 ] || fail "$what: exit status $status"
	if [ $status -ne 0 ]; then
		grep -q '^discfs: ' err || fail "$what: says nothing"
		diff -r "$T/want" "$MNT" >diff.out 2>&1 || [ "$1" = gone ] ||
			[ "$1" = eject ] || fail "$what: $(cat diff.out)"
	fi
	disc faults clear
	on_drive umount --keep "$MNT" >/dev/null 2>&1 ||
		fail "$what: cannot be unmounted"
	disc plug
	disc load
	mount_drive 2>err || fail "$what: $(cat err)"
	if [ $status -eq 0 ] && grep -q 'mounted read-only' err; then
		# The drive has forgotten that the disc was to stay open.
		on_drive umount "$MNT"
		is_on_disc
	elif grep -q 'mounted read-only' err; then
		same "$MNT/one" "$T/want/one"
		on_drive umount "$MNT"
		[ -n "$(ls "$STAGE")" ] || fail "$what: the stage is gone"
		echo "$what: $(cat err)"
	else
		diff -r "$T/want" "$MNT" || fail "$what: the next mount"
		on_drive umount "$MNT" >out 2>&1 || fail "$what: $(cat out)"
		is_on_disc
	fi
	cases=$((cases + 1))
}

for kind in cd-r dvd+r bd-r dvd+rw; do
	prepare
	before=$(disc count write)
	mount_drive
	on_drive commit "$MNT" >/dev/null 2>&1
	on_drive umount "$MNT" >/dev/null 2>&1
	writes=$(($(disc count write) - before))
	[ "$writes" -gt 5 ] || fail "$kind: only $writes writes"
	n=0
	for fault in $FAULTS; do
		for ((skip = n++ % STEP; skip < writes; skip += STEP)); do
			what="$kind: $fault at write $skip of $writes"
			try "$fault" "$skip"
		done
	done
	# SYNCHRONIZE CACHE; CLOSE TRACK SESSION
	for on in 35 5b; do
		for fault in fail gone power-cut; do
			for skip in 0 1; do
				[ $((n++ % STEP)) -lt 3 ] || continue
				what="$kind: $fault at $on $skip"
				try $fault $skip $on
			done
		done
	done
	ok "$kind: faults at $writes writes, $cases cases so far"
done
