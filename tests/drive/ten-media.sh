#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each of the ten writable media: a first session on a blank disc, changes as
# a second one, a third one that closes the disc.  After each of them xorriso
# judges what is on it.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso cmp

WANT=$T/want
long=$(printf 'a long name, %.0s' {1..15})

# What each session changes: in the mount and in a copy of it.
first() {
	mkdir "$1/docs" "$1/docs/deep" "$1/empty"
	head -c 300001 "$T/random" >"$1/docs/data"
	head -c 70000 "$T/random" >"$1/docs/deep/$long"
	echo "one" >"$1/small"
	ln -s "docs/deep/$long" "$1/link"
	: >"$1/nothing"
}

second() {
	tail -c 54321 "$T/random" >"$1/added"
	rm "$1/small"
	mv "$1/docs/deep" "$1/moved"
	# Half of it is on the disc, and cannot be read while that is written.
	printf 'patched' | dd of="$1/docs/data" bs=1 seek=150000 conv=notrunc \
		status=none
	echo "more" >>"$1/moved/$long"
}

third() {
	rmdir "$1/empty"
	echo "the last one" >"$1/docs/last"
}

# le32 FILE OFFSET - both byte orders of a number agree; the number.
le32() {
	local le be

	le=$(od -An -tu4 --endian=little -j "$2" -N 4 "$1")
	be=$(od -An -tu4 --endian=big -j $(($2 + 4)) -N 4 "$1")
	[ "$le" -eq "$be" ] || fail "$1: $le and $be at $2"
	echo $((le))
}

# volume_size LBA - of the volume, by the descriptor of the session there.
volume_size() {
	disc extract $(($1 + 16)) 1 >"$T/pvd"
	[ "$(dd if="$T/pvd" bs=1 skip=1 count=5 status=none)" = CD001 ] ||
		fail "no descriptor at $1"
	le32 "$T/pvd" 80
}

# What the kernel's isofs has to find: an end behind all addresses.
descriptors_are_right() {
	local lba blocks

	read -r lba blocks < <(sed -n \
		's/^burned .* lba \([0-9]*\), \([0-9]*\) blocks.*/\1 \2/p' \
		"$T/said-by-us")
	if is_overwritable "$kind"; then
		# The superblock says the whole, the session what the way from
		# one to the next needs.
		[ "$(volume_size 0)" -eq $((lba + blocks)) ] ||
			fail "superblock: $(volume_size 0)"
		[ "$(volume_size "$lba")" -eq "$blocks" ] ||
			fail "session at $lba: $(volume_size "$lba")"
	else
		[ "$(volume_size "$lba")" -eq $((lba + blocks)) ] ||
			fail "session at $lba: $(volume_size "$lba")"
		for i in 0 1; do
			disc extract $((lba + 16 + i)) 1 >"$T/vd"
			[ "$(le32 "$T/vd" 80)" -eq $((lba + blocks)) ] ||
				fail "descriptor $i at $lba"
		done
	fi
}

# judge N - xorriso finds N sessions, all blocks, all checksums, and the tree.
judge() {
	local severity=SORRY

	sessions "$1"
	rm -rf "$T/x"
	# It reads the two run-out blocks behind a track at once as well.
	case $kind in cd-*) severity=FAILURE ;; esac
	burns xorriso -return_with $severity 32 -md5 on -indev /dev/sr0 \
		-check_media use=indev what=tracks -- \
		-check_md5_r SORRY / -- \
		-osirrox on -extract / "$T/x"
	grep -q 'MD5 MISMATCH' "$T/said" && fail "MD5: $(cat "$T/said")"
	grep -q 'File contents and their MD5 checksums match' "$T/said" ||
		fail "no MD5 was checked: $(cat "$T/said")"
	grep -q '^Media region : .* + ' "$T/said" ||
		fail "nothing was read: $(cat "$T/said")"
	if grep '^Media region : .* - ' "$T/said" |
		grep -v '^Media region : *[0-9]* , *2 , - unreadable'; then
		fail "bad blocks"
	fi
	[ "$(grep -c '^MD5 tag range: .* + md5_match' "$T/said")" -ge "$1" ] ||
		fail "not each session has its checksum: $(cat "$T/said")"
	chmod -R u+w "$T/x"
	diff -r --no-dereference "$WANT" "$T/x" ||
		fail "session $1: not what was written"
}

# change STEP [OPTS] - mount, change, unmount with the burn.
change() {
	mount_drive "${2:-}"
	"$1" "$MNT"
	"$1" "$WANT"
	diff -r --no-dereference "$WANT" "$MNT" || fail "$1: the mount"
	on_drive umount "$MNT" >"$T/said-by-us"
	grep -q '^burned and verified: ' "$T/said-by-us" ||
		fail "$(cat "$T/said-by-us")"
	disc show | grep -qx 'locked: no' || fail "the tray stays locked"
}

head -c 400000 /dev/urandom >"$T/random"
for kind in $CDS $DVDS $BDS; do
	rm -rf "$WANT" "$STAGE"
	mkdir "$WANT"
	new_drive "$kind"
	change first
	descriptors_are_right
	judge 1
	change second
	descriptors_are_right
	judge 2
	ok "$kind: two sessions"

	change third close 2>"$T/err"
	descriptors_are_right
	judge 3
	if is_overwritable "$kind"; then
		grep -q 'close has no meaning' "$T/err" ||
			fail "close is passed over: $(cat "$T/err")"
		disc_is formatted
		mount_drive
		touch "$MNT/x"
		on_drive umount --keep "$MNT" >/dev/null
		ok "$kind: cannot be closed, and says so"
	else
		disc_is closed
		mount_drive 2>"$T/err"
		grep -q 'mounted read-only: the disc is closed' "$T/err" ||
			fail "$(cat "$T/err")"
		diff -r --no-dereference "$WANT" "$MNT"
		if touch "$MNT/x" 2>/dev/null; then
			fail "a closed disc takes changes"
		fi
		on_drive umount "$MNT"
		[ -z "$(ls "$STAGE")" ] || fail "a stage stays: $(ls "$STAGE")"
		ok "$kind: closed, then read-only"
	fi
done

# A DVD-RW that was blanked the fast way takes one session only, so it is
# formatted for overwriting, but not before there is something to burn.
rm -rf "$WANT" "$STAGE"
mkdir "$WANT"
kind=dvd-rw-ro
new_drive dvd-rw
burns xorriso -for_backup -outdev /dev/sr0 -map "$T/random" /old -commit
burns xorriso -outdev /dev/sr0 -blank deformat_quickest
mount_drive
on_drive umount "$MNT"
disc show | grep -qx 'kind: dvd-rw' || fail "formatted by a look"
change first
judge 1
change second
judge 2
disc show | grep -qx 'kind: dvd-rw-ro' || fail "not formatted"
ok "dvd-rw: blanked the fast way"
