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

# sent OPCODE - how many so far.
sent() {
	grep -c "opcode: $1 (" trace || true
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

keep
wait $!
