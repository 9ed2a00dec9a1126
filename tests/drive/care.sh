#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs blank, format, close, recover, eject and load: on each medium, what it
# cannot do in words, and nothing that is lost without a question.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires jq script

ONCE="cd-r dvd-r dvd+r dvd+r-dl bd-r"

# session N [CLOSE] - by another program.
session() {
	burns xorriso -for_backup -dev /dev/sr0 -close "${2:-off}" \
		-volid PHOTOS -map "$T/t/s$1" "/s$1" -commit
}

# does VERB [ARG...] - without a question; what it says is in $T/words.
does() {
	on_drive "$@" /dev/sr0 >"$T/words" || fail "failed: $*"
}

# says REGEX - that did.
says() {
	grep -Eq -- "$1" "$T/words" || fail "no '$1' in: $(cat "$T/words")"
}

# unchanged COMMAND... - it writes nothing to the disc.
unchanged() {
	local before after

	before=$(disc show)
	"$@"
	after=$(disc show)
	[ "$before" = "$after" ] || fail "changed the disc: $*: $after"
}

# answers ANSWER STATUS COMMAND... - on a terminal; what it shows, in $T/seen.
answers() {
	local answer=$1 want=$2 got=0 line

	shift 2
	printf -v line '%q ' env LD_PRELOAD="$MMCSHIM" \
		ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" \
		"$DISCFS" "$@"
	printf '%s\n' "$answer" |
		timeout 60 script -qec "$line" /dev/null >"$T/seen" || got=$?
	[ $got -eq "$want" ] || fail "status $got: $(cat "$T/seen")"
}

seen() {
	grep -Eq -- "$1" "$T/seen" || fail "no '$1' in: $(cat "$T/seen")"
}

# is_good - a mount shows an empty disc, and a session can be burned onto it.
takes_a_session() {
	mount_drive
	[ -z "$(ls -A "$MNT")" ] || fail "it is not empty: $(ls "$MNT")"
	cp -r "$T/t/s2" "$MNT/s2"
	on_drive umount "$MNT" >/dev/null
	holds 2
}

three_trees

# ---- blank ----

for kind in cd-rw dvd-rw dvd-rw-ro dvd+rw dvd-ram bd-re; do
	rm -rf "$STAGE"
	new_drive $kind
	session 1
	does blank -y
	says 'blanked; the .* is blank now$'
	on_drive info --json /dev/sr0 >"$T/json"
	[ "$(jq -r .medium.status "$T/json")" = blank ] || fail "$(cat "$T/json")"
	case $kind in
	cd-rw | dvd-rw*) disc_is blank ;;
	esac
	takes_a_session
	ok "$kind: blanked, and written again"
done

for kind in cd-rw dvd-rw; do
	new_drive $kind
	session 1 on
	disc_is closed
	does blank --yes --full --json
	[ "$(jq -r .medium.status "$T/words")" = blank ] || fail "$(cat "$T/words")"
	disc_is blank
	if [ $kind = cd-rw ]; then
		log=$(disc log | grep '^a1')
		[[ $log == 'a1 10'* ]] || fail "not all of it: $log"
	fi
	unchanged does blank -y
	says 'is blank already$'
done
ok "a closed disc is blanked, all of it"

# What fast blanking leaves of a DVD-RW would take one session only.
new_drive dvd-rw
session 1
does blank -y
disc log | grep '^a1 10' >"$T/log" || fail "$(disc log)"
ok "a DVD-RW is never blanked fast"

# ---- format ----

for kind in dvd-rw dvd+rw bd-re; do
	for full in '' --full; do
		rm -rf "$STAGE"
		new_drive $kind
		does format $full
		says 'formatted; the .* is blank now$'
		disc_is formatted
		unchanged does format
		says 'is formatted already'
		burns dvd+rw-mediainfo /dev/sr0
		takes_a_session
	done
	# That would be lost.
	unchanged expect_error 32 'without a terminal' \
		on_drive format --full /dev/sr0
	does format --full -y
	on_drive info --json /dev/sr0 >"$T/json"
	[ "$(jq -r .medium.status "$T/json")" = blank ] || fail "$(cat "$T/json")"
	ok "$kind: formatted, and written"
done

new_drive dvd-ram
session 1
unchanged does format -y
says 'is formatted already'
does format -y --full
takes_a_session
ok "dvd-ram: formatted again"

# ---- close ----

for kind in dvd-r dvd-rw dvd+r dvd+r-dl bd-r; do
	new_drive $kind
	unchanged expect_error 32 'blank: there is nothing to close' \
		on_drive close -y /dev/sr0
	session 1
	session 2
	unchanged expect_error 32 'cannot be undone .*2 sessions.*-y must say so' \
		on_drive close /dev/sr0
	does close -y
	says 'closed; the .* is closed now$'
	disc_is closed
	holds 1 2
	sessions 2
	unchanged does close -y
	says 'is closed already$'
	ok "$kind: closed"
done

for kind in $CDS; do
	new_drive "$kind"
	session 1
	unchanged expect_error 32 'closed together with a session.*-o close' \
		on_drive close -y /dev/sr0
done
ok "CDs are closed with a session only, and that is said"

# ---- recover ----

for kind in cd-r cd-rw dvd-r dvd-rw dvd+r dvd+r-dl bd-r; do
	new_drive $kind
	session 1
	unchanged does recover
	says 'no track of the .* is damaged or open$'
	disc damage
	unchanged expect_error 32 'closed by "discfs recover /dev/sr0"' on_drive close -y /dev/sr0
	does recover
	says 'the open track was closed'
	disc_is appendable
	unchanged does recover
	says 'no track'
	rm -rf "$T/x"
	burns xorriso -load session 1 -indev /dev/sr0 -osirrox on \
		-extract /s1 "$T/x"
	diff -r "$T/t/s1" "$T/x" || fail "$kind: the first session is lost"
	session 2
	holds 2
	ok "$kind: a damaged track is closed"
done

# On a disc without a session before.
for kind in cd-r dvd-r dvd+r bd-r; do
	new_drive $kind
	disc damage
	does recover
	disc_is appendable
	session 1
	holds 1
done
ok "a damaged track on a disc that was blank"

# After a burn of ours that was killed: the changes are burned behind it.
for kind in cd-r dvd-r dvd+r bd-r; do
	rm -rf "$STAGE"
	new_drive $kind
	mount_drive
	cp -r "$T/t/s1" "$MNT/s1"
	on_drive umount "$MNT" >/dev/null
	mount_drive
	cp -r "$T/t/s2" "$MNT/s2"
	kill_in_burn
	does recover
	says 'the open track was closed'
	on_drive info --json /dev/sr0 >"$T/json"
	jq -e '[.file_systems[].type] | contains(["iso9660"])' "$T/json" >/dev/null ||
		fail "the session before is not seen: $(cat "$T/json")"
	mount_drive
	[ "$(ls "$MNT")" = $'s1\ns2' ] || fail "$kind: $(ls "$MNT")"
	diff -r "$T/t/s1" "$MNT/s1"
	diff -r "$T/t/s2" "$MNT/s2"
	on_drive umount "$MNT" >/dev/null
	holds 1 2
	ok "$kind: recovered after a burn that was killed"
done

# A drive that refuses: the disc stays as it was, and the words are libburn's.
new_drive dvd-r
session 1
disc damage
disc fault fail on=5b times=0
unchanged expect_error 32 'cannot close the damaged track' \
	on_drive recover /dev/sr0
disc faults clear
does recover
disc_is appendable
ok "a drive that does not close it"

# ---- what cannot be done ----

for kind in $ONCE; do
	new_drive "$kind"
	session 1
	unchanged expect_error 32 'cannot be blanked: it is written once' \
		on_drive blank -y /dev/sr0
	case $kind in
	bd-r) words='needs no format' ;;
	*) words='cannot be formatted' ;;
	esac
	unchanged expect_error 32 "$words" on_drive format -y /dev/sr0
done
new_drive cd-rw
unchanged expect_error 32 'not formatted for sessions, but blanked' \
	on_drive format -y /dev/sr0
for kind in dvd+rw dvd-ram bd-re; do
	new_drive $kind
	session 1
	unchanged expect_error 32 'cannot be closed: it can always be written' \
		on_drive close -y /dev/sr0
	unchanged expect_error 32 'no thorough blanking' \
		on_drive blank -y --full /dev/sr0
	unchanged does recover
	says 'has no tracks'
done
for kind in cd-rom dvd-rom bd-rom; do
	new_drive $kind capacity=1000
	for verb in blank format close recover; do
		unchanged expect_error 32 'a .*-ROM cannot be written' \
			on_drive $verb /dev/sr0
	done
done
ok "what a medium cannot do"

new_drive dvd-rw
session 1
disc protect
for verb in blank format close recover; do
	unchanged expect_error 32 'write-protected' on_drive $verb /dev/sr0
done
disc unprotect
disc eject
for verb in blank format close recover; do
	expect_error 32 'there is no disc in it' on_drive $verb /dev/sr0
done
disc load
: >"$IMG"
for verb in format close recover; do
	expect_error 32 'image file and no drive.*discfs blank' \
		on_drive $verb "$IMG"
done
[ ! -s "$IMG" ] || fail "the image was written to"
for verb in eject load; do
	expect_error 32 'no optical drive' on_drive $verb "$IMG"
done
expect_error 1 'unknown option' on_drive recover --stage x /dev/sr0
for verb in blank format close recover eject load; do
	expect_error 1 'no d' on_drive $verb
	expect_error 1 'too many' on_drive $verb /dev/sr0 /dev/sr1
	expect_error 1 'unknown option' on_drive $verb --nonsense /dev/sr0
	expect_error 32 'No such file' on_drive $verb /dev/sr1
	on_drive $verb --help | grep -q "^Usage: discfs $verb " || fail $verb
done
expect_error 1 'unknown option' on_drive close --full /dev/sr0
ok "protected, no disc, image files, wrong arguments"

# A drive that fails in the middle, or lies.
new_drive cd-rw
session 1
disc fault fail on=a1
expect_error 32 'blank /dev/sr0: the disc was not blanked: ' \
	on_drive blank -y /dev/sr0
disc faults clear
holds 1
new_drive dvd+rw
session 1
disc fault write-error
expect_error 32 'blank /dev/sr0: ' on_drive blank -y /dev/sr0
disc faults clear
new_drive bd-re
disc fault fail on=04
expect_error 32 'format /dev/sr0: the disc was not formatted: ' \
	on_drive format /dev/sr0
disc faults clear
new_drive dvd+r
session 1
disc fault fail on=5b times=0
expect_error 32 'close /dev/sr0: ' on_drive close -y /dev/sr0
disc faults clear
disc_is appendable
disc fault gone on=5b
expect_error 32 'close /dev/sr0: ' on_drive close -y /dev/sr0
disc plug
ok "a drive that fails"

# ---- questions ----

new_drive cd-rw
session 1
session 2
unchanged expect_error 32 "would be lost .CD-RW, 2 sessions, 'PHOTOS'.*-y" \
	on_drive blank /dev/sr0
for no in '' n No yeah Q; do
	unchanged answers "$no" 32 blank /dev/sr0
	seen "blank /dev/sr0 \(CD-RW, 2 sessions, 'PHOTOS'\)\? \[y/N\]"
	seen 'nothing was done'
done
unchanged answers $'\004' 32 blank /dev/sr0
holds 1 2
answers y 0 blank /dev/sr0
seen 'blanking +\[=* *>? *\] +[0-9]+%'
seen 'blanked; the CD-RW is blank now'
disc_is blank
session 1
answers YES 0 blank --full /dev/sr0
disc_is blank
# Where nothing can be lost, nobody is asked.
does blank
says 'is blank already'
new_drive dvd+r
session 1
answers n 32 close /dev/sr0
seen "close /dev/sr0 \(DVD\+R, 1 session, 'PHOTOS'\) for ever\?"
disc_is appendable
answers y 0 close /dev/sr0
disc_is closed
ok "a question before something is lost"

# A volume id cannot move the cursor.
new_drive cd-rw
burns xorriso -for_backup -dev /dev/sr0 -volid $'A\033[2JB' -map "$T/t/s1" /s1 \
	-commit
answers n 32 blank /dev/sr0
grep -q $'\033' "$T/seen" && fail "an escape sequence from the disc"
ok "names from the disc are harmless"

# Changes that wait for the disc are named.
new_drive cd-rw
session 1
on_drive mount /dev/sr0 "$MNT"
echo x >"$MNT/new"
echo y >"$MNT/other"
for verb in blank format close recover eject load; do
	expect_error 32 "is mounted on $MNT: umount it first" \
		on_drive $verb /dev/sr0
done
disc_is appendable
on_drive umount --keep "$MNT"
answers n 32 blank /dev/sr0
seen '2 changes in stage [0-9a-f-]{36} for it, which could not be burned'
answers y 0 blank /dev/sr0
on_drive stage list | grep -q waiting || fail "$(on_drive stage list)"
seen "2 changes in stage [0-9a-f-]{36} cannot be burned to it any more: .*stage-from="
ok "changes in a stage are named, and stay"

# Who said yes beforehand is told as well, and what to do about it.
for verb in blank close; do
	rm -rf "$STAGE"
	if [ $verb = blank ]; then new_drive cd-rw; else new_drive dvd+r; fi
	session 1
	mount_drive
	cp "$T/t/s2/data" "$MNT/new"
	on_drive umount --keep "$MNT"
	id=$(on_drive stage list --stage "$STAGE" --json |
		jq -r '.stages[].id')
	on_drive $verb -y --stage "$STAGE" /dev/sr0 2>"$T/err"
	sed 's/^/stderr: /' "$T/err"
	[ "$(wc -l <"$T/err")" -eq 1 ] || fail "$verb: not one line"
	grep -q "/dev/sr0: 1 change in stage $id .*-o stage=$STAGE,stage-from=${id:0:8} .*stage export --stage $STAGE ${id:0:8} DIR" \
		"$T/err" || fail "$verb: not told"
	[ $verb = blank ] || new_drive dvd+r
	mount_drive "stage-from=$id"
	same "$MNT/new" "$T/t/s2/data"
	on_drive umount "$MNT" >/dev/null 2>&1
	burns xorriso -indev /dev/sr0 -osirrox on -extract /new "$T/got.$verb"
	same "$T/got.$verb" "$T/t/s2/data"
done
new_drive cd-rw
session 1
on_drive blank -y --stage "$STAGE" /dev/sr0 2>"$T/err"
[ ! -s "$T/err" ] || fail "changes of another disc: $(cat "$T/err")"
# A disc that is blank loses nothing by being formatted.
rm -rf "$STAGE"
new_drive dvd-rw
mount_drive
cp "$T/t/s2/data" "$MNT/new"
on_drive umount --keep "$MNT"
on_drive format -y --stage "$STAGE" /dev/sr0 2>"$T/err"
[ ! -s "$T/err" ] || fail "said to be lost: $(cat "$T/err")"
mount_drive
same "$MNT/new" "$T/t/s2/data"
on_drive umount "$MNT" >/dev/null
ok "with -y the stage that has lost its disc is named, and burned to another"

# ---- eject, load ----

new_drive dvd+r
session 1
on_drive eject /dev/sr0
disc_is open
on_drive eject /dev/sr0
on_drive load /dev/sr0
disc_is appendable
on_drive load /dev/sr0
holds 1
# Of what a mount that was killed leaves, nothing is in the way.
mount_drive
slay
on_drive eject /dev/sr0
disc_is open
disc by-hand
expect_error 32 'push it in' on_drive load /dev/sr0
disc load
on_drive load /dev/sr0
disc fault fail on=1b times=0
expect_error 32 'does not open' on_drive eject /dev/sr0
disc faults clear
ok "eject and load"

hold_drive
for verb in eject load close; do
	unchanged expect_error 32 "in use: sleep .pid $holder. has it open" \
		on_drive $verb /dev/sr0
done
kill $holder
wait $holder || true
ok "a drive that another program has"
