#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Requests by io_uring, where the kernel offers it: the same bytes, from every
# processor; a burn gets the pages of mappings, and who waits for it keeps out
# nobody.
# "make check-uring" does all the other tests so.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires jq python3 taskset
grep -q '^#define HAVE_LIBURING' "$top_builddir/config.h" ||
	skip "built without liburing"

# offered Y|N COMMAND... - while the kernel offers it or does not.
offered() {
	"$top_srcdir/scripts/fuse-uring" "$@"
}

offered N true || skip "no switch for FUSE's io_uring on this kernel"

transport() {
	"$DISCFS" status --json "$MNT" | jq -r .transport
}

ring_mnt() {
	offered Y "$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
	[ "$(transport)" = io_uring ] || fail "it is not by io_uring"
}

# From 3.18 on it may have been built without fuse_session_custom_io.
without_custom_io() {
	ldd "$DISCFS" | grep -q 'libfuse3\.so\.[4-9]' &&
		[ "$(transport)" = /dev/fuse ]
}

new_image
offered N "$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
[ "$(transport)" = /dev/fuse ] || fail "by io_uring, which was not offered"
keep
ok "not offered, it is not used"
offered Y "$DISCFS" mount -o "stage=$STAGE" "$IMG" "$MNT"
! without_custom_io || skip "libfuse without fuse_session_custom_io"
keep
ring_mnt
ok "offered, it is used"

# Each from another processor, in turn.
mapfile -t cpus < <(taskset -c -p $$ | sed 's/.*: //; s/,/\n/g' |
	awk -F- '{ for (i = $1; i <= $NF; i++) print i }')
pids=()
for i in {0..5}; do
	taskset -c "${cpus[i % ${#cpus[@]}]}" \
		cp -r "$top_srcdir/fs" "$MNT/copy$i" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid"
done
head -c 50000000 /dev/urandom >random
cp random "$MNT/random"
compare() {
	for i in {0..5}; do
		diff -r "$top_srcdir/fs" "$MNT/copy$i" >/dev/null ||
			fail "copy$i $1"
	done
	same random "$MNT/random" "a large file $1"
}
compare "as it was written"
drop_caches "$MNT/random" "$STAGE"/*/data
compare "with cold caches"
ok "what is written is read, from memory and from the disk"

# pages VALUE - change a page of pages.CPU from each processor, and stay there.
head -c 65536 /dev/zero >zero
for cpu in "${cpus[@]}"; do
	cp zero "$MNT/pages.$cpu"
done
cat >pages.py <<'END'
import mmap, os, sys, time
with open(sys.argv[1], "r+b") as f:
    m = mmap.mmap(f.fileno(), 65536)
    m[0:4096] = sys.argv[2].encode() * 4096
    open(sys.argv[3], "w").close()
    time.sleep(600)
END
dirty_pages() {
	for cpu in "${cpus[@]}"; do
		taskset -c "$cpu" python3 pages.py "$MNT/pages.$cpu" "$1" \
			"dirty.$1.$cpu" &
	done
	for cpu in "${cpus[@]}"; do
		within 10 test -e "dirty.$1.$cpu"
	done
}
# pages_of VALUE - they are in the last session.
pages_of() {
	rm -rf got
	extract "$IMG" got
	for cpu in "${cpus[@]}"; do
		[ "$(tr -d '\0' <"got/pages.$cpu" | wc -c)" -eq 4096 ] &&
			[ "$(head -c 1 "got/pages.$cpu")" = "$1" ] ||
			fail "the session lacks the pages of processor $cpu"
	done
}
dirty_pages a
"$DISCFS" commit "$MNT"
pages_of a
ok "a burn has the pages that mappings dirtied, from each processor"

head -c 200000000 /dev/urandom >"$MNT/ballast"
dirty_pages b
# Names in the root itself are locked meanwhile; where we are needs none, even
# when another test drops the caches.
cd "$MNT/copy0"
taskset -c "${cpus[0]}" sync "$MNT" &
sync=$! answers=0
while kill -0 $sync 2>/dev/null; do
	taskset -c "${cpus[0]}" stat "absent$answers" >/dev/null 2>&1 ||
		answers=$((answers + 1))
done
wait $sync
cd "$T"
[ $answers -gt 2 ] || fail "$answers answers while sync waited for the burn"
pages_of b
same "$MNT/ballast" got/ballast
ok "who waits for a burn keeps nobody out, on the same processor"

echo kept >"$MNT/kept"
sync "$MNT/kept"
cp -r "$top_srcdir" "$MNT/cut" 2>/dev/null &
sleep 0.3
slay
wait $! 2>/dev/null || true
ring_mnt
[ "$(cat "$MNT/kept")" = kept ] || fail "what was saved is lost"
ok "after kill -9 the changes are there"

# Read from the image now, and by several at once.
pids=()
for i in {0..5}; do
	diff -r "$top_srcdir/fs" "$MNT/copy$i" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid"
done
umnt
rm -rf got
extract "$IMG" got
[ "$(cat got/kept)" = kept ] || fail "what was saved was not burned"
sound "$IMG"
ok "the unmount burns"

ring_mnt
mountpoint -q /sys/fs/fuse/connections ||
	mount -t fusectl none /sys/fs/fuse/connections
echo 1 >"/sys/fs/fuse/connections/$(stat -c %Ld "$MNT")/abort"
within 10 no_daemon
bury
ok "a connection that is cut ends the daemon"
