#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A stage belongs to one disc.  Where it cannot be told which, the mount is refused
# with a line that names the stage and the way out, and nothing is lost.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq

uuid='[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
ways='stage-from|nostage|rebase|stage (list|show|export|drop)'

# refused IMAGE - it is, and the line names the stage and a way out.
refused() {
	expect_error 32 "$uuid" mnt "$1"
	grep -Eq -- "$stage_id" err || fail "another stage is named: $(cat err)"
	grep -Eq -- "$ways" err || fail "no way out is named: $(cat err)"
	! mounted || fail "and yet it is mounted"
	[ -s "$STAGE/$stage_id/stage.db" ] || fail "the stage is gone"
}

new_image
mnt
echo base >"$MNT/base"
umnt
mnt
echo pending >"$MNT/pending"
stage_id=$("$DISCFS" status --json "$MNT" | jq -r .stage.id)
keep
[[ $stage_id =~ ^$uuid$ ]] || fail "status names no stage: $stage_id"
[ -s "$STAGE/$stage_id/stage.db" ] || fail "no stage in its folder"

cp "$IMG" copy.iso
cp copy.iso copy.before
refused copy.iso
same copy.before copy.iso "the refused image"
ok "a copied image is refused while the first one is there"

mnt
has 'A pending'
keep
ok "the first image still has its changes"

mnt -o nostage copy.iso 2>err
[ "$(cat "$MNT/base")" = base ] || fail "nostage does not show the disc"
[ ! -e "$MNT/pending" ] || fail "nostage shows the stage"
! touch "$MNT/x" 2>/dev/null || fail "nostage is writable"
umnt
same copy.before copy.iso "an image mounted with nostage"
ok "nostage shows the copy as it is, read-only"

mv "$IMG" moved.iso
mnt moved.iso
has 'A pending'
keep
# Here again, so that this is the path that the stage knows.
mv moved.iso "$IMG"
mnt
keep
ok "a moved image keeps its stage"

# The stage is bound to where its disc was mounted last.
mnt
keep
mv "$IMG" hidden.iso
refused "$IMG"
ok "an image that is gone: its stage is named"
mv hidden.iso "$IMG"

cp "$IMG" before-growth.iso
echo foreign >foreign
xorriso -abort_on SORRY -dev "stdio:$IMG" -map foreign /foreign -commit \
	2>xorriso.err || fail "$(tail -n 3 xorriso.err)"
cp "$IMG" grown.iso
refused "$IMG"
same grown.iso "$IMG" "the refused image"
ok "a disc that grew elsewhere is refused"
mnt -o nostage 2>err
[ "$(cat "$MNT/foreign")" = foreign ] || fail "nostage shows an old session"
umnt

# The copy is the same session, and this stage is wanted for it.
rm "$IMG"
mnt -o "stage-from=$stage_id" copy.iso
has 'A pending'
umnt
extract_file copy.iso /pending got
[ "$(cat got)" = pending ] || fail "the pending change is lost"
expect_sessions 2 copy.iso
ok "with stage-from the stage goes to the copy, and is burned"

# What a crash leaves of a mount in which nothing was changed.
new_image
mnt
echo base >"$MNT/base"
umnt
mnt
slay
[ "$(ls "$STAGE" | wc -l)" -eq 1 ] || fail "stages: $(ls "$STAGE")"
empty=$(ls "$STAGE")
xorriso -abort_on SORRY -dev "stdio:$IMG" -map foreign /foreign -commit \
	2>xorriso.err || fail "$(tail -n 3 xorriso.err)"
mnt
[ "$(cat "$MNT/foreign")" = foreign ] || fail "an old session is shown"
[ "$(ls "$STAGE" | wc -l)" -eq 1 ] || fail "stages: $(ls "$STAGE")"
[ "$(ls "$STAGE")" != "$empty" ] || fail "the stage of before is used"
echo more >"$MNT/more"
umnt
expect_sessions 3
ok "an empty stage that a crash left is in nobody's way"
