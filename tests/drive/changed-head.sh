#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# growisofs -M behind sessions of ours on media that can be written over: its
# descriptors stand in the head then, and both its session and ours are there.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires growisofs genisoimage xorriso
export LD_PRELOAD=$MMCSHIM

mkdir more
for kind in dvd+rw dvd-ram bd-re dvd-rw-ro; do
	new_drive "$kind"
	rm -rf "$STAGE"
	mnt /dev/sr0
	echo one >"$MNT/one"
	umnt
	for n in 2 3; do
		rm -f more/*
		head -c $((n * 40000)) /dev/urandom >"more/$n"
		reload
		burns growisofs -M /dev/sr0 -use-the-force-luke=spare:none \
			-quiet -R -J more
		mnt /dev/sr0 2>words
		sed 's/^/mount: /' words
		grep -q 'another program changed' words ||
			fail "$kind: $(cat words)"
		[ -e "$MNT/one" ] && same "more/$n" "$MNT/$n"
		keep
	done
	mnt /dev/sr0
	echo four >"$MNT/four"
	umnt
	mnt /dev/sr0 2>words
	[ ! -s words ] || fail "$kind: $(cat words)"
	[ "$(cd "$MNT" && echo [0-9a-z]*)" = "2 3 four one" ] ||
		fail "$kind: $(ls "$MNT")"
	same more/3 "$MNT/3"
	[ "$(cat "$MNT/.discfs/sessions/1/one")" = one ]
	keep
	"$DISCFS" check /dev/sr0
	[ "$("$DISCFS" log --json /dev/sr0 | jq '.sessions | length')" -eq 4 ] ||
		fail "$kind: $("$DISCFS" log /dev/sr0)"
	ok "$kind: sessions of growisofs behind ours, and ours behind them"
done
