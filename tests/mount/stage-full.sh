#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The stage's file system fills up in more ways than one.  Each has a way out,
# and what was fsynced is there when that was taken.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq

STAGE=$T/s/stage
mkdir s fsynced

# begin SIZE [TMPFS-OPTION [ENV...]] - a disc with one session, its stage on a
# file system of that size.
begin() {
	local size=$1 more=${2:-}

	shift $(($# < 2 ? $# : 2))
	! mountpoint -q s || umount s
	mount -t tmpfs -o "size=$size$more" tmpfs s
	rm -rf fsynced
	mkdir fsynced
	new_image
	env "$@" ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" \
		"$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
}

# put NAME BYTES - a file, fsynced; false if that does not succeed.
put() {
	head -c "$2" /dev/urandom >new
	dd if=new of="$MNT/$1" bs=64k conv=fsync status=none 2>dd.err ||
		return 1
	mv new "fsynced/$1"
}

# forget NAME - it is removed.
forget() {
	rm "$MNT/$1" "fsynced/$1"
}

# all_in DIR - each file that was fsynced is there as it was.
all_in() {
	local f n=0

	for f in fsynced/*; do
		cmp "$f" "$1/${f##*/}" || fail "$f was fsynced, and is not there"
		n=$((n + 1))
	done
	[ $n -gt 0 ] || fail "nothing was fsynced at all"
}

# burned - the image has them, says another reader.
burned() {
	rm -rf got
	extract "$IMG" got
	all_in got
	rm -rf got
	[ -z "$(ls "$STAGE")" ] || fail "the stage is still there"
}

# fill - no room is left by other programs.
fill() {
	cat /dev/zero >s/filler 2>/dev/null || true
	[ "$(df --output=avail -k s | tail -n 1 | tr -d ' ')" -eq 0 ] ||
		fail "there still is room"
}

# fill_mount - nor by the mount itself.
fill_mount() {
	local i=0

	while put "f$i" 400000; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail "it never fills up"
	done
	rm -f "$MNT/f$i"
	while put "g$i" 20000; do
		i=$((i + 1))
	done
}

# fill_database - with rows, of files that are empty.
name=$(printf 'n%.0s' {1..200})
fill_database() {
	local more

	i=0
	while :; do
		printf -v more '%s\n' {0..199}
		# shellcheck disable=SC2086
		(cd "$MNT" && printf "$i-%s-$name\n" $more | xargs touch) ||
			break
		put "p$i" 100 || break
		i=$((i + 1))
		[ $i -lt 150 ] || fail "it never fills up"
	done 2>/dev/null
	[ $i -gt 5 ] || fail "full after $((i * 200)) files: $(cat dd.err)"
}

begin 8m
fill_mount
"$DISCFS" status "$MNT" >status
grep -q "file system is full" status ||
	fail "status does not say it: $(cat status; df s)"
umnt
burned
ok "full by data: burned"

begin 8m
fill_mount
df=$(stat -f -c %f s)
forget f0
forget f1
sync "$MNT/f2"
[ "$(stat -f -c %f s)" -gt $((df + 150)) ] || fail "no room was given back"
put again 300000 || fail "the room cannot be used: $(cat dd.err)"
all_in "$MNT"
umnt
burned
ok "full by data: deleting in the mount gives room back"

begin 8m
fill_mount
slay
mnt
all_in "$MNT"
keep
mnt
all_in "$MNT"
umnt
burned
ok "full by data, killed: mounted, kept, mounted and burned"

begin 5m
fill_database
umnt
burned
ok "full by the database, $((i * 200)) files: burned"

begin 5m
fill_database
(cd "$MNT" && find . -name "*$name" -delete)
put more 100000 || fail "deleting gave no room: $(cat dd.err)"
slay
mnt
all_in "$MNT"
umnt
burned
ok "full by the database: deleting in the mount gives room back"

begin 5m
fill_database
mount -o remount,size=20m s
keep
mnt
all_in "$MNT"
umnt
burned
ok "full by the database: more room, kept and burned"

begin 8m
put one 100000
fill
"$DISCFS" umount --keep "$MNT"
mnt
all_in "$MNT"
echo two >"$MNT/two" 2>/dev/null || true
umnt
burned
ok "full by another program: kept, mounted and burned"

# When the session is written, and when the superblock is: the rebase is left.
for at in fsync fdatasync; do
	printf 'cd %q\ncat /dev/zero >s/filler 2>/dev/null\n%s\n' "$T" \
		"for i in 1 2 3; do : >mnt/later\$i; done" >todo
	begin 8m "" LD_PRELOAD="$MEDDLE" MEDDLE_AT=$at:/disc.iso \
		MEDDLE_DO="$T/todo"
	put one 1000000
	"$DISCFS" commit "$MNT"
	[ -e todo.done ] || fail "it was not filled"
	put two 10 || true
	all_in "$MNT"
	slay
	mnt
	all_in "$MNT"
	rm s/filler
	umnt
	burned
	ok "full in the midst of a burn, at $at: nothing lost"
done

begin 8m ,nr_inodes=12
put one 1000
i=0
while : >"s/i$i"; do
	i=$((i + 1))
done 2>/dev/null
put two 1000 || fail "no fsync without inodes: $(cat dd.err)"
"$DISCFS" commit "$MNT"
put three 1000 || fail "no fsync without inodes: $(cat dd.err)"
keep
rm s/i*
mnt
all_in "$MNT"
umnt
burned
ok "out of inodes: burned, kept and burned"

# Files may have 6 MB at most.
begin 20m
put first 1000
umnt
ulimit_mnt() {
	(ulimit -f 6000 && mnt)
}
ulimit_mnt
i=0
while put "f$i" 400000; do
	i=$((i + 1))
	[ $i -lt 100 ] || fail "the limit does not hold"
done
grep -q 'too large' dd.err || fail "the limit is not told: $(cat dd.err)"
rm "$MNT/f$i"
forget f0
forget f1
put again 1000 || true
all_in "$MNT"
"$DISCFS" commit "$MNT" 2>err || grep -q 'discfs:' err
keep
mnt
all_in "$MNT"
umnt
burned
ok "files limited in size: nothing lost"
