#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a session costs on each medium, told before it is burned; and media that
# are filled to their last block.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso

# costs MORE - "commit -n" tells that many MB beside the session, or nothing.
costs() {
	on_drive commit -n "$MNT" >said 2>err
	on_drive commit -n --json "$MNT" 2>err >json
	overhead=$(jq .overhead_bytes json)
	if [ "$1" = nothing ]; then
		[ "$overhead" -lt 65536 ] || fail "overhead: $(cat json)"
		[ ! -s err ] || fail "a warning: $(cat err)"
		return
	fi
	grep -q "would be burned, $1 MB more are taken by the session's end" \
		said || fail "$(cat said)"
}

for pair in cd-r:23. dvd-r:25. dvd+r:4. bd-r:nothing dvd+rw:nothing; do
	IFS=: read -r kind mb <<<"$pair"
	rm -rf "$STAGE"
	new_drive "$kind"
	mount_drive
	echo hello >"$MNT/small"
	if [ "$mb" = nothing ]; then
		costs nothing
		on_drive umount "$MNT" >said 2>err
		[ ! -s err ] || fail "$kind: $(cat err)"
	else
		costs "${mb}[0-9]*"
		grep -q 'discfs: a session costs .* of new content' err ||
			fail "no warning: $(cat err)"
		on_drive status "$MNT" >said
		grep -q "and takes ${mb}[0-9]* MB more" said ||
			fail "$(cat said)"
		on_drive umount "$MNT" >said 2>err
		grep -q 'discfs: a session costs' err ||
			fail "no warning: $(cat err)"
	fi
	ok "$kind: what a session costs"
done

# Later sessions of a CD cost less; with much in them there is no warning.
rm -rf "$STAGE"
new_drive cd-r
for i in 1 2; do
	mount_drive
	head -c 5000000 /dev/urandom >"$MNT/$i"
	[ $i -eq 1 ] || costs "14.[0-9]*"
	on_drive umount "$MNT" >said 2>err
	[ ! -s err ] || fail "$(cat err)"
done
ok "no warning where it is worth it"

# To the last block: what df says can be written is burned, in two sessions.
for kind in cd-r dvd-r dvd+r bd-r dvd+rw dvd-ram bd-re; do
	rm -rf "$STAGE" want
	mkdir want
	new_drive "$kind" capacity=20000
	mount_drive
	echo first >"$MNT/first"
	cp "$MNT/first" want
	on_drive umount "$MNT" >said 2>err
	mount_drive
	n=0
	while head -c 1000000 /dev/urandom >one && cp one "$MNT/$n" 2>err; do
		mv one "want/$n"
		n=$((n + 1))
	done
	grep -q 'No space left' err || fail "$kind: $(cat err)"
	rm -f "$MNT/$n"
	[ $n -gt 4 ] || fail "$kind: full after $n MB"
	on_drive umount "$MNT" >said 2>err || fail "$kind: $(cat err)"
	mount_drive 2>err
	diff -r want "$MNT"
	free=$(on_drive status --json "$MNT" | jq .space.free_bytes)
	[ "$free" -lt 2000000 ] || fail "$kind: $free bytes are left"
	on_drive umount "$MNT"
	rm -rf "$T/x"
	burns xorriso -md5 on -indev /dev/sr0 -check_md5_r SORRY / -- \
		-osirrox on -extract / "$T/x"
	chmod -R u+w "$T/x"
	diff -r want "$T/x"
	ok "$kind: full, after $n MB"
done
