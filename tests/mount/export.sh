#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs export: what is shown, or a session, as an image of its own, judged by
# readers that others wrote; and a file that is there whole or not at all.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq setfacl

# exported IMAGE TREE - it is one session, sound, and holds just that tree.
exported() {
	expect_sessions 1 "$1"
	[ "$(sessions "$1")" -eq 0 ] || fail "$1: not at block 0"
	sound "$1"
	rm -rf got
	extract "$1" got
	# diff(1) takes no two of them for equal.
	[ -p got/docs/fifo ] || fail "$1: no fifo"
	touch -r got/docs stamp
	rm got/docs/fifo
	touch -r stamp got/docs
	same_tree -l "$2" got
	"$DISCFS" check "$1" | grep -q 'as recorded' || fail "check of $1"
}

# shown - a copy of what the mount shows.
shown() {
	rm -rf want
	mkdir want
	cp -a "$MNT/." want/
	rm want/docs/fifo
	touch -r "$MNT/docs" want/docs
}

new_image
mnt
mkdir -p "$MNT/photos/a/b" "$MNT/docs"
for i in 1 2 3; do
	head -c $((i * 123456)) /dev/urandom >"$MNT/photos/$i"
done
seq 3000 >"$MNT/docs/list"
ln "$MNT/docs/list" "$MNT/second name"
ln -s ../docs/list "$MNT/photos/link"
mkfifo "$MNT/docs/fifo"
setfattr -n user.color -v blue "$MNT/docs/list"
setfacl -m u:1234:r "$MNT/photos/1"
# Where libisofs needs mending.
mkdir "$MNT/long names"
for i in $(seq 120); do
	: >"$MNT/long names/$i$(printf '%0120d' 7)"
done
umnt >/dev/null
mnt
shown
mv want first
"$DISCFS" export "$MNT" same.iso >export.out
grep -Eqx 'exported: [0-9]+ blocks \([0-9.]+ .?B\)' export.out ||
	fail "export says: $(cat export.out)"
[ "$(sed 's/[^0-9]*\([0-9]*\) .*/\1/' export.out)" -eq \
	$(($(stat -c %s same.iso) / 2048)) ] || fail "another size"
exported same.iso first
readable same.iso photos/3 'long names'
ok "an unchanged disc"

cp "$IMG" before.iso
echo more >>"$MNT/docs/list"
mv "$MNT/photos/a" "$MNT/docs/a moved folder"
rm "$MNT/photos/2"
head -c 500000 /dev/urandom >"$MNT/docs/a moved folder/new"
cp "$MNT/photos/3" "$MNT/copy"
chmod 600 "$MNT/photos/1"
truncate -s 100000 "$MNT/photos/3"
ln "$MNT/photos/1" "$MNT/docs/one"
shown
deltas >deltas.before
"$DISCFS" export "$MNT" pending.iso >/dev/null
exported pending.iso want
same before.iso "$IMG" "the disc that was exported"
deltas | diff deltas.before - || fail "the export changed what is pending"
on_image pending.iso - -getfattr '/docs/list' -- >attrs
grep -q 'user.color="blue"' attrs || fail "no attribute: $(cat attrs)"
on_image pending.iso - -getfacl /photos/1 -- >acl
grep -q '^user:1234:' acl || fail "no ACL: $(cat acl)"
[ "$(image_blocks pending.iso | awk '/list|second/ { print $(NF - 1) }' | sort -u |
	wc -l)" -eq 1 ] || fail "hard links are two files"
ok "pending changes are in it"

"$DISCFS" export "$MNT" - >stream.iso
exported stream.iso want
"$DISCFS" export "$MNT" - | head -c 100000 >part || true
[ "$(stat -c %s part)" -eq 100000 ] || fail "no stream"
"$DISCFS" commit "$MNT" >/dev/null
ok "to standard output, and a reader that goes away"

for i in 1 2; do
	"$DISCFS" export -s $i "$MNT" session$i.iso >/dev/null
done
exported session1.iso first
exported session2.iso want
expect_error 32 'no session 3: the disc has 2' \
	"$DISCFS" export -s 3 "$MNT" session3.iso
expect_error 1 'not the number' "$DISCFS" export -s x "$MNT" session3.iso
[ ! -e session3.iso ] || fail "a file of a session that is not there"
ok "a session"

echo later >"$MNT/later"
shown
keep >/dev/null
XDG_STATE_HOME=$T/state
export XDG_STATE_HOME
"$DISCFS" export "$IMG" source.iso >/dev/null
rm want/later
exported source.iso want
ok "of an image, what it holds"
mnt
has 'A later'
umnt >/dev/null

# With its stage, where that is in the usual place.
"$DISCFS" mount "$IMG" "$MNT"
echo usual >"$MNT/usual"
rm -r "$MNT/long names"
shown
keep >/dev/null
"$DISCFS" export "$IMG" usual.iso >/dev/null
exported usual.iso want
"$DISCFS" mount "$IMG" "$MNT"
has 'A usual'
ok "of an image and its stage"

# What mkisofs -z compressed: libisofs reads it, the mount does not.
seq 100000 >numbers
xorriso -outdev z.iso -map numbers /numbers -set_filter --zisofs /numbers -- \
	-commit 2>/dev/null
blocks=$(image_blocks z.iso | awk '{ print $3 }')
[ "$blocks" -lt 200 ] || fail "not compressed: $blocks blocks"
"$DISCFS" export z.iso plain.iso >/dev/null
extract_file plain.iso /numbers numbers.out
same numbers numbers.out
mnt plain.iso "$T/got"
same numbers "$T/got/numbers"
umnt "$T/got"
ok "compressed files are written as they are meant"

# Into the file system that the mount has, and nothing else is taken along.
cp usual.iso kept.iso
expect_error 32 'there already' "$DISCFS" export "$MNT" kept.iso
same usual.iso kept.iso
"$DISCFS" export -f -s 1 "$MNT" kept.iso >/dev/null
exported kept.iso first
expect_error 32 'disc itself' "$DISCFS" export -f "$MNT" "$IMG"
expect_error 32 'a folder' "$DISCFS" export -f "$MNT" "$T/got"
expect_error 32 'No such file' "$DISCFS" export "$MNT" "$T/none/x.iso"
expect_error 1 'no file is named' "$DISCFS" export "$MNT"
mkdir small
mount -t tmpfs -o size=100k tmpfs small
expect_error 32 'not enough space' "$DISCFS" export "$MNT" small/x.iso
[ -z "$(ls -A small)" ] || fail "a part was left behind: $(ls -A small)"
umount small
ok "a file is replaced only when asked for, and is whole or not there"

# While nobody reads, a commit waits; an interrupt ends the export.
mkfifo pipe
exec 9<>pipe
"$DISCFS" export "$MNT" - >pipe 2>err &
pid=$!
within 10 test -s pipe -o -d /proc/$pid
sleep 0.5
echo during >"$MNT/during" || fail "writing stops"
[ "$(cat "$MNT/during")" = during ]
expect_error 32 'burn is running' "$DISCFS" revert "$MNT" during
"$DISCFS" commit "$MNT" >commit.out 2>commit.err &
commit=$!
within 10 grep -q . commit.err
grep -qx 'discfs: waiting for an export to end' commit.err ||
	fail "commit says: $(cat commit.err)"
"$DISCFS" status "$MNT" | grep -q '^state: *waiting for an export to end' ||
	fail "status says: $("$DISCFS" status "$MNT")"
[ "$("$DISCFS" status --json "$MNT" | jq -r .progress.waits_for)" = "an export" ]
echo later >"$MNT/later" || fail "writing stops"
kill -INT $pid
expect_exit 8 wait $pid
wait $commit || fail "the commit failed: $(cat commit.err)"
[ "$(wc -l <commit.err)" -eq 1 ] || fail "$(cat commit.err)"
grep -q 'burned and verified' commit.out || fail "$(cat commit.out)"
grep -q interrupted err || fail "no word of it: $(cat err)"
exec 9>&-
echo more >>"$MNT/during"
within 10 "$DISCFS" revert "$MNT" during
(
	"$DISCFS" export "$MNT" interrupted.iso >/dev/null 2>&1 &
	kill -TERM $!
	wait $!
) || true
within 10 sh -c '! ls interrupted.iso.* 2>/dev/null'
ok "the mount goes on, and the export can be interrupted"
umnt >/dev/null

# flip FILE OFFSET - a byte of its content in flipped.iso.
flip() {
	local at

	at=$(image_blocks flipped.iso | awk -v f="'/$1'" '$1 == f { print $2 }')
	[ -n "$at" ] || fail "no place of $1: $(image_blocks flipped.iso)"
	at=$((at * 2048 + $2))
	byte=$(od -An -tu1 -j $at -N 1 flipped.iso)
	printf "%b" "\\x$(printf %x $(((byte + 1) % 256)))" |
		dd of=flipped.iso bs=1 seek=$at conv=notrunc status=none
}

# Old content is compared with its checksums: in the new image they would be made
# of what is there, and damage would look sound.
new_image
mnt
echo small >"$MNT/small"
head -c 100000 /dev/urandom >"$MNT/large"
ln "$MNT/large" "$MNT/link"
umnt >/dev/null
mnt
head -c 5000 /dev/urandom >"$MNT/later"
umnt >/dev/null
for pair in small:0 large:50000 large:99999 later:4500; do
	IFS=: read -r name offset <<<"$pair"
	cp "$IMG" flipped.iso
	"$DISCFS" export flipped.iso sound.iso >/dev/null
	rm sound.iso
	flip "$name" "$offset"
	expect_error 32 "content of ($name|link) is not what was burned" \
		"$DISCFS" export flipped.iso damaged.iso
	[ ! -e damaged.iso ] || fail "an image of damaged content"
	mnt flipped.iso
	expect_error 32 "content of ($name|link) is not what was burned" \
		"$DISCFS" export "$MNT" damaged.iso
	# What is written anew is not of the disc any more.
	echo anew >new
	cat new >"$MNT/$name"
	"$DISCFS" export "$MNT" anew.iso >/dev/null
	extract_file anew.iso "/$name" got.anew
	same new got.anew
	rm -f anew.iso got.anew
	keep >/dev/null
	rm -rf "$STAGE"
done
ok "content that is not as it was burned is not exported"
