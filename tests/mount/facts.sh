#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The attributes that a file tells of itself: right, never listed, never copied.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

# fact PATH NAME - its value, or "none".
fact() {
	getfattr --only-values -n "user.discfs.$2" "$MNT/$1" 2>err && return
	grep -q 'No such attribute' err || fail "$1 $2: $(cat err)"
	echo none
}

# is PATH STATE [SESSION] - and the block that xorriso sees it in.
is() {
	local lba=none

	[ "$(fact "$1" state)" = "$2" ] || fail "$1 is $(fact "$1" state)"
	[ "$(fact "$1" session)" = "${3:-none}" ] ||
		fail "$1 is of session $(fact "$1" session)"
	if [ -n "${3:-}" ]; then
		lba=$(awk -v f="'/${4:-$1}'" '$1 == f { print $2 }' blocks)
		[ -n "$lba" ] || fail "xorriso does not know ${4:-$1}"
	fi
	[ "$(fact "$1" lba)" = "$lba" ] ||
		fail "$1 is in block $(fact "$1" lba), not $lba"
}

new_image
mnt
mkdir "$MNT/d"
for i in 1 2 3 4 5 6; do
	seq "$i"000 >"$MNT/d/$i"
done
: >"$MNT/empty"
ln -s d "$MNT/link"
is d/1 added
umnt >/dev/null
mnt
seq 77 >"$MNT/later"
umnt >/dev/null
mnt
image_blocks "$IMG" >blocks
is d/1 clean 1
is later clean 2
is d clean
is empty clean
is . clean
[ "$(getfattr -h --only-values -n user.discfs.state "$MNT/link" 2>&1)" != clean ] ||
	fail "the kernel lets user attributes of links through"

echo more >>"$MNT/d/1"
chmod 600 "$MNT/d/2"
mv "$MNT/d/3" "$MNT/three"
mv "$MNT/d/4" "$MNT/four"
echo more >>"$MNT/four"
mv "$MNT/d/5" "$MNT/five"
chmod 600 "$MNT/five"
echo new >"$MNT/new"
cp "$MNT/d/6" "$MNT/d/.6.swp"
mv "$MNT/d/.6.swp" "$MNT/d/6"
ln "$MNT/later" "$MNT/later too"
is d/1 modified
is d/2 attributes 1
is three moved 1 d/3
is four moved,modified
is five moved,attributes 1 d/5
is new added
is d/6 modified
is later clean 2
is d clean
exec 3<"$MNT/new"
rm "$MNT/new"
[ "$(getfattr -L --only-values -n user.discfs.state /proc/$$/fd/3 2>/dev/null)" = removed ] ||
	fail "an unlinked file"
exec 3<&-
"$DISCFS" commit "$MNT" >/dev/null
image_blocks "$IMG" >blocks
is d/1 clean 3
is d/2 clean 1
is three clean 1
is four clean 3
is d/6 clean 3
is later clean 2
ok "state, session and block"

setfattr -n user.mine -v 1 "$MNT/later"
[ "$(getfattr -d -m - "$MNT/later" 2>/dev/null | grep -v '^#')" = 'user.mine="1"' ] ||
	fail "listed: $(getfattr -d -m - "$MNT/later")"
cp -a "$MNT/later" copy
[ "$(getfattr -d -m - copy | grep -v '^#')" = 'user.mine="1"' ] ||
	fail "copied: $(getfattr -d -m - copy)"
for name in state session lba; do
	if setfattr -n user.discfs.$name -v x "$MNT/later" 2>err; then
		fail "user.discfs.$name could be set"
	fi
	grep -q 'Operation not permitted' err || fail "$(cat err)"
	if setfattr -x user.discfs.$name "$MNT/later" 2>err; then
		fail "user.discfs.$name could be removed"
	fi
	grep -q 'Operation not permitted' err || fail "$(cat err)"
done
setfattr -n user.discfs.other -v x "$MNT/later"
[ "$(getfattr --only-values -n user.discfs.other "$MNT/later")" = x ] ||
	fail "another name of that beginning"
ok "not listed, not copied, not set"
umnt >/dev/null

# A disc that has them is not believed.
mkdir tree
echo x >tree/file
setfattr -n user.discfs.state -v forged tree/file
setfattr -n user.real -v yes tree/file
xorriso -outdev forged.iso -xattr on -map tree / -commit 2>/dev/null
mnt forged.iso
[ "$(fact file state)" = clean ] || fail "a forged state: $(fact file state)"
[ "$(getfattr -d -m - "$MNT/file" 2>/dev/null | grep -v '^#')" = 'user.real="yes"' ] ||
	fail "a forged attribute is listed"
umnt
ok "attributes of the disc with these names"
