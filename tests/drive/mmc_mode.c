/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mode pages and speeds. */
#include "tests/drive/mmc_parts.h"

#define PAGE_MAX 64
#define SPEEDS 3

/* kB/s: CD 48x to 16x, DVD 16x to 4x, BD 6x to 2x. */
static void speeds(const struct mmc *m, uint32_t ret[SPEEDS])
{
	static const uint32_t cd[] = {8468, 4234, 2822};
	static const uint32_t dvd[] = {22160, 11080, 5540};
	static const uint32_t bd[] = {26976, 17984, 8992};
	enum mmc_family family = mmc_medium(m)->family;

	memcpy(ret,
	       family == MMC_CD	  ? cd
	       : family == MMC_BD ? bd
				  : dvd,
	       sizeof(cd));
}

void mmc_mode_defaults(struct mmc *m)
{
	struct mmc_state *s = m->s;
	uint8_t *p = s->write_page;
	uint32_t kbs[SPEEDS];

	memset(p, 0, sizeof(s->write_page));
	p[0] = 0x05;
	p[1] = 50;
	p[2] = mmc_medium(m)->family == MMC_CD ? TYPE_TRACK_AT_ONCE
					       : TYPE_INCREMENTAL;
	p[3] = 4; /* a data track, no multi-session */
	p[4] = 8; /* mode 1, 2048 bytes */
	put32(p + 10, 16);
	put16(p + 14, 150);
	speeds(m, kbs);
	s->write_kbs = s->read_kbs = kbs[0];
}

unsigned mmc_write_type(const struct mmc *m)
{
	return m->s->write_page[2] & 15;
}

bool mmc_writes_data(const struct mmc *m)
{
	const uint8_t *p = m->s->write_page;

	return (p[3] & 4) && (p[4] & 15) != 0;
}

bool mmc_multi(const struct mmc *m)
{
	return m->s->write_page[3] >> 6 == 3;
}

bool mmc_underrun_free(const struct mmc *m)
{
	return m->s->write_page[2] & 0x40;
}

bool mmc_test_write(const struct mmc *m)
{
	return m->s->write_page[2] & 0x10;
}

/* MMC-6 7.3: read/write error recovery. */
static size_t page_recovery(uint8_t *p)
{
	p[0] = 0x01;
	p[1] = 10;
	p[3] = 1;
	p[8] = 1;
	return 12;
}

/* MMC-6 7.6 [MMC-3 5.5.5]: time-out and protect. */
static size_t page_timeout(const struct mmc *m, uint8_t *p)
{
	p[0] = 0x1d;
	p[1] = 10;
	p[4] = m->s->write_protected ? 2 : 0;
	put16(p + 8, 60);
	put16(p + 10, 60);
	return 12;
}

/* MMC-3 5.5.10: capabilities, which all programs still look at. */
static size_t page_capabilities(const struct mmc *m, uint8_t *p)
{
	const struct mmc_state *s = m->s;
	uint32_t kbs[SPEEDS];

	speeds(m, kbs);
	p[0] = 0x2a;
	p[2] = 0x3f; /* reads CD-R, CD-RW, DVD-ROM, DVD-R, DVD-RAM */
	p[3] = 0x37; /* writes CD-R, CD-RW, test write, DVD-R, DVD-RAM */
	p[4] = 0xf0; /* mode 2 form 1 and 2, multi-session, underrun free */
	p[6] = (uint8_t)((s->by_hand ? 0x49 : 0x29) |
			 s->locked << 1); /* pop-up or tray, ejects, locks */
	put16(p + 8, kbs[0]);
	put16(p + 12, MMC_CACHE_BLOCKS * MMC_BLOCK / 1024);
	put16(p + 14, s->read_kbs);
	put16(p + 18, kbs[0]);
	put16(p + 20, s->write_kbs);
	put16(p + 28, s->write_kbs);
	put16(p + 30, SPEEDS);
	for (unsigned i = 0; i < SPEEDS; i++)
		put16(p + 32 + 4 * i + 2, kbs[i]);
	p[1] = 30 + 4 * SPEEDS;
	return 32 + 4 * SPEEDS;
}

static size_t page(const struct mmc *m, unsigned code, uint8_t *p)
{
	switch (code) {
	case 0x01:
		return page_recovery(p);
	case 0x05:
		memcpy(p, m->s->write_page, sizeof(m->s->write_page));
		return sizeof(m->s->write_page);
	case 0x1d:
		return page_timeout(m, p);
	case 0x2a:
		return page_capabilities(m, p);
	default:
		return 0;
	}
}

/* What can be changed: of page 05h all that a host sets there. */
static void changeable(uint8_t *p, size_t n, unsigned code)
{
	memset(p + 2, 0, n - 2);
	if (code != 0x05)
		return;
	p[2] = 0x7f;
	p[3] = 0xff;
	p[4] = 0x0f;
	p[5] = 0xff;
	p[8] = 0xff;
	memset(p + 10, 0xff, 6);
}

int mmc_mode_sense(struct mmc *m, struct mmc_request *rq)
{
	static const uint8_t codes[] = {0x01, 0x05, 0x1d, 0x2a};
	unsigned wanted = rq->cdb[2] & 0x3f;
	unsigned control = rq->cdb[2] >> 6;
	uint8_t answer[8 + sizeof(codes) * PAGE_MAX] = {0};
	size_t n = 8;

	if (control == 3)
		return SENSE_SAVING;
	for (size_t i = 0; i < sizeof(codes); i++) {
		size_t len;

		if (wanted != codes[i] && wanted != 0x3f)
			continue;
		len = page(m, codes[i], answer + n);
		if (control == 1)
			changeable(answer + n, len, codes[i]);
		n += len;
	}
	if (n == 8)
		return SENSE_CDB;
	put16(answer, (uint32_t)n - 2);
	return mmc_reply(rq, answer, n, get16(rq->cdb + 7));
}

static int select_write_page(struct mmc *m, const uint8_t *p, size_t len)
{
	unsigned type = p[2] & 15, block_type = p[4] & 15;

	if (len < sizeof(m->s->write_page) || p[1] < 50)
		return SENSE_LIST_LENGTH;
	/* Raw, layer jump: not here. */
	if (type > TYPE_AT_ONCE)
		return SENSE_PARAMETER;
	/*
	 * Nor blocks of other sizes; at once the cue sheet says.  Those of
	 * audio can be chosen: libburn does, where it only closes.
	 */
	if (type != TYPE_AT_ONCE && block_type != 0 && block_type != 8 &&
	    block_type != 10)
		return SENSE_PARAMETER;
	memcpy(m->s->write_page, p, sizeof(m->s->write_page));
	m->s->write_page[0] = 0x05;
	m->s->write_page[1] = 50;
	return 0;
}

int mmc_mode_select(struct mmc *m, struct mmc_request *rq)
{
	size_t len = get16(rq->cdb + 7);
	const uint8_t *p = rq->buf;
	size_t at;

	if (!(rq->cdb[1] & 0x10))
		return SENSE_CDB; /* vendor specific */
	if (len > rq->len)
		len = rq->len;
	if (len == 0)
		return 0;
	if (len < 8)
		return SENSE_LIST_LENGTH;
	for (at = 8 + get16(p + 6); at + 2 <= len; at += 2u + p[at + 1]) {
		unsigned code = p[at] & 0x3f;
		int err;

		if (at + 2 + p[at + 1] > len)
			return SENSE_LIST_LENGTH;
		if (code == 0x05) {
			err = select_write_page(m, p + at, len - at);
			if (err)
				return err;
		} else if (code != 0x01 && code != 0x1d && code != 0x2a) {
			return SENSE_PARAMETER;
		}
	}
	rq->done = rq->len;
	return 0;
}

/* MMC-6 6.8: nominal performance, write speeds. */
int mmc_get_performance(struct mmc *m, struct mmc_request *rq)
{
	const struct mmc_kind *kind = mmc_medium(m);
	uint32_t most = get16(rq->cdb + 8);
	uint8_t answer[8 + 16 * SPEEDS] = {0};
	uint32_t kbs[SPEEDS];
	uint32_t end = mmc_readable(m);
	uint32_t n = 0;
	uint8_t *p;

	speeds(m, kbs);
	if (end == 0 || kind->writing != MMC_NEVER)
		end = m->s->capacity;
	switch (rq->cdb[10]) {
	case 0x00:
		if (most == 0)
			break;
		n = 1;
		answer[4] = rq->cdb[1] >> 2 & 1; /* for writing */
		put32(answer + 12, m->s->write_kbs);
		put32(answer + 16, end - 1);
		put32(answer + 20, m->s->write_kbs);
		break;
	case 0x03:
		for (; n < SPEEDS && n < most; n++) {
			p = answer + 8 + 16 * (size_t)n;
			put32(p + 4, end - 1);
			put32(p + 8, kbs[0]);
			put32(p + 12, kbs[n]);
		}
		break;
	default:
		return SENSE_CDB;
	}
	put32(answer, 4 + 16 * n);
	return mmc_reply(rq, answer, 8 + 16 * (size_t)n, rq->len);
}
