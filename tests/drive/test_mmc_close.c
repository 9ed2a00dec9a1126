/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracks and sessions, formatting and blanking. */
#include "tests/drive/test_mmc.h"

/* Where the next track begins; it is the last one. */
static uint32_t next_start(struct rig *rig)
{
	return rig->m.s->tracks[rig->m.s->tracks_n - 1].start;
}

static void one_session(struct rig *rig, uint32_t lba)
{
	if (mmc_kind(rig->m.s->media)->family == MMC_CD)
		set_type(rig, TYPE_TRACK_AT_ONCE, true, false);
	else
		set_type(rig, TYPE_INCREMENTAL, true, false);
	ck_assert_uint_eq(put(rig, lba, 32, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
}

START_TEST(sessions_have_gaps)
{
	static const struct {
		enum mmc_media media;
		uint32_t second, third;
	} want[] = {
		/* Two run-out blocks of each track. */
		{MMC_CD_R, 34 + 11400, 34 + 11400 + 34 + 6900},
		{MMC_DVD_R, 32 + 12288, 32 + 12288 + 32 + 4096},
		{MMC_DVD_PLUS_R, 32 + 2048, 2 * (32 + 2048)},
		{MMC_BD_R, 32, 64},
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct rig *rig = rig_new(want[i].media);

		one_session(rig, 0);
		ck_assert_uint_eq(next_start(rig), want[i].second);
		ck_assert_uint_eq(put(rig, 32, 32, 1),
				  want[i].second == 32 ? 0
						       : SENSE_WRITE_ADDRESS);
		if (want[i].second == 32) {
			ck_assert_uint_eq(close_what(rig, 2, 0), 0);
		} else {
			ck_assert_uint_ne(get(rig, want[i].second - 1, 1), 0);
			one_session(rig, want[i].second);
		}
		ck_assert_uint_eq(next_start(rig), want[i].third);
		ck_assert_uint_eq(get(rig, want[i].second, 32), 0);
		assert_filled(rig, 32, 1);
		rig_free(rig);
	}
}
END_TEST

START_TEST(a_closed_track_is_of_whole_ecc_blocks)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);

	ck_assert_uint_eq(put(rig, 0, 5, 1), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(rig->m.s->tracks[0].size, 16);
	ck_assert_uint_eq(next_start(rig), 16 + 2048);
	rig_free(rig);
}
END_TEST

START_TEST(run_out_blocks_cannot_be_read)
{
	struct rig *rig = rig_new(MMC_CD_R);

	one_session(rig, 0);
	ck_assert_uint_eq(rig->m.s->tracks[0].size, 34);
	ck_assert_uint_eq(get(rig, 31, 1), 0);
	ck_assert_uint_eq(get(rig, 32, 1), SENSE_READ_ERROR);
	ck_assert_uint_eq(get(rig, 33, 1), SENSE_READ_ERROR);
	ck_assert_uint_eq(get(rig, 34, 1), SENSE_LBA);
	rig_free(rig);
}
END_TEST

START_TEST(a_closed_disc_takes_no_more)
{
	static const struct {
		enum mmc_media media;
		unsigned function;
	} how[] = {
		{MMC_CD_R, 2},	     {MMC_DVD_R, 2}, {MMC_DVD_R, 3},
		{MMC_DVD_PLUS_R, 5}, {MMC_BD_R, 6},
	};

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		struct rig *rig = rig_new(how[i].media);

		/* As it is at first, page 05h lets no more sessions follow. */
		ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
		ck_assert_uint_eq(sync_cache(rig), 0);
		ck_assert_uint_eq(close_what(rig, how[i].function, 0), 0);
		ck_assert_uint_eq(disc_information(rig), 0);
		ck_assert_uint_eq(rig->buf[2] & 3, 2);
		ck_assert_uint_eq(put(rig, 32, 32, 1), SENSE_TRACK_MODE);
		ck_assert_uint_eq(put(rig, 20000, 32, 1), SENSE_TRACK_MODE);
		ck_assert_uint_eq(close_what(rig, 2, 0), SENSE_TRACK_MODE);
		ck_assert_uint_ne(track_information(rig, 0xff), 0);
		ck_assert_uint_eq(get(rig, 0, 32), 0);
		rig_free(rig);
	}
}
END_TEST

/* DVD-R at once: the drive closes it when all of it is there. */
START_TEST(at_once_it_closes_by_itself)
{
	struct rig *rig = rig_new(MMC_DVD_R);

	ck_assert_uint_eq(set_type(rig, TYPE_AT_ONCE, false, false), 0);
	ck_assert_uint_eq(reserve(rig, 60), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	ck_assert(!rig->m.s->finalized);
	ck_assert_uint_eq(put(rig, 32, 28, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	ck_assert(rig->m.s->finalized);
	ck_assert_uint_eq(rig->m.s->tracks[0].state, MMC_TRACK_CLOSED);
	ck_assert_uint_eq(get(rig, 32, 28), 0);
	assert_filled(rig, 28, 1);
	ck_assert_uint_eq(get(rig, 60, 4), 0);
	assert_filled(rig, 4, 0);
	ck_assert_uint_eq(put(rig, 64, 16, 1), SENSE_TRACK_MODE);
	rig_free(rig);
}
END_TEST

/* Between the sessions: a CD says in each whether one more may follow. */
START_TEST(a_disc_can_be_closed_later)
{
	static const struct {
		enum mmc_media media;
		unsigned function;
		bool closes;
	} how[] = {
		{MMC_CD_R, 2, false},
		{MMC_DVD_R, 2, true},
		{MMC_DVD_PLUS_R, 5, true},
		{MMC_BD_R, 6, true},
	};

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		struct rig *rig = rig_new(how[i].media);

		one_session(rig, 0);
		set_type(rig,
			 mmc_kind(how[i].media)->family == MMC_CD
				 ? TYPE_TRACK_AT_ONCE
				 : TYPE_INCREMENTAL,
			 false, false);
		ck_assert_uint_eq(close_what(rig, how[i].function, 0), 0);
		ck_assert_uint_eq(disc_information(rig), 0);
		ck_assert_uint_eq(rig->buf[2] & 3, how[i].closes ? 2 : 1);
		ck_assert_uint_eq(get(rig, 0, 32), 0);
		rig_free(rig);
	}
}
END_TEST

START_TEST(close_functions_go_with_the_medium)
{
	struct rig *rig = rig_new(MMC_CD_R);

	ck_assert_uint_eq(close_what(rig, 5, 0), SENSE_CDB);
	ck_assert_uint_eq(close_what(rig, 6, 0), SENSE_CDB);
	ck_assert_uint_eq(close_what(rig, 7, 0), SENSE_CDB);
	ck_assert_uint_eq(close_what(rig, 1, 9), SENSE_CDB);
	rig_free(rig);
	rig = rig_new(MMC_BD_R);
	ck_assert_uint_eq(close_what(rig, 3, 0), SENSE_CDB);
	ck_assert_uint_eq(close_what(rig, 5, 0), SENSE_CDB);
	rig_free(rig);
}
END_TEST

START_TEST(reserved_tracks_have_to_be_full)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);

	ck_assert_uint_eq(reserve(rig, TEST_CAPACITY + 16), SENSE_FULL);
	ck_assert_uint_eq(reserve(rig, 60), 0);
	ck_assert_uint_eq(rig->m.s->tracks[0].size, 64);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), SENSE_INCOMPLETE_TRACK);
	/* The rest of the disc is open beside it. */
	ck_assert_uint_eq(put(rig, 64, 16, 3), 0);
	ck_assert_uint_eq(put(rig, 32, 48, 1), SENSE_FULL);
	ck_assert_uint_eq(put(rig, 32, 32, 2), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(get(rig, 32, 32), 0);
	assert_filled(rig, 32, 2);
	ck_assert_uint_eq(get(rig, 64, 16), 0);
	assert_filled(rig, 16, 3);
	rig_free(rig);
}
END_TEST

START_TEST(a_reserved_track_ends_with_its_ecc_block)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);

	ck_assert_uint_eq(reserve(rig, 60), 0);
	ck_assert_uint_eq(put(rig, 0, 60, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(get(rig, 60, 4), 0);
	assert_filled(rig, 4, 0);
	rig_free(rig);
}
END_TEST

static uint32_t send_cue_sheet(struct rig *rig, uint32_t start, uint32_t end)
{
	uint8_t cdb[10] = {0x5d, 0, 0, 0, 0, 0, 0, 0, 32};
	static const uint8_t lines[32] = {
		0x41, 0,    0, 0x14, 0, 0, 0, 0, /* lead-in */
		0x41, 1,    0, 0x10, 0, 0, 0, 0, /* pre-gap */
		0x41, 1,    1, 0x10, 0, 0, 0, 0, /* track */
		0x41, 0xaa, 1, 0x14, 0, 0, 0, 0,
	};

	memcpy(rig->buf, lines, sizeof(lines));
	put_msf(rig->buf + 8 + 5, (int64_t)start - 150);
	put_msf(rig->buf + 16 + 5, start);
	put_msf(rig->buf + 24 + 5, end);
	return run(rig, cdb, sizeof(cdb), 32);
}

START_TEST(session_at_once)
{
	struct rig *rig = rig_new(MMC_CD_R);

	ck_assert_uint_eq(send_cue_sheet(rig, 0, 64), SENSE_SEQUENCE);
	ck_assert_uint_eq(set_type(rig, TYPE_AT_ONCE, true, false), 0);
	ck_assert_uint_eq(send_cue_sheet(rig, 0, TEST_CAPACITY + 1),
			  SENSE_PARAMETER);
	ck_assert_uint_eq(send_cue_sheet(rig, 0, 64), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_WRITE_ADDRESS);
	for (int lba = -150; lba < 0; lba += 50)
		ck_assert_uint_eq(put(rig, (uint32_t)lba, 50, 7), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(put(rig, 32, 40, 1), SENSE_FULL);
	ck_assert_uint_eq(put(rig, 32, 32, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	/* No run-out here: it goes on in the lead-out. */
	ck_assert_uint_eq(rig->m.s->tracks[0].size, 64);
	ck_assert_uint_eq(next_start(rig), 64 + 11400);
	ck_assert_uint_eq(get(rig, 0, 64), 0);
	assert_filled(rig, 64, 1);
	rig_free(rig);
}
END_TEST

START_TEST(blanking)
{
	struct rig *rig = rig_new(MMC_CD_RW);

	one_session(rig, 0);
	ck_assert_uint_eq(blank(rig, 5), SENSE_CDB);
	ck_assert_uint_eq(blank(rig, 1), 0);
	ck_assert_uint_eq(get(rig, 0, 1), SENSE_LBA);
	one_session(rig, 0);
	rig_free(rig);

	/* A DVD-RW that was blanked in short is written at once only. */
	rig = rig_new(MMC_DVD_RW);
	one_session(rig, 0);
	ck_assert_uint_eq(blank(rig, 1), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_TRACK_MODE);
	ck_assert_uint_eq(blank(rig, 0), 0);
	one_session(rig, 0);
	rig_free(rig);

	rig = rig_new(MMC_DVD_R);
	ck_assert_uint_eq(blank(rig, 0), SENSE_INCOMPATIBLE);
	rig_free(rig);
}
END_TEST

START_TEST(formatting)
{
	struct rig *rig = rig_new(MMC_DVD_RW);

	one_session(rig, 0);
	ck_assert_uint_eq(format_unit(rig, 0x26, 0, 0), SENSE_PARAMETER);
	/* What grows is an overwritable one only. */
	ck_assert_uint_eq(format_unit(rig, 0x13, 0, 0), SENSE_PARAMETER);
	ck_assert_uint_eq(format_unit(rig, 0x00, 0, TEST_CAPACITY), 0);
	ck_assert_uint_eq(simple(rig, 0x00, 0), SENSE_FORMATTING);
	ck_assert_uint_eq(rig->res.sense[15] & 0x80, 0x80);
	ck_assert_uint_ge(polls(rig), 1);
	ck_assert_uint_eq(rig->m.s->media, MMC_DVD_RW_RO);
	ck_assert_uint_eq(get(rig, 0, 32), 0);
	assert_filled(rig, 32, 0);
	ck_assert_uint_eq(blank(rig, 0), 0);
	ck_assert_uint_eq(rig->m.s->media, MMC_DVD_RW);
	rig_free(rig);

	rig = rig_new(MMC_CD_RW);
	ck_assert_uint_eq(format_unit(rig, 0, 0, 0), SENSE_INCOMPATIBLE);
	rig_free(rig);

	rig = rig_new(MMC_BD_R);
	ck_assert_uint_eq(format_unit(rig, 0x32, 0, 0), SENSE_PARAMETER);
	ck_assert_uint_eq(format_unit(rig, 0x32, 1, 0), 0);
	polls(rig);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(format_unit(rig, 0x32, 1, 0), SENSE_INCOMPATIBLE);
	rig_free(rig);
}
END_TEST

START_TEST(formatting_in_the_background)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_RW);

	ck_assert_uint_eq(format_unit(rig, 0x26, 0, 0xffffffff), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(disc_information(rig), 0);
	ck_assert_uint_eq(rig->buf[7] & 3, 2);
	/* Stopped, it ends where it was written. */
	ck_assert_uint_eq(close_what(rig, 0, 0), 0);
	ck_assert_uint_eq(disc_information(rig), 0);
	ck_assert_uint_eq(rig->buf[7] & 3, 1);
	ck_assert_uint_eq(get(rig, 32, 1), SENSE_LBA);
	ck_assert_uint_eq(put(rig, 0, 32, 2), 0);
	ck_assert_uint_eq(put(rig, 32, 32, 2), SENSE_WRITE_ADDRESS);
	memset(rig->buf, 0, 12);
	ck_assert_uint_eq(format_unit(rig, 0x26, 0, 0xffffffff), 0);
	for (unsigned i = 0; i < 60; i++)
		ck_assert_uint_eq(simple(rig, 0x00, 0), 0);
	ck_assert_uint_eq(disc_information(rig), 0);
	ck_assert_uint_eq(rig->buf[7] & 3, 3);
	ck_assert_uint_eq(get(rig, TEST_CAPACITY - 1, 1), 0);
	rig_free(rig);
}
END_TEST

TCase *close_cases(void)
{
	TCase *tc = tcase_create("close");

	tcase_add_test(tc, sessions_have_gaps);
	tcase_add_test(tc, a_closed_track_is_of_whole_ecc_blocks);
	tcase_add_test(tc, run_out_blocks_cannot_be_read);
	tcase_add_test(tc, a_closed_disc_takes_no_more);
	tcase_add_test(tc, at_once_it_closes_by_itself);
	tcase_add_test(tc, a_disc_can_be_closed_later);
	tcase_add_test(tc, close_functions_go_with_the_medium);
	tcase_add_test(tc, reserved_tracks_have_to_be_full);
	tcase_add_test(tc, a_reserved_track_ends_with_its_ecc_block);
	tcase_add_test(tc, session_at_once);
	tcase_add_test(tc, blanking);
	tcase_add_test(tc, formatting);
	tcase_add_test(tc, formatting_in_the_background);
	return tc;
}
