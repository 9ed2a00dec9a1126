/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the drive tells of itself and of the disc. */
#include "tests/drive/test_mmc.h"

static uint32_t configuration(struct rig *rig, unsigned type, uint32_t start,
			      uint32_t len)
{
	uint8_t cdb[10] = {0x46, (uint8_t)type};

	put16(cdb + 2, start);
	put16(cdb + 7, len);
	return run(rig, cdb, sizeof(cdb), len);
}

START_TEST(profiles)
{
	struct rig *rig = rig_new((enum mmc_media)_i);

	ck_assert_uint_eq(configuration(rig, 0, 0, 8), 0);
	ck_assert_uint_eq(rig->res.len, 8);
	ck_assert_uint_eq(get16(rig->buf + 6), mmc_kind((unsigned)_i)->profile);
	/* Without a medium there is none. */
	mmc_eject(&rig->m);
	ck_assert_uint_eq(configuration(rig, 0, 0, 8), 0);
	ck_assert_uint_eq(get16(rig->buf + 6), 0);
	ck_assert_uint_eq(configuration(rig, 3, 0, 8), SENSE_CDB);
	rig_free(rig);
}
END_TEST

START_TEST(features_are_current_with_their_media)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);

	ck_assert_uint_eq(configuration(rig, 2, 0x2b, 64), 0);
	ck_assert_uint_eq(rig->res.len, 16);
	ck_assert_uint_eq(rig->buf[10] & 1, 1);
	ck_assert_uint_eq(configuration(rig, 2, 0x2d, 64), 0);
	ck_assert_uint_eq(rig->buf[10] & 1, 0);
	/* Those that are current: no CD track at once. */
	ck_assert_uint_eq(configuration(rig, 1, 0, 1024), 0);
	for (size_t at = 8; at < rig->res.len; at += 4u + rig->buf[at + 3]) {
		ck_assert_uint_ne(get16(rig->buf + at), 0x2d);
		ck_assert_uint_eq(rig->buf[at + 2] & 1, 1);
	}
	/* Pseudo-overwrite is not there. */
	ck_assert_uint_eq(configuration(rig, 2, 0x38, 64), 0);
	ck_assert_uint_eq(rig->res.len, 8);
	rig_free(rig);
}
END_TEST

START_TEST(answers_are_cut)
{
	struct rig *rig = rig_new(MMC_DVD_R);

	/* The length tells what there is, not what was sent. */
	ck_assert_uint_eq(configuration(rig, 0, 0, 4), 0);
	ck_assert_uint_eq(rig->res.len, 4);
	ck_assert_uint_gt(get32(rig->buf), 100);
	ck_assert_uint_eq(configuration(rig, 0, 0, 0), 0);
	ck_assert_uint_eq(rig->res.len, 0);
	rig_free(rig);
}
END_TEST

START_TEST(states_of_a_disc)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);

	ck_assert_uint_eq(disc_information(rig), 0);
	ck_assert_uint_eq(rig->buf[2], 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(disc_information(rig), 0);
	ck_assert_uint_eq(rig->buf[2] & 15, 1 << 2 | 1);
	ck_assert_uint_eq(track_information(rig, 1), 0);
	ck_assert_uint_eq(rig->buf[7], 3);
	ck_assert_uint_eq(get32(rig->buf + 12), 32);
	ck_assert_uint_eq(get32(rig->buf + 16), TEST_CAPACITY - 32);
	ck_assert_uint_eq(get32(rig->buf + 28), 31);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(disc_information(rig), 0);
	ck_assert_uint_eq(rig->buf[2] & 15, 1);
	ck_assert_uint_eq(rig->buf[4], 2); /* sessions */
	ck_assert_uint_eq(rig->buf[5], 2);
	ck_assert_uint_eq(rig->buf[6], 2);
	ck_assert_uint_eq(track_information(rig, 0xff), 0);
	ck_assert_uint_eq(rig->buf[2], 2);
	ck_assert_uint_eq(rig->buf[6] & 0x40, 0x40);
	ck_assert_uint_eq(track_information(rig, 3), SENSE_CDB);
	rig_free(rig);
}
END_TEST

static uint32_t toc(struct rig *rig, unsigned format)
{
	uint8_t cdb[10] = {0x43, 0, (uint8_t)format, 0, 0, 0, 0, 4};

	return run(rig, cdb, sizeof(cdb), 1024);
}

START_TEST(tables_of_contents)
{
	struct rig *rig = rig_new(MMC_CD_R);

	ck_assert_uint_eq(toc(rig, 0), SENSE_CDB);
	ck_assert_uint_eq(toc(rig, 4), 0);
	put_msf(rig->buf, TEST_CAPACITY);
	ck_assert_int_eq(memcmp(rig->buf, rig->buf + 12, 3), 0);
	ck_assert_uint_eq(set_type(rig, TYPE_TRACK_AT_ONCE, true, false), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	/* The session is not closed yet. */
	ck_assert_uint_eq(toc(rig, 0), SENSE_CDB);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(toc(rig, 0), 0);
	ck_assert_uint_eq(rig->res.len, 4 + 2 * 8);
	ck_assert_uint_eq(rig->buf[4 + 8 + 2], 0xaa);
	ck_assert_uint_eq(get32(rig->buf + 4 + 8 + 4), 34);
	ck_assert_uint_eq(put(rig, 34 + 11400, 32, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(toc(rig, 1), 0);
	ck_assert_uint_eq(rig->buf[3], 2);
	ck_assert_uint_eq(get32(rig->buf + 8), 34 + 11400);
	/* A0, A1, A2, the track and B0, of each of two sessions. */
	ck_assert_uint_eq(toc(rig, 2), 0);
	ck_assert_uint_eq(rig->res.len, 4 + 2 * 5 * 11);
	ck_assert_uint_eq(toc(rig, 5), SENSE_CDB);
	rig_free(rig);
}
END_TEST

START_TEST(capacity_is_that_of_closed_sessions)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);
	uint8_t cdb[10] = {0x25};

	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(mmc_readable(&rig->m), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 8), 0);
	ck_assert_uint_eq(get32(rig->buf), 31);
	ck_assert_uint_eq(get32(rig->buf + 4), MMC_BLOCK);
	/* The kernel has not looked again since the disc came in. */
	mmc_attach(&rig->m);
	ck_assert_uint_eq(rig->m.s->kernel_blocks, 0);
	mmc_eject(&rig->m);
	mmc_load(&rig->m);
	mmc_attach(&rig->m);
	ck_assert_uint_eq(rig->m.s->kernel_blocks, 32);
	rig_free(rig);
}
END_TEST

START_TEST(mode_pages)
{
	struct rig *rig = rig_new(MMC_CD_R);
	uint8_t cdb[10] = {0x5a, 0, 0x05, 0, 0, 0, 0, 4};

	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 1024), 0);
	ck_assert_uint_eq(rig->res.len, 8 + 52);
	ck_assert_uint_eq(rig->buf[8], 0x05);
	cdb[2] = 0x3f;
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 1024), 0);
	ck_assert_uint_eq(get16(rig->buf), rig->res.len - 2);
	cdb[2] = 0x11;
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 1024), SENSE_CDB);
	cdb[2] = 0xc5;
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 1024), SENSE_SAVING);
	cdb[0] = 0x55;
	cdb[1] = 0x10;
	cdb[7] = 0;
	cdb[8] = 4;
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 4), SENSE_LIST_LENGTH);
	rig_free(rig);
}
END_TEST

START_TEST(unknown_commands)
{
	struct rig *rig = rig_new(MMC_CD_R);
	uint8_t cdb[16] = {0xf0};

	ck_assert_uint_eq(run(rig, cdb, 16, 0), SENSE_OPCODE);
	cdb[0] = 0x1a; /* MODE SENSE(6) is no command of these drives */
	ck_assert_uint_eq(run(rig, cdb, 6, 0), SENSE_OPCODE);
	ck_assert_uint_eq(simple(rig, 0x03, 18), 0);
	ck_assert_uint_eq(rig->buf[2], 5);
	ck_assert_uint_eq(rig->buf[12], 0x20);
	rig_free(rig);
}
END_TEST

TCase *info_cases(void)
{
	TCase *tc = tcase_create("info");

	tcase_add_loop_test(tc, profiles, 0, MMC_MEDIA_N);
	tcase_add_test(tc, features_are_current_with_their_media);
	tcase_add_test(tc, answers_are_cut);
	tcase_add_test(tc, states_of_a_disc);
	tcase_add_test(tc, tables_of_contents);
	tcase_add_test(tc, capacity_is_that_of_closed_sessions);
	tcase_add_test(tc, mode_pages);
	tcase_add_test(tc, unknown_commands);
	return tc;
}
