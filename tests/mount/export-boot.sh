#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boot records in an exported image: kept where they can be, else said in words.
. "$top_srcdir/tests/mount/lib.sh"
needs_fuse

requires genisoimage

source_image=/usr/lib/grub-rescue/grub-rescue-cdrom.iso
[ -f "$source_image" ] || skip "no $source_image (Debian: grub-rescue-pc)"

# boot_record IMAGE - but for the addresses.
boot_record() {
	on_image "$1" - -report_el_torito plain |
		sed -n '/^El Torito img/p; s/^\(El Torito boot img.*\) [0-9]*$/\1/p'
	on_image "$1" - -report_system_area plain |
		grep -E '^System area (options|summary)|^MBR partition  ' || true
}

boot_record "$source_image" | sed 's/ *[0-9]*$//' >boot.want
"$DISCFS" export "$source_image" grub.iso >/dev/null 2>err
[ ! -s err ] || fail "something was left out: $(cat err)"
boot_record grub.iso | sed 's/ *[0-9]*$//' | diff boot.want - ||
	fail "other boot records"
# GRUB's boot sector finds the image by its address, 4 sectors in.
lba=$(on_image grub.iso - -report_el_torito plain |
	awk '/^El Torito boot img/ { print $NF }')
at=$(od -An -t u8 -j 432 -N 8 grub.iso)
[ "$at" -eq $((lba * 4 + 4)) ] || fail "the boot sector names sector $at"
extract grub.iso got
extract "$source_image" want
# The boot image has its own address in it.
rm -f {got,want}/boot.catalog {got,want}/boot/grub/i386-pc/eltorito.img
same_tree -l want got
ok "El Torito and GRUB's MBR"

cp "$source_image" "$IMG"
mnt
echo x >"$MNT/x"
cp "$MNT/boot/grub/i386-pc/eltorito.img" img
printf NEWCODE | dd of=img bs=1 seek=30000 conv=notrunc status=none
cat img >"$MNT/boot/grub/i386-pc/eltorito.img"
"$DISCFS" export "$MNT" changed.iso >/dev/null
boot_record changed.iso | sed 's/ *[0-9]*$//' | diff boot.want - ||
	fail "other boot records of a changed image"
extract_file changed.iso /boot/grub/i386-pc/eltorito.img image
cmp <(tail -c +30001 image) <(tail -c +30001 img) ||
	fail "the boot image is another"
rm "$MNT/boot.catalog"
expect_error 0 'boot sector for disks is left out' \
	"$DISCFS" export "$MNT" none.iso >/dev/null
! on_image none.iso - -report_el_torito plain | grep -q 'boot img' ||
	fail "boot records without a catalog"
keep >/dev/null
ok "a boot image that is changed; a catalog that is removed"

mkdir tree
seq 300 >tree/other
head -c 20480 /dev/urandom >tree/boot.img
genisoimage -quiet -R -hide boot.cat -c boot.cat -b boot.img -no-emul-boot \
	-boot-load-size 4 -boot-info-table -o hidden.iso tree
"$DISCFS" export hidden.iso hidden2.iso >/dev/null 2>err
[ ! -s err ] || fail "something was left out: $(cat err)"
boot_record hidden.iso >boot.want
boot_record hidden2.iso | diff boot.want - || fail "other boot records"
! on_image hidden2.iso - -find / | grep -q boot.cat || fail "not hidden"
# The boot image says where it stands (mkisofs -boot-info-table).
lba=$(on_image hidden2.iso - -report_el_torito plain |
	awk '/^El Torito boot img/ { print $NF }')
extract_file hidden2.iso /boot.img image
[ "$(od -An -t u4 -j 12 -N 4 image)" -eq "$lba" ] ||
	fail "the boot image has another place in it"
ok "a hidden catalog"

# left_out REGEX FROM TO - what the export has not is told, beside the partition
# that lies behind the file system.
left_out() {
	"$DISCFS" export "$2" "$3" 2>err >/dev/null
	grep -q 'behind its file system .*a partition' err &&
		grep -q "$1" err && [ "$(wc -l <err)" -eq 2 ] || fail "$(cat err)"
}

seq 5000 >tree/boot.img
head -c 100000 /dev/urandom >efi.img
xorriso -as mkisofs -quiet -R -o efi.iso -c boot.cat -b boot.img \
	-no-emul-boot -boot-load-size 4 -eltorito-alt-boot \
	-append_partition 2 0xef efi.img \
	-e --interval:appended_partition_2:all:: -no-emul-boot tree
left_out 'partitions.*left out' efi.iso efi2.iso
"$DISCFS" check efi2.iso >/dev/null
extract efi2.iso got.efi
same tree/boot.img got.efi/boot.img
on_image efi2.iso - -report_el_torito plain >boot.efi
[ "$(grep -c '^El Torito boot img' boot.efi)" -eq 1 ] || fail "$(cat boot.efi)"
grep -q '^El Torito boot img : *1 *BIOS' boot.efi || fail "$(cat boot.efi)"
grep -q '^El Torito img path : *1 */boot.img' boot.efi || fail "$(cat boot.efi)"
ok "a partition behind the volume is not taken along, and said so"

xorriso -as mkisofs -quiet -R -o gpt.iso -c boot.cat -b boot.img \
	-no-emul-boot -boot-load-size 4 -append_partition 2 0xef efi.img \
	-appended_part_as_gpt tree
left_out 'partition table .*left out; booting from optical' gpt.iso gpt2.iso
on_image gpt2.iso - -report_el_torito plain | grep -q '/boot.img' ||
	fail "no boot image"
[ -z "$(head -c 32768 gpt2.iso | tr -d '\0' | head -c 1)" ] ||
	fail "something in the system area"
ok "a GPT is left out"
