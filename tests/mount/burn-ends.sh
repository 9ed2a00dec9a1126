#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is said of a burn is what happened: with signals to the mount's process in
# mid-burn, with two who unmount, with a process or a program that is stopped.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq

head -c 80M /dev/urandom >random

state() {
	[ "$("$DISCFS" status --json "$MNT" | jq -r .state)" = "$1" ]
}

# begin NAME - with much to burn, umount in the background as $umount, with what
# it says in NAME.out; the burn runs when that returns.
begin() {
	cp random "$MNT/$1"
	"$DISCFS" umount "$MNT" >"$1.out" 2>&1 &
	umount=$!
	within 20 state burning
	process=$(daemon | grep -vx $umount)
	[ "$(wc -w <<<"$process")" -eq 1 ] || fail "processes: $process"
}

# ends STATUS PID
ends() {
	local got=0

	wait "$2" || got=$?
	[ $got -eq "$1" ] || fail "exit status $got, not $1: $(cat ./*.out)"
}

new_image
n=0
for signal in TERM INT HUP; do
	mnt
	begin $signal
	kill -$signal "$process"
	kill -$signal "$process"
	ends 0 $umount
	grep -q '^burned and verified' $signal.out || fail "$(cat $signal.out)"
	! mounted || fail "it is still mounted"
	within 10 no_daemon
	n=$((n + 1))
	expect_sessions $n
	mnt
	clean
	keep
	ok "SIG$signal in mid-burn: burned, and said so"
done

# The same without anybody who unmounts.
mnt
cp random "$MNT/commit"
"$DISCFS" commit "$MNT" >commit.out 2>&1 &
commit=$!
within 20 state burning
echo later >"$MNT/later"
# shellcheck disable=SC2046
kill -TERM $(daemon | grep -vx $commit)
ends 0 $commit
grep -q '^burned and verified' commit.out || fail "$(cat commit.out)"
within 20 no_daemon
! mounted || fail "it is still mounted"
expect_sessions 4
mnt
has 'A later'
[ "$("$DISCFS" diff "$MNT" | wc -l)" -eq 1 ] || fail "more is pending"
ok "SIGTERM during discfs commit: it is burned, what came later waits"

begin two
"$DISCFS" umount "$MNT" >second.out 2>&1 &
second=$!
sleep 0.3
kill -STOP "$process"
sleep 2.2
kill -CONT "$process"
ends 0 $umount
ends 0 $second
grep -q '^burned and verified' two.out || fail "$(cat two.out)"
! grep -q . second.out ||
	grep -q 'waiting for a burn' second.out ||
	fail "the second says $(cat second.out)"
within 10 no_daemon
expect_sessions 5
ok "two who unmount: one burn, and both are told the truth"

mnt
begin stopped
kill -STOP $umount
within 20 state idle
within 15 touch "$MNT/again"
ok "a umount that is stopped lets changes in again after some seconds"
kill -CONT $umount
ends 0 $umount
expect_sessions 7
on_image "$IMG" - -find /again >found
grep -q again found || fail "the change is not on the disc"
ok "once it goes on it burns what was changed meanwhile"

mnt
begin killed
kill -KILL $umount
wait $umount || true
within 20 state idle
within 2 touch "$MNT/after"
ok "a umount that is killed lets changes in at once"
umnt
expect_sessions 9

mnt
touch "$MNT/file"
# shellcheck disable=SC2046
process=$(daemon)
kill -STOP "$process"
expect_error any "process $process is stopped.*kill -CONT $process" \
	timeout 20 "$DISCFS" status "$MNT"
expect_error 32 "process $process is stopped.*kill -CONT $process" \
	timeout 20 "$DISCFS" umount "$MNT"
grep -q " $MNT " /proc/self/mountinfo || fail "unmounted"
kill -CONT "$process"
begin waits
kill -STOP "$process"
within 10 grep -q "process $process is stopped: \"kill -CONT $process\"" waits.out
kill -CONT "$process"
ends 0 $umount
expect_sessions 10
ok "a process that is stopped is named, and the way to let it go on"
