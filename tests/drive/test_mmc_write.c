/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and writing: what is taken, and what is refused. */
#include "tests/drive/test_mmc.h"

static const enum mmc_media sequential[] = {
	MMC_CD_R,	MMC_CD_RW,	   MMC_DVD_R, MMC_DVD_RW,
	MMC_DVD_PLUS_R, MMC_DVD_PLUS_R_DL, MMC_BD_R,
};

/* Those that can be written as they are made, and BD-RE and DVD+RW after
 * their formatting. */
static const enum mmc_media overwritable[] = {
	MMC_DVD_RW_RO,
	MMC_DVD_PLUS_RW,
	MMC_DVD_RAM,
	MMC_BD_RE,
};

START_TEST(writes_only_at_nwa)
{
	struct rig *rig = rig_new(sequential[_i]);

	ck_assert_uint_eq(put(rig, 32, 32, 1), SENSE_WRITE_ADDRESS);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	/* Neither a block that is written, nor one behind a hole. */
	ck_assert_uint_eq(put(rig, 0, 32, 2), SENSE_WRITE_ADDRESS);
	ck_assert_uint_eq(put(rig, 64, 32, 2), SENSE_WRITE_ADDRESS);
	ck_assert_uint_eq(put(rig, 32, 32, 3), 0);
	ck_assert_uint_eq(get(rig, 0, 32), 0);
	assert_filled(rig, 32, 1);
	ck_assert_uint_eq(get(rig, 32, 32), 0);
	assert_filled(rig, 32, 3);
	rig_free(rig);
}
END_TEST

START_TEST(does_not_read_what_is_not_written)
{
	struct rig *rig = rig_new(sequential[_i]);

	ck_assert_uint_eq(get(rig, 0, 1), SENSE_LBA);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(get(rig, 31, 1), 0);
	ck_assert_uint_eq(get(rig, 31, 2), SENSE_LBA);
	ck_assert_uint_eq(get(rig, 0xffffff00, 1), SENSE_LBA);
	rig_free(rig);
}
END_TEST

START_TEST(ends_at_the_capacity)
{
	struct rig *rig = rig_new(sequential[_i]);
	uint32_t lba = 0;

	while (lba + 32 < TEST_CAPACITY) {
		ck_assert_uint_eq(put(rig, lba, 32, 1), 0);
		lba += 32;
	}
	ck_assert_uint_eq(put(rig, lba, 64, 1), SENSE_FULL);
	ck_assert_uint_eq(put(rig, lba, 0, 1), 0);
	rig_free(rig);
}
END_TEST

START_TEST(overwrites)
{
	struct rig *rig = rig_new(overwritable[_i]);

	if (overwritable[_i] == MMC_DVD_PLUS_RW ||
	    overwritable[_i] == MMC_BD_RE) {
		ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_NOT_FORMATTED);
		ck_assert_uint_eq(get(rig, 0, 1), SENSE_NOT_FORMATTED);
		ck_assert_uint_eq(format_unit(rig, 0, 0, TEST_CAPACITY), 0);
		polls(rig);
	}
	ck_assert_uint_eq(put(rig, 1600, 32, 1), 0);
	ck_assert_uint_eq(put(rig, 1600, 32, 2), 0);
	ck_assert_uint_eq(get(rig, 1600, 32), 0);
	assert_filled(rig, 32, 2);
	ck_assert_uint_eq(get(rig, 320, 32), 0);
	assert_filled(rig, 32, 0);
	ck_assert_uint_eq(put(rig, TEST_CAPACITY, 32, 1), SENSE_LBA);
	ck_assert_uint_eq(put(rig, TEST_CAPACITY - 16, 32, 1), SENSE_LBA);
	ck_assert_uint_eq(get(rig, TEST_CAPACITY, 1), SENSE_LBA);
	rig_free(rig);
}
END_TEST

START_TEST(restricted_overwrite_is_by_whole_blocks)
{
	struct rig *rig = rig_new(MMC_DVD_RW_RO);

	ck_assert_uint_eq(put(rig, 8, 16, 1), SENSE_WRITE_ADDRESS);
	ck_assert_uint_eq(put(rig, 16, 8, 1), SENSE_WRITE_ADDRESS);
	ck_assert_uint_eq(put(rig, 16, 16, 1), 0);
	/* Formatted in short, it has to be let grow first. */
	ck_assert_uint_eq(format_unit(rig, 0x15, 0, 160), 0);
	polls(rig);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(put(rig, 144, 16, 1), 0);
	ck_assert_uint_eq(put(rig, 160, 16, 1), SENSE_WRITE_ADDRESS);
	ck_assert_uint_eq(format_unit(rig, 0x13, 0, 0), 0);
	polls(rig);
	ck_assert_uint_eq(put(rig, 160, 16, 1), 0);
	ck_assert_uint_eq(get(rig, 144, 32), 0);
	assert_filled(rig, 32, 1);
	rig_free(rig);
}
END_TEST

START_TEST(the_size_must_be_that_of_the_blocks)
{
	struct rig *rig = rig_new(MMC_CD_R);
	uint8_t cdb[10] = {0x2a, 0, 0, 0, 0, 0, 0, 0, 2};

	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 2 * 2352), SENSE_CDB);
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), MMC_BLOCK), SENSE_CDB);
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 2 * MMC_BLOCK), 0);
	rig_free(rig);
}
END_TEST

START_TEST(roms_and_protected_discs_are_not_written)
{
	static const enum mmc_media roms[] = {MMC_CD_ROM, MMC_DVD_ROM,
					      MMC_BD_ROM};
	struct rig *rig;

	for (size_t i = 0; i < 3; i++) {
		rig = rig_new(roms[i]);
		ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_INCOMPATIBLE);
		ck_assert_uint_eq(close_what(rig, 2, 0), SENSE_INCOMPATIBLE);
		ck_assert_uint_eq(get(rig, TEST_CAPACITY - 32, 32), 0);
		rig_free(rig);
	}
	rig = rig_new(MMC_DVD_RAM);
	rig->m.s->write_protected = true;
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_PROTECTED);
	ck_assert_uint_eq(format_unit(rig, 0, 0, 0), SENSE_PROTECTED);
	rig_free(rig);
}
END_TEST

/* An ECC block that is not full is padded when the cache is emptied. */
START_TEST(pads_at_synchronize)
{
	static const enum mmc_media media[] = {MMC_DVD_R, MMC_DVD_PLUS_R,
					       MMC_BD_R};

	for (size_t i = 0; i < 3; i++) {
		struct rig *rig = rig_new(media[i]);
		uint32_t ecc = mmc_kind(media[i])->ecc;

		ck_assert_uint_eq(put(rig, 0, 5, 1), 0);
		ck_assert_uint_eq(put(rig, 5, 1, 1), 0);
		ck_assert_uint_eq(sync_cache(rig), 0);
		ck_assert_uint_eq(put(rig, 6, 1, 1), SENSE_WRITE_ADDRESS);
		ck_assert_uint_eq(put(rig, ecc, 1, 1), 0);
		rig_free(rig);
	}
}
END_TEST

START_TEST(test_writing_leaves_nothing)
{
	static const enum mmc_media media[] = {MMC_CD_R, MMC_DVD_R};

	for (size_t i = 0; i < 2; i++) {
		struct rig *rig = rig_new(media[i]);
		unsigned type = i == 0 ? TYPE_TRACK_AT_ONCE : TYPE_INCREMENTAL;

		ck_assert_uint_eq(set_type(rig, type, true, true), 0);
		ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
		ck_assert_uint_eq(put(rig, 32, 32, 1), 0);
		ck_assert_uint_eq(sync_cache(rig), 0);
		ck_assert_uint_eq(disc_information(rig), 0);
		ck_assert_uint_eq(rig->buf[2] & 3, 0);
		ck_assert_uint_eq(get(rig, 0, 1), SENSE_LBA);
		rig_free(rig);
	}
}
END_TEST

START_TEST(write_types_go_with_the_medium)
{
	struct rig *rig = rig_new(MMC_CD_R);

	ck_assert_uint_eq(set_type(rig, 3, false, false), SENSE_PARAMETER);
	ck_assert_uint_eq(set_type(rig, TYPE_INCREMENTAL, true, false), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_TRACK_MODE);
	ck_assert_uint_eq(set_type(rig, TYPE_AT_ONCE, true, false), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_SEQUENCE);
	rig_free(rig);
	rig = rig_new(MMC_DVD_R);
	ck_assert_uint_eq(set_type(rig, TYPE_TRACK_AT_ONCE, true, false), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_TRACK_MODE);
	ck_assert_uint_eq(set_type(rig, TYPE_AT_ONCE, false, false), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_SEQUENCE);
	ck_assert_uint_eq(reserve(rig, 32), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(put(rig, 32, 32, 1), SENSE_WRITE_ADDRESS);
	rig_free(rig);
}
END_TEST

START_TEST(read_cd_gives_user_data)
{
	struct rig *rig = rig_new(MMC_CD_R);
	uint8_t cdb[12] = {0xbe, 0, 0, 0, 0, 0, 0, 0, 2, 0x10};

	ck_assert_uint_eq(put(rig, 0, 32, 9), 0);
	memset(rig->buf, 0, sizeof(rig->buf));
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 2 * MMC_BLOCK), 0);
	ck_assert_uint_eq(rig->res.len, 2 * MMC_BLOCK);
	assert_filled(rig, 2, 9);
	cdb[9] = 0xf8; /* all of the raw sector */
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 2 * 2352), SENSE_CDB);
	cdb[9] = 0x10;
	cdb[1] = 1 << 2; /* CD-DA */
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 2 * 2352),
			  SENSE_TRACK_MODE);
	rig_free(rig);
}
END_TEST

START_TEST(verifies)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);
	uint8_t cdb[10] = {0x2f, 0, 0, 0, 0, 0, 0, 0, 16};

	ck_assert_uint_eq(put(rig, 0, 16, 9), 0);
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 0), 0);
	cdb[8] = 17;
	ck_assert_uint_eq(run(rig, cdb, sizeof(cdb), 0), SENSE_LBA);
	rig_free(rig);
}
END_TEST

/* Found out at the write; a page that is set to close something says less. */
START_TEST(an_audio_track_takes_no_data)
{
	struct rig *rig = rig_new(MMC_CD_R);
	const uint8_t select[10] = {0x55, 0x10, 0, 0, 0, 0, 0, 0, 60};

	memset(rig->buf, 0, 60);
	rig->buf[8] = 0x05;
	rig->buf[9] = 50;
	rig->buf[10] = TYPE_TRACK_AT_ONCE;
	rig->buf[11] = 0xc0; /* no data, in blocks of audio */
	ck_assert_uint_eq(run(rig, select, sizeof(select), 60), 0);
	ck_assert(mmc_multi(&rig->m));
	ck_assert_uint_eq(put(rig, 0, 32, 1), SENSE_TRACK_MODE);
	ck_assert_uint_eq(set_type(rig, TYPE_TRACK_AT_ONCE, true, false), 0);
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	rig_free(rig);
}
END_TEST

TCase *write_cases(void)
{
	TCase *tc = tcase_create("write");
	int n = sizeof(sequential) / sizeof(sequential[0]);
	int m = sizeof(overwritable) / sizeof(overwritable[0]);

	tcase_add_loop_test(tc, writes_only_at_nwa, 0, n);
	tcase_add_loop_test(tc, does_not_read_what_is_not_written, 0, n);
	tcase_add_loop_test(tc, ends_at_the_capacity, 0, n);
	tcase_add_loop_test(tc, overwrites, 0, m);
	tcase_add_test(tc, restricted_overwrite_is_by_whole_blocks);
	tcase_add_test(tc, the_size_must_be_that_of_the_blocks);
	tcase_add_test(tc, roms_and_protected_discs_are_not_written);
	tcase_add_test(tc, pads_at_synchronize);
	tcase_add_test(tc, test_writing_leaves_nothing);
	tcase_add_test(tc, write_types_go_with_the_medium);
	tcase_add_test(tc, read_cd_gives_user_data);
	tcase_add_test(tc, verifies);
	tcase_add_test(tc, an_audio_track_takes_no_data);
	return tc;
}
