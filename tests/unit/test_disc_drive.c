/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disc in a drive.  The emulated burner is linked in, so that this runs
 * under valgrind and the sanitizers.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "burner/disc.h"
#include "common/cleanup.h"
#include "tests/drive/mmc_file.h"
#include "tests/unit/drive_tools.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

#define CAPACITY 4096u

/* A session of @kind with the image "disc.iso", and more of them to come. */
static void insert(enum mmc_media media, bool closed)
{
	AUTO_FD int fd = open("disc.iso", O_RDONLY | O_CLOEXEC);
	struct mmc_file file;
	struct mmc_state *s;
	uint32_t lba = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(mmc_file_create(drive_path, media, CAPACITY), 0);
	ck_assert_int_eq(mmc_file_open(drive_path, &file), 0);
	s = file.mmc.s;
	while (lba < CAPACITY &&
	       read(fd, file.mmc.data + (size_t)lba * MMC_BLOCK, MMC_BLOCK) > 0)
		file.mmc.map[lba++] = MMC_WRITTEN;
	if (mmc_kind(media)->writing == MMC_RANDOM) {
		s->formatted = true;
		s->formatted_end = CAPACITY;
	} else {
		lba = (lba + 31) / 32 * 32;
		memset(file.mmc.map, MMC_WRITTEN, lba);
		s->tracks[0].size = lba;
		s->tracks[0].nwa = lba;
		s->tracks[0].state = MMC_TRACK_CLOSED;
		s->finalized = closed;
		if (!closed) {
			s->tracks_n = 2;
			s->tracks[1].start = s->tracks[1].nwa = lba + 32;
			s->tracks[1].session = 2;
		}
	}
	mmc_file_close(&file);
}

static void make_image(void)
{
	tools_sh("mkdir t && echo hello >t/file && "
		 "genisoimage -quiet -R -V VOLUME -o disc.iso t");
}

static void blank(enum mmc_media media)
{
	ck_assert_int_eq(mmc_file_create(drive_path, media, CAPACITY), 0);
}

static int open_drive(struct disc **ret, struct why *why)
{
	struct disc_params params = {.path = DRIVE, .writable = true};

	return disc_open(&params, ret, why);
}

/* The tree in it, by an import through libburn. */
static void expect_tree(void)
{
	struct import_opts opts = {.session_lba = IMPORT_LAST};
	AUTO_FREE unsigned char *content = NULL;
	struct disc *disc = NULL;
	const struct item *item;
	struct why why = {""};
	struct tree tree;

	ck_assert_msg(tree_load(DRIVE, &opts, &tree, &why) == 0, "%s",
		      why.text);
	item = tree_find(&tree, "/file");
	ck_assert_ptr_nonnull(item);
	ck_assert_uint_eq(item->node.size, 6);
	ck_assert_int_eq(open_drive(&disc, &why), 0);
	content = tree_read(disc, item);
	ck_assert_int_eq(memcmp(content, "hello\n", 6), 0);
	disc_free(disc);
	tree_release(&tree);
}

START_TEST(each_medium)
{
	static const struct {
		enum mmc_media media;
		bool closed;
		enum disc_status status;
		const char *type;
	} cases[] = {
		{MMC_CD_ROM, true, DISC_CLOSED, "CD-ROM"},
		{MMC_CD_R, true, DISC_CLOSED, "CD-R"},
		{MMC_CD_RW, false, DISC_APPENDABLE, "CD-RW"},
		{MMC_DVD_ROM, true, DISC_CLOSED, "DVD-ROM"},
		{MMC_DVD_R, false, DISC_APPENDABLE, "DVD-R"},
		{MMC_DVD_RW, true, DISC_CLOSED, "DVD-RW"},
		{MMC_DVD_RW_RO, false, DISC_APPENDABLE, "DVD-RW restricted"},
		{MMC_DVD_PLUS_R, false, DISC_APPENDABLE, "DVD+R"},
		{MMC_DVD_PLUS_R_DL, true, DISC_CLOSED, "DVD+R/DL"},
		{MMC_DVD_PLUS_RW, false, DISC_APPENDABLE, "DVD+RW"},
		{MMC_DVD_RAM, false, DISC_APPENDABLE, "DVD-RAM"},
		{MMC_BD_ROM, true, DISC_CLOSED, "BD-ROM"},
		{MMC_BD_R, false, DISC_APPENDABLE, "BD-R"},
		{MMC_BD_RE, false, DISC_APPENDABLE, "BD-RE"},
	};
	struct disc_session *sessions;
	struct medium medium;
	struct disc *disc;
	struct why why = {""};
	size_t n;

	make_image();
	insert(cases[_i].media, cases[_i].closed);
	ck_assert_msg(open_drive(&disc, &why) == 0, "%s", why.text);
	ck_assert_int_eq(disc_look(disc, &medium, &why), 0);
	ck_assert_int_eq(medium.status, cases[_i].status);
	ck_assert_int_eq(
		strncmp(medium.type, cases[_i].type, strlen(cases[_i].type)),
		0);
	ck_assert_uint_eq(medium.sessions, 1);
	ck_assert_uint_eq(medium.last_lba, 0);
	ck_assert(cases[_i].closed == (medium.why_not_writable != NULL));
	ck_assert_int_eq(disc_sessions(disc, &sessions, &n, &why), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(sessions[0].volume_id, "VOLUME");
	free(sessions);
	disc_free(disc);
	expect_tree();
}
END_TEST

START_TEST(blank_media)
{
	static const enum mmc_media media[] = {MMC_CD_R, MMC_DVD_PLUS_R,
					       MMC_DVD_PLUS_RW, MMC_BD_RE,
					       MMC_DVD_RAM};
	struct medium medium;
	struct disc *disc;
	char byte;

	blank(media[_i]);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(disc_look(disc, &medium, NULL), 0);
	ck_assert_int_eq(medium.status, DISC_BLANK);
	ck_assert_uint_eq(medium.sessions, 0);
	ck_assert_uint_eq(medium.capacity_blocks, CAPACITY);
	ck_assert_int_eq(
		disc_read(disc, &byte, 1, (uint64_t)CAPACITY * DISC_BLOCK),
		-EIO);
	disc_free(disc);
}
END_TEST

START_TEST(is_known_by_its_serial)
{
	struct disc *disc;
	uint64_t dev, ino;
	char serial[64];

	blank(MMC_CD_R);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(disc_identity(disc, &dev, &ino, serial), 0);
	ck_assert_uint_eq(dev, 0);
	ck_assert_uint_eq(ino, 0);
	ck_assert_int_eq(strncmp(serial, "MMC-", 4), 0);
	ck_assert_int_eq(disc_fd(disc), -1);
	disc_free(disc);
}
END_TEST

/* Only overwritable media have a head. */
START_TEST(heads)
{
	unsigned char *head = calloc(1, DISC_HEAD_BYTES);
	unsigned char *back = malloc(DISC_HEAD_BYTES);
	struct mmc_file file;
	struct why why = {""};
	struct disc *disc;

	ck_assert_ptr_nonnull(head);
	ck_assert_ptr_nonnull(back);
	memset(head, 'h', 100);
	blank(MMC_DVD_RAM);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(disc_write_head(disc, head, &why), 0);
	ck_assert_int_eq(disc_read_head(disc, back), 0);
	ck_assert_int_eq(memcmp(head, back, DISC_HEAD_BYTES), 0);
	disc_free(disc);
	ck_assert_int_eq(mmc_file_open(drive_path, &file), 0);
	ck_assert_int_eq(memcmp(file.mmc.data, head, DISC_HEAD_BYTES), 0);
	ck_assert_uint_eq(file.mmc.s->cache_n, 0);
	ck_assert(!file.mmc.s->locked);
	mmc_file_close(&file);

	blank(MMC_DVD_PLUS_R);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(disc_write_head(disc, head, &why), -EROFS);
	disc_free(disc);
	ck_assert_int_eq(mmc_file_open(drive_path, &file), 0);
	ck_assert_uint_eq(file.mmc.s->count[0x2a] + file.mmc.s->count[0xaa], 0);
	mmc_file_close(&file);
	free(head);
	free(back);
}
END_TEST

START_TEST(one_at_a_time)
{
	struct disc *disc, *second;
	struct why why = {""};

	blank(MMC_CD_R);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(open_drive(&second, &why), -EBUSY);
	ck_assert_ptr_nonnull(strstr(why.text, "in use"));
	disc_free(disc);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	disc_free(disc);
}
END_TEST

START_TEST(no_medium)
{
	struct medium medium;
	struct mmc_file file;
	struct disc *disc;

	blank(MMC_CD_R);
	ck_assert_int_eq(mmc_file_open(drive_path, &file), 0);
	file.mmc.s->no_disc = true;
	mmc_file_close(&file);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(disc_look(disc, &medium, NULL), 0);
	ck_assert_int_eq(medium.status, DISC_NONE);
	disc_free(disc);
}
END_TEST

/* What stands in the way of writing, in words and as a status. */
START_TEST(not_writable)
{
	static const struct {
		enum mmc_media media;
		bool protect;
		enum disc_status status;
		const char *words;
	} cases[] = {
		{MMC_CD_R, true, DISC_PROTECTED, "write-protected"},
		{MMC_DVD_RAM, true, DISC_PROTECTED, "write-protected"},
		{MMC_CD_R, false, DISC_DAMAGED, "discfs recover"},
		{MMC_DVD_R, false, DISC_DAMAGED, "discfs recover"},
	};
	struct medium medium;
	struct mmc_file file;
	struct disc *disc;
	char byte;

	blank(cases[_i].media);
	ck_assert_int_eq(mmc_file_open(drive_path, &file), 0);
	file.mmc.s->write_protected = cases[_i].protect;
	if (!cases[_i].protect)
		ck_assert(mmc_damage(&file.mmc));
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(disc_look(disc, &medium, NULL), 0);
	ck_assert_int_eq(medium.status, cases[_i].status);
	ck_assert(medium_is_blank(&medium));
	ck_assert_ptr_nonnull(medium.why_not_writable);
	ck_assert_ptr_nonnull(strstr(medium.why_not_writable, cases[_i].words));
	ck_assert(file.mmc.s->locked);
	if (!medium.overwritable)
		ck_assert_int_eq(disc_read(disc, &byte, 1, 0), -EIO);
	disc_free(disc);
	ck_assert(!file.mmc.s->locked);
	mmc_file_close(&file);
}
END_TEST

START_TEST(a_drive_that_is_lost)
{
	char block[DISC_BLOCK];
	struct mmc_file file;
	struct medium medium;
	struct disc *disc;

	make_image();
	insert(MMC_DVD_ROM, true);
	ck_assert_int_eq(open_drive(&disc, NULL), 0);
	ck_assert_int_eq(mmc_file_open(drive_path, &file), 0);
	file.mmc.s->gone = true;
	/* Not a block that is in the cache. */
	ck_assert_int_eq(disc_read(disc, block, sizeof block,
				   (uint64_t)100 * DISC_BLOCK),
			 -EIO);
	ck_assert_int_lt(disc_look(disc, &medium, NULL), 0);
	mmc_file_close(&file);
	disc_free(disc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("disc_drive");
	TCase *tc = tcase_create("disc_drive");
	int failed;

	if (!drive_tools_start(CAPACITY))
		return 1;

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, tools_enter, tools_leave);
	tcase_add_loop_test(tc, each_medium, 0, MMC_MEDIA_N);
	tcase_add_loop_test(tc, blank_media, 0, 5);
	tcase_add_test(tc, is_known_by_its_serial);
	tcase_add_test(tc, heads);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, no_medium);
	tcase_add_loop_test(tc, not_writable, 0, 4);
	tcase_add_test(tc, a_drive_that_is_lost);
	suite_add_tcase(suite, tc);
	failed = run_suite(suite);
	unlink(drive_path);
	return failed != 0;
}
