/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is told of drives and media, and done to them.  The emulated burner is
 * linked in, so that this runs under valgrind and the sanitizers.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burner/care.h"
#include "burner/recorder.h"
#include "burner/tray.h"
#include "tests/drive/mmc_file.h"
#include "tests/unit/drive_tools.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

#define CAPACITY 40000u


static void blank_disc(unsigned media)
{
	ck_assert_int_eq(mmc_file_create(drive_path, media, CAPACITY), 0);
}

/* The state that the model is in; to be given back. */
static struct mmc_file look_inside(void)
{
	struct mmc_file file;

	ck_assert_int_eq(mmc_file_open(drive_path, &file), 0);
	return file;
}

static struct medium_info open_info(void)
{
	struct why why = {""};
	struct medium_info m;

	ck_assert_msg(medium_info_open(DRIVE, false, &m, &why) == 0, "%s", why.text);
	return m;
}

/* A session in which there is something, of no file system. */
static void write_session(unsigned media, bool closed)
{
	struct mmc_file file;
	struct mmc_state *s;

	blank_disc(media);
	file = look_inside();
	s = file.mmc.s;
	memset(file.mmc.data, 'x', (size_t)64 * MMC_BLOCK);
	memset(file.mmc.map, MMC_WRITTEN, 64);
	if (mmc_kind(media)->writing == MMC_RANDOM) {
		s->formatted = true;
		s->formatted_end = s->capacity;
	} else {
		s->tracks[0].size = s->tracks[0].nwa = 64;
		s->tracks[0].state = MMC_TRACK_CLOSED;
		s->finalized = closed;
		if (!closed) {
			s->tracks_n = 2;
			s->tracks[1].start = s->tracks[1].nwa = 20000;
			s->tracks[1].session = 2;
		}
	}
	mmc_file_close(&file);
}

static void damage(void)
{
	struct mmc_file file = look_inside();

	ck_assert(mmc_damage(&file.mmc));
	mmc_file_close(&file);
}

static void add_fault(uint32_t action, int32_t on)
{
	struct mmc_fault fault = {.action = action,
				  .on = on,
				  .times = 0,
				  .sense = 4 << 16 | 0x44 << 8};
	struct mmc_file file = look_inside();

	ck_assert(mmc_fault_add(&file.mmc, &fault));
	mmc_file_close(&file);
}

/* ---- what is told ---- */

START_TEST(each_medium_blank)
{
	const struct mmc_kind *kind = mmc_kind((unsigned)_i);
	struct medium_info m;

	blank_disc((unsigned)_i);
	m = open_info();
	ck_assert(m.is_drive);
	ck_assert_str_eq(m.vendor, "EMULATED");
	ck_assert_int_eq(m.profile, kind->profile);
	ck_assert_ptr_null(strchr(m.kind, ' '));
	if (kind->writing == MMC_NEVER) {
		ck_assert_uint_eq(m.write_speeds_n, 0);
	} else {
		ck_assert_int_eq(m.medium.status, DISC_BLANK);
		ck_assert_str_eq(m.trouble, "");
		ck_assert_uint_gt(m.write_speeds_n, 1);
		ck_assert_uint_gt(m.write_speeds[0], m.write_speeds[1]);
		ck_assert(m.erasable == kind->erasable);
	}
	medium_info_release(&m);
}
END_TEST

START_TEST(each_medium_with_something_else)
{
	struct medium_info m;

	write_session((unsigned)_i, true);
	m = open_info();
	ck_assert_int_eq(m.medium.status, DISC_FOREIGN);
	ck_assert(!m.contents.iso9660);
	medium_info_release(&m);
}
END_TEST

START_TEST(no_disc)
{
	struct mmc_file file;
	struct medium_info m;
	struct why why = {""};

	blank_disc(MMC_CD_R);
	file = look_inside();
	file.mmc.s->no_disc = true;
	mmc_file_close(&file);
	m = open_info();
	ck_assert_int_eq(m.medium.status, DISC_NONE);
	ck_assert_uint_eq(m.write_speeds_n, 0);
	for (int job = CARE_BLANK; job <= CARE_RECOVER; job++)
		ck_assert_int_eq(
			care_check(&m, (enum care_job)job, false, &why),
			-ENOMEDIUM);
	medium_info_release(&m);
	ck_assert_int_eq(medium_info_open("/dev/sr9", false, &m, &why), -ENOENT);
	ck_assert_int_eq(medium_info_open("/dev/null", false, &m, &why), -ENOTSUP);
}
END_TEST

START_TEST(unreadable)
{
	struct medium_info m;

	write_session(MMC_DVD_PLUS_R, false);
	add_fault(MMC_FAULT_FAIL, MMC_ON_READ);
	m = open_info();
	ck_assert_str_ne(m.trouble, "");
	ck_assert_uint_eq(m.medium.sessions, 1);
	ck_assert_str_eq(m.kind, "DVD+R");
	medium_info_release(&m);
}
END_TEST

START_TEST(recorders)
{
	struct why why = {""};
	struct recorder *list;
	struct medium_info m;
	size_t n;

	blank_disc(MMC_BD_RE);
	ck_assert_int_eq(recorder_list(&list, &n, &why), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(list[0].path, DRIVE);
	ck_assert_str_eq(list[0].holder, "");
	ck_assert_str_eq(list[0].trouble, "");
	ck_assert_str_eq(list[0].medium, "BD-RE");
	ck_assert(list[0].overwritable);
	ck_assert_uint_eq(list[0].profiles_n, MMC_MEDIA_N);
	ck_assert_int_eq(list[0].profiles[0].number, 0x08);
	ck_assert(!list[0].profiles[0].writes);
	ck_assert(list[0].profiles[1].writes);
	recorder_list_free(list, n);

	/* Claimed, by ourselves: it is there, but cannot be looked at. */
	m = open_info();
	ck_assert_int_eq(recorder_list(&list, &n, &why), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_ptr_nonnull(strstr(list[0].trouble, "in use"));
	recorder_list_free(list, n);
	medium_info_release(&m);
}
END_TEST

/* ---- what is done ---- */

static int progress_calls;
static const char *last_phase;

static void count_progress(void *arg, const struct progress *p)
{
	(void)arg;
	progress_calls++;
	last_phase = p->phase;
	ck_assert(p->relative);
	ck_assert_uint_le(p->blocks_done, p->blocks_total);
}

/* Does @job to what is in the drive; @ret_status: of the medium after it. */
static int run_job(enum care_job job, bool full, enum disc_status *ret_status,
		   struct why *why)
{
	struct progress_sink sink = {.report = count_progress};
	struct medium_info m = open_info();
	int err = care_check(&m, job, full, why);

	progress_calls = 0;
	if (err == 0)
		err = care_run(&m, job, full, &sink, why);
	if (ret_status)
		*ret_status = m.medium.status;
	medium_info_release(&m);
	return err;
}

START_TEST(blanks)
{
	static const enum mmc_media media[] = {MMC_CD_RW,     MMC_DVD_RW,
					       MMC_DVD_RW_RO, MMC_DVD_PLUS_RW,
					       MMC_DVD_RAM,   MMC_BD_RE};
	enum disc_status status;
	struct mmc_file file;
	struct why why = {""};

	write_session(media[_i], true);
	ck_assert_msg(run_job(CARE_BLANK, false, &status, &why) == 0, "%s",
		      why.text);
	ck_assert_int_eq(status, DISC_BLANK);
	ck_assert_int_gt(progress_calls, 0);
	ck_assert_str_eq(last_phase, "blanking");
	file = look_inside();
	for (size_t i = 0; i < DISC_HEAD_BYTES; i++)
		ck_assert_uint_eq(file.mmc.data[i], 0);
	ck_assert(!file.mmc.s->locked);
	ck_assert(!file.mmc.s->only_at_once);
	mmc_file_close(&file);
}
END_TEST

START_TEST(formats)
{
	static const enum mmc_media media[] = {MMC_DVD_RW, MMC_DVD_PLUS_RW,
					       MMC_BD_RE, MMC_DVD_RAM};
	bool full = media[_i] == MMC_DVD_RAM;
	enum disc_status status;
	struct why why = {""};

	blank_disc(media[_i]);
	ck_assert_msg(run_job(CARE_FORMAT, full, &status, &why) == 0, "%s",
		      why.text);
	ck_assert_int_eq(status, DISC_BLANK);
	ck_assert_str_eq(last_phase, "formatting");
	ck_assert_int_eq(run_job(CARE_FORMAT, false, NULL, &why), 1);
	ck_assert_ptr_nonnull(strstr(why.text, "already"));
}
END_TEST

START_TEST(closes)
{
	static const enum mmc_media media[] = {MMC_DVD_R, MMC_DVD_RW,
					       MMC_DVD_PLUS_R,
					       MMC_DVD_PLUS_R_DL, MMC_BD_R};
	struct mmc_file file;
	struct why why = {""};

	write_session(media[_i], false);
	ck_assert_msg(run_job(CARE_CLOSE, false, NULL, &why) == 0, "%s",
		      why.text);
	file = look_inside();
	ck_assert(file.mmc.s->finalized);
	mmc_file_close(&file);
}
END_TEST

START_TEST(recovers)
{
	static const enum mmc_media media[] = {
		MMC_CD_R,	MMC_CD_RW,	   MMC_DVD_R, MMC_DVD_RW,
		MMC_DVD_PLUS_R, MMC_DVD_PLUS_R_DL, MMC_BD_R};
	struct why why = {""};
	struct mmc_file file;

	write_session(media[_i], false);
	ck_assert_int_eq(run_job(CARE_RECOVER, false, NULL, &why), 1);
	damage();
	ck_assert_int_eq(run_job(CARE_CLOSE, false, NULL, &why), -ENOTSUP);
	ck_assert_msg(run_job(CARE_RECOVER, false, NULL, &why) == 0, "%s",
		      why.text);
	file = look_inside();
	ck_assert(!file.mmc.s->finalized);
	ck_assert_uint_eq(file.mmc.s->tracks_n, 3);
	ck_assert_uint_eq(file.mmc.s->tracks[1].state, MMC_TRACK_CLOSED);
	mmc_file_close(&file);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		enum mmc_media media;
		enum care_job job;
		bool full;
		const char *words;
	} cases[] = {
		{MMC_CD_R, CARE_BLANK, false, "a CD-R cannot be blanked"},
		{MMC_DVD_R, CARE_BLANK, false, "a DVD-R cannot be blanked"},
		{MMC_BD_R, CARE_BLANK, true, "a BD-R cannot be blanked"},
		{MMC_DVD_PLUS_RW, CARE_BLANK, true, "thorough"},
		{MMC_BD_R, CARE_FORMAT, false, "needs no format"},
		{MMC_CD_RW, CARE_FORMAT, false, "discfs blank"},
		{MMC_DVD_PLUS_R, CARE_FORMAT, true, "cannot be formatted"},
		{MMC_CD_R, CARE_CLOSE, false, "together with a session"},
		{MMC_BD_RE, CARE_CLOSE, false, "a BD-RE cannot be closed"},
		{MMC_DVD_ROM, CARE_BLANK, false, "a DVD-ROM cannot be written"},
		{MMC_CD_ROM, CARE_RECOVER, false, "a CD-ROM cannot be"},
	};
	struct why why = {""};

	if (mmc_kind(cases[_i].media)->writing == MMC_NEVER)
		blank_disc(cases[_i].media);
	else
		write_session(cases[_i].media, false);
	ck_assert_int_eq(run_job(cases[_i].job, cases[_i].full, NULL, &why),
			 -ENOTSUP);
	ck_assert_msg(strstr(why.text, cases[_i].words) != NULL, "%s",
		      why.text);
}
END_TEST

START_TEST(a_drive_that_fails)
{
	static const struct {
		enum mmc_media media;
		enum care_job job;
		int opcode;
	} cases[] = {
		{MMC_CD_RW, CARE_BLANK, 0xa1},
		{MMC_BD_RE, CARE_FORMAT, 0x04},
		{MMC_DVD_PLUS_R, CARE_CLOSE, 0x5b},
		{MMC_DVD_R, CARE_RECOVER, 0x5b},
		{MMC_DVD_PLUS_RW, CARE_BLANK, 0x2a},
	};
	static const uint32_t actions[] = {MMC_FAULT_FAIL, MMC_FAULT_GONE};
	struct mmc_file file;
	struct why why = {""};
	int i = _i % 5;

	if (cases[i].media == MMC_BD_RE)
		blank_disc(cases[i].media);
	else
		write_session(cases[i].media, false);
	if (cases[i].job == CARE_RECOVER)
		damage();
	add_fault(actions[_i / 5], cases[i].opcode);
	ck_assert_int_lt(run_job(cases[i].job, false, NULL, &why), 0);
	ck_assert_str_ne(why.text, "");
	file = look_inside();
	ck_assert(!file.mmc.s->finalized);
	mmc_file_close(&file);
}
END_TEST

START_TEST(asks_where_something_is_lost)
{
	struct medium_info m;

	write_session(MMC_CD_RW, false);
	m = open_info();
	ck_assert(care_destroys(&m, CARE_BLANK));
	ck_assert(care_destroys(&m, CARE_CLOSE));
	ck_assert(!care_destroys(&m, CARE_RECOVER));
	medium_info_release(&m);
	blank_disc(MMC_DVD_RW);
	m = open_info();
	ck_assert(!care_destroys(&m, CARE_FORMAT));
	medium_info_release(&m);
}
END_TEST

START_TEST(an_image_is_no_drive)
{
	struct why why = {""};
	struct medium_info m;

	tools_sh("truncate -s 1M image");
	ck_assert_int_eq(medium_info_open("image", true, &m, &why), 0);
	ck_assert(!m.is_drive);
	ck_assert_int_eq(m.medium.status, DISC_BLANK);
	ck_assert_int_eq(care_check(&m, CARE_BLANK, false, &why), 1);
	ck_assert_int_eq(care_check(&m, CARE_FORMAT, false, &why), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(why.text, "discfs blank"));
	medium_info_release(&m);
}
END_TEST

static off_t size_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

START_TEST(an_image_is_blanked)
{
	struct why why = {""};
	struct medium_info m, other;

	tools_sh("echo something >image; truncate -s 1M image");
	ck_assert_int_eq(medium_info_open("image", true, &m, &why), 0);
	ck_assert_int_eq(medium_info_open("image", true, &other, &why),
			 -EBUSY);
	ck_assert_int_eq(care_check(&m, CARE_BLANK, true, &why), -ENOTSUP);
	ck_assert_int_eq(care_check(&m, CARE_BLANK, false, &why), 0);
	ck_assert(care_destroys(&m, CARE_BLANK));
	/* It is not what the user was asked about. */
	tools_sh("echo more >>image");
	ck_assert_int_eq(care_run(&m, CARE_BLANK, false, NULL, &why), -ESTALE);
	ck_assert_int_gt(size_of("image"), 1 << 20);
	ck_assert_int_eq(medium_info_look(&m, &why), 0);
	ck_assert_int_eq(medium_info_open("image", false, &other, &why), 0);
	ck_assert_int_eq(care_run(&m, CARE_BLANK, false, NULL, &why), -EBUSY);
	ck_assert_int_gt(size_of("image"), 1 << 20);
	medium_info_release(&other);
	ck_assert_msg(care_run(&m, CARE_BLANK, false, NULL, &why) == 0, "%s",
		      why.text);
	ck_assert_int_eq(m.medium.status, DISC_BLANK);
	ck_assert_int_eq(size_of("image"), 0);
	medium_info_release(&m);
}
END_TEST

START_TEST(moves_the_tray)
{
	struct mmc_file file;
	struct why why = {""};
	struct medium_info m;

	blank_disc(MMC_CD_R);
	file = look_inside();
	file.mmc.s->locked = true;
	ck_assert_int_eq(tray_open(DRIVE, &why), 0);
	ck_assert(file.mmc.s->tray_open);
	ck_assert_int_eq(tray_open(DRIVE, &why), 0);
	ck_assert_int_eq(tray_close(DRIVE, &why), 0);
	ck_assert(!file.mmc.s->tray_open);
	ck_assert_int_eq(tray_close(DRIVE, &why), 0);
	file.mmc.s->by_hand = true;
	ck_assert_int_eq(tray_open(DRIVE, &why), 0);
	ck_assert_int_eq(tray_close(DRIVE, &why), -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(why.text, "push it in"));
	mmc_load(&file.mmc);
	m = open_info();
	ck_assert_int_eq(tray_open(DRIVE, &why), -EBUSY);
	medium_info_release(&m);
	add_fault(MMC_FAULT_FAIL, 0x1b);
	ck_assert_int_eq(tray_open(DRIVE, &why), -EIO);
	mmc_file_close(&file);
	ck_assert_int_eq(tray_open("/dev/null", &why), -ENOTSUP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("care");
	TCase *tc = tcase_create("care");
	int failed;

	if (!drive_tools_start(CAPACITY))
		return 1;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, tools_enter, tools_leave);
	tcase_add_loop_test(tc, each_medium_blank, 0, MMC_MEDIA_N);
	tcase_add_loop_test(tc, each_medium_with_something_else, 0,
			    MMC_MEDIA_N);
	tcase_add_test(tc, no_disc);
	tcase_add_test(tc, unreadable);
	tcase_add_test(tc, recorders);
	tcase_add_loop_test(tc, blanks, 0, 6);
	tcase_add_loop_test(tc, formats, 0, 4);
	tcase_add_loop_test(tc, closes, 0, 5);
	tcase_add_loop_test(tc, recovers, 0, 7);
	tcase_add_loop_test(tc, refuses, 0, 11);
	tcase_add_loop_test(tc, a_drive_that_fails, 0, 10);
	tcase_add_test(tc, asks_where_something_is_lost);
	tcase_add_test(tc, an_image_is_no_drive);
	tcase_add_test(tc, an_image_is_blanked);
	tcase_add_test(tc, moves_the_tray);
	suite_add_tcase(suite, tc);
	failed = run_suite(suite);
	unlink(drive_path);
	return failed != 0;
}
