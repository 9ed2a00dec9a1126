#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The image goes away under the mount: nothing is burned to a file that nobody
# finds, the changes stay in the stage, and can be burned later or elsewhere.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq

mkdir other d
mount -t tmpfs tmpfs other
IMG=$T/d/disc.iso

# begin [ENV...] - a disc with one session, mounted, with a change that waits.
begin() {
	rm -rf d "$STAGE" other/*
	mkdir d
	new_image
	mnt
	echo one >"$MNT/one"
	umnt >/dev/null
	cp "$IMG" before.iso
	env "$@" ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" \
		"$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
	echo precious >"$MNT/two"
	id=$(ls "$STAGE")
}

# refused REGEX - sync, commit and umount are, with the reason and ways out.
refused() {
	! sync "$MNT" 2>/dev/null || fail "sync says that all is well"
	expect_error 32 "$1" "$DISCFS" commit "$MNT"
	expect_error 32 "$1" umnt
	grep -q "put the image back" err || fail "no way out: $(cat err)"
	grep -q -- "stage-from=$id" err || fail "no way out: $(cat err)"
	mounted || fail "the mount is gone"
	has 'A two'
	"$DISCFS" status "$MNT" | grep -Eq "$1" || fail "status says nothing"
	echo more >"$MNT/more" || fail "the mount is not writable any more"
	rm "$MNT/more"
}

# burned IMAGE - both files are in it, and nothing waits any more.
burned() {
	extract_file "$1" /two got
	[ "$(cat got)" = precious ] || fail "the change is lost"
	rm -f got
	[ -z "$(ls "$STAGE")" ] || fail "the stage is still there"
}

for how in 'rm "$IMG"' 'cp "$IMG" d/n; mv d/n "$IMG"' 'mv "$IMG" other/' \
	'ln "$IMG" d/n; rm "$IMG"' 'mount -t tmpfs none d' \
	': >d/n; mv d/n "$IMG"'; do
	begin
	eval "$how"
	refused 'was deleted|another file stands|does not lead to'
	if mountpoint -q d; then
		umount d
		umnt
		burned "$IMG"
	else
		keep
		[ -n "$(ls "$STAGE")" ] || fail "the stage is gone"
		rm -f "$IMG" other/*
		"$DISCFS" mount -o "stage=$STAGE,create,stage-from=$id" \
			other/new.iso "$MNT"
		umnt
		extract_file other/new.iso /two got
		[ "$(cat got)" = precious ] || fail "the change is lost"
		rm -f got
	fi
	ok "$how: refused, and burned all the same"
done

begin
mv "$IMG" d/hidden
ln -s hidden d/link
rm d/link
umnt
burned d/hidden
ok "moved on its file system: burned there"

begin
mv d dd
keep
mv dd/disc.iso dd/again.iso
mnt "$T/dd/again.iso"
has 'A two'
umnt
burned dd/again.iso
rm -rf dd
ok "its folder moved, kept: the next mount finds the stage"

begin
keep
rm -rf "$STAGE"
: >"$IMG"
mnt
echo precious >"$MNT/two"
mv "$IMG" d/blank.iso
keep
mnt "$T/d/blank.iso"
has 'A two'
umnt
burned d/blank.iso
ok "a blank image that was moved has its stage"

begin
mv "$IMG" other/
refused 'deleted'
cp other/disc.iso "$IMG"
refused 'another file stands'
keep
mnt
has 'A two'
umnt
burned "$IMG"
ok "a copy in its place: burned after --keep and another mount"

begin
mv "$IMG" d/elsewhere
: >"$IMG"
umnt
burned d/elsewhere
[ ! -s "$IMG" ] || fail "something was written to the other file"
ok "moved, and another file in its place: followed"

begin
ln "$IMG" d/n
rm "$IMG"
refused 'does not lead to'
ln d/n "$IMG"
umnt
burned "$IMG"
ok "put back: burned without another mount"

begin
rm "$IMG"
"$DISCFS" export "$MNT" saved.iso
extract_file saved.iso /two got
extract_file saved.iso /one got1
[ "$(cat got)$(cat got1)" = preciousone ] || fail "the export lacks a file"
rm -f got got1
keep
ok "deleted: an export has it all"

begin
size=$(stat -c %s "$IMG")
truncate -s $((size - 4096)) "$IMG"
refused 'cut the image .* short: 4096 of'
tail -c 4096 before.iso >>"$IMG"
umnt
burned "$IMG"
ok "cut short by 2 blocks: refused, and burned once they are back"

# In the midst of it: when the session is written, and when the head is.
for at in fsync fdatasync; do
	for how in 'mv "$IMG" "$T/other/x.iso"' 'rm "$IMG"' \
		'cp "$IMG" d/n; mv d/n "$IMG"'; do
		printf 'IMG=%q T=%q\ncd "$T"\n%s\n' "$IMG" "$T" "$how" >todo
		begin LD_PRELOAD="$MEDDLE" MEDDLE_AT=$at:/disc.iso \
			MEDDLE_DO="$T/todo"
		expect_error 32 'was deleted|another file' umnt
		[ -e todo.done ] || fail "nothing was done at $at"
		has 'A two'
		keep
		[ -n "$(ls "$STAGE")" ] || fail "the stage is gone"
		"$DISCFS" stage show --stage "$STAGE" "$id" | grep -q two ||
			fail "the change is not in the stage"
		if [ $at = fsync ] && [[ $how = mv* ]]; then
			mv other/x.iso "$IMG"
			mnt
			umnt
			burned "$IMG"
		fi
		ok "$at, $how: not said to be burned"
	done
done

printf 'mv %q %q\n' "$IMG" "$T/d/y.iso" >todo
begin LD_PRELOAD="$MEDDLE" MEDDLE_AT=fsync:/disc.iso MEDDLE_DO="$T/todo"
umnt >said
grep -q "the image is now $T/d/y.iso" said || fail "not told: $(cat said)"
[ -e todo.done ] || fail "nothing was done"
burned d/y.iso
ok "moved on its file system during the burn: burned"
