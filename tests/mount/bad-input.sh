#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Input that cannot be mounted: one clear line, an exit status other than 0, and
# nothing harmed.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires xorriso

new_image good.iso
mnt good.iso
echo hello >"$MNT/hello"
umnt
expect_sessions 1 good.iso

# refused REGEX SOURCE [DIR] - and the source stays as it was.
refused() {
	local before

	before=$(md5sum "$2" 2>/dev/null || true)
	expect_error 32 "$1" mnt "$2" "${3:-$MNT}"
	! mounted || fail "and yet it is mounted: $2"
	[ "$(md5sum "$2" 2>/dev/null || true)" = "$before" ] ||
		fail "$2 was changed"
	no_daemon || fail "a process stays behind"
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
head -c 1500000 whole.iso >truncated.iso
refused 'truncated|end|short|incomplete' truncated.iso
head -c 40000 whole.iso >truncated.iso
refused '.' truncated.iso
ok "a truncated image"

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
