#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An image that others made, GRUB's rescue disc, is edited: the result is exactly
# the edited tree, what was not touched keeps its bytes and blocks, and it boots
# as before.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

source_image=/usr/lib/grub-rescue/grub-rescue-cdrom.iso
[ -f "$source_image" ] || skip "no $source_image (Debian: grub-rescue-pc)"
cp "$source_image" "$IMG"

# boot_record IMAGE - what the firmware sees, but for the place of the catalog.
boot_record() {
	on_image "$1" - -report_el_torito plain |
		grep -E '^El Torito (boot|img)'
}

# edit DIR - the same changes to any copy of the tree.
edit() (
	cd "$1" || exit
	mkdir notes
	echo 'made by hand' >notes/new.txt
	sed -i 's/menuentry/MENUENTRY/; $a# changed' boot/grub/grub.cfg
	rm boot/grub/i386-pc/zfs.mod
	mv boot/grub/locale boot/grub/languages
	touch -d '2020-02-02 02:02:02' notes/new.txt notes \
		boot/grub/grub.cfg boot/grub/i386-pc boot/grub
)

extract "$IMG" want
image_blocks "$IMG" >blocks.before
boot_record "$IMG" >boot.before
cp "$IMG" before.iso

mnt
# The catalog is El Torito's own; a folder's view of it is free.
diff -r --no-dereference -x boot.catalog want "$MNT" ||
	fail "the mount does not show the image"
ok "the mount shows what xorriso extracts"
clean
edit "$MNT"
has 'A notes' 'A notes/new.txt' 'M boot/grub/grub.cfg' \
	'D boot/grub/i386-pc/zfs.mod' \
	'R boot/grub/locale -> boot/grub/languages'
ok "the deltas are those that were made"
umnt

edit want
extract "$IMG" got
rm -f want/boot.catalog got/boot.catalog
same_tree -l want got
ok "xorriso extracts exactly the edited tree"

image_blocks "$IMG" >blocks.after
grep -v -e 'zfs\.mod' -e "grub\.cfg'" -e 'boot\.catalog' blocks.before |
	sed 's|/locale/|/languages/|' | LC_ALL=C sort >blocks.want
grep -v -e "grub\.cfg'" -e "new\.txt'" -e 'boot\.catalog' blocks.after |
	LC_ALL=C sort >blocks.got
[ "$(wc -l <blocks.want)" -gt 250 ] || fail "too few files to compare"
same blocks.want blocks.got "the blocks of untouched files"
ok "untouched files keep their blocks"

# xorriso takes the old and the new session for one: no superblock is at 32.
n=$(($(session_blocks "$IMG" | tail -n 1) - $(session_blocks before.iso)))
[ "$n" -lt 400 ] || fail "the new session has $n blocks"
untouched before.iso "$IMG"
ok "the session is small and leaves the old blocks alone"

boot_record "$IMG" >boot.after
grep -q '^El Torito boot img' boot.before || fail "no boot record to begin with"
same boot.before boot.after "the boot record"
cmp -n 32768 before.iso "$IMG" || fail "the system area, with the MBR, differs"
ok "the boot record names the same boot image, and the MBR is the same"

readable "$IMG" notes/new.txt boot/grub/i386-pc/normal.mod \
	boot/grub/languages
sound "$IMG"
ok "isoinfo, bsdtar and 7z read it"

mnt
clean
diff -r --no-dereference -x boot.catalog want "$MNT" ||
	fail "the tree is not as it was left"
umnt
ok "mounted again: nothing pending, the tree as left"
