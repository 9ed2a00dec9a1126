#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 during the burn: the old sessions are whole, the deltas are still
# pending, and the next commit succeeds.
#
# Runs on disk: a kill is nearest to a power cut there.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

new_image
mnt
seq 10000 >"$MNT/old"
umnt
mkdir want1
seq 10000 >want1/old
expect_sessions 1
cp "$IMG" before.iso
size=$(stat -c %s "$IMG")

head -c 240000000 /dev/urandom >data
mnt
cp data "$MNT/data"
rm "$MNT/old"
keep

# kill_at PERCENT COMMAND... - start the burn, kill when so much is written.
kill_at() {
	local percent=$1 burn

	shift
	"$@" >burn.out 2>&1 &
	burn=$!
	# As root of its file system the image grows by what is burned.
	until [ "$(stat -c %s "$IMG")" -ge $((size + 2400000 * percent)) ]; do
		kill -0 $burn 2>/dev/null ||
			fail "the burn was over too soon: $(cat burn.out)"
	done
	# shellcheck disable=SC2046
	kill -9 $(daemon)
	! wait $burn || fail "the command says that all went well"
	within 10 no_daemon
	bury
}

for percent in 1 30 60 90; do
	mnt
	has 'A data' 'D old'
	if [ $percent -eq 30 ]; then
		kill_at $percent "$DISCFS" commit "$MNT"
	else
		kill_at $percent umnt
	fi
	untouched before.iso "$IMG"
	cmp -n 65536 before.iso "$IMG" || fail "the head was changed"
	expect_sessions 1
	rm -rf got
	extract "$IMG" got
	diff -r want1 got || fail "the last session is another"
	# Where the killed burn left the image longer, the next one starts anew.
	truncate -s "$size" "$IMG"
	ok "killed at $percent percent: the old session is whole"
done

mnt
has 'A data' 'D old'
cmp data "$MNT/data" || fail "the staged file is damaged"
kill_at 50 umnt
mnt
has 'A data' 'D old'
ok "the deltas are still pending, behind a broken burn too"
umnt
expect_sessions 2
extract "$IMG" got2
cmp data got2/data || fail "the file on the disc is damaged"
[ ! -e got2/old ] || fail "the removed file is on the disc"
extract "$IMG" got1 "$(sessions "$IMG" | head -n 1)"
diff -r want1 got1 || fail "the first session is damaged"
sound "$IMG"
ok "the next commit succeeds"
