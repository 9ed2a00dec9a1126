#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Input that cannot be mounted: one clear line, an exit status other than 0, and
# nothing harmed.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires xorriso jq

new_image good.iso
mnt good.iso
echo hello >"$MNT/hello"
umnt
expect_sessions 1 good.iso

no_stage() {
	[ -z "$(ls -A "$STAGE" 2>/dev/null)" ] || fail "a stage: $(ls -A "$STAGE")"
}

# refused REGEX SOURCE [DIR] - and the source stays as it was.
refused() {
	local before

	before=$(md5sum "$2" 2>/dev/null || true)
	expect_error 32 "$1" mnt "$2" "${3:-$MNT}"
	! mounted || fail "and yet it is mounted: $2"
	[ "$(md5sum "$2" 2>/dev/null || true)" = "$before" ] ||
		fail "$2 was changed"
	no_daemon || fail "a process stays behind"
	no_stage
}

refused 'no such file' missing.iso
[ ! -e missing.iso ] || fail "it was made"
ok "a missing source"

mkdir folder
refused 'folder|directory' folder
ok "a folder as source"

seq 50000 >text
refused 'ISO 9660' text
echo short >text
refused 'ISO 9660' text
ok "a text file"

head -c 1000000 /dev/urandom >noise
refused 'ISO 9660' noise
ok "noise"

mkdir content
head -c 3000000 /dev/urandom >content/data
mkdir content/sub
touch content/sub/{1..50}
xorriso -abort_on SORRY -as mkisofs -J -R -o whole.iso content 2>xorriso.err
head -c 40000 whole.iso >truncated.iso
refused '.' truncated.iso
ok "a truncated image"

# read_only REGEX SOURCE - mounted, and the first line says so; not changed.
read_only() {
	cp "$2" before.iso
	mnt "$2" 2>err
	sed 's/^/stderr: /' err
	head -n 1 err | grep -Eq -- "$1" || fail "no '$1' in: $(cat err)"
	! touch "$MNT/new" 2>touch.err || fail "it is writable"
	grep -q 'Read-only' touch.err || fail "$(cat touch.err)"
	no_stage
	same "$2" before.iso
}

# Its folders are sound, so a stage is begun for it (volume_ahead.c).
xorriso -abort_on SORRY -as mkisofs -J -R --md5 -o summed.iso content \
	2>xorriso.err
cp summed.iso wrong-sum.iso
# The root's address in its descriptor; the seconds of its own record's date.
root=$(od -An -tu4 -j $((16 * 2048 + 156 + 2)) -N 4 summed.iso)
printf '\75' | dd of=wrong-sum.iso bs=1 seek=$((root * 2048 + 23)) conv=notrunc \
	status=none
! cmp -s summed.iso wrong-sum.iso
refused 'checksum of blocks' wrong-sum.iso
ok "an image whose tree does not match its checksum"

head -c 1500000 whole.iso >truncated.iso
read_only "damaged: .*content ends at block 733, and should at [0-9]+: 1 file " \
	truncated.iso
[ "$(ls "$MNT/sub")" = "$(ls content/sub)" ] || fail "$(ls "$MNT/sub")"
! cat "$MNT/data" >part 2>err || fail "what is missing was read"
grep -q 'Input/output error' err || fail "$(cat err)"
cmp -n 1000000 part content/data
umnt
ok "an image that lacks content is read-only, and its tree is there"

# Its last session lacks the tree.
for i in 1 2; do
	mnt -o create two.iso
	echo $i >"$MNT/$i"
	umnt >/dev/null
done
expect_sessions 2 two.iso
lba=$("$DISCFS" log --json two.iso | jq '.sessions[1].lba')
dd if=/dev/zero of=two.iso bs=2048 seek=$((lba + 18)) count=40 conv=notrunc \
	status=none
read_only "damaged: session 2 cannot be read \\(.*\\): session 1 is shown" two.iso
[ "$(ls "$MNT")" = 1 ] || fail "$(ls "$MNT")"
umnt
mnt -o ro two.iso 2>err
grep -q 'damaged: session 2' err || fail "not said with ro: $(cat err)"
umnt
ok "an image whose last session is damaged shows the one before"

refused 'no such file' good.iso "$T/no-folder"
refused 'folder|directory' good.iso "$T/text"
ok "a mountpoint that is missing, or no folder"

for option in frobnicate stage commit=always verify=perhaps capacity=12x \
	uid=me session=last; do
	expect_error 1 "${option%%=*}" mnt -o "$option" good.iso
	! mounted || fail "and yet it is mounted: $option"
done
ok "an unknown option, or a wrong value"
expect_exit 1 "$DISCFS" 2>/dev/null
expect_exit 1 "$DISCFS" frobnicate 2>/dev/null
expect_exit 1 "$DISCFS" mount good.iso 2>/dev/null
ok "a wrong command line"

mnt good.iso
mkdir mnt2
ln good.iso link.iso
expect_error 32 'in use|mounted|busy' mnt good.iso mnt2
expect_error 32 'in use|mounted|busy' mnt link.iso mnt2
! mounted mnt2 || fail "and yet it is mounted"
ok "a second mount of the same image, by another name too"
new_image other.iso
expect_error 32 'in use|mounted|busy' mnt other.iso
ok "a mountpoint in use"
[ "$(cat "$MNT/hello")" = hello ] || fail "the first mount was harmed"
umnt
[ ! -s other.iso ] || fail "the other image was written to"

mkdir ro
mount -t tmpfs tmpfs ro
cp good.iso ro/
mount -o remount,ro ro
mnt ro/good.iso 2>err
grep -qi 'read-only' err || fail "not said that it is read-only"
[ "$(cat "$MNT/hello")" = hello ] || fail "cannot be read"
! touch "$MNT/new" 2>touch.err || fail "can be written"
grep -qi 'read-only' touch.err || fail "refused for another reason"
umnt
same good.iso ro/good.iso
ok "an image that is read-only is mounted read-only, and says so"

expect_error 32 'discfs|mount' umnt "$T/folder"
expect_error any '.' "$DISCFS" status "$T/folder"
expect_error 2 '.' "$DISCFS" diff "$T/folder"
expect_error any '.' "$DISCFS" commit "$T/folder"
expect_error any '.' "$DISCFS" log missing.iso
ok "commands on what is no mount"
