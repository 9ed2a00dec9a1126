/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/plan_builder.h"
#include "tests/unit/run_suite.h"

#define BOOT_IMAGE "/boot/grub/i386-pc/eltorito.img"

/* A bootable image; what it says of booting goes to "boot.before". */
static void make_bootable(int kind)
{
	static const char *const make[] = {
		"cp /usr/lib/grub-rescue/grub-rescue-cdrom.iso a.iso",
		("mkdir -p src/boot/grub/i386-pc && "
		 "seq 1 5000 | head -c 20480 >src" BOOT_IMAGE " && "
		 "genisoimage -R -J -b boot/grub/i386-pc/eltorito.img "
		 "-c boot.cat -no-emul-boot -boot-load-size 4 "
		 "-boot-info-table -o a.iso src 2>log"),
	};

	shell("%s; cp a.iso before.iso", make[kind]);
	shell("xorriso -osirrox on -indev a.iso -extract / want "
	      "-report_el_torito plain >boot.before 2>log;"
	      "chmod -R u+rwX want");
}

static char *boot_line(const char *image, const char *word)
{
	return output("xorriso -indev %s -report_el_torito plain "
		      "-report_system_area plain 2>/dev/null | grep '%s'",
		      image, word);
}

START_TEST(boot_stays)
{
	char *before, *after;
	struct builder b;

	new_folder();
	make_bootable(_i);
	b_open(&b, "a.iso");
	b_file(&b, 0, "new", "new\n");
	b_move(&b, BOOT_IMAGE, 0, "moved.img");
	b_commit(&b);
	b_close(&b);
	shell("mv want" BOOT_IMAGE " want/moved.img; echo new >want/new");
	same_tree("a.iso");
	before = boot_line("before.iso", "boot img  *:");
	after = boot_line("a.iso", "boot img  *:");
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
	after = boot_line("a.iso", "img path");
	ck_assert_ptr_nonnull(strstr(after, "/moved.img"));
	free(after);
	shell("cmp -n 432 before.iso a.iso");
}
END_TEST

START_TEST(boot_content_is_renewed)
{
	struct builder b;
	char *text;
	uint32_t i, lba;

	new_folder();
	make_bootable(_i);
	shell("cp want" BOOT_IMAGE " new.img;"
	      "printf NEWCODE | dd of=new.img bs=1 seek=3000 conv=notrunc "
	      "2>/dev/null");
	b_open(&b, "a.iso");
	i = b_rewrite(&b, BOOT_IMAGE, "-");
	b_load(&b, i, "new.img");
	b_commit(&b);
	lba = b_base(&b, BOOT_IMAGE)->lba;
	b_close(&b);
	text = boot_line("a.iso", "boot img  *:");
	ck_assert_uint_eq(strtoul(strrchr(text, ' '), NULL, 10), lba);
	free(text);
	text = boot_line("a.iso", "img path");
	ck_assert_ptr_nonnull(strstr(text, BOOT_IMAGE));
	free(text);
	/* The rest of what the catalog said. */
	shell("grep 'boot img ' boot.before | head -1 | sed 's/ *[0-9]*$//' >1;"
	      "xorriso -indev a.iso -report_el_torito plain 2>/dev/null |"
	      "grep 'boot img ' | head -1 | sed 's/ *[0-9]*$//' | diff 1 -");
	/* Only its table of addresses differs from what was given, and
	 * GRUB's own address at byte 2548. */
	shell("xorriso -osirrox on -indev a.iso -extract " BOOT_IMAGE
	      " got.img 2>log; cmp -i 64 -n 2484 new.img got.img;"
	      "cmp -i 2560 new.img got.img;"
	      "test $(od -An -tu4 -j12 -N4 got.img) = %u",
	      lba);
	shell("xorriso -md5 on -indev a.iso -check_md5 SORRY -- "
	      ">log 2>&1 || { cat log; exit 1; }");
}
END_TEST

START_TEST(boot_goes_with_its_catalog)
{
	static const char *const catalog[] = {"/boot.catalog", "/boot.cat"};
	struct builder b;

	new_folder();
	make_bootable(_i);
	b_open(&b, "a.iso");
	ck_assert(b.info.has_el_torito);
	b_remove(&b, catalog[_i]);
	b_commit(&b);
	ck_assert(!b.info.has_el_torito);
	b_close(&b);
	shell("rm want%s", catalog[_i]);
	same_tree("a.iso");
}
END_TEST

/* As many a Linux distribution has it: the volume, then an EFI partition. */
START_TEST(partition_behind_the_volume_stays)
{
	struct disc_session *sessions;
	struct builder b;
	size_t n;
	int i;

	new_folder();
	shell("mkdir src; seq 1 1000 >src/n; cp -a src want;"
	      "seq 1 300000 | head -c 1500000 >efi.img;"
	      "xorriso -as mkisofs -R -J -o a.iso -append_partition 2 0xef "
	      "efi.img %s -e --interval:appended_partition_2:all:: "
	      "-no-emul-boot src 2>log; cp a.iso before.iso",
	      _i ? "-appended_part_as_gpt" : "");
	for (i = 0; i < 2; i++) {
		b_open(&b, "a.iso");
		b_file(&b, 0, i ? "m2" : "m1", "more\n");
		b_commit(&b);
		b_close(&b);
	}
	b_open(&b, "a.iso");
	ck_assert_int_eq(disc_sessions(b.disc, &sessions, &n, &b.why), 0);
	ck_assert_uint_eq(n, 3);
	b_close(&b);
	shell("cmp -n 32768 before.iso a.iso");
	old_blocks_stand(sessions[1].lba);
	ck_assert_uint_ge((uint64_t)sessions[1].lba * DISC_BLOCK, 1500000);
	free(sessions);
	shell("xorriso -indev before.iso -report_el_torito plain 2>/dev/null |"
	      " grep 'boot img ' | head -1 >1; xorriso -indev a.iso "
	      "-report_el_torito plain 2>/dev/null | grep 'boot img ' |"
	      " head -1 | diff 1 -");
	shell("echo more >want/m1;"
	      "echo more >want/m2; rm -rf got; xorriso -osirrox on -indev "
	      "a.iso -extract / got >log 2>&1; rm -f got/boot.catalog;"
	      "diff -r want got");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("session_boot");
	TCase *tc = tcase_create("images");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, boot_stays, 0, 2);
	tcase_add_loop_test(tc, boot_content_is_renewed, 0, 2);
	tcase_add_loop_test(tc, boot_goes_with_its_catalog, 0, 2);
	tcase_add_loop_test(tc, partition_behind_the_volume_stays, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return run_suite(suite());
}
