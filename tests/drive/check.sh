#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs check of a disc in a drive: by itself, and through the mount that holds
# the drive; what cannot be read is named.
. "$top_srcdir/tests/drive/lib.sh"
needs_fuse

requires jq

three_trees
new_drive dvd+r
for i in 1 2; do
	burns xorriso -for_backup -dev /dev/sr0 -close off \
		-map "$T/t/s$i" "/s$i" -commit
done
on_drive check /dev/sr0 >check.out
grep -q '^4 files .*as recorded' check.out || fail "$(cat check.out)"
on_drive mount /dev/sr0 "$MNT" 2>err
on_drive check "$MNT" >check.out
grep -q '^4 files .*as recorded' check.out || fail "$(cat check.out)"
[ "$(ls "$MNT/.discfs/sessions")" = $'1\n2' ] || fail "its sessions"
[ "$(ls "$MNT/.discfs/sessions/1")" = s1 ] || fail "the first one"
diff -r t/s1 "$MNT/.discfs/sessions/1/s1"
[ "$(getfattr --only-values -n user.discfs.session "$MNT/s2/data")" = 2 ] ||
	fail "of another session"
ok "a good disc"

burner xorriso -indev /dev/sr0 && fail "the drive is not in use"
on_drive umount "$MNT"
burns xorriso -indev /dev/sr0 -find /s1/data -exec report_lba --
lba=$(sed -n 's/^File data lba: *[0-9]* , *\([0-9]*\) .*/\1/p' "$T/said")
on_drive mount /dev/sr0 "$MNT" 2>err
disc fault read-error lba=$((lba + 100)) blocks=1
expect_exit 1 on_drive check --json "$MNT" >json
[ "$(jq -c '[.files, .damaged, [.unreadable[].path]]' json)" = \
	'[4,[],["s1/data"]]' ] || fail "$(cat json)"
on_drive umount "$MNT"
expect_exit 1 on_drive check /dev/sr0 >check.out
head -n 1 check.out | grep -qx 'unreadable s1/data' || fail "$(cat check.out)"
# libisofs would put zeros there, and say that it went well.
expect_error 32 'cannot read block' on_drive export /dev/sr0 torn.iso
[ ! -e torn.iso ] || fail "a torn image was left"
disc faults clear
on_drive export /dev/sr0 whole.iso >/dev/null
xorriso -indev whole.iso -osirrox on -extract / got 2>/dev/null
chmod -R u+w got
rm -rf want
mkdir want
cp -r t/s1 t/s2 want/
diff -r want got || fail "the export of a disc is another tree"
ok "an unreadable block"
