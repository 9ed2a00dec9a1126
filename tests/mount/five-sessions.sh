#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Three sessions by us, one by xorriso, one more by us: all are listed, and each
# can be loaded by its block address.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# edit N DIR - what session N changes.
edit() (
	cd "$2" || exit
	mkdir -p "folder $1"
	echo "version $1" >same-name
	head -c $((20000 * $1)) /dev/zero | tr '\0' "$1" >"folder $1/data"
	touch -d "@$((1500000000 + $1))" same-name "folder $1/data" "folder $1"
	[ "$1" -lt 3 ] || rm -f "folder $(($1 - 2))/data"
	[ "$1" -lt 3 ] || touch -d "@$((1500000000 + $1))" "folder $(($1 - 2))"
)

by_us() {
	mnt
	edit "$1" "$MNT"
	umnt
}

by_xorriso() {
	# -update_r compares by content and times and writes what differs.
	xorriso -abort_on SORRY -dev "stdio:$IMG" -update_r want4 / \
		-commit 2>xorriso.err || fail "$(tail -n 3 xorriso.err)"
}

new_image
mkdir want0
for n in 1 2 3 4 5; do
	cp -a "want$((n - 1))" "want$n"
	edit "$n" "want$n"
	if [ "$n" -eq 4 ]; then
		by_xorriso
	else
		by_us "$n"
	fi
	expect_sessions "$n"
done
ok "xorriso lists five sessions"

mapfile -t starts < <(sessions "$IMG")
[ "${starts[0]}" -eq 32 ] || fail "the first session starts at ${starts[0]}"
for n in 1 2 3 4 5; do
	lba=${starts[n - 1]}
	[ $((lba % 32)) -eq 0 ] || fail "session $n is not aligned: $lba"
	extract "$IMG" "got$n" "$lba"
	same_tree "want$n" "got$n"
	ok "session $n, loaded from block $lba, has its own tree"
done

readable "$IMG" same-name 'folder 5/data'
sound "$IMG"
mnt
clean
same_tree want5 "$MNT"
"$DISCFS" log --json "$MNT" >log.json
umnt
ok "the last one is what is mounted"

requires jq
[ "$(jq -r '.sessions[].lba' log.json | tr '\n' ' ')" = "${starts[*]} " ] ||
	fail "discfs log lists others: $(cat log.json)"
ok "discfs log lists the same five"
