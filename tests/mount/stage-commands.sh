#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs stage: what waits is listed, shown, saved and discarded without its
# disc, and never by mistake.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq setsid

stages() {
	local verb=$1

	shift
	"$DISCFS" stage "$verb" --stage "$STAGE" "$@"
}

# shown ID - the deltas, without what stands before them.
shown() {
	stages show "$1" >show.out
	sed -n '/^pending:/,$p' show.out | tail -n +2
}

[ -z "$(stages list)" ] || fail "no folder of stages, and yet a stage"
[ "$(stages list --json | jq -c .)" = '{"stages":[]}' ] ||
	fail "no empty list"
ok "without stages the list is empty"

new_image
mnt
mkdir -p "$MNT/dir/deep" "$MNT/moved" "$MNT/gone"
seq 1 2000000 >"$MNT/big"
for f in plain replaced renamed edited dir/inside dir/deep/down moved/below \
	gone/under; do
	echo "$f" >"$MNT/$f"
done
umnt
mnt
made=$(stages list --json | jq -r '.stages[0].created')
id=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)

# One of each kind, and the awkward ones: below a folder that is moved, a file
# that another takes the place of, links, names that need quoting.
mkdir -m 0751 "$MNT/new" "$MNT/new/inner"
echo fresh >"$MNT/new/inner/fresh"
chmod 0640 "$MNT/new/inner/fresh"
touch -d '2001-02-03 04:05:06' "$MNT/new/inner/fresh"
ln "$MNT/new/inner/fresh" "$MNT/second"
ln -s ../new/inner/fresh "$MNT/new/symbolic"
mkfifo "$MNT/new/fifo"
setfattr -n user.note -v kept "$MNT/new/inner/fresh" 2>/dev/null ||
	skip "no setfattr, or no user attributes"
printf x >"$MNT/"$'new\nline'
mv "$MNT/moved" "$MNT/new/moved"
echo more >>"$MNT/new/moved/below"
mv "$MNT/renamed" "$MNT/dir/renamed"
mv "$MNT/edited" "$MNT/edited2"
echo edit >>"$MNT/edited2"
echo other >"$MNT/tmp" && mv "$MNT/tmp" "$MNT/replaced"
printf patch | dd of="$MNT/big" bs=1 seek=1000000 conv=notrunc status=none
chmod 0700 "$MNT/dir/deep" "$MNT/plain"
echo added >"$MNT/dir/deep/added"
rm -r "$MNT/gone"
truncate -s 100000 "$MNT/new/hole"
deltas | LC_ALL=C sort >want.deltas
for f in new/inner/fresh new/hole new/moved/below edited2 replaced big \
	dir/deep/added; do
	mkdir -p "want/$(dirname $f)"
	cp -p "$MNT/$f" "want/$f"
done

# --- in use -------------------------------------------------------------------

sync "$MNT/big"
[ "$(stages list --json | jq -r '.stages[0].in_use')" = true ] ||
	fail "a mount's stage is not in use"
stages list | grep -q "^$id .* in use .*$IMG\$" || fail "$(stages list)"
shown "$id" | LC_ALL=C sort | diff want.deltas - || fail "beside its mount"
expect_error 32 "$id.* in use" stages drop -y "$id"
expect_error 32 "$id.* in use" stages export "$id" out
[ ! -e out ] || fail "a refused export leaves its folder"
ok "a stage in use is shown, not dropped and not exported"

# --- shown --------------------------------------------------------------------

keep
find "$STAGE" -type f -exec md5sum {} + | sort >before.md5
shown "$id" | LC_ALL=C sort | diff want.deltas - ||
	fail "show and diff do not agree"
grep -q "^disc: *$IMG\$" show.out || fail "show does not name the disc"
grep -q '^base: *session at lba 32,' show.out || fail "show: no base"
stages show --json "$id" >show.json
jq -r '.deltas[] | .kind + " " + .path' show.json | grep -qx 'A new/hole' ||
	fail "no delta in the JSON"
[ "$(jq -r '.deltas[] | select(.path == "new/hole").size' show.json)" = 100000 ] ||
	fail "no size in the JSON"
[ "$(jq -c '[.intent, .in_use, .disc_present, .binding.blank,
	.binding.base_lba]' show.json)" = '[null,false,true,false,32]' ] ||
	fail "$(jq -c . show.json)"
jq -e '.created | test("^20[0-9-]+T[0-9:]+Z$")' show.json >/dev/null ||
	fail "no date"
[ "$(jq .pending.deltas show.json)" = "$(wc -l <want.deltas)" ] ||
	fail "another number of deltas"
[ "$(jq .pending.removed show.json)" = "$(grep -c '^D' want.deltas)" ] ||
	fail "another number of removals"
ok "what is shown from the rows alone is what diff shows"

mv "$IMG" away.iso
shown "$id" | LC_ALL=C sort | diff want.deltas - || fail "without the disc"
grep -q "^disc: .*(not there)" show.out || fail "the disc is said to be there"
[ "$(stages list --json | jq '.stages[0].disc_present')" = false ] ||
	fail "the disc is listed as present"
find "$STAGE" -type f -exec md5sum {} + | sort | diff before.md5 - ||
	fail "looking changed the stage"
ok "an absent disc's stage is shown, and looking changes nothing"

# --- exported -----------------------------------------------------------------

# Partly on the disc: big and the two that were appended to.
expect_exit 32 stages export "$id" partly 2>partly.err >partly.out
cat partly.err
[ "$(wc -l <partly.err)" -eq 3 ] || fail "not the three that are missing"
grep -q '^discfs: big: ' partly.err || fail "big is not named"
[ ! -e partly/big ] || fail "half a file is left"
same want/replaced partly/replaced
ok "what lies on an absent disc is named, and the rest is saved"

# Another disc at that path is not read.
new_image
"$DISCFS" mount -o "stage=$T/other" "$IMG" "$MNT"
head -c 20000000 /dev/urandom >"$MNT/big"
umnt
expect_exit 32 stages export "$id" wrong 2>wrong.err >wrong.out
grep -q '^discfs: big: .*not the stage' wrong.err || fail "$(cat wrong.err)"
[ ! -e wrong/big ] || fail "big has bytes of another disc"
mv away.iso "$IMG"
ok "another disc at the stage's path is not taken for it"

stages export "$id" out >export.out
cat export.out
(cd want && find . -type f) | while read -r f; do
	same "want/$f" "out/$f"
	[ "$(stat -c '%a %Y' "want/$f")" = "$(stat -c '%a %Y' "out/$f")" ] ||
		fail "$f has other attributes"
done
[ "$(readlink out/new/symbolic)" = ../new/inner/fresh ] || fail "no link"
[ -p out/new/fifo ] || fail "no fifo"
[ out/second -ef out/new/inner/fresh ] || fail "no hard link"
[ "$(cat $'out/new\nline')" = x ] || fail "no odd name"
[ "$(getfattr --only-values -n user.note out/second)" = kept ] ||
	fail "no extended attribute"
[ "$(stat -c %a out/new)" = 751 ] || fail "new folder: $(stat -c %a out/new)"
[ "$(stat -c %a out/dir/deep)" = 700 ] || fail "changed folder's mode"
[ "$(stat -c %a out/dir)" = 755 ] || fail "the disc's own folder's mode"
[ ! -e out/plain ] || fail "an unchanged content was exported"
[ "$(find out -type f -printf . | wc -c)" -eq 9 ] ||
	fail "other files too: $(find out -type f)"
expect_error 32 'File exists' stages export "$id" out
find "$STAGE" -type f -exec md5sum {} + | sort | diff before.md5 - ||
	fail "exporting changed the stage"
ok "all that was staged is exported as it was"

# --- dropped ------------------------------------------------------------------

expect_error 32 '-y' stages drop "$id" </dev/null
expect_error 32 'no stage' stages drop -y 00000000-0000-4000-8000-000000000000
expect_error 32 'no stage' stages show ../stage
expect_error 1 'no stage is named' stages drop -y
expect_error 1 'no such verb' stages burn
expect_error 1 'no --json' stages drop --json "$id"
expect_error 1 'too many' stages list "$id"
[ -s "$STAGE/$id/stage.db" ] || fail "the stage is gone"
ok "nothing is dropped unasked"

if command -v script >/dev/null; then
	printf 'n\n' | expect_exit 32 script -qec \
		"'$DISCFS' stage drop --stage '$STAGE' $id" /dev/null >asked
	grep -q 'Discard' asked || fail "nobody was asked: $(cat asked)"
	[ -s "$STAGE/$id/stage.db" ] || fail "no was taken for yes"
	ok "a terminal is asked, and no is no"
fi

sleep 1
mnt
has 'A new/hole'
keep
[ "$(stages list --json | jq -r '.stages[0].created')" = "$made" ] ||
	fail "the next mount made it younger"
stages drop -y "$id"
[ ! -e "$STAGE/$id" ] || fail "the stage is still there"
mnt
clean
umnt
expect_sessions 1
ok "a dropped stage is gone, and the disc is as it was"

# --- what cannot be read ------------------------------------------------------

mnt
echo x >"$MNT/x"
bad=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)
keep
new_image other.iso
mnt other.iso
echo y >"$MNT/y"
keep
echo rubbish >"$STAGE/$bad/stage.db"
rm -f "$STAGE/$bad/stage.db-wal" "$STAGE/$bad/stage.db-shm"
expect_exit 32 stages list >list.out 2>list.err
grep -q "^$bad .*unreadable" list.out || fail "$(cat list.out)"
grep -q "other.iso" list.out || fail "the other one is not listed"
[ "$(wc -l <list.err)" -eq 1 ] || fail "$(cat list.err)"
expect_error 32 "$bad" stages show "$bad"
stages drop -y "$bad"
stages list >list.out
! grep -q "$bad" list.out || fail "it is still there"
ok "a broken stage is listed and can be dropped"
