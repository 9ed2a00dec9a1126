/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DRIVE_TEST_MMC_H
#define TESTS_DRIVE_TEST_MMC_H

/* A model in plain memory, and commands in short, for the unit tests. */

#include <check.h>

#include "tests/drive/mmc_parts.h"

#define TEST_CAPACITY 40000u

struct rig {
	struct mmc m;
	struct mmc_state state;
	struct mmc_result res;
	uint8_t buf[64 * MMC_BLOCK];
};

/* A drive with a new disc, its UNIT ATTENTION taken. */
struct rig *rig_new(enum mmc_media media);
void rig_free(struct rig *rig);

/* Each returns the sense it ends with (MMC_SENSE), or 0. */
uint32_t run(struct rig *rig, const uint8_t *cdb, size_t cdb_len, size_t len);
/* @blocks of the byte @fill. */
uint32_t put(struct rig *rig, uint32_t lba, uint32_t blocks, uint8_t fill);
uint32_t get(struct rig *rig, uint32_t lba, uint32_t blocks);
uint32_t sync_cache(struct rig *rig);
uint32_t close_what(struct rig *rig, unsigned function, unsigned track);
uint32_t reserve(struct rig *rig, uint32_t blocks);
/* Mode page 05h. */
uint32_t set_type(struct rig *rig, unsigned type, bool multi, bool dummy);
uint32_t format_unit(struct rig *rig, uint8_t type, uint8_t sub, uint32_t n);
uint32_t blank(struct rig *rig, uint8_t type);
/* READ TRACK INFORMATION by number. */
uint32_t track_information(struct rig *rig, uint32_t number);
uint32_t disc_information(struct rig *rig);
uint32_t simple(struct rig *rig, uint8_t opcode, uint8_t byte4);
/* Until TEST UNIT READY says nothing of a long operation any more. */
unsigned polls(struct rig *rig);

/* All of the blocks in rig->buf have that fill. */
#define assert_filled(rig, blocks, fill)                                 \
	do {                                                             \
		for (size_t at_ = 0; at_ < (blocks) * (size_t)MMC_BLOCK; \
		     at_++)                                              \
			ck_assert_uint_eq((rig)->buf[at_], (fill));      \
	} while (0)

TCase *write_cases(void);
TCase *close_cases(void);
TCase *info_cases(void);
TCase *fault_cases(void);

#endif
