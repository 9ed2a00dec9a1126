#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the kernel need not ask it does not ask: the number of messages decides
# how fast a mount is.  Counted in libfuse's own trace.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

new_image
"$DISCFS" mount -f -o "stage=$STAGE,debug" "$IMG" "$MNT" 2>trace &
within 10 mounted

# sent OPCODE - how many so far.  One that had to wait may be there twice.
sent() {
	{ grep -o "unique: [0-9]*, opcode: $1 (" trace || true; } |
		sort -u | wc -l
}

# at_most N OPCODE WHAT
at_most() {
	local n

	n=$(sent "$2")
	[ "$n" -le "$1" ] || fail "$3: $n times $2, not $1"
}

mkdir "$MNT/dir"
for i in {1..50}; do
	echo "$i" >"$MNT/dir/$i"
done
cat "$MNT"/dir/* >/dev/null
status=$("$DISCFS" status --json "$MNT" | tr -d " \n")
grep -Eq '"requests":\{.*"mknod":50[,}]' <<<"$status" ||
	fail "status does not count 50 requests: $status"
ok "status counts requests"

for opcode in CREATE OPEN FLUSH OPENDIR; do
	at_most 1 $opcode "50 files made and read"
done
for opcode in RELEASE ACCESS; do
	at_most 0 $opcode "50 files made and read"
done
[ "$(sent MKNOD)" -eq 50 ] || fail "50 files were not made by MKNOD"
ok "open, create, close and access send nothing"

xattrs=$(sent GETXATTR) writes=$(sent WRITE)
dd if=/dev/zero of="$MNT/written" bs=4k count=200 status=none
[ $(($(sent WRITE) - writes)) -ge 200 ] || fail "200 writes were not sent"
at_most $((xattrs + 1)) GETXATTR "200 writes"
ok "writes do not ask for capabilities"

drop_caches
cat "$MNT"/dir/* "$MNT/written" >/dev/null
ls -l "$MNT/dir" >/dev/null
! cat "$MNT/absent" 2>/dev/null || fail "absent is there"
for opcode in LOOKUP READ READDIRPLUS GETXATTR; do
	eval "before_$opcode=$(sent $opcode)"
done
cat "$MNT"/dir/* "$MNT/written" >/dev/null
ls "$MNT/dir" >/dev/null
! cat "$MNT/absent" 2>/dev/null || fail "absent is there"
for opcode in LOOKUP READ READDIRPLUS; do
	eval "n=\$before_$opcode"
	at_most "$n" $opcode "what was read before"
done
ok "nothing is read twice, absence included"

# waited - requests so far that somebody waits for.
waited() {
	"$DISCFS" status --json "$MNT" | tr -d ' \n' |
		grep -o '"requests":{[^}]*}' | grep -Eo '"[a-z_]+":[0-9]+' |
		awk -F '[":]+' '$2 !~ /forget/ { n += $3 } END { print n }'
}

# asked MOST WHAT BEFORE
asked() {
	local n=$(($(waited) - $3))

	[ "$n" -le "$1" ] || fail "$2: $n requests, not $1"
}

mkdir to
for i in {1..50}; do
	echo "$i" >"to/$i"
done
before=$(waited)
cp -r to "$MNT"
asked $((50 * 5 + 8)) "50 files copied in" "$before"
ok "a small file copied in costs at most five messages"

drop_caches
before=$(waited) lookups=$(sent LOOKUP) reads=$(sent READ)
(cd "$MNT/to" && cat {1..50}) >/dev/null
asked $((50 * 2 + 3)) "50 files read" "$before"
[ $(($(sent LOOKUP) - lookups)) -ge 50 ] || fail "50 files were not looked up"
[ $(($(sent READ) - reads)) -ge 50 ] || fail "50 files were not read"
ok "a small file read costs LOOKUP and READ"

# ls asks each file for security.selinux, and the kernel keeps no such answer.
ls -l "$MNT/to" >/dev/null
before=$(($(waited) - $(sent GETXATTR))) xattrs=$(sent GETXATTR)
ls -l "$MNT/to" >/dev/null
asked $((1 + $(sent GETXATTR))) "ls -l of a cached folder" "$before"
at_most $((xattrs + 52)) GETXATTR "ls -l of 50 files"
ok "ls -l of a cached folder costs what ls asks for labels"

dd if=/dev/zero of="$MNT/large" bs=1M count=16 status=none
drop_caches "$MNT/large"
reads=$(sent READ)
cat "$MNT/large" >/dev/null
read -r ahead <"/sys/class/bdi/$(mountpoint -d "$MNT")/read_ahead_kb" ||
	ahead=unknown
if [ -w /sys/class/bdi ] && [ "$ahead" != 1024 ]; then
	fail "read ahead are $ahead KiB"
fi
# By halves of what is read ahead, but for the first ones.
[ "$ahead" != 1024 ] || at_most $((reads + 40)) READ "16 MiB read"
ok "a large file is read by large pieces"

keep
wait $!
