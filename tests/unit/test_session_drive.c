/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions on the disc in a drive.  The emulated burner is linked in, so that
 * this runs under valgrind and the sanitizers.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "burner/volume.h"
#include "tests/drive/mmc_file.h"
#include "tests/unit/drive_tools.h"
#include "tests/unit/plan_builder.h"
#include "tests/unit/run_suite.h"

#define CAPACITY 60000u
/* Of the media that can be written, in the order of enum mmc_media. */
static const enum mmc_media writable[] = {
	MMC_CD_R,      MMC_CD_RW,      MMC_DVD_R,	  MMC_DVD_RW,
	MMC_DVD_RW_RO, MMC_DVD_PLUS_R, MMC_DVD_PLUS_R_DL, MMC_DVD_PLUS_RW,
	MMC_DVD_RAM,   MMC_BD_R,       MMC_BD_RE,
};
#define N_WRITABLE ((int)(sizeof writable / sizeof writable[0]))


static void insert(enum mmc_media media)
{
	ck_assert_int_eq(mmc_file_create(drive_path, media, CAPACITY), 0);
}

static void open_model(struct mmc_file *file)
{
	ck_assert_int_eq(mmc_file_open(drive_path, file), 0);
}

static struct medium look(struct builder *b)
{
	struct medium m;
	int err = disc_look(b->disc, &m, &b->why);

	ck_assert_msg(err == 0, "%s", why_text(&b->why, err));
	return m;
}

static void prepare(struct builder *b)
{
	int err = disc_prepare(b->disc, &b->plan.burn, &b->why);

	ck_assert_msg(err == 0, "%s", why_text(&b->why, err));
}

/* The first bytes of the file at @path. */
static void expect_content(struct builder *b, const char *path,
			   const char *text)
{
	const struct base_node *node = b_base(b, path);
	char buf[64] = "";

	ck_assert_ptr_nonnull(node);
	ck_assert_uint_ge(node->size, strlen(text));
	ck_assert_int_eq(disc_read(b->disc, buf, strlen(text),
				   (uint64_t)node->lba * DISC_BLOCK),
			 0);
	ck_assert_str_eq(buf, text);
}

START_TEST(two_sessions)
{
	struct disc_session *sessions;
	struct builder b;
	struct medium m;
	uint32_t lba;
	size_t n;

	insert(writable[_i]);
	b_open(&b, DRIVE);
	b_file(&b, 0, "hello", "Hello, disc\n");
	b_big(&b, b_dir(&b, 0, "folder"), "big", 3000000);
	prepare(&b);
	b_commit(&b);
	expect_content(&b, "/hello", "Hello, disc\n");
	lba = b_base(&b, "/folder/big")->lba;
	b_rewrite(&b, "/hello", "Hello again\n");
	b_commit(&b);
	expect_content(&b, "/hello", "Hello again\n");
	ck_assert_uint_eq(b_base(&b, "/folder/big")->lba, lba);
	m = look(&b);
	ck_assert_uint_eq(m.sessions, 2);
	ck_assert_int_eq(m.status, DISC_APPENDABLE);
	ck_assert_ptr_null(m.why_not_writable);
	ck_assert_int_eq(disc_sessions(b.disc, &sessions, &n, &b.why), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(sessions[1].lba, m.last_lba);
	free(sessions);
	b_close(&b);
}
END_TEST

START_TEST(closed)
{
	struct builder b;
	struct medium m;

	insert(_i ? MMC_CD_R : MMC_DVD_PLUS_R);
	b_open(&b, DRIVE);
	b.plan.burn.close = true;
	b_file(&b, 0, "hello", "Hello, disc\n");
	b_commit(&b);
	m = look(&b);
	ck_assert_int_eq(m.status, DISC_CLOSED);
	ck_assert_ptr_nonnull(m.why_not_writable);
	expect_content(&b, "/hello", "Hello, disc\n");
	b_close(&b);
}
END_TEST

/* A burn for a test writes nothing, whatever it says. */
START_TEST(dummy)
{
	static const struct {
		enum mmc_media media;
		int err;
	} cases[] = {
		{MMC_CD_R, 0},
		{MMC_DVD_R, 0},
		{MMC_DVD_PLUS_R, -ENOTSUP},
		{MMC_DVD_RAM, -ENOTSUP},
		{MMC_BD_R, -ENOTSUP},
	};
	struct mmc_file file;
	struct builder b;

	insert(cases[_i].media);
	b_open(&b, DRIVE);
	b.plan.burn.dummy = true;
	b_file(&b, 0, "hello", "Hello, disc\n");
	prepare(&b);
	b_author(&b);
	ck_assert_int_eq(session_burn(b.session, &b.sink, &b.why),
			 cases[_i].err);
	ck_assert_int_eq(session_close(b.session, &b.sink, &b.why), -EINVAL);
	open_model(&file);
	ck_assert_uint_eq(file.mmc.map[0], MMC_UNWRITTEN);
	ck_assert_uint_eq(file.mmc.map[64], MMC_UNWRITTEN);
	mmc_file_close(&file);
	ck_assert_int_eq(look(&b).status, DISC_BLANK);
	b_close(&b);
}
END_TEST

/* A burn that fails in mid-track leaves the session before it, and a medium
 * that takes the next one. */
START_TEST(failed_burn)
{
	const struct mmc_fault fault = {.action = MMC_FAULT_FAIL,
					.on = MMC_ON_WRITE,
					.skip = 5,
					.times = 1,
					.sense = MMC_SENSE(3, 0x0c, 0)};
	struct mmc_file file;
	struct builder b;
	struct medium m;
	int err;

	insert(writable[_i]);
	b_open(&b, DRIVE);
	b_file(&b, 0, "hello", "Hello, disc\n");
	prepare(&b);
	b_commit(&b);
	b_big(&b, 0, "big", 3000000);
	b_author(&b);
	open_model(&file);
	ck_assert(mmc_fault_add(&file.mmc, &fault));
	err = session_burn(b.session, &b.sink, &b.why);
	ck_assert_int_lt(err, 0);
	ck_assert_ptr_nonnull(strstr(b.why.text, "cannot write"));
	mmc_file_close(&file);
	m = look(&b);
	ck_assert_msg(m.why_not_writable == NULL, "%s", m.why_not_writable);
	expect_content(&b, "/hello", "Hello, disc\n");
	b_close(&b);
}
END_TEST

/* Linux takes the descriptor's size for the end of all addresses. */
START_TEST(volume_end)
{
	unsigned char block[DISC_BLOCK];
	struct volume vol;
	struct builder b;
	struct medium m;

	insert(MMC_DVD_PLUS_R);
	b_open(&b, DRIVE);
	b_file(&b, 0, "hello", "Hello, disc\n");
	b_commit(&b);
	b_file(&b, 0, "second", "another\n");
	b_author(&b);
	b_burn(&b);
	b_verify(&b);
	m = look(&b);
	ck_assert_uint_eq(m.last_lba, b.facts.nwa);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(disc_read(b.disc, block, sizeof block,
					   (b.facts.nwa + VOLUME_SUPERBLOCK +
					    i) * DISC_BLOCK),
				 0);
		ck_assert_int_eq(memcmp(block + 1, "CD001", 5), 0);
		ck_assert_uint_eq(volume_le32(block + 80),
				  b.facts.nwa + b.facts.blocks);
		if (i == 0)
			ck_assert(volume_parse(block, &vol));
	}
	b_close(&b);
}
END_TEST

static void enter(void)
{
	new_folder();
}

int main(void)
{
	Suite *suite = suite_create("session_drive");
	TCase *tc = tcase_create("session_drive");
	int failed;

	if (!drive_tools_start(CAPACITY))
		return 1;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, enter, NULL);
	tcase_add_loop_test(tc, two_sessions, 0, N_WRITABLE);
	tcase_add_loop_test(tc, closed, 0, 2);
	tcase_add_loop_test(tc, dummy, 0, 5);
	tcase_add_loop_test(tc, failed_burn, 0, N_WRITABLE);
	tcase_add_test(tc, volume_end);
	suite_add_tcase(suite, tc);
	failed = run_suite(suite);
	unlink(drive_path);
	return failed != 0;
}
