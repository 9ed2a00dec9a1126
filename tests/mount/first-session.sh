#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first session of an image that others made, or discfs exported, begins at
# block 0, where each next session puts its superblock.  It stays readable, with
# all that it has in the first 64 KiB, however often the image grows.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires genisoimage bsdtar getfattr

mkdir -p src/dir
echo one >src/one
seq 2000 >src/dir/numbers
ln -s one src/link
echo long >"src/$(printf 'n%.0s' {1..150})"
# An export, which has checksum tags.
new_image
mnt
cp -a src/. "$MNT/"
umnt >/dev/null
"$DISCFS" export "$IMG" export.iso >/dev/null
rm "$IMG"
# The superblock of these is shorter than ours with Joliet, which covers the
# root's continuation area, or the root itself.
mk() {
	xorriso -as mkisofs -quiet "$@" src 2>/dev/null
}
mk -r -o plain.iso
mk -r --md5 -o md5.iso
mk -r -J --md5 -no-pad -o md5-joliet.iso
mk -r -no-pad -o tiny.iso
mk -J --norock -o joliet.iso
genisoimage -quiet -R -no-pad -o mkisofs.iso src
bsdtar --format=iso9660 -C src -cf libarchive.iso dir one link
# A root folder of which only the beginning is in the head.
mkdir many
for i in {1..500}; do
	echo "$i" >"many/a name long enough to fill the folder with it $i"
done
xorriso -as mkisofs -quiet -r --md5 -o many.iso many 2>/dev/null
! command -v grub-mkrescue mformat >/dev/null ||
	grub-mkrescue --modules='' --install-modules='iso9660' --fonts= \
		--locales= --themes= -o grub.iso src >/dev/null 2>&1 ||
	rm -f grub.iso

# grow [OPTION] - the image by a session.
grow() {
	mnt "$@"
	echo "$RANDOM" >"$MNT/new"
	umnt >/dev/null
}

# stays - session 1 is what it was when it was the only one: in the mount, for
# xorriso by the copy of its head, and in an image of its own.
stays() {
	local lba

	"$DISCFS" log "$IMG" >log
	! grep 'cannot be read' log || fail "discfs log: $made"
	mnt
	same_as_before "$MNT/.discfs/sessions/1"
	umnt >/dev/null
	"$DISCFS" export -f -s 1 "$IMG" back.iso >/dev/null 2>&1 ||
		fail "no export of session 1: $made"
	lba=$(awk '$1 == 1 { print $2 }' log)
	rm -rf got
	# Its checksum tags say that it stands at block 0.
	xorriso -md5 off -osirrox on -load sbsector "$lba" -indev "$IMG" \
		-extract / got >xorriso.out 2>&1 ||
		fail "xorriso: $made: $(tail -n 2 xorriso.out)"
	same_content want got
	rm -rf got
	extract back.iso got
	same_content want got
	"$DISCFS" check back.iso >/dev/null || fail "check of the export"
}

# same_as_before DIR - it shows what the image showed first.
same_as_before() {
	diff -r --no-dereference want "$1" || fail "$made: another content"
	tree_of "$1" | diff want.tree - || fail "$made: another tree"
}

# same_content A B - but for what has addresses in it.
same_content() {
	diff -r --no-dereference -x boot.catalog -x 'eltorito.img' "$1" "$2" ||
		fail "$made: $1 and $2 differ"
}

for made in *.iso; do
	case $made in back.iso) continue ;; esac
	rm -rf want
	"$DISCFS" mount -o nostage,ro "$made" "$MNT"
	cp -a "$MNT" want
	tree_of "$MNT" >want.tree
	umnt
	cp "$made" "$IMG"
	# A superblock that grows later on.
	case $made in plain.iso | md5.iso) grow -o nojoliet ;; esac
	grow
	stays
	# And a tree that holds nothing of the old one any more.
	mnt
	rm -rf "${MNT:?}"/*
	echo last >"$MNT/last"
	umnt >/dev/null
	stays
	ok "$made"
done

"$DISCFS" mount -o nostage,ro,session=1 "$IMG" "$MNT"
same_as_before "$MNT"
umnt >/dev/null
mnt
file=$MNT/.discfs/sessions/1/one
[ "$(getfattr --only-values -n user.discfs.session "$file")" = 1 ] ||
	fail "its files are another session's"
keep >/dev/null
ok "asked for by number"
