/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc.h"
#include "burner/tree_sums.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

static struct why why;

/* Of i.iso, from block @start on. */
static int verdict(uint32_t start)
{
	struct disc *disc = tools_open("i.iso", false);
	struct tree_sums *t;
	int err;

	why.text[0] = '\0';
	ck_assert_int_eq(tree_sums_begin(disc, start, false, &t), 0);
	err = tree_sums_end(t, &why);
	ck_assert_int_eq(err != 0, why.text[0] != '\0');
	disc_free(disc);
	return err;
}

/* Two sessions: "needle" stands in the trees of both, "text" in a file. */
static void make_image(uint32_t lba[2])
{
	struct disc_session *s = NULL;
	struct disc *disc;
	size_t n = 0;

	tools_sh("mkdir -p s/d; for i in $(seq 2000); do : >s/d/f$i; done;"
		 "echo some text to be read >s/needle; echo more >more;"
		 "xorriso -md5 on -outdev i.iso -map s / -commit &&"
		 "xorriso -md5 on -dev i.iso -map more /more -commit");
	disc = tools_open("i.iso", false);
	ck_assert_int_eq(disc_sessions(disc, &s, &n, NULL), 0);
	ck_assert_uint_eq(n, 2);
	lba[0] = (uint32_t)s[0].lba;
	lba[1] = (uint32_t)s[1].lba;
	free(s);
	disc_free(disc);
}

/* Change one byte of the first or the last @text. */
static void spoil(const char *text, const char *which)
{
	tools_sh("printf X | dd of=i.iso bs=1 conv=notrunc seek=$("
		 "grep -abo '%s' i.iso | %s -1 | cut -d: -f1)",
		 text, which);
}

START_TEST(two_sessions)
{
	uint32_t lba[2];

	make_image(lba);
	ck_assert_int_eq(verdict(0), 0);
	ck_assert_int_eq(verdict(lba[0]), 0);
	ck_assert_int_eq(verdict(lba[1]), 0);
	/* Content has sums of its own. */
	spoil("some text", "head");
	ck_assert_int_eq(verdict(0), 0);
	ck_assert_int_eq(verdict(lba[0]), 0);
}
END_TEST

START_TEST(damage_in_the_last_tree)
{
	uint32_t lba[2];

	make_image(lba);
	spoil("needle", "tail");
	/* The head names that session. */
	ck_assert_int_eq(verdict(0), -EIO);
	ck_assert_ptr_nonnull(strstr(why.text, "checksum"));
	ck_assert_int_eq(verdict(lba[1]), -EIO);
	ck_assert_int_eq(verdict(lba[0]), 0);
}
END_TEST

START_TEST(damage_in_an_older_tree)
{
	uint32_t lba[2];

	make_image(lba);
	spoil("needle", "head");
	ck_assert_int_eq(verdict(lba[0]), -EIO);
	ck_assert_int_eq(verdict(lba[1]), 0);
	ck_assert_int_eq(verdict(0), 0);
}
END_TEST

START_TEST(damage_in_the_descriptors)
{
	uint32_t lba[2];

	make_image(lba);
	/* The volume's name, in the head, which is a copy with its own sum. */
	tools_patch("i.iso", 16 * DISC_BLOCK + 40, "Y", 1);
	ck_assert_int_eq(verdict(0), -EIO);
	ck_assert_int_eq(verdict(lba[1]), 0);
	tools_patch("i.iso", (uint64_t)(lba[1] + 16) * DISC_BLOCK + 40, "Y", 1);
	ck_assert_int_eq(verdict(lba[1]), -EIO);
}
END_TEST

START_TEST(an_end_that_is_missing)
{
	uint32_t lba[2];

	make_image(lba);
	tools_sh("truncate -s $((%lu * 2048)) i.iso",
		 (unsigned long)lba[1] + 24);
	ck_assert_int_eq(verdict(lba[1]), -EIO);
	ck_assert_ptr_nonnull(strstr(why.text, "cannot read"));
	ck_assert_int_eq(verdict(lba[0]), 0);
}
END_TEST

START_TEST(no_checksums)
{
	tools_sh("mkdir s; echo 1 >s/one; genisoimage -quiet -R -o i.iso s");
	ck_assert_int_eq(verdict(0), 0);
	tools_sh("truncate -s 40000 i.iso");
	ck_assert_int_eq(verdict(0), 0);
	tools_sh("xorriso -md5 off -outdev j.iso -map s / -commit; mv j.iso "
		 "i.iso");
	ck_assert_int_eq(verdict(0), 0);
}
END_TEST

START_TEST(nobody_waits)
{
	struct tree_sums *t;
	struct disc *disc;
	uint32_t lba[2];

	make_image(lba);
	disc = tools_open("i.iso", false);
	ck_assert_int_eq(tree_sums_begin(disc, 0, false, &t), 0);
	tree_sums_drop(t);
	tree_sums_drop(NULL);
	disc_free(disc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tree_sums");
	TCase *tc = tcase_create("tree_sums");

	tcase_add_checked_fixture(tc, tools_enter, tools_leave);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, two_sessions);
	tcase_add_test(tc, damage_in_the_last_tree);
	tcase_add_test(tc, damage_in_an_older_tree);
	tcase_add_test(tc, damage_in_the_descriptors);
	tcase_add_test(tc, an_end_that_is_missing);
	tcase_add_test(tc, no_checksums);
	tcase_add_test(tc, nobody_waits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
