#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Media take so many sessions and no more: the last ones are announced before they
# are burned, and a disc that has all of them is mounted read-only, with the
# reason.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires jq

# burns_one [OPTS] - a session with one file more; what was said is in err.
burns_one() {
	mount_drive "${1:-}"
	n=$((n + 1))
	echo "$n" >"$MNT/$n"
	on_drive umount "$MNT" >said 2>err
}

for pair in cd-r:99 dvd+r:153; do
	IFS=: read -r kind max <<<"$pair"
	rm -rf "$STAGE"
	n=0
	near=$((max - max / 10))
	new_drive "$kind"
	disc sessions $((near - 2))
	burns_one base=0
	! grep 'of at most' err || fail "$kind: a warning so early"
	burns_one
	grep -q "^discfs: this is session $near of at most $max on a " err ||
		fail "$kind: no warning: $(cat err)"
	mount_drive
	echo x >"$MNT/x"
	on_drive commit -n "$MNT" >said 2>err
	grep -q "this is session $((near + 1)) of at most $max" err ||
		fail "$kind: commit -n does not warn: $(cat err)"
	on_drive status --json "$MNT" >json
	jq -re .burn_warning json | grep -q "session $((near + 1)) of" ||
		fail "$(cat json)"
	on_drive umount --keep "$MNT" >said
	rm -rf "$STAGE"
	ok "$kind: the last sessions are announced"

	new_drive "$kind"
	disc sessions $((max - 1))
	burns_one base=0
	grep -q "this is session $max of at most $max on a " err ||
		fail "$kind: no warning: $(cat err)"
	before=$(disc count write)
	mount_drive 2>err
	grep -q "mounted read-only: it has $max sessions, and takes no more" err ||
		fail "$kind: $(cat err)"
	[ "$(cat "$MNT/$n")" = "$n" ] || fail "cannot be read"
	! touch "$MNT/more" 2>err || fail "it is writable"
	grep -q Read-only err || fail "$(cat err)"
	on_drive umount "$MNT"
	[ "$(disc count write)" -eq "$before" ] || fail "it was written"
	ok "$kind: the one behind the last is refused at the mount"
done

# Other programs' sessions may have several tracks.
rm -rf "$STAGE"
new_drive cd-r
disc sessions 49 2
burns_one base=0
grep -q "this is session 50 of at most 50 on a CD-R" err || fail "$(cat err)"
mount_drive 2>err
grep -q "it has 50 sessions, and takes no more" err || fail "$(cat err)"
on_drive umount "$MNT"
ok "tracks count"
