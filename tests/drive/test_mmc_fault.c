/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults, and what happens to a drive from outside. */
#include "tests/drive/test_mmc.h"

static void add(struct rig *rig, struct mmc_fault fault)
{
	ck_assert(mmc_fault_add(&rig->m, &fault));
}

START_TEST(one_command_fails_once)
{
	struct rig *rig = rig_new(MMC_DVD_RAM);

	add(rig, (struct mmc_fault){.action = MMC_FAULT_FAIL,
				    .on = 0x28,
				    .skip = 2,
				    .times = 1,
				    .sense = SENSE_INTERNAL});
	ck_assert_uint_eq(get(rig, 0, 1), 0);
	ck_assert_uint_eq(put(rig, 0, 1, 1), 0);
	ck_assert_uint_eq(get(rig, 0, 1), 0);
	ck_assert_uint_eq(get(rig, 0, 1), SENSE_INTERNAL);
	ck_assert_uint_eq(get(rig, 0, 1), 0);
	ck_assert_uint_eq(rig->m.s->faults_n, 0);
	rig_free(rig);
}
END_TEST

START_TEST(blocks_that_cannot_be_read)
{
	struct rig *rig = rig_new(MMC_DVD_RAM);

	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	add(rig, (struct mmc_fault){.action = MMC_FAULT_FAIL,
				    .on = MMC_ON_READ,
				    .lba = 20,
				    .blocks = 2,
				    .sense = SENSE_READ_ERROR});
	ck_assert_uint_eq(get(rig, 16, 16), SENSE_READ_ERROR);
	/* What comes before was read. */
	ck_assert_uint_eq(rig->res.len, 4 * MMC_BLOCK);
	ck_assert_uint_eq(get(rig, 0, 20), 0);
	ck_assert_uint_eq(get(rig, 21, 1), SENSE_READ_ERROR);
	ck_assert_uint_eq(get(rig, 22, 10), 0);
	rig_free(rig);
}
END_TEST

static struct mmc_fault write_error_at(uint32_t lba)
{
	return (struct mmc_fault){.action = MMC_FAULT_FAIL,
				  .on = MMC_ON_WRITE,
				  .lba = lba,
				  .blocks = 1,
				  .times = 1,
				  .sense = SENSE_WRITE_ERROR};
}

START_TEST(a_write_error_damages_the_track)
{
	struct rig *rig = rig_new(MMC_CD_R);

	set_type(rig, TYPE_TRACK_AT_ONCE, true, false);
	add(rig, write_error_at(40));
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(put(rig, 32, 32, 1), SENSE_WRITE_ERROR);
	ck_assert_uint_eq(get(rig, 0, 40), 0);
	ck_assert_uint_eq(get(rig, 0, 41), SENSE_LBA);
	ck_assert_uint_eq(track_information(rig, 1), 0);
	ck_assert_uint_eq(rig->buf[5] & 0x20, 0x20);
	ck_assert_uint_eq(rig->buf[7] & 1, 0);
	ck_assert_uint_eq(put(rig, 40, 1, 1), SENSE_TRACK_MODE);
	ck_assert_uint_eq(close_what(rig, 2, 0), SENSE_INCOMPLETE_TRACK);
	/* Closed, it is out of the way. */
	ck_assert_uint_eq(close_what(rig, 1, 1), 0);
	ck_assert_uint_eq(close_what(rig, 2, 0), 0);
	ck_assert_uint_eq(put(rig, 42 + 11400, 1, 1), 0);
	rig_free(rig);
}
END_TEST

START_TEST(a_write_error_is_passed_over)
{
	struct rig *rig = rig_new(MMC_BD_R);

	add(rig, write_error_at(40));
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(put(rig, 32, 32, 1), SENSE_WRITE_ERROR);
	ck_assert_uint_eq(put(rig, 40, 1, 1), SENSE_WRITE_ADDRESS);
	ck_assert_uint_eq(track_information(rig, 1), 0);
	ck_assert_uint_eq(get32(rig->buf + 12), 64);
	ck_assert_uint_eq(put(rig, 64, 32, 2), 0);
	ck_assert_uint_eq(get(rig, 64, 32), 0);
	assert_filled(rig, 32, 2);
	ck_assert_uint_eq(get(rig, 50, 1), SENSE_READ_ERROR);
	rig_free(rig);
}
END_TEST

START_TEST(a_power_cut_loses_the_cache)
{
	struct rig *rig = rig_new(MMC_DVD_RAM);

	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	ck_assert_uint_eq(put(rig, 0, 16, 2), 0);
	ck_assert_uint_eq(get(rig, 0, 16), 0);
	assert_filled(rig, 16, 2);
	mmc_power_cut(&rig->m);
	ck_assert_uint_eq(get(rig, 0, 16), SENSE_POWER_ON);
	ck_assert_uint_eq(get(rig, 0, 32), 0);
	assert_filled(rig, 32, 1);
	rig_free(rig);
}
END_TEST

START_TEST(a_power_cut_in_a_track)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);

	ck_assert_uint_eq(put(rig, 0, 16, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	ck_assert_uint_eq(put(rig, 16, 32, 2), 0);
	mmc_power_cut(&rig->m);
	mmc_attach(&rig->m);
	ck_assert_uint_eq(get(rig, 0, 16), 0);
	ck_assert_uint_ne(get(rig, 16, 1), 0);
	ck_assert_uint_eq(track_information(rig, 1), 0);
	ck_assert_uint_eq(get32(rig->buf + 12), 32);
	rig_free(rig);

	/* With all on the disc, nothing happens to a DVD. */
	rig = rig_new(MMC_DVD_R);
	ck_assert_uint_eq(put(rig, 0, 16, 1), 0);
	ck_assert_uint_eq(sync_cache(rig), 0);
	mmc_power_cut(&rig->m);
	mmc_attach(&rig->m);
	set_type(rig, TYPE_INCREMENTAL, true, false);
	ck_assert_uint_eq(put(rig, 16, 16, 1), 0);
	rig_free(rig);
}
END_TEST

START_TEST(a_drive_that_is_gone)
{
	struct rig *rig = rig_new(MMC_DVD_PLUS_R);

	add(rig, (struct mmc_fault){.action = MMC_FAULT_GONE,
				    .on = MMC_ON_WRITE,
				    .skip = 1,
				    .times = 1});
	ck_assert_uint_eq(put(rig, 0, 32, 1), 0);
	put(rig, 32, 32, 1);
	ck_assert(rig->res.gone);
	simple(rig, 0x00, 0);
	ck_assert(rig->res.gone);
	mmc_plug(&rig->m);
	ck_assert_uint_eq(simple(rig, 0x00, 0), SENSE_POWER_ON);
	ck_assert_uint_eq(simple(rig, 0x00, 0), 0);
	rig_free(rig);
}
END_TEST

START_TEST(the_tray)
{
	struct rig *rig = rig_new(MMC_CD_R);

	ck_assert_uint_eq(simple(rig, 0x1e, 1), 0);
	ck_assert(!mmc_eject(&rig->m));
	ck_assert_uint_eq(simple(rig, 0x1b, 2), SENSE_LOCKED);
	ck_assert_uint_eq(simple(rig, 0x1e, 0), 0);
	ck_assert_uint_eq(simple(rig, 0x1b, 2), 0);
	ck_assert_uint_eq(simple(rig, 0x00, 0), SENSE_TRAY_OPEN);
	ck_assert_uint_eq(put(rig, 0, 1, 1), SENSE_TRAY_OPEN);
	ck_assert_uint_eq(simple(rig, 0x1b, 3), 0);
	ck_assert_uint_eq(simple(rig, 0x00, 0), SENSE_NEW_MEDIUM);
	ck_assert_uint_eq(simple(rig, 0x00, 0), 0);
	rig->m.s->no_disc = true;
	ck_assert_uint_eq(simple(rig, 0x00, 0), SENSE_NO_MEDIUM);
	rig_free(rig);
}
END_TEST

START_TEST(a_tray_without_a_motor)
{
	struct rig *rig = rig_new(MMC_CD_R);
	const uint8_t sense_page[10] = {0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 64};

	rig->m.s->by_hand = true;
	ck_assert_uint_eq(run(rig, sense_page, 10, 64), 0);
	ck_assert_uint_eq(rig->buf[8 + 6] >> 5, 2);
	ck_assert_uint_eq(simple(rig, 0x1b, 2), 0);
	ck_assert_uint_eq(simple(rig, 0x1b, 3), SENSE_CDB);
	ck_assert(rig->m.s->tray_open);
	mmc_load(&rig->m);
	ck_assert(!rig->m.s->tray_open);
	rig_free(rig);
}
END_TEST

START_TEST(attention_is_kept_for_a_command_that_takes_it)
{
	struct rig *rig = rig_new(MMC_CD_R);
	uint8_t inquiry[6] = {0x12, 0, 0, 0, 36};

	rig->m.s->attention = SENSE_NEW_MEDIUM;
	ck_assert_uint_eq(run(rig, inquiry, sizeof(inquiry), 36), 0);
	ck_assert_uint_eq(rig->buf[0], 5);
	ck_assert_uint_eq(simple(rig, 0x03, 18), 0);
	ck_assert_uint_eq(rig->buf[2], 6);
	ck_assert_uint_eq(rig->buf[12], 0x28);
	ck_assert_uint_eq(simple(rig, 0x00, 0), 0);
	rig_free(rig);
}
END_TEST

START_TEST(slow_and_another_fault)
{
	struct rig *rig = rig_new(MMC_DVD_RAM);

	add(rig, (struct mmc_fault){.action = MMC_FAULT_SLOW,
				    .on = MMC_ON_WRITE,
				    .times = 1,
				    .delay_ms = 30});
	add(rig, (struct mmc_fault){.action = MMC_FAULT_FAIL,
				    .on = MMC_ON_WRITE,
				    .times = 1,
				    .sense = SENSE_LONG_WRITE});
	ck_assert_uint_eq(put(rig, 0, 1, 1), SENSE_LONG_WRITE);
	ck_assert_uint_eq(rig->res.delay_ms, 30);
	ck_assert_uint_eq(put(rig, 0, 1, 1), 0);
	ck_assert_uint_eq(rig->res.delay_ms, 0);
	rig_free(rig);
}
END_TEST

START_TEST(no_more_faults_than_there_is_room_for)
{
	struct rig *rig = rig_new(MMC_DVD_RAM);
	struct mmc_fault fault = {.action = MMC_FAULT_FAIL, .on = 0x28};

	for (int i = 0; i < MMC_MAX_FAULTS; i++)
		ck_assert(mmc_fault_add(&rig->m, &fault));
	ck_assert(!mmc_fault_add(&rig->m, &fault));
	rig_free(rig);
}
END_TEST

TCase *fault_cases(void)
{
	TCase *tc = tcase_create("fault");

	tcase_add_test(tc, one_command_fails_once);
	tcase_add_test(tc, blocks_that_cannot_be_read);
	tcase_add_test(tc, a_write_error_damages_the_track);
	tcase_add_test(tc, a_write_error_is_passed_over);
	tcase_add_test(tc, a_power_cut_loses_the_cache);
	tcase_add_test(tc, a_power_cut_in_a_track);
	tcase_add_test(tc, a_drive_that_is_gone);
	tcase_add_test(tc, the_tray);
	tcase_add_test(tc, a_tray_without_a_motor);
	tcase_add_test(tc, attention_is_kept_for_a_command_that_takes_it);
	tcase_add_test(tc, slow_and_another_fault);
	tcase_add_test(tc, no_more_faults_than_there_is_room_for);
	return tc;
}
