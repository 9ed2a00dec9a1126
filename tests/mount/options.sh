#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What each mount option of the disc does, on a real mount and on what is burned.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq isoinfo

# volume_id IMAGE - as isoinfo reads it.
volume_id() {
	isoinfo -d -i "$1" | sed -n 's/^Volume id: //p'
}

# capacity OPTION - of a blank disc mounted with it, in blocks.
capacity() {
	: >blank.iso
	mnt -o "capacity=$1" blank.iso
	echo $(($("$DISCFS" status --json "$MNT" |
		jq .medium.capacity_bytes) / 2048))
	umnt
}

# create
mnt -o create
[ -f "$IMG" ] || fail "no image was made"
[ ! -s "$IMG" ] || fail "it is not empty"
echo one >"$MNT/file"
umnt >/dev/null
mnt -o create
[ "$(cat "$MNT/file")" = one ] || fail "an image that is there was made anew"
umnt
expect_error 32 'No such file' mnt nowhere.iso
[ ! -e nowhere.iso ] || fail "made without being asked for"
expect_error 32 'none/x.iso' mnt -o create none/x.iso
ok "create"

# label
[ "$(volume_id "$IMG")" = ISOIMAGE ] || fail "id: $(volume_id "$IMG")"
cp "$IMG" before.iso
mnt -o label='My photos 2024'
umnt
same before.iso "$IMG" "a label alone burns nothing: the image"
mnt -o label='My photos 2024'
echo two >"$MNT/file"
umnt >/dev/null
[ "$(volume_id "$IMG")" = 'My photos 2024' ] || fail "id: $(volume_id "$IMG")"
[ "$(on_image "$IMG" - -pvd_info | sed -n "s/^Volume Id *: //p")" = \
	'My photos 2024' ] || fail "xorriso reads another label"
"$DISCFS" log --json "$IMG" >json.out
[ "$(jq -c '[.sessions[].volume_id]' json.out)" = \
	'["ISOIMAGE","My photos 2024"]' ] || fail "log: $(cat json.out)"
mnt
echo three >"$MNT/file"
umnt >/dev/null
[ "$(volume_id "$IMG")" = 'My photos 2024' ] || fail "the label was lost"
mnt -o "label=$(printf '%032d' 7)"
echo four >"$MNT/file"
umnt >/dev/null
[ "$(volume_id "$IMG")" = "$(printf '%032d' 7)" ] || fail "a label of 32 bytes"
expect_error 1 '32 bytes at most' mnt -o "label=$(printf '%033d' 7)"
ok "label="

# iocharset
mnt -o iocharset=utf8
echo x >"$MNT/Übergröße"
umnt >/dev/null
mnt -o iocharset=UTF-8,utf8
[ "$(cat "$MNT/Übergröße")" = x ] || fail "a name in UTF-8"
umnt
expect_error 1 'iocharset=koi8-r: only utf8' mnt -o iocharset=koi8-r
ok "iocharset="

# session and sbsector
mapfile -t lbas < <(sessions "$IMG")
words=(one two three four)
for i in 0 1 2 3; do
	mnt -o sbsector="${lbas[i]}" 2>err
	grep -q 'read-only: an older session is shown' err || fail "$(cat err)"
	[ "$(cat "$MNT/file")" = "${words[i]}" ] || fail "not session $((i + 1))"
	! touch "$MNT/x" 2>/dev/null || fail "an older session was changed"
	umnt
	mnt -o session=$((i + 1)) 2>err
	[ "$(cat "$MNT/file")" = "${words[i]}" ] || fail "not session $((i + 1))"
	umnt
done
expect_error 32 'no ISO 9660 session at block 7 ' mnt -o sbsector=7
expect_error 1 'not a block address' mnt -o sbsector=x
expect_error 32 'no session 6: the disc has 5' mnt -o session=6
ok "session= and sbsector="

# capacity
[ "$(capacity cd)" -eq 359847 ]
[ "$(capacity dvd)" -eq 2295104 ]
[ "$(capacity dvd-dl)" -eq 4171712 ]
[ "$(capacity bd)" -eq 12219392 ]
[ "$(capacity bd-dl)" -eq 24438784 ]
[ "$(capacity 30M)" -eq 15360 ]
[ "$(capacity 40960000)" -eq 20000 ]
expect_error 1 'not a size' mnt -o capacity=floppy
: >small.iso
mnt -o capacity=4M small.iso
! head -c 5M /dev/zero >"$MNT/five" 2>err || fail "5 MB into 4"
grep -q 'No space left' err || fail "$(cat err)"
rm "$MNT/five"
head -c 2M /dev/urandom >"$MNT/two"
umnt >/dev/null
[ "$(stat -c %s small.iso)" -le $((4 << 20)) ] || fail "larger than allowed"
# What is there already is no longer free.
mnt -o capacity=4M small.iso
! head -c 2M /dev/urandom >"$MNT/more" 2>err || fail "4 MB into 2"
rm "$MNT/more"
umnt
ok "capacity="

# norock, nojoliet
mkdir tree
echo x >'tree/A long name in Mixed Case'
xorriso -outdev names.iso -joliet on -map tree / -commit 2>/dev/null
mnt -o norock names.iso
[ "$(ls "$MNT")" = 'A long name in Mixed Case' ] || fail "Joliet: $(ls "$MNT")"
umnt
mnt -o norock,nojoliet,ro names.iso
[ -n "$(find "$MNT" -iname 'a_long*')" ] || fail "plain names: $(ls "$MNT")"
umnt
mnt -o nojoliet names.iso
echo y >"$MNT/y"
umnt >/dev/null
[ -z "$(isoinfo -J -f -i names.iso 2>/dev/null)" ] ||
	fail "a Joliet tree was written"
ok "norock and nojoliet"

# uid, gid, mode, dmode, umask: shown, and burned only of what is changed.
mkdir tree2
echo a >tree2/a
mkdir tree2/d
chmod 4755 tree2/a
xorriso -outdev modes.iso -map tree2 / -chown 11 /a -- -chgrp 12 /a -- \
	-commit 2>/dev/null
mnt -o uid=1001,gid=1002,mode=644,dmode=750 modes.iso
[ "$(stat -c '%u %g %a' "$MNT/a" "$MNT/d")" = $'1001 1002 644\n1001 1002 750' ] ||
	fail "shown: $(stat -c '%u %g %a' "$MNT/a" "$MNT/d")"
clean
umnt
mnt -o umask=027 modes.iso
[ "$(stat -c %a "$MNT/a")" = 4750 ] || fail "umask: $(stat -c %a "$MNT/a")"
umnt
ok "uid=, gid=, mode=, dmode=, umask="

# verify
: >v.iso
for level in none quick full; do
	mnt -o verify=$level v.iso
	echo $level >"$MNT/f"
	umnt >out.$level
	sound v.iso
done
grep -q 'burned, not verified' out.none || fail "$(cat out.none)"
grep -q 'burned and verified (tree only)' out.quick || fail "$(cat out.quick)"
grep -q 'burned and verified:' out.full || fail "$(cat out.full)"
ok "verify="
