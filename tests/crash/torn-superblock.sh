#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A crash between the end of the session's data and the superblock, with half of
# the superblock written, and before the stage learned of it: recovered at the
# next mount, without loss and without a second burn.
#
# Runs on disk: a kill is nearest to a power cut there.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# edit N DIR
edit() (
	cd "$2" || exit
	mkdir "folder $1"
	head -c 5000000 /dev/zero | tr '\0' "$1" >"folder $1/data"
	echo "$1" >same-name
	touch -d "@$((1600000000 + $1))" "folder $1/data" "folder $1" same-name
)

mkdir want0
new_image
mnt
edit 0 "$MNT"
umnt
edit 0 want0
expect_sessions 1

n=0
for point in after-data torn-head before-rebase; do
	before=$n
	n=$((n + 1))
	cp -a "want$before" "want$n"
	edit $n "want$n"
	cp "$IMG" before.iso

	DISCFS_CRASH=$point mnt
	edit $n "$MNT"
	if umnt >burn.out 2>&1; then
		fail "no crash at $point"
	fi
	within 20 no_daemon
	bury
	untouched before.iso "$IMG"
	case $point in
	after-data)
		cmp -n 65536 before.iso "$IMG" || fail "the head was written"
		expect_sessions "$n"
		extract "$IMG" got.before
		same_tree "want$before" got.before
		;;
	torn-head)
		! cmp -s -n 65536 before.iso "$IMG" ||
			fail "the head was not touched"
		;;
	before-rebase)
		expect_sessions $((n + 1))
		;;
	esac

	mnt
	same_tree "want$n" "$MNT"
	clean
	umnt
	expect_sessions $((n + 1))
	extract "$IMG" "got$n"
	same_tree "want$n" "got$n"
	sound "$IMG"
	ok "$point: the session is there, burned once"
done

# The data of the session itself damaged: it is not published, the deltas wait.
cp "$IMG" before.iso
DISCFS_CRASH=after-data mnt
edit 4 "$MNT"
! umnt >burn.out 2>&1 || fail "no crash"
within 20 no_daemon
bury
end=$(stat -c %s before.iso)
grown=$(($(stat -c %s "$IMG") - end))
[ $grown -gt 4000000 ] || fail "the session is not on the disc"
head -c 100000 /dev/urandom |
	dd of="$IMG" bs=1 seek=$((end + grown / 2)) conv=notrunc status=none
mnt
has 'A folder 4' 'A folder 4/data' 'M same-name'
expect_sessions 4
ok "a session that was damaged by the crash is not published"
umnt
expect_sessions 5
cp -a want3 want4
edit 4 want4
extract "$IMG" got4
same_tree want4 got4
for i in 0 1 2 3; do
	extract "$IMG" "old$i" "$(sessions "$IMG" | sed -n $((i + 1))p)"
	same_tree "want$i" "old$i"
done
ok "the next commit succeeds, and all old sessions are whole"
