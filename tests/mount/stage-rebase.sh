#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A disc that another program wrote to while changes to it were waiting: with
# -o rebase both sides' changes come together, or, where they touch, the mount
# is refused and nothing is lost on either side.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq genisoimage

# grow COMMANDS... - another session, by xorriso, which keeps all attributes.
grow() {
	xorriso -abort_on SORRY -acl on -xattr on -md5 on -hardlinks on \
		-dev "stdio:$IMG" "$@" -commit 2>xorriso.err ||
		fail "$(tail -n 3 xorriso.err)"
}

# conflict REGEX - refused, as these paths were changed on both sides; stage
# and disc are as before.
conflict() {
	cp "$IMG" refused.iso
	find "$STAGE" -type f -exec md5sum {} + | sort >stage.md5
	expect_error 32 "changed both .*on the disc: $1\$" mnt -o rebase
	! mounted || fail "and yet it is mounted"
	same refused.iso "$IMG" "the refused image"
	find "$STAGE" -type f -name data -exec md5sum {} + | sort |
		diff <(grep '/data$' stage.md5) - || fail "the stage changed"
	[ "$(stage_id)" = "$id" ] || fail "it is another stage"
}

stage_id() {
	"$DISCFS" stage list --stage "$STAGE" --json | jq -r '.stages[].id'
}

# back - the disc as it was before it grew.
back() {
	cat base.iso >"$IMG"
}

new_image
mnt
mkdir -p "$MNT/dir/sub" "$MNT/moved/sub" "$MNT/gone/sub" "$MNT/theirs"
for f in keep edit attr rename twin dir/one dir/sub/two moved/three \
	moved/sub/four gone/five gone/sub/six theirs/seven theirs/eight; do
	echo "$f, as it was" >"$MNT/$f"
done
seq 1 200000 >"$MNT/big"
ln "$MNT/twin" "$MNT/twin2"
umnt
cp "$IMG" base.iso

mnt
echo staged >"$MNT/new"
mkdir "$MNT/newdir"
echo staged >"$MNT/newdir/inside"
echo staged >"$MNT/dir/new"
echo staged >>"$MNT/edit"
printf patch | dd of="$MNT/big" bs=1 seek=500000 conv=notrunc status=none
chmod 0600 "$MNT/attr"
mv "$MNT/rename" "$MNT/newdir/renamed"
mv "$MNT/moved" "$MNT/elsewhere"
echo staged >>"$MNT/elsewhere/sub/four"
rm -r "$MNT/gone"
echo staged >>"$MNT/twin"
cp -r "$MNT/keep" "$MNT/clone"
deltas >want.deltas
mkdir want
cp -a "$MNT/." want
keep
id=$(stage_id)

# --- no way ------------------------------------------------------------------

echo foreign >foreign

grow -map foreign /theirs/new
expect_error 32 "$id.*-o stage=$STAGE,rebase " mnt
ok "without -o rebase a disc that grew is refused, and told of it"
back

grow -map foreign /new
conflict new
back
grow -rm /edit --
conflict edit
back
grow -chmod 0444 /attr --
conflict attr
back
grow -overwrite on -map foreign /big
conflict big
back
grow -map foreign /moved/sub/other
conflict moved
back
grow -map foreign /gone/sub/other
conflict 'gone, gone/sub'
back
grow -rm_r /dir --
conflict 'dir, dir/new'
back
grow -chmod 0700 /dir --
conflict dir/new
back
grow -mv /twin2 /triplet --
conflict 'twin2?'
back
grow -rm /rename --
conflict rename
back
grow -rm /edit /attr /big --  -map foreign /new
conflict 'attr, big, edit and 1 more'
back
ok "what changed on both sides is refused, and named"

# A disc of other content has no former session.
xorriso -abort_on SORRY -outdev "stdio:other.iso" -map foreign /f \
	-commit 2>xorriso.err || fail "$(tail -n 3 xorriso.err)"
cat other.iso >"$IMG"
expect_error 32 "$id" mnt -o rebase
# One that is back at an older state has not grown.
back
mnt -o rebase
has 'A new'
keep
ok "another disc is refused, and the unchanged one needs no rebase"

# A copy is none that grew.
cp "$IMG" copy.iso
expect_error 32 'copy of' mnt -o rebase copy.iso
expect_error 1 'exclude' mnt -o rebase,nostage
ok "-o rebase opens no other door"

# --- together ----------------------------------------------------------------

grow -map foreign /theirs/new -rm /theirs/seven -- \
	-mkdir /other -- -map foreign /other/file -chmod 0500 /theirs/eight --
cp "$IMG" grown.iso
expect_sessions 2
mnt -o ro,rebase
[ "$(cat "$MNT/other/file")" = foreign ] || fail "no new session"
[ "$(cat "$MNT/newdir/inside")" = staged ] || fail "no stage"
umnt
expect_error 32 "$id.*-o stage=$STAGE,rebase " mnt
ok "a read-only mount shows both and settles nothing"

mnt -o rebase
deltas | diff want.deltas - || fail "the changes are others now"
sound "$IMG"
same grown.iso "$IMG" "a mounted image"
keep
mnt
deltas | diff want.deltas - || fail "the rebase does not last"
umnt
[ -z "$(stage_id)" ] || fail "a stage is left after the burn"
ok "the changes are the same after the rebase, and it lasts"

expect_sessions 3
untouched grown.iso "$IMG"
sound "$IMG"
readable "$IMG" new newdir/inside other/file elsewhere/sub/four
extract "$IMG" got
# What the other side did, done to what the mount showed.
echo foreign >want/theirs/new
rm want/theirs/seven
mkdir want/other
echo foreign >want/other/file
chmod 0500 want/theirs/eight
diff -r want got || fail "the session is not both sides' changes"
[ "$(stat -c %a got/attr)" = 600 ] || fail "our mode is lost"
[ "$(stat -c %a got/theirs/eight)" = 500 ] || fail "their mode is lost"
[ got/twin -ef got/twin2 ] || fail "the hard link is lost"
ok "xorriso finds both sides' changes in the new session"

# --- not grown -----------------------------------------------------------------

# The head of an older state: what the stage is against is there, but the next
# session would be written over it.
mnt
echo later >>"$MNT/edit"
keep
cp "$IMG" three.iso
dd if=grown.iso of="$IMG" bs=64K count=1 conv=notrunc status=none
expect_sessions 2
expect_error 32 'did not grow' mnt -o rebase
cat three.iso >"$IMG"
mnt
has 'M edit'
keep
ok "a disc that was put back to an older state is refused"

# Nobody can read the former session of an image that had it at block 0.
mkdir foreign-tree
echo old >foreign-tree/old
genisoimage -quiet -R -J -o zero.iso foreign-tree
mnt zero.iso
echo new >"$MNT/new"
keep
xorriso -abort_on SORRY -dev "stdio:zero.iso" -map foreign /foreign -commit \
	2>xorriso.err || fail "$(tail -n 3 xorriso.err)"
expect_error 32 'lba 0 .*is not there any more' mnt -o rebase zero.iso
for id in $(stage_id); do
	"$DISCFS" stage drop -y --stage "$STAGE" "$id"
done
ok "a former session that is lost is not guessed"

# --- a blank disc --------------------------------------------------------------

rm -r "$IMG" want got
new_image
mnt
mkdir "$MNT/mine"
echo staged >"$MNT/mine/file"
keep
id=$(stage_id)
grow -map foreign /mine
conflict 'mine'
: >"$IMG"
grow -map foreign /yours
mnt -o rebase
[ "$(cat "$MNT/yours")" = foreign ] || fail "the session does not show"
has 'A mine' 'A mine/file'
umnt
sound "$IMG"
extract "$IMG" got
[ "$(cat got/yours got/mine/file)" = $'foreign\nstaged' ] ||
	fail "not both are there"
ok "changes to a blank disc go on top of what is there now"
