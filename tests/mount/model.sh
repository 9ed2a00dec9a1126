#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Random system calls on a mount and on a shadow folder, with burns, unmounts and
# crashes in between: the same answers, and the same trees afterwards.
#
#   MODEL_SECONDS  how long (default 15); at least one disc is made
#   MODEL_SEED     the first disc's (default: the time), the next one's is one
#                  more; a seed decides all but the moments of random kills
#   MODEL_ROUNDS   of one disc (default 14)
#   MODEL_KINDS    of rounds, by their names
#   MODEL_CALLS    most calls of a round (default 400)
#   MODEL_STUCK    seconds of a round after which it counts as hung (default 120)
#
# Runs on disk: a file system as others have it.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

MODEL=${DISCFS%/*}/tests/mount/model
[ -x "$MODEL" ] || fail "$MODEL was not built"
SHADOW=$T/local/shadow GOT=$T/local/got LOG=$T/calls
start=$EPOCHSECONDS
rounds=${MODEL_ROUNDS:-14}
most=${MODEL_CALLS:-400}
calls=0 compared=0 kills=0

# With an inode's worth of extended attributes, which not every file system has.
mkdir "$T/local"
mount -t tmpfs -o noatime,mode=700,size=2g,nr_inodes=100k local "$T/local"
mkdir "$SHADOW"
"$MODEL" probe "$SHADOW" ||
	skip "no root, or no extended attributes on tmpfs here"

# oops TEXT - the seed and the way here, which fail would not tell.
oops() {
	echo "seed $seed, round $round ($kind); the last calls:"
	tail -n 25 "$LOG"
	[ ! -f "$T/out" ] || cat "$T/out"
	"$DISCFS" status "$MNT" || true
	fail "seed $seed, round $round ($kind): $*"
}

# watch - end the test where a round takes too long, and tell who waits for what.
watch() {
	local limit=$((${MODEL_STUCK:-120} * TEST_SLOW))

	while sleep 2; do
		[ $((EPOCHSECONDS - $(stat -c %Y "$T/round"))) -gt $limit ] ||
			continue
		tail -n 5 "$LOG"
		bash "$top_srcdir/tests/mount/stacks"
		echo "model.sh:0: $(cat "$T/round"): hangs for $limit seconds"
		kill $$
	done
}

apply() {
	local n=$1

	shift
	"$MODEL" apply -s $((seed * 1000 + round * 2 + again)) -n "$n" \
		-l "$LOG" -S "$start" "$@" "$MNT" "$SHADOW" ||
		oops "a call differs"
	again=$((again + 1))
	calls=$((calls + n))
}

equal() {
	echo "# compare" >>"$LOG"
	"$MODEL" verify -S "$start" "$MNT" "$SHADOW" || oops "$*"
	compared=$((compared + 1))
}

harden() {
	"$MODEL" fsync "$@" "$MNT" || oops "fsync fails"
}

again_mounted() {
	echo "# mount" >>"$LOG"
	mnt || oops "it cannot be mounted again"
}

# What another reader restores of the last session.
read_elsewhere() {
	rm -rf "$GOT"
	xorriso -abort_on SORRY -return_with SORRY 32 -hardlinks on -md5 on \
		-acl on -xattr any -indev "stdio:$IMG" \
		-osirrox on:sort_lba_off -extract / "$GOT" \
		2>"$T/xorriso.err" || oops "xorriso fails"
	"$MODEL" verify -x -S "$start" "$GOT" "$SHADOW" ||
		oops "xorriso restores another tree"
	rm -rf "$GOT"
}

terminate() {
	# shellcheck disable=SC2046
	kill -TERM $(daemon)
	within 20 no_daemon
	bury
}

# The daemon was told to die in a commit, for which it needs something to burn:
# the calls may have removed all that they had made.
die_in_commit() {
	local got=0

	if "$DISCFS" diff "$MNT" >"$T/out"; then
		slay
		return
	fi
	"$DISCFS" commit "$MNT" >"$T/out" 2>&1 || got=$?
	[ $got -eq 32 ] || oops "the commit ends with $got"
	within 20 no_daemon
	bury
}

# One round: calls, then something that must not change the tree.
play() {
	local n=$((20 + RANDOM % most)) pid

	again=0
	case $kind in
	commit) # with files open, and calls after it
		apply $n -c "'$DISCFS' commit '$MNT' >'$T/out' 2>&1"
		;;
	commit-sync)
		apply $n -c "sync '$MNT'"
		;;
	commit-meanwhile) # calls while it burns
		apply $n -b -c "'$DISCFS' commit '$MNT' >'$T/out' 2>&1"
		;;
	commit-clean)
		apply $n -p
		"$DISCFS" commit "$MNT" || oops "the commit fails"
		clean
		;;
	umount)
		apply $n -p
		umnt || oops "umount fails"
		again_mounted
		clean
		;;
	elsewhere)
		apply $n
		umnt || oops "umount fails"
		read_elsewhere
		[ $((RANDOM % 4)) -ne 0 ] || sound "$IMG"
		again_mounted
		;;
	keep)
		apply $n -p
		keep || oops "umount --keep fails"
		again_mounted
		;;
	terminate)
		apply $n -p
		terminate
		again_mounted
		;;
	kill) # after everything was made durable, by all or by one fsync
		apply $n
		if [ $((RANDOM % 2)) -eq 0 ]; then
			harden
		else
			harden -1
		fi
		slay
		kills=$((kills + 1))
		again_mounted
		;;
	crash-*) # in the midst of a commit
		apply $((n / 2))
		harden
		keep
		DISCFS_CRASH=${kind#crash-} mnt
		apply $((n / 2))
		harden
		die_in_commit
		kills=$((kills + 1))
		again_mounted
		;;
	kill-burning) # at some moment of it
		apply $n
		harden
		"$DISCFS" commit "$MNT" >"$T/out" 2>&1 &
		pid=$!
		sleep "0.$(printf %03d $((RANDOM % 400)))"
		slay
		kills=$((kills + 1))
		wait $pid || true
		again_mounted
		;;
	kill-later) # with changes that were made while it burned
		apply $n
		"$DISCFS" commit "$MNT" >"$T/out" 2>&1 &
		pid=$!
		apply $((n / 4))
		harden
		slay
		kills=$((kills + 1))
		wait $pid || true
		again_mounted
		;;
	esac
	equal "another tree"
}

# Some more often than others.
all_kinds="commit commit-sync commit-meanwhile commit-meanwhile commit-clean
	umount umount elsewhere elsewhere keep terminate kill kill
	crash-after-data crash-torn-head crash-before-rebase
	kill-burning kill-burning kill-later kill-later"
read -rd '' -a kinds <<<"${MODEL_KINDS:-$all_kinds}" || true

# disc SEED - one disc, from blank to full of sessions.
disc() {
	seed=$1
	RANDOM=$((seed % 32768))
	kind=first round=0
	: >"$LOG"
	rm -rf "$SHADOW" "$IMG" "$STAGE"
	mkdir -m 755 "$SHADOW"
	new_image
	mnt
	# From here on the roots are alike.
	touch -d @1600000000 "$MNT" "$SHADOW"
	chmod 755 "$MNT"
	for ((round = 1; round <= rounds; round++)); do
		kind=${kinds[RANDOM % ${#kinds[@]}]}
		echo "# seed $seed, round $round: $kind" | tee -a "$LOG"
		echo "seed $seed, round $round ($kind)" >"$T/round"
		play
	done
	kind=last
	umnt || oops "umount fails"
	read_elsewhere
	mnt
	equal "after the end"
	clean
	umnt
}

touch "$T/round"
watch &
first=${MODEL_SEED:-$EPOCHSECONDS}
n=0
while [ $n -eq 0 ] || [ $SECONDS -lt "${MODEL_SECONDS:-15}" ]; do
	disc $((first + n))
	n=$((n + 1))
done
ok "$calls calls on $n discs from seed $first on, $kills kills," \
	"$compared times the same tree"
