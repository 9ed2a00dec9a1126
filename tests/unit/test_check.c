/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/check.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

static char said[512];
static atomic_int cancel;
static unsigned reports;
static uint64_t last_done, last_total;

static int found(void *arg, const char *path, enum check_verdict what,
		 uint64_t lba)
{
	(void)arg;
	(void)lba;
	snprintf(said + strlen(said), sizeof said - strlen(said), "%c %s;",
		 what == CHECK_DAMAGED ? 'D' : 'U', path);
	return 0;
}

static void note(void *arg, const struct progress *p)
{
	(void)arg;
	ck_assert_str_eq(p->phase, "checking");
	reports++;
	last_done = p->blocks_done;
	last_total = p->blocks_total;
}

static int check(const char *path, struct check_totals *t, struct why *why)
{
	static const struct import_opts opts = {.session_lba = IMPORT_LAST};
	const struct progress_sink sink = {.report = note, .cancel = &cancel};
	struct disc *disc = tools_open(path, false);
	int err;

	*said = '\0';
	reports = 0;
	err = check_session(disc, &opts, found, NULL, &sink, t, why);
	disc_free(disc);
	return err;
}

/* Three files, one of them by two names, in two sessions. */
static void make_image(void)
{
	tools_sh("mkdir s t; seq 100000 >s/a; ln s/a s/link; seq 9 >s/b;"
		 "head -c 3000000 /dev/urandom >t/c; : >t/empty;"
		 "xorriso -md5 on -hardlinks on -outdev i.iso -map s / -commit "
		 "-map t /t -commit 2>log");
}

static void damage(const char *path, const char *file, uint64_t at)
{
	struct tree tree;
	const struct item *item;
	unsigned char byte;
	uint64_t pos;

	ck_assert_int_eq(
		tree_load(path,
			  &(struct import_opts){.session_lba = IMPORT_LAST},
			  &tree, NULL),
		0);
	item = tree_find(&tree, file);
	ck_assert_ptr_nonnull(item);
	pos = item->node.runs[0].lba * DISC_BLOCK + at;
	tools_peek(path, pos, &byte, 1);
	byte ^= 0x10;
	tools_patch(path, pos, &byte, 1);
	tree_release(&tree);
}

START_TEST(good)
{
	struct check_totals t;

	make_image();
	ck_assert_int_eq(check("i.iso", &t, NULL), 0);
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(t.files, 5);
	ck_assert_uint_eq(t.bytes, 588895 + 18 + 3000000);
	ck_assert_uint_eq(t.no_checksum, 0);
	ck_assert_uint_ge(reports, 2);
	ck_assert_uint_eq(last_done, last_total);
}
END_TEST

START_TEST(damaged)
{
	struct check_totals t;

	make_image();
	/* The last byte of one file, the first one of another. */
	damage("i.iso", "/t/c", 2999999);
	ck_assert_int_eq(check("i.iso", &t, NULL), 0);
	ck_assert_str_eq(said, "D t/c;");
	damage("i.iso", "/a", 0);
	ck_assert_int_eq(check("i.iso", &t, NULL), 0);
	ck_assert_uint_eq(t.damaged, 3);
	ck_assert_ptr_nonnull(strstr(said, "D a;"));
	ck_assert_ptr_nonnull(strstr(said, "D link;"));
	/* Behind the end of a file nothing counts. */
	damage("i.iso", "/b", 100);
	ck_assert_int_eq(check("i.iso", &t, NULL), 0);
	ck_assert_uint_eq(t.damaged, 3);
}
END_TEST

START_TEST(cancelled)
{
	struct check_totals t;
	struct why why = {""};

	make_image();
	atomic_store(&cancel, 1);
	ck_assert_int_eq(check("i.iso", &t, &why), -ECANCELED);
	ck_assert_str_eq(why.text, "cancelled");
}
END_TEST

START_TEST(no_sums)
{
	struct check_totals t;

	make_image();
	tools_sh("genisoimage -quiet -R -o g.iso s 2>log");
	ck_assert_int_eq(check("g.iso", &t, NULL), 0);
	ck_assert_uint_eq(t.files, 3);
	ck_assert_uint_eq(t.no_checksum, 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("check");
	TCase *c = tcase_create("check");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, tools_enter, tools_leave);
	tcase_add_test(c, good);
	tcase_add_test(c, damaged);
	tcase_add_test(c, cancelled);
	tcase_add_test(c, no_sums);
	suite_add_tcase(s, c);
	return run_suite(s);
}
