#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs check finds each file whose content is not what was burned, in whichever
# session that is; on an image and through a mount.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires jq genisoimage python3

# damage IMAGE PATH - one byte of its content, in the middle.
damage() {
	local lba bytes

	read -r lba bytes < <(on_image "$1" - -find "$2" -exec report_lba -- |
		awk -F ' , *' '/^File data lba/ { print $2, $4 }')
	python3 - "$1" $((lba * 2048 + bytes / 2)) <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2]))
    b = f.read(1)
    f.seek(-1, 1)
    f.write(bytes([b[0] ^ 1]))
PY
}

new_image
mnt
mkdir "$MNT/old" "$MNT/empty folder"
for i in 1 2 3; do
	head -c $((i * 300000 + 17)) /dev/urandom >"$MNT/old/$i"
done
ln "$MNT/old/2" "$MNT/second name of 2"
: >"$MNT/old/empty"
umnt >/dev/null
mnt
head -c 1000000 /dev/urandom >"$MNT/new"
umnt >/dev/null
mnt
truncate -s 3M "$MNT/sparse"
umnt >/dev/null
expect_sessions 3

cp "$IMG" good.iso
"$DISCFS" check "$IMG" >check.out
grep -qx '7 files (5.95 MB) read, as recorded' check.out ||
	fail "check says: $(cat check.out)"
same good.iso "$IMG" "the image that was checked"
ok "a good image"

damage "$IMG" /old/2
damage "$IMG" /new
expect_exit 1 "$DISCFS" check "$IMG" >check.out
head -n 3 check.out | diff - <(printf 'damaged %s\n' new old/2 \
	'second name of 2') || fail "check says: $(cat check.out)"
grep -q '7 files .* read, 3 not good' check.out || fail "$(cat check.out)"
# And xorriso, which wrote none of it.
! on_image "$IMG" - -check_md5_r FAILURE / -- 2>/dev/null ||
	fail "xorriso finds no damage"
ok "damage in an old session and in a newer one is found"

mnt
echo pending >"$MNT/old/1"
expect_exit 1 "$DISCFS" check --json "$MNT" >json.out
[ "$(jq -c '[.files, .no_checksum, [.damaged[].path], .unreadable]' \
	json.out)" = '[7,0,["new","old/2","second name of 2"],[]]' ] ||
	fail "check --json says: $(cat json.out)"
ok "of a mount, what is on the disc"

# What is burned by a commit is checked from then on.
cat good.iso >"$IMG"
"$DISCFS" commit "$MNT" >/dev/null
"$DISCFS" check "$MNT" >check.out || fail "$(cat check.out)"
grep -q 'as recorded' check.out || fail "$(cat check.out)"
ok "after a commit"

umnt

cp good.iso "$IMG"
mnt -o session=1
"$DISCFS" check "$MNT" | grep -q '^5 files .*as recorded' ||
	fail "an older session"
umnt
ok "an older session"

mkdir tree
echo text >tree/file
echo more >tree/more
genisoimage -quiet -R -o foreign.iso tree
"$DISCFS" check foreign.iso >check.out
grep -qx '2 files (10 bytes) read, 2 without a checksum' check.out ||
	fail "check says: $(cat check.out)"
ok "files without checksums are counted"

: >blank.iso
"$DISCFS" check blank.iso | grep -q '^0 files' || fail "a blank disc"
expect_error 2 'no such file' "$DISCFS" check nowhere.iso
expect_error 2 'ISO 9660' "$DISCFS" check /etc/passwd
expect_error 2 'no disc is named' "$DISCFS" check
cp good.iso torn.iso
python3 - torn.iso "$(sessions good.iso | tail -n 1)" <<'PY'
import sys
# A name in a folder of the last session.
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    at = data.find(b"NM\x0b\x01\x00sparse", int(sys.argv[2]) * 2048)
    assert at > 0
    f.seek(at + 5)
    f.write(b"S")
PY
expect_error 2 'tree' "$DISCFS" check torn.iso
ok "trouble in words"
