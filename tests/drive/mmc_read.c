/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading: blocks, capacity, structures of the disc. */
#include "tests/drive/mmc_parts.h"

/* One block.  NULL with the sense in @ret_sense where there is none. */
static const uint8_t *read_block(const struct mmc *m, uint32_t lba,
				 int *ret_sense)
{
	const struct mmc_state *s = m->s;
	const uint8_t *cached = mmc_cache_find(m, lba);

	if (cached)
		return cached;
	*ret_sense = SENSE_READ_ERROR;
	if (mmc_medium(m)->writing == MMC_RANDOM) {
		/* What was formatted reads as zeros. */
		if (lba >= s->formatted_end) {
			*ret_sense = SENSE_LBA;
			return NULL;
		}
	} else if (mmc_is_sequential(m) && m->map[lba] != MMC_WRITTEN) {
		return NULL;
	}
	return m->data + (size_t)lba * MMC_BLOCK;
}

/* Where reading ends: behind the last track that holds anything. */
static uint32_t recorded_end(const struct mmc *m)
{
	const struct mmc_state *s = m->s;
	uint32_t end = 0;

	if (mmc_medium(m)->writing == MMC_RANDOM)
		return s->formatted ? s->formatted_end : 0;
	for (uint32_t i = 0; i < s->tracks_n; i++) {
		const struct mmc_track *track = &s->tracks[i];

		if (track->state == MMC_TRACK_CLOSED)
			end = track->start + track->size;
		else if (track->state != MMC_TRACK_INVISIBLE)
			end = track->nwa;
	}
	return end;
}

static int read_blocks(struct mmc *m, struct mmc_request *rq, int64_t lba,
		       uint32_t blocks)
{
	int sense = 0;

	if (mmc_medium(m)->writing == MMC_RANDOM && !m->s->formatted)
		return SENSE_NOT_FORMATTED;
	if (lba < 0 || lba + blocks > recorded_end(m))
		return SENSE_LBA;
	if (m->s->audio)
		return SENSE_TRACK_MODE;
	if (rq->len < (size_t)blocks * MMC_BLOCK)
		return SENSE_CDB;
	for (uint32_t i = 0; i < blocks; i++) {
		const uint8_t *block;

		if (rq->stop_sense && i >= rq->stop_after)
			return (int)rq->stop_sense;
		block = read_block(m, (uint32_t)lba + i, &sense);
		if (!block)
			return sense;
		memcpy(rq->buf + rq->done, block, MMC_BLOCK);
		rq->done += MMC_BLOCK;
	}
	return 0;
}

int mmc_read(struct mmc *m, struct mmc_request *rq)
{
	uint32_t blocks;
	int64_t lba;

	mmc_range(rq->cdb, &lba, &blocks);
	return read_blocks(m, rq, lba, blocks);
}

static int64_t msf_lba(const uint8_t *p)
{
	return ((int64_t)p[0] * 60 + p[1]) * 75 + p[2] - 150;
}

/* MMC-6 6.15, 6.16: the user data of data sectors, nothing else. */
int mmc_read_cd(struct mmc *m, struct mmc_request *rq)
{
	const uint8_t *cdb = rq->cdb;
	uint8_t type = cdb[1] >> 2 & 7;
	uint32_t blocks;
	int64_t lba;

	if (mmc_medium(m)->family != MMC_CD)
		return SENSE_INCOMPATIBLE;
	if (cdb[0] == 0xbe) {
		mmc_range(cdb, &lba, &blocks);
	} else {
		lba = msf_lba(cdb + 3);
		if (msf_lba(cdb + 6) < lba)
			return SENSE_CDB;
		blocks = (uint32_t)(msf_lba(cdb + 6) - lba);
	}
	/* Any, mode 1, mode 2 form 1. */
	if (type != 0 && type != 2 && type != 4)
		return SENSE_TRACK_MODE;
	if (cdb[9] != 0x10 || (cdb[10] & 7) != 0)
		return SENSE_CDB;
	return read_blocks(m, rq, lba, blocks);
}

int mmc_verify(struct mmc *m, struct mmc_request *rq)
{
	uint32_t blocks;
	int64_t lba;
	int sense = 0;

	if (rq->cdb[1] & 2)
		return SENSE_CDB; /* byte check */
	mmc_range(rq->cdb, &lba, &blocks);
	if (lba < 0 || lba + blocks > recorded_end(m))
		return SENSE_LBA;
	for (uint32_t i = 0; i < blocks; i++) {
		if (!read_block(m, (uint32_t)lba + i, &sense))
			return sense;
	}
	return 0;
}

int mmc_read_capacity(struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[8] = {0};
	uint32_t end = mmc_readable(m);

	put32(answer, end ? end - 1 : 0);
	put32(answer + 4, MMC_BLOCK);
	return mmc_reply(rq, answer, sizeof(answer), sizeof(answer));
}

/* MMC-6 6.22.3.2.1: where data begins, and where it ends. */
static void physical_format(const struct mmc *m, uint8_t *p)
{
	static const struct {
		uint16_t profile;
		uint8_t book;
	} books[] = {
		{0x10, 0x00}, {0x11, 0x20}, {0x12, 0x10}, {0x13, 0x30},
		{0x14, 0x30}, {0x1a, 0x90}, {0x1b, 0xa0}, {0x2b, 0xe0},
	};
	const struct mmc_kind *kind = mmc_medium(m);
	uint32_t end = mmc_readable(m) ? mmc_readable(m) : m->s->capacity;

	for (size_t i = 0; i < sizeof(books) / sizeof(books[0]); i++) {
		if (books[i].profile == kind->profile)
			p[0] = books[i].book | 1;
	}
	p[1] = 0x02; /* 12 cm, 10 Mbit/s */
	p[2] = kind->writing == MMC_RANDOM ? 4 : 2;
	if (kind->profile == 0x2b)
		p[2] |= 0x20;
	put32(p + 4, 0x30000);
	put32(p + 8, 0x30000 + end - 1);
	/* DVD+: the maker, as pressed into the disc. */
	if (kind->family == MMC_DVD_PLUS) {
		memcpy(p + 19, "EMULATED", 8);
		memcpy(p + 27, "R01", 3);
	}
}

/* MMC-6 6.22.3.3.1: disc information of a BD. */
static void bd_information(const struct mmc *m, uint8_t *p)
{
	static const char types[][4] = {"BDO", "BDR", "BDW"};
	unsigned type = mmc_medium(m)->writing == MMC_SEQUENTIAL ? 1
			: mmc_medium(m)->writing == MMC_RANDOM	 ? 2
								 : 0;

	memcpy(p, "DI\1", 3);
	p[5] = 112;
	memcpy(p + 8, types[type], 3);
	memcpy(p + 100, "EMULAT", 6);
	memcpy(p + 106, "001", 3);
}

int mmc_read_structure(struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[4 + 2048] = {0};
	const struct mmc_kind *kind = mmc_medium(m);
	uint8_t format = rq->cdb[7];
	size_t n = 4 + 2048;

	if (kind->family == MMC_CD)
		return SENSE_INCOMPATIBLE;
	if ((rq->cdb[1] & 15) == 1) {
		if (kind->family != MMC_BD || format != 0)
			return SENSE_CDB;
		bd_information(m, answer + 4);
	} else if (kind->family == MMC_BD) {
		return SENSE_CDB;
	} else if (format == 0x00 ||
		   (format == 0x11 && kind->family == MMC_DVD_PLUS)) {
		physical_format(m, answer + 4);
		if (format == 0x11)
			n = 4 + 256;
	} else if (format == 0x20 && kind->profile == 0x2b) {
		n = 12; /* layer 0 is half of the disc */
		put32(answer + 8, m->s->capacity / 2);
	} else if (format == 0x09 && kind->family == MMC_RAM) {
		n = 8; /* medium status: no cartridge */
	} else {
		return SENSE_CDB;
	}
	put16(answer, (uint32_t)n - 2);
	return mmc_reply(rq, answer, n, get16(rq->cdb + 8));
}
