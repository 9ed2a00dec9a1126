/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/drive/test_mmc.h"

#include <stdlib.h>

#include "tests/unit/run_suite.h"

struct rig *rig_new(enum mmc_media media)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	ck_assert_ptr_nonnull(rig);
	rig->m.s = &rig->state;
	rig->m.cache = calloc(MMC_CACHE_BLOCKS, MMC_BLOCK);
	rig->m.map = calloc(TEST_CAPACITY, 1);
	rig->m.data = calloc(TEST_CAPACITY, MMC_BLOCK);
	ck_assert_ptr_nonnull(rig->m.cache);
	ck_assert_ptr_nonnull(rig->m.map);
	ck_assert_ptr_nonnull(rig->m.data);
	mmc_insert(&rig->m, media, TEST_CAPACITY);
	mmc_attach(&rig->m);
	return rig;
}

void rig_free(struct rig *rig)
{
	free(rig->m.cache);
	free(rig->m.map);
	free(rig->m.data);
	free(rig);
}

uint32_t run(struct rig *rig, const uint8_t *cdb, size_t cdb_len, size_t len)
{
	mmc_command(&rig->m, cdb, cdb_len, rig->buf, len, &rig->res);
	if (rig->res.status == 0)
		return 0;
	return MMC_SENSE((uint32_t)rig->res.sense[2], rig->res.sense[12],
			 rig->res.sense[13]);
}

static uint32_t transfer(struct rig *rig, uint8_t opcode, uint32_t lba,
			 uint32_t blocks)
{
	uint8_t cdb[10] = {opcode};

	ck_assert_uint_le(blocks * MMC_BLOCK, sizeof(rig->buf));
	put32(cdb + 2, lba);
	put16(cdb + 7, blocks);
	return run(rig, cdb, sizeof(cdb), (size_t)blocks * MMC_BLOCK);
}

uint32_t put(struct rig *rig, uint32_t lba, uint32_t blocks, uint8_t fill)
{
	memset(rig->buf, fill, (size_t)blocks * MMC_BLOCK);
	return transfer(rig, 0x2a, lba, blocks);
}

uint32_t get(struct rig *rig, uint32_t lba, uint32_t blocks)
{
	memset(rig->buf, 0xee, (size_t)blocks * MMC_BLOCK);
	return transfer(rig, 0x28, lba, blocks);
}

uint32_t sync_cache(struct rig *rig)
{
	uint8_t cdb[10] = {0x35};

	return run(rig, cdb, sizeof(cdb), 0);
}

uint32_t close_what(struct rig *rig, unsigned function, unsigned track)
{
	uint8_t cdb[10] = {0x5b, 0, (uint8_t)function};

	put16(cdb + 4, track);
	return run(rig, cdb, sizeof(cdb), 0);
}

uint32_t reserve(struct rig *rig, uint32_t blocks)
{
	uint8_t cdb[10] = {0x53};

	put32(cdb + 5, blocks);
	return run(rig, cdb, sizeof(cdb), 0);
}

uint32_t set_type(struct rig *rig, unsigned type, bool multi, bool dummy)
{
	uint8_t cdb[10] = {0x55, 0x10, 0, 0, 0, 0, 0, 0, 60};

	memset(rig->buf, 0, 60);
	rig->buf[8] = 0x05;
	rig->buf[9] = 50;
	rig->buf[10] = (uint8_t)(type | dummy << 4);
	rig->buf[11] = multi ? 0xc4 : 0x04;
	rig->buf[12] = 8;
	return run(rig, cdb, sizeof(cdb), 60);
}

uint32_t format_unit(struct rig *rig, uint8_t type, uint8_t sub, uint32_t n)
{
	uint8_t cdb[6] = {0x04, 0x11};

	memset(rig->buf, 0, 12);
	rig->buf[1] = 2; /* IMMED */
	rig->buf[3] = 8;
	put32(rig->buf + 4, n);
	rig->buf[8] = (uint8_t)(type << 2 | sub);
	return run(rig, cdb, sizeof(cdb), 12);
}

uint32_t blank(struct rig *rig, uint8_t type)
{
	uint8_t cdb[12] = {0xa1, type};

	return run(rig, cdb, sizeof(cdb), 0);
}

uint32_t track_information(struct rig *rig, uint32_t number)
{
	uint8_t cdb[10] = {0x52, 1, 0, 0, 0, 0, 0, 0, 48};

	put32(cdb + 2, number);
	return run(rig, cdb, sizeof(cdb), 48);
}

uint32_t disc_information(struct rig *rig)
{
	uint8_t cdb[10] = {0x51, 0, 0, 0, 0, 0, 0, 0, 34};

	return run(rig, cdb, sizeof(cdb), 34);
}

uint32_t simple(struct rig *rig, uint8_t opcode, uint8_t byte4)
{
	uint8_t cdb[6] = {opcode, 0, 0, 0, byte4};

	return run(rig, cdb, sizeof(cdb), opcode == 0x03 ? 18 : 0);
}

unsigned polls(struct rig *rig)
{
	unsigned n = 0;

	while (simple(rig, 0x00, 0) >> 8 == MMC_SENSE(2u, 4, 0) >> 8)
		ck_assert_uint_lt(++n, 1000);
	return n;
}

int main(void)
{
	Suite *suite = suite_create("mmc");

	suite_add_tcase(suite, write_cases());
	suite_add_tcase(suite, close_cases());
	suite_add_tcase(suite, info_cases());
	suite_add_tcase(suite, fault_cases());
	return run_suite(suite);
}
