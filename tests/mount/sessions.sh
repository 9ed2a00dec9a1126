#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Older sessions in the mount, below .discfs/sessions/N: what xorriso finds in
# them, not to be changed, and not in anybody's way.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires setfattr

new_image
for i in 1 2 3 4 5; do
	mnt
	mkdir -p "$MNT/folder$i/deeper"
	seq "$i"000 >"$MNT/folder$i/file"
	seq 70000 >"$MNT/big $i"
	echo "$i" >"$MNT/changes"
	ln "$MNT/folder$i/file" "$MNT/folder$i/deeper/same"
	ln -s "../changes" "$MNT/folder$i/link"
	setfattr -n user.i -v $i "$MNT/folder$i/file"
	[ $i -lt 3 ] || rm -rf "$MNT/folder$((i - 2))"
	umnt >/dev/null
	sleep 0.1
done
mapfile -t lbas < <(sessions "$IMG")
[ ${#lbas[@]} -eq 5 ] || fail "${#lbas[@]} sessions"
mnt
S=$MNT/.discfs/sessions

! find "$MNT" -name .discfs | grep -q . || fail "it is listed"
[ "$(ls "$MNT/.discfs")" = sessions ] || fail "$(ls "$MNT/.discfs")"
[ "$(ls "$S")" = $'1\n2\n3\n4\n5' ] || fail "sessions: $(ls "$S")"
[ "$(stat -c '%A' "$MNT/.discfs" "$S" | sort -u)" = dr-xr-xr-x ]
ok "found by its name, not listed"

for i in 1 2 3 4 5; do
	extract "$IMG" want$i "${lbas[i - 1]}"
	same_tree -l want$i "$S/$i"
done
[ "$(getfattr --only-values -n user.i "$S/1/folder1/file")" = 1 ]
[ "$(getfattr --only-values -n user.discfs.session "$S/3/folder2/file")" = 2 ]
[ "$(stat -c %h "$S/5/folder5/file")" -eq 2 ] || fail "hard links"
[ "$(cat "$S"/*/changes)" = $'1\n2\n3\n4\n5' ]
ok "each session is what xorriso extracts"

# Numbers: of one mount all different, and the same after the tree was dropped.
find "$S" "$MNT" -printf '%i %P\n' >inodes
[ "$(awk '{ print $1 }' inodes | sort | uniq -d | wc -l)" -ge 1 ] # hard links
find "$S" "$MNT" \( -type d -o -links 1 \) -printf '%i\n' | sort | uniq -d >twice
[ ! -s twice ] || fail "numbers that are there twice: $(cat twice)"
exec 3<"$S/1/big 1" 4<"$S/1/folder1"
cd "$S/2/folder1"
cat "$S"/[2345]/big* "$S"/[2345]/folder*/file >/dev/null
ls -lR "$S/3" "$S/4" "$S/5" >/dev/null
drop_caches
cmp - "$T/want1/big 1" <&3 || fail "an open file of a dropped session"
diff <(ls "/proc/$$/fd/4/") <(ls "$T/want1/folder1")
same file "$T/want2/folder1/file"
cd "$T"
exec 3<&- 4<&-
find "$S" "$MNT" -printf '%i %P\n' | diff inodes - >moved ||
	fail "other numbers: $(head -n 3 moved)"
ok "numbers are distinct and stay"

refused() {
	if "$@" 2>err; then
		fail "done: $*"
	fi
	grep -Eq 'Read-only file system|cross-device|Permission denied' err ||
		fail "$*: $(cat err)"
}
echo x >blocks
refused touch "$S/1/new"
refused mkdir "$S/1/new"
refused mkdir "$S/9"
refused rm -f "$S/1/changes"
refused rmdir "$S/1/folder1/deeper"
refused chmod 600 "$S/1/changes"
refused setfattr -n user.x -v y "$S/1/changes"
refused ln "$S/1/changes" "$MNT/link"
refused ln "$MNT/changes" "$S/1/link"
refused mv -T "$MNT/changes" "$S/1/changes"
refused sh -c "echo x >'$S/1/changes'"
refused dd if=blocks of="$S/1/changes" oflag=append conv=notrunc status=none
refused truncate -s 0 "$S/1/changes"
[ ! -e "$S/6" ] || fail "a session that is not there"
[ ! -e "$S/01" ] || fail "another name of a session"
[ ! -e "$MNT/folder5/.discfs" ] || fail "below the root"
clean
ok "nothing of it can be changed"

# Back from there: copied, and only what is copied is a change.
cp -a "$S/1/folder1" "$MNT/restored"
diff -r --no-dereference want1/folder1 "$MNT/restored"
mv "$S/1/big 1" "$MNT/big back" 2>/dev/null && fail "moved"
rm -f "$MNT/big back"
deltas | sed 's/^A restored.*//' | grep . && fail "other changes: $(deltas)"
"$DISCFS" commit "$MNT" >/dev/null
[ "$(ls "$S")" = $'1\n2\n3\n4\n5\n6' ] || fail "the new session: $(ls "$S")"
diff -r --no-dereference want1/folder1 "$S/6/restored"
[ ! -e "$S/5/restored" ] || fail "in an older session"
[ ! -e "$S/7" ]
ok "copied back; a new session comes to the others"

# While somebody is in it the mount is busy, as with all of it.
exec 3<"$S/2/changes"
expect_error 32 'busy|in use' "$DISCFS" umount "$MNT"
exec 3<&-
umnt

mnt -o session=2
[ "$(cat "$MNT/.discfs/sessions/6/changes")" = 5 ]
[ "$(cat "$MNT/changes")" = 2 ]
umnt
mnt -o uid=1234,umask=077
[ "$(stat -c '%u %a' "$MNT/.discfs/sessions/1/changes")" = '1234 600' ] ||
	fail "shown with other owners"
umnt
ok "with other mount options"

# A file of that name on the disc is what is there.
mkdir -p tree/.discfs
echo mine >tree/.discfs/sessions
xorriso -outdev own.iso -map tree / -commit 2>/dev/null
mnt own.iso
[ "$(cat "$MNT/.discfs/sessions")" = mine ] || fail "hidden by ours"
umnt
: >blank.iso
mnt blank.iso
[ -z "$(ls "$MNT/.discfs/sessions")" ] || fail "sessions of a blank disc"
echo x >"$MNT/x"
"$DISCFS" commit "$MNT" >/dev/null
[ "$(cat "$MNT/.discfs/sessions/1/x")" = x ] || fail "the first session"
umnt
ok "a file of that name wins; a blank disc has none"
