#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first burn of an image does not end: what it left stands behind a head of
# zeros, as things do that are not ours.  The stage tells which it is: the image
# can be mounted in all ways, and burned.  Without the stage, or where something
# else is there by now, it is not blank.
#
# Runs on disk: a kill is nearest to a power cut there.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires mkfs.btrfs

mkdir want
head -c 80000000 /dev/urandom >want/data
seq 1000 >want/numbers

# kill_in_burn - once so much of it is in the image.
kill_in_burn() {
	local burn

	umnt >burn.out 2>&1 &
	burn=$!
	until [ "$(stat -c %s "$IMG")" -gt 10000000 ] &&
		! cmp -s -i 98304:0 -n 2048 "$IMG" /dev/zero; do
		kill -0 $burn 2>/dev/null ||
			fail "the burn was over too soon: $(cat burn.out)"
	done
	# shellcheck disable=SC2046
	kill -9 $(daemon)
	! wait $burn || fail "the command says that all went well"
	within 10 no_daemon
	bury
}

fill() {
	mnt
	cp -p want/* "$MNT"
}

pending() {
	has 'A data' 'A numbers'
	cmp want/data "$MNT/data" || fail "the staged file is damaged"
}

burned() {
	umnt
	expect_sessions 1
	rm -rf got
	extract "$IMG" got
	same_tree -l want got
	sound "$IMG"
	rm "$IMG"
}

make_empty() { : >"$IMG"; }
make_hole() { truncate -s 300M "$IMG"; }
make_reserved() { fallocate -l 300M "$IMG"; }

for kind in empty hole reserved; do
	make_$kind
	fill
	kill_in_burn
	cmp -n 65536 "$IMG" /dev/zero || fail "the head was written"
	expect_error 32 'begins with zeros.*at byte 98304' \
		"$DISCFS" mount -o "stage=$T/other" "$IMG" "$MNT"
	mnt -o ro 2>err
	pending
	umnt
	mnt -o nostage 2>err
	[ -z "$(ls "$MNT")" ] || fail "$(ls "$MNT")"
	umnt
	! cmp -s -i 98304:0 -n 2048 "$IMG" /dev/zero ||
		fail "a mount to look only changed the image"
	# That may be what the next burn does, too.
	mnt
	pending
	if [ $kind = empty ]; then
		kill_in_burn
		mnt
		pending
	fi
	burned
	ok "$kind: killed, mounted in all ways, burned"
done

for point in after-data torn-head; do
	truncate -s 300M "$IMG"
	DISCFS_CRASH=$point mnt
	cp -p want/* "$MNT"
	! umnt >burn.out 2>&1 || fail "no crash at $point"
	within 20 no_daemon
	bury
	mnt
	clean
	burned
	ok "$point: the session is there, burned once"
done

# A power cut may lose any sector that was not synced.
: >"$IMG"
fill
kill_in_burn
for sector in 128 190 193 194 1000; do
	dd if=/dev/zero of="$IMG" bs=512 seek=$sector count=1 conv=notrunc \
		status=none
done
mnt
pending
burned
ok "sectors of it that were lost do not make it somebody else's"

# Its data is damaged: not published, and what is left of it is in no way.
truncate -s 300M "$IMG"
DISCFS_CRASH=after-data mnt
cp -p want/* "$MNT"
! umnt >burn.out 2>&1 || fail "no crash"
within 20 no_daemon
bury
printf damage | dd of="$IMG" bs=1 seek=40000000 conv=notrunc status=none
mnt
pending
cmp "$IMG" <(head -c 300M /dev/zero) || fail "not blank again"
burned
ok "a first session that was damaged is taken back"

# Others' data at the very place, in the very file.
: >"$IMG"
fill
kill_in_burn
truncate -s 200M btrfs
mkfs.btrfs -q btrfs 2>/dev/null
cat btrfs >"$IMG"
before=$(md5sum <"$IMG")
for opts in rw ro nostage; do
	expect_error 32 'btrfs|another program wrote' mnt -o $opts
done
"$DISCFS" stage list --stage "$STAGE" | grep -q "$IMG" ||
	fail "the stage is gone"
[ "$(md5sum <"$IMG")" = "$before" ] || fail "it was changed"
rm "$IMG"
"$DISCFS" mount -o "stage=$STAGE,create,stage-from=$(ls "$STAGE")" "$IMG" "$MNT"
pending
burned
ok "what somebody else put there since is left alone, and the changes kept"
