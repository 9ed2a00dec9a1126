#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# GRUB, which has a reader of its own, finds in a grown image what was put
# there: it is what a bootable disc is read with.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse
requires grub-fstest

deep=$(printf 'folder/%.0s' {1..12})
long=$(printf 'a long name, %.0s' {1..19})
mkdir -p "tree/$deep"
echo deep >"tree/${deep}file"
echo long >"tree/$long"
ln -s "$long" tree/link
ln -s "$(printf 'folder/%.0s' {1..12})file" tree/to-deep
head -c 5000000 /dev/urandom >tree/big
printf 'letters' >'tree/ünïcödé'
: >tree/empty

# agrees - each file of the tree, links followed, has the same content for GRUB.
agrees() {
	local path

	grub-fstest "$IMG" cmp '(loop0)/' "$T/tree" >said 2>&1 ||
		fail "$1: $(cat said)"
	[ ! -s said ] || fail "$1: $(cat said)"
	for path in link to-deep "$long" "${deep}file"; do
		grub-fstest "$IMG" cat "(loop0)/$path" >got
		same got "tree/$path" "$1: $path"
	done
}

new_image
mnt
cp -a tree/. "$MNT"
umnt
agrees "the first session"
ok "GRUB reads the first session"

mnt
mv "$MNT/big" "$MNT/folder/large"
mv tree/big tree/folder/large
echo more >>"$MNT/$long"
echo more >>"tree/$long"
rm "$MNT/empty" tree/empty
umnt
agrees "the second session"
grub-fstest "$IMG" ls '(loop0)/' >said
! grep -qw -e big -e empty said || fail "what is gone is there: $(cat said)"
ok "and the second one, with old content under new names"

echo other >>tree/folder/large
! grub-fstest "$IMG" cmp '(loop0)/' "$T/tree" >said 2>&1 || [ -s said ] ||
	fail "GRUB finds no difference where there is one"
ok "which it does not say of what differs"
