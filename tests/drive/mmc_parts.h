/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DRIVE_MMC_PARTS_H
#define TESTS_DRIVE_MMC_PARTS_H

/*
 * Between the files of the model.  Each command is a function that returns 0
 * or the sense it ends with (MMC_SENSE).
 */

#include <string.h>

#include "tests/drive/mmc.h"

#define SENSE_BECOMING_READY MMC_SENSE(2, 0x04, 0x01)
#define SENSE_FORMATTING MMC_SENSE(2, 0x04, 0x04)
#define SENSE_OPERATING MMC_SENSE(2, 0x04, 0x07)
#define SENSE_LONG_WRITE MMC_SENSE(2, 0x04, 0x08)
#define SENSE_NO_MEDIUM MMC_SENSE(2, 0x3a, 0x01)
#define SENSE_TRAY_OPEN MMC_SENSE(2, 0x3a, 0x02)
#define SENSE_WRITE_ERROR MMC_SENSE(3, 0x0c, 0x00)
#define SENSE_READ_ERROR MMC_SENSE(3, 0x11, 0x05)
#define SENSE_INTERNAL MMC_SENSE(4, 0x44, 0x00)
#define SENSE_LIST_LENGTH MMC_SENSE(5, 0x1a, 0x00)
#define SENSE_OPCODE MMC_SENSE(5, 0x20, 0x00)
#define SENSE_LBA MMC_SENSE(5, 0x21, 0x00)
#define SENSE_WRITE_ADDRESS MMC_SENSE(5, 0x21, 0x02)
#define SENSE_CDB MMC_SENSE(5, 0x24, 0x00)
#define SENSE_PARAMETER MMC_SENSE(5, 0x26, 0x00)
#define SENSE_SEQUENCE MMC_SENSE(5, 0x2c, 0x00)
#define SENSE_INCOMPATIBLE MMC_SENSE(5, 0x30, 0x05)
#define SENSE_NOT_FORMATTED MMC_SENSE(5, 0x30, 0x10)
#define SENSE_SAVING MMC_SENSE(5, 0x39, 0x00)
#define SENSE_LOCKED MMC_SENSE(5, 0x53, 0x02)
#define SENSE_FULL MMC_SENSE(5, 0x63, 0x00)
#define SENSE_TRACK_MODE MMC_SENSE(5, 0x64, 0x00)
#define SENSE_INCOMPLETE_TRACK MMC_SENSE(5, 0x72, 0x03)
#define SENSE_NO_MORE_TRACKS MMC_SENSE(5, 0x72, 0x05)
#define SENSE_NEW_MEDIUM MMC_SENSE(6, 0x28, 0x00)
#define SENSE_POWER_ON MMC_SENSE(6, 0x29, 0x00)
#define SENSE_PROTECTED MMC_SENSE(7, 0x27, 0x00)

/* Write types of mode page 05h (MMC-6 7.5.4). */
#define TYPE_INCREMENTAL 0
#define TYPE_TRACK_AT_ONCE 1
#define TYPE_AT_ONCE 2

/* How many polls an operation with IMMED takes. */
#define POLLS_SYNC 2
#define POLLS_CLOSE 3
#define POLLS_FORMAT 4

/* A command on its way. */
struct mmc_request {
	const uint8_t *cdb; /* 16 bytes, zeros behind its end */
	uint8_t *buf;
	size_t len;
	size_t done;
	/* Set by a fault: the command fails so, after that many blocks. */
	uint32_t stop_sense;
	uint32_t stop_after;
};

typedef int mmc_handler(struct mmc *m, struct mmc_request *rq);

static inline uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static inline void put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static inline uint32_t round_up(uint32_t value, uint32_t to)
{
	return (value + to - 1) / to * to;
}

/* put_msf - @lba as minute, second, frame (MMC-6 table 670). */
void put_msf(uint8_t *p, int64_t lba);

/* mmc_reply - @n bytes of answer, as many as the host has asked for. */
int mmc_reply(struct mmc_request *rq, const void *data, size_t n,
	      size_t allocation);

/* The medium (mmc_media.c). */
const struct mmc_kind *mmc_medium(const struct mmc *m);
bool mmc_is_sequential(const struct mmc *m);
bool mmc_is_blank(const struct mmc *m);
/* The last track, if data can be appended to it, else NULL. */
struct mmc_track *mmc_open_track(struct mmc *m);
struct mmc_track *mmc_track_at(struct mmc *m, uint32_t lba);
uint32_t mmc_track_end(const struct mmc *m, const struct mmc_track *track);
/* Blocks that a track can take, or has been given. */
uint32_t mmc_track_room(const struct mmc *m, const struct mmc_track *track);
void mmc_begin_blank(struct mmc *m);
void mmc_erase(struct mmc *m);
/* Closes @track; the rest of the disc becomes the next one. */
void mmc_close_track(struct mmc *m, struct mmc_track *track);
void mmc_close_session(struct mmc *m, bool finalize);
/* One behind the last closed track of the last closed session, or 0. */
uint32_t mmc_sessions_end(const struct mmc *m);
unsigned mmc_sessions(const struct mmc *m);

/* The cache (mmc_cache.c). */
void mmc_cache_put(struct mmc *m, uint32_t lba, const uint8_t *block);
const uint8_t *mmc_cache_find(const struct mmc *m, uint32_t lba);
void mmc_cache_flush(struct mmc *m);
/* Drops it.  Returns the lowest block that is lost, or UINT32_MAX. */
uint32_t mmc_cache_lose(struct mmc *m);

void mmc_track_damaged(struct mmc *m, struct mmc_track *track);
/* An operation that will be over after @polls commands were refused. */
void mmc_busy(struct mmc *m, uint32_t polls, uint32_t sense);
/* Sets what of @rq will fail; an action on all of it happens at once. */
int mmc_fault_check(struct mmc *m, struct mmc_request *rq,
		    struct mmc_result *res);
/* The first block and the number of blocks of a read or a write. */
bool mmc_range(const uint8_t *cdb, int64_t *ret_lba, uint32_t *ret_blocks);

/* Commands. */
mmc_handler mmc_inquiry, mmc_get_configuration;
mmc_handler mmc_mode_sense, mmc_mode_select, mmc_get_performance;
mmc_handler mmc_read, mmc_read_cd, mmc_read_capacity, mmc_verify;
mmc_handler mmc_read_structure;
mmc_handler mmc_write, mmc_synchronize, mmc_buffer_capacity;
mmc_handler mmc_reserve_track, mmc_send_cue_sheet, mmc_close;
mmc_handler mmc_disc_information, mmc_track_information, mmc_read_toc;
mmc_handler mmc_format_capacities, mmc_format_unit, mmc_blank;

void mmc_mode_defaults(struct mmc *m);
/* Multi-session field of mode page 05h says that more may follow. */
bool mmc_multi(const struct mmc *m);
unsigned mmc_write_type(const struct mmc *m);
bool mmc_test_write(const struct mmc *m);
/* BUFE of mode page 05h: an empty buffer does not end a burn. */
bool mmc_underrun_free(const struct mmc *m);
/* A data track, of blocks of 2048 bytes. */
bool mmc_writes_data(const struct mmc *m);

#endif
