#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a failed burn of another program leaves on a medium that is written once:
# discfs says what is wrong, shows what can be read, read-only, and with -o base=
# goes on from it, behind the damage.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse
requires xorriso genisoimage jq

# Blocks behind the start of a session: before its superblock, amid its tree, amid
# its content.
declare -A place=([superblock]=10 [tree]=40 [content]=1000)

# A tree of more than 30 blocks, and more than 1000 blocks of content.
mkdir -p t/s1 t/bad/many
echo one >t/s1/one
for i in {1..400}; do
	echo "$i" >"t/bad/many/a file with a name of some length, number $i"
done
head -c 3000000 /dev/urandom >t/bad/zz

# nwa - where the next session begins.
nwa() {
	on_drive info --json /dev/sr0 2>err | jq .medium.nwa
}

whole_session() {
	burns xorriso -for_backup -dev /dev/sr0 -close off -map "$T/t/$1" "/$1" \
		-commit
}

# fails_at WHAT - a burn by another program that ends there; the track that it
# leaves open is closed.
fails_at() {
	local start

	start=$(nwa)
	disc fault write-error lba=$((start + place[$1])) blocks=1
	! burner xorriso -for_backup -dev /dev/sr0 -close off \
		-map "$T/t/bad" /bad -commit || fail "the burn did not fail"
	disc faults clear
	on_drive recover /dev/sr0 >said
	disc_is appendable
}

# says REGEX - what was said at the mount, in one line.
says() {
	grep -Eq -- "$1" err || fail "no '$1' in: $(cat err)"
	[ "$(wc -l <err)" -eq 1 ] || fail "not one line: $(cat err)"
}

# readonly_mount [OPTS]
readonly_mount() {
	mount_drive "${1:-}" 2>err
	! touch "$MNT/x" 2>touch.err || fail "it is writable"
	grep -q 'Read-only' touch.err || fail "$(cat touch.err)"
}

# is_whole - xorriso extracts from the last session just what $T/want has, with its
# checksums.  That there is no system area in block 0 it takes for less.
is_whole() {
	rm -rf "$T/x"
	burns xorriso -return_with FAILURE 32 -md5 on -indev /dev/sr0 \
		-check_md5_r FAILURE / -- \
		-osirrox on -extract / "$T/x"
	chmod -R u+w "$T/x"
	diff -r "$T/want" "$T/x" || fail "$kind: not what was written"
}

# session_one - can be read as it was.
session_one() {
	rm -rf "$T/x"
	burns xorriso -load session 1 -indev /dev/sr0 -osirrox on \
		-extract /s1 "$T/x"
	chmod -R u+w "$T/x"
	diff -r t/s1 "$T/x" || fail "$kind: the first session was harmed"
}

for kind in cd-r dvd-r dvd+r bd-r; do
	for what in superblock tree content; do
		case $kind-$what in dvd-r-tree | bd-r-tree) continue ;; esac
		rm -rf "$STAGE" want
		new_drive "$kind"
		whole_session s1
		fails_at $what
		case $what in
		content) shown=bad words='content ends at block [0-9]+' ;;
		*) shown=s1 words='session 2 cannot be read' ;;
		esac
		before=$(disc count write)
		readonly_mount
		says "/dev/sr0: damaged: .*$words.*read-only"
		says '-o base=1 goes on from'
		[ -e "$MNT/$shown" ] || fail "$kind: shown is $(ls "$MNT")"
		on_drive status --json "$MNT" >json
		jq -re .damage json | grep -Eq "$words" || fail "$(cat json)"
		jq -e .readonly json >out || fail "$(cat json)"
		code=2
		[ "$what" != content ] || code=1
		expect_exit $code on_drive check "$MNT" >said 2>err
		says "damaged: .*$words"
		if [ "$what" = content ]; then
			diff -r t/bad/many "$MNT/bad/many"
			! cat "$MNT/bad/zz" >out || fail "there is no such content"
			[ "$(stat -c %s "$MNT/bad/zz")" -eq 3000000 ] ||
				fail "the file became shorter"
			cmp -n 200000 out t/bad/zz || fail "what is there, is not read"
		fi
		on_drive umount "$MNT"
		readonly_mount ro
		says "damaged: .*$words"
		on_drive umount "$MNT"
		on_drive status /dev/sr0 >said 2>err
		grep -Eq "$words" said || fail "$(cat said)"
		[ "$(disc count write)" -eq "$before" ] || fail "it was written"
		ok "$kind, $what: read-only, and what is wrong"

		# With what is asked for, it is writable; also the next time, as
		# long as changes wait.
		mount_drive base=1 2>err
		[ ! -s err ] || fail "$(cat err)"
		[ "$(ls "$MNT")" = s1 ] || fail "$kind: $(ls "$MNT")"
		echo two >"$MNT/two"
		on_drive umount --keep "$MNT" >/dev/null
		mount_drive 2>err
		[ "$(wc -l <err)" -eq 1 ] || fail "$(cat err)"
		grep -q '1 change from before waits to be burned' err ||
			fail "$(cat err)"
		[ "$(cat "$MNT/two")" = two ] || fail "the change is lost"
		rm "$MNT/s1/one"
		echo new >"$MNT/s1/new"
		on_drive umount "$MNT" >said 2>err
		mkdir -p want/s1
		echo two >want/two
		echo new >want/s1/new
		is_whole
		session_one
		[ -z "$(ls "$STAGE")" ] || fail "a stage stays"
		mount_drive 2>err
		[ ! -s err ] || fail "$(cat err)"
		diff -r want "$MNT"
		diff -r t/s1 "$MNT/.discfs/sessions/1/s1"
		if [ "$what" = content ]; then
			# Never what the session behind it has there.
			diff -r t/bad/many "$MNT/.discfs/sessions/2/bad/many"
			! cat "$MNT/.discfs/sessions/2/bad/zz" >out ||
				fail "content of another session is read"
			cmp -n 200000 out t/bad/zz || fail "what is there, is not read"
		fi
		touch "$MNT/three"
		on_drive umount "$MNT" >said 2>err
		touch want/three
		is_whole
		ok "$kind, $what: -o base= goes on behind the damage"
	done

	# Nothing came before.
	for what in superblock tree; do
		case $kind-$what in dvd*-tree | cd-r-tree) continue ;; esac
		rm -rf "$STAGE" want
		new_drive "$kind"
		fails_at $what
		before=$(disc count write)
		expect_error 32 'session 1 cannot be read.*-o base=0 begins anew' \
			mount_drive
		expect_error 32 'there is no session 2' mount_drive base=2
		expect_error 32 'session 1 itself is damaged' mount_drive base=1
		[ "$(disc count write)" -eq "$before" ] || fail "it was written"
		mount_drive base=0 2>err
		[ ! -s err ] || fail "$(cat err)"
		[ -z "$(ls "$MNT")" ] || fail "not empty: $(ls "$MNT")"
		cp -r t/s1 "$MNT/s1"
		on_drive umount --keep "$MNT" >/dev/null
		mount_drive 2>err
		[ "$(wc -l <err)" -eq 1 ] || fail "$(cat err)"
		grep -q 'changes from before wait to be burned' err ||
			fail "$(cat err)"
		on_drive umount "$MNT" >said 2>err
		mkdir want
		cp -r t/s1 want/s1
		is_whole
		mount_drive 2>err
		[ ! -s err ] || fail "$(cat err)"
		diff -r want "$MNT"
		on_drive umount "$MNT"
		ok "$kind, $what: -o base=0 on a disc without another session"
	done
done

# Changes that waited when the other program wrote.
rm -rf "$STAGE" want
new_drive dvd+r
whole_session s1
mount_drive
echo two >"$MNT/two"
on_drive umount --keep "$MNT" >/dev/null
fails_at superblock
readonly_mount
[ "$(cat "$MNT/two")" = two ] || fail "the change is not shown"
on_drive umount "$MNT"
mount_drive base=1
on_drive umount "$MNT" >said
mkdir want
cp -r t/s1 want/s1
echo two >want/two
is_whole
ok "changes in a stage are burned behind the damage"

# What can be read is never passed over.
rm -rf "$STAGE"
new_drive dvd+r
whole_session s1
mkdir t/s2
echo two >t/s2/two
whole_session s2
for n in 0 1; do
	expect_error 32 'session 2 can be read, and is not passed over' \
		mount_drive base=$n
done
mount_drive base=2 2>err
[ "$(ls "$MNT")" = $'s1\ns2' ] || fail "$(ls "$MNT")"
touch "$MNT/x"
on_drive umount "$MNT" >said 2>err
fails_at superblock
expect_error 32 'session 3 can be read' mount_drive base=2
mount_drive base=3
[ "$(ls "$MNT")" = $'s1\ns2\nx' ] || fail "$(ls "$MNT")"
on_drive umount "$MNT"
for opts in base= base=x base=-1 base=1,session=1 base=1,sbsector=0; do
	expect_error 1 'base' mount_drive "$opts"
done
new_drive dvd+rw
expect_error 32 'only on media that are written once' mount_drive base=0
expect_error 32 'only on media that are written once' \
	on_drive mount -o "stage=$STAGE,create,base=0" "$IMG" "$MNT"
ok "-o base= where it is not for"

# Nor is what is of another kind.
rm -rf "$STAGE"
new_drive dvd+r
whole_session s1
head -c 200000 /dev/urandom >noise
burns xorriso -as cdrecord -multi dev=/dev/sr0 noise
genisoimage -quiet -R -C "0,$(nwa)" -o cut.iso t/bad 2>genisoimage.log
head -c $((2048 * 24)) cut.iso >cut
burns xorriso -as cdrecord -multi dev=/dev/sr0 cut
expect_error 32 'session 2 holds something else than ISO 9660' \
	mount_drive base=1
expect_error 32 'cannot read block [0-9]+.*part of the tree|damaged: block' \
	mount_drive
ok "a session of another kind is not passed over"

# The end of the content is in a block that cannot be read.
rm -rf "$STAGE"
new_drive dvd+r
whole_session bad
end=$(($(nwa) - 2048))
burns xorriso -indev /dev/sr0 -find /bad/zz -exec report_lba --
set -- $(sed -n 's/^File data lba: *[0-9]* , *\([0-9]*\) , *\([0-9]*\) .*/\1 \2/p' \
	"$T/said")
[ $(($1 + $2)) -le $end ] || fail "no end: $* $end"
disc fault read-error lba=$(($1 + $2 - 1)) blocks=1
mount_drive 2>err
says "damaged: the end of the session's content \(block $(($1 + $2 - 1))\)"
touch "$MNT/x"
on_drive umount --keep "$MNT" >said
disc faults clear
ok "an unreadable end of the content is said"
