/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other programs put on discs is recognized. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "burner/contents.h"
#include "burner/volume.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

static struct contents look_at(const char *path, uint32_t lba)
{
	struct disc_params params = {.path = path, .foreign = true};
	struct why why = {""};
	struct contents c;
	struct disc *disc;

	ck_assert_msg(disc_open(&params, &disc, &why) == 0, "%s", why.text);
	ck_assert_msg(contents_look(disc, lba, &c, &why) == 0, "%s", why.text);
	disc_free(disc);
	return c;
}

/* 30 characters and a dot in them. */
#define LONG "abcdefghijklmnopqrstuvwxyz.text"

static void make_tree(void)
{
	tools_sh("mkdir -p t/folder; echo 1 >t/readme.txt; "
		 "echo 2 >t/folder/" LONG);
}

START_TEST(plain)
{
	struct contents c;

	make_tree();
	tools_sh("genisoimage -quiet -V PLAIN -iso-level 1 -o a.iso t 2>&1");
	c = look_at("a.iso", 0);
	ck_assert(c.iso9660 && !c.rock_ridge && !c.enhanced && !c.udf);
	ck_assert(!c.el_torito && !c.mbr && !c.gpt && !c.apm && !c.hfs);
	ck_assert_uint_eq(c.joliet_level, 0);
	ck_assert_uint_eq(c.level, 1);
	ck_assert(!c.level_partial);
	ck_assert_str_eq(c.volume_id, "PLAIN");
	ck_assert_int_gt(c.created, 1600000000);
}
END_TEST

START_TEST(levels)
{
	make_tree();
	tools_sh("genisoimage -quiet -iso-level 2 -o a.iso t 2>&1");
	ck_assert_uint_eq(look_at("a.iso", 0).level, 2);
	tools_sh("genisoimage -quiet -iso-level 4 -o a.iso t 2>&1");
	ck_assert(look_at("a.iso", 0).enhanced);
	tools_sh("mv t/folder/" LONG " t/folder/x" LONG
		 "; genisoimage -quiet -max-iso9660-filenames -o a.iso t 2>&1");
	ck_assert_uint_eq(look_at("a.iso", 0).level, 0);
}
END_TEST

/* A file that goes on in the next record (ECMA-119 9.1.6). */
START_TEST(more_than_one_section)
{
	unsigned char block[DISC_BLOCK];
	struct volume vol;
	size_t pos = 0;
	uint64_t root;

	make_tree();
	tools_sh("genisoimage -quiet -iso-level 1 -o a.iso t 2>&1");
	tools_peek("a.iso", 16 * DISC_BLOCK, block, sizeof block);
	ck_assert(volume_parse(block, &vol));
	root = (uint64_t)vol.root_lba * DISC_BLOCK;
	tools_peek("a.iso", root, block, sizeof block);
	while (block[pos] && block[pos + 25] & 2)
		pos += block[pos];
	ck_assert_uint_gt(block[pos], 33);
	block[pos + 25] |= 0x80;
	tools_patch("a.iso", root, block, sizeof block);
	ck_assert_uint_eq(look_at("a.iso", 0).level, 3);
}
END_TEST

START_TEST(extensions)
{
	struct contents c;

	make_tree();
	tools_sh("truncate -s 2048 t/boot.img; "
		 "genisoimage -quiet -R -J -b boot.img -no-emul-boot -o a.iso "
		 "t 2>&1");
	c = look_at("a.iso", 0);
	ck_assert(c.iso9660 && c.rock_ridge && c.el_torito);
	ck_assert_uint_eq(c.joliet_level, 3);
	tools_sh("genisoimage -quiet -udf -o b.iso t 2>&1");
	c = look_at("b.iso", 0);
	ck_assert(c.iso9660 && c.udf && !c.rock_ridge);
	tools_sh("genisoimage -quiet -hfs -o c.iso t 2>&1");
	c = look_at("c.iso", 0);
	ck_assert(c.iso9660 && c.hfs && !c.hfs_plus && !c.apm);
	tools_sh("genisoimage -quiet -hfs -part -o d.iso t 2>&1");
	c = look_at("d.iso", 0);
	ck_assert(c.iso9660 && c.hfs && c.apm);
}
END_TEST

START_TEST(hybrids)
{
	struct contents c;

	make_tree();
	tools_sh("xorriso -as mkisofs -quiet -hfsplus -o a.iso t 2>&1");
	c = look_at("a.iso", 0);
	ck_assert(c.iso9660 && c.rock_ridge && c.hfs_plus && c.apm);
	tools_sh("xorriso -as mkisofs -quiet -partition_offset 16 "
		 "-append_partition 2 0x83 t/readme.txt -o b.iso t 2>&1");
	c = look_at("b.iso", 0);
	ck_assert(c.mbr && !c.gpt);
	tools_sh("xorriso -as mkisofs -quiet -appended_part_as_gpt "
		 "-append_partition 2 0x83 t/readme.txt -o c.iso t 2>&1");
	c = look_at("c.iso", 0);
	ck_assert(c.mbr && c.gpt);
}
END_TEST

START_TEST(each_session)
{
	make_tree();
	tools_sh("xorriso -outdev a.iso -volid ONE -map t /t -commit "
		 "-volid TWO -joliet on -map t /u -commit 2>&1");
	ck_assert_str_eq(look_at("a.iso", 0).volume_id, "TWO");
	ck_assert_str_eq(look_at("a.iso", 32).volume_id, "ONE");
	ck_assert_uint_eq(look_at("a.iso", 32).joliet_level, 0);
}
END_TEST

START_TEST(nothing)
{
	struct contents c;

	tools_sh("truncate -s 1M blank; truncate -s 0 empty; "
		 "seq 30000 >text");
	c = look_at("blank", 0);
	ck_assert(!c.iso9660 && !c.udf && !c.hfs && !c.mbr);
	ck_assert(!look_at("empty", 0).iso9660);
	ck_assert(!look_at("text", 0).iso9660);
	/* Behind its end. */
	ck_assert(!look_at("text", 4000000).iso9660);
}
END_TEST

/* Whatever a disc says, it ends, and within the disc. */
START_TEST(nonsense)
{
	unsigned char block[DISC_BLOCK];

	make_tree();
	tools_sh("genisoimage -quiet -R -J -o a.iso t 2>&1");
	tools_peek("a.iso", 16 * DISC_BLOCK, block, sizeof block);
	/* The root folder is as large as can be, and all of the image. */
	memset(block + 156 + 10, 0xff, 4);
	memset(block + 156 + 2, 0, 8);
	tools_patch("a.iso", 16 * DISC_BLOCK, block, sizeof block);
	ck_assert(look_at("a.iso", 0).iso9660);
	/* It is beyond the end. */
	memset(block + 156 + 2, 0x7f, 8);
	tools_patch("a.iso", 16 * DISC_BLOCK, block, sizeof block);
	{
		struct disc_params params = {.path = "a.iso", .foreign = true};
		struct why why = {""};
		struct contents c;
		struct disc *disc;

		ck_assert_int_eq(disc_open(&params, &disc, &why), 0);
		ck_assert_int_eq(contents_look(disc, 0, &c, &why), -EIO);
		ck_assert_ptr_nonnull(strstr(why.text, "cannot read"));
		disc_free(disc);
	}
}
END_TEST

/* A folder that is its own child, many times. */
START_TEST(circle)
{
	unsigned char block[DISC_BLOCK] = {0}, record[34] = {34};
	struct volume vol;
	struct contents c;

	make_tree();
	tools_sh("genisoimage -quiet -iso-level 1 -o a.iso t 2>&1");
	tools_peek("a.iso", 16 * DISC_BLOCK, block, sizeof block);
	ck_assert(volume_parse(block, &vol));
	record[2] = (unsigned char)vol.root_lba;
	record[11] = 8; /* 2048 bytes */
	record[25] = 2;
	record[32] = 1;
	record[33] = 'A';
	memset(block, 0, sizeof block);
	for (size_t i = 0; i + 34 < sizeof block; i += 34)
		memcpy(block + i, record, sizeof record);
	tools_patch("a.iso", (uint64_t)vol.root_lba * DISC_BLOCK, block,
		    sizeof block);
	c = look_at("a.iso", 0);
	ck_assert(c.iso9660 && c.level_partial);
	ck_assert_uint_eq(c.level, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("contents");
	TCase *tc = tcase_create("contents");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, tools_enter, tools_leave);
	tcase_add_test(tc, plain);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, more_than_one_section);
	tcase_add_test(tc, extensions);
	tcase_add_test(tc, hybrids);
	tcase_add_test(tc, each_session);
	tcase_add_test(tc, nothing);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, circle);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
