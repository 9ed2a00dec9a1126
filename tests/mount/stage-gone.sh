#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The stage's folder goes away under the mount.  That is said at once, nothing
# is said to be durable any more, and the changes can still be burned.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq

begin() {
	rm -rf "$STAGE" "$IMG"
	new_image
	mnt
	echo base >"$MNT/base"
	umnt >/dev/null
	"$DISCFS" mount -f -o "stage=$STAGE" "$IMG" "$MNT" 2>log &
	within 10 mounted
	head -c 300000 /dev/urandom >"$T/data"
	cp "$T/data" "$MNT/data"
	sync "$MNT/data"
	id=$(ls "$STAGE")
}

unsafe() {
	! sync "$MNT/data" 2>/dev/null || fail "fsync says that all is well"
	! dd if=data of="$MNT/new" conv=fsync status=none 2>/dev/null ||
		fail "fsync of a new file says that all is well"
	"$DISCFS" status "$MNT" >status
	grep -q 'deleted or moved away' status || fail "status does not say it"
	within 15 grep -q 'deleted or moved away' log
	expect_error 32 'deleted or moved away.*discfs commit' keep
	mounted || fail "it is unmounted all the same"
}

burned() {
	rm -rf got
	extract "$IMG" got
	cmp data got/data || fail "the file is lost"
}

for how in 'rm -r "$STAGE/$id"' 'rm -r "$STAGE"' 'rm "$STAGE/$id/data"' \
	'rm "$STAGE/$id/stage.db"' 'mv "$STAGE/$id" away' \
	'cp -a "$STAGE/$id" c; rm -r "$STAGE/$id"; mv c "$STAGE/$id"'; do
	begin
	eval "$how"
	unsafe
	"$DISCFS" commit "$MNT"
	burned
	echo more >"$MNT/more"
	umnt
	burned
	[ "$(cat got/more)" = more ] || fail "what was changed then is lost"
	expect_sessions 3
	wait
	if [[ $how == cp* ]]; then
		[ -e "$STAGE/$id/stage.db" ] || fail "a foreign folder is gone"
	fi
	rm -rf away
	ok "$how: told, and burned"
done

begin
mv "$STAGE/$id" away
! sync "$MNT/data" 2>/dev/null || fail "fsync says that all is well"
mv away "$STAGE/$id"
sync "$MNT/data" || sync "$MNT/data" || fail "it is not well again"
echo more >"$MNT/more"
keep
wait
mnt
has 'A data' 'A more'
umnt
burned
ok "put back: goes on"

# A kill in mid-burn is recovered by what stood in for the stage.
for at in after-data torn-head before-rebase; do
	begin
	keep
	wait
	DISCFS_CRASH=$at mnt
	rm -r "${STAGE:?}/$id"
	! umnt 2>/dev/null || fail "it was not killed"
	within 10 no_daemon
	bury
	mnt
	[ "$(cat "$MNT/base")" = base ] || fail "the old session is lost"
	[ $at != before-rebase ] || cmp data "$MNT/data"
	umnt
	[ -z "$(ls "$STAGE")" ] || fail "stages: $(ls "$STAGE")"
	ok "killed at $at: the disc is as it was, or has it all"
done
