#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Faults in the middle of a burn reach the program that burns, the session
# before stays readable, and the drive goes on when the fault is over.
. "$top_srcdir/tests/drive/lib.sh"
requires xorriso

three_trees

# first KIND - a disc with one session.
first() {
	new_drive "$1"
	burns xorriso -for_backup -dev /dev/sr0 -close off -map "$T/t/s1" /s1 \
		-commit
}

second() {
	burner xorriso -for_backup -dev /dev/sr0 -close off \
		-map "$T/t/s2" /s2 -commit
}

for kind in cd-r dvd+r bd-r dvd+rw; do
	for fault in "write-error skip=5 times=1" "gone on=write skip=5" \
		"power-cut on=write skip=5" "eject on=write skip=5" \
		"full skip=5" "fail on=write skip=5"; do
		first $kind
		# shellcheck disable=SC2086 # words
		disc fault $fault
		if second; then
			fail "$kind burned in spite of: $fault"
		fi
		disc faults clear
		disc plug
		disc load
		# xorriso warns of a track left open, and says so by its status.
		rm -rf "$T/x"
		burner xorriso -abort_on FATAL -indev /dev/sr0 -osirrox on \
			-extract /s1 "$T/x" || true
		diff -r "$T/t/s1" "$T/x" ||
			fail "$kind lost its first session by: $fault"
		ok "$kind: $fault"
	done
done

# At one block: what comes before it is there, and it is not.
for kind in cd-r dvd+r bd-r dvd+rw; do
	first $kind
	bad=$(disc show | sed -n 's/^track [0-9]*: .* nwa \([0-9]*\) .*/\1/p' |
		tail -n 1)
	[ $kind != dvd+rw ] || bad=256
	bad=$((bad + 100))
	disc fault write-error lba=$bad
	second && fail "$kind burned in spite of a bad block"
	grep -Eq '\[3 0C|[Ww]rite error' "$T/said" || fail "$(cat "$T/said")"
	disc faults clear
	disc extract $((bad - 1)) 1 >"$T/before"
	disc extract $bad 1 >"$T/bad"
	[ -n "$(tr -d '\000' <"$T/before" | head -c 1)" ] ||
		fail "$kind: nothing in front of block $bad"
	[ -z "$(tr -d '\000' <"$T/bad" | head -c 1)" ] ||
		fail "$kind: block $bad was written"
done
ok "a write error at one block"

# By its button: not while a program has locked it.
first dvd+r
disc fault slow on=write ms=40
second &
burning=$!
burn_begins
if disc eject 2>/dev/null; then
	fail "the button opened it during a burn"
fi
wait $burning || fail "not burned because of the button"
disc faults clear
holds 1 2
disc eject
disc_is open
# As libburn does by itself.
holds 1 2
disc_is appendable
ok "the button: locked during a burn, else it opens"

# A command that fails once: the next burn goes well.
first dvd+rw
disc fault fail on=write skip=3
second && fail "burned in spite of a command that failed"
second || fail "not burned behind that: $(cat "$T/said")"
holds 1 2
ok "one command fails, the next burn goes well"

# What passes by itself, is waited for.
for fault in "busy on=write skip=3 times=5" "not-ready on=00 times=2" \
	"slow on=write times=5 ms=20"; do
	first dvd+r
	# shellcheck disable=SC2086 # words
	disc fault $fault
	second || fail "not burned because of: $fault"
	holds 1 2
	ok "dvd+r: waits for: $fault"
done

# A track left open is closed, and the next session comes behind it.
first dvd+r
disc damage
burns xorriso -outdev /dev/sr0 -close_damaged force
second || fail "not burned behind a damaged track: $(cat "$T/said")"
# xorriso takes the closed track for the newest session, with nothing in it.
holds 2
rm -rf "$T/x"
burns xorriso -load session 1 -indev /dev/sr0 -osirrox on -extract /s1 "$T/x"
diff -r "$T/t/s1" "$T/x" || fail "the first session is lost"
ok "a damaged track is closed, and the next session is burned behind it"

first bd-re
disc fault read-error lba=64 blocks=16
if burner xorriso -indev /dev/sr0 -check_media what=disc --; then
	fail "unreadable blocks are not told"
fi
grep -q 'unreadable' "$T/said" || fail "$(cat "$T/said")"
ok "unreadable blocks"

new_drive bd-re
disc protect
if second; then
	fail "a write-protected disc was written"
fi
ok "a write-protected disc cannot be written"
