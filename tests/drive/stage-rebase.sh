#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A disc in a drive that another program wrote to while changes to it were
# waiting here: its stage is found by the session that it grew from, and named;
# with -o rebase both sides' changes come together.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso jq

stages() {
	"$DISCFS" stage list --stage "$STAGE" --json | jq -r '.stages[].id'
}

# grow COMMANDS... - another session, elsewhere.
grow() {
	burns xorriso -for_backup -dev /dev/sr0 "$@" -commit
}

# waiting - a disc with one session, and changes that wait.
waiting() {
	rm -rf "$STAGE" "$T/want"
	mkdir "$T/want"
	new_drive "$kind"
	mount_drive
	echo ours >"$MNT/edited"
	echo kept >"$MNT/kept"
	mkdir "$MNT/dir"
	on_drive umount "$MNT" >/dev/null 2>&1
	mount_drive
	echo staged >"$MNT/dir/new"
	echo staged >>"$MNT/edited"
	cp -r "$MNT/." "$T/want"
	on_drive umount --keep "$MNT" >/dev/null
	id=$(stages)
}

echo foreign >"$T/foreign"

for kind in cd-r dvd+r bd-r dvd+rw; do
	waiting
	grow -map "$T/foreign" /foreign
	expect_error 32 "stage $id .*before something else wrote to it: \"discfs mount -o stage=$STAGE,rebase .*,nostage .*stage export --stage $STAGE ${id:0:8} DIR.*stage drop --stage $STAGE ${id:0:8}\"" \
		mount_drive
	! mounted || fail "$kind: and yet it is mounted"
	[ "$(stages)" = "$id" ] || fail "$kind: another stage: $(stages)"
	expect_error 32 "another state of this disc.*-o stage=$STAGE,rebase" \
		mount_drive "stage-from=$id"
	mount_drive nostage 2>"$T/err"
	[ "$(ls "$MNT")" = $'dir\nedited\nforeign\nkept' ] ||
		fail "$kind: nostage: $(ls "$MNT")"
	on_drive umount "$MNT"
	mount_drive ro 2>"$T/err"
	grep -q "without changes that are pending: stage $id" "$T/err" ||
		fail "$kind: $(cat "$T/err")"
	on_drive umount "$MNT"
	rm -rf "$T/saved"
	"$DISCFS" stage export --stage "$STAGE" "$id" "$T/saved" >/dev/null \
		2>&1 || true
	[ "$(cat "$T/saved/dir/new")" = staged ] || fail "$kind: no export"
	ok "$kind: a disc that grew elsewhere is told from its stage"

	mount_drive rebase
	[ "$(stages)" = "$id" ] || fail "$kind: another stage: $(stages)"
	cp "$T/foreign" "$T/want/foreign"
	diff -r "$T/want" "$MNT" || fail "$kind: not both sides' changes"
	on_drive umount --keep "$MNT" >/dev/null
	mount_drive
	diff -r "$T/want" "$MNT" || fail "$kind: the rebase does not last"
	on_drive umount "$MNT" >/dev/null 2>&1
	rm -rf "$T/x"
	burns xorriso -indev /dev/sr0 -osirrox on -extract / "$T/x"
	chmod -R u+w "$T/x"
	diff -r "$T/want" "$T/x" || fail "$kind: not what was to be burned"
	sessions 3
	[ -z "$(stages)" ] || fail "$kind: a stage is left"
	ok "$kind: with -o rebase both sides' changes are burned"

	waiting
	grow -rm /edited --
	expect_error 32 "changed both in stage $id and on the disc: edited" \
		mount_drive rebase
	[ "$(stages)" = "$id" ] || fail "$kind: another stage: $(stages)"
	ok "$kind: what changed on both sides is refused"

	# Another disc of the kind, that grew as well, is none of its business.
	new_drive "$kind"
	grow -map "$T/foreign" /edited
	grow -map "$T/foreign" /foreign
	mount_drive
	[ "$(cat "$MNT/edited")" = foreign ] || fail "$kind: another disc's"
	on_drive umount "$MNT"
	ok "$kind: another disc is mounted as it is"

	# What a crash leaves of a mount in which nothing was changed.
	mount_drive
	slay
	empty=$(stages | grep -v "$id")
	grow -map "$T/foreign" /more
	mount_drive
	[ "$(ls "$MNT")" = $'edited\nforeign\nmore' ] || fail "$kind: $(ls "$MNT")"
	! stages | grep -q "$empty" || fail "$kind: the empty stage stays"
	echo ours >"$MNT/ours"
	on_drive umount "$MNT" >/dev/null 2>&1
	[ "$(stages)" = "$id" ] || fail "$kind: a stage is left"
	ok "$kind: an empty stage that a crash left is in nobody's way"
done
