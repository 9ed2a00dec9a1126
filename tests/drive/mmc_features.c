/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INQUIRY and GET CONFIGURATION: what the drive is, and what it can do now. */
#include "tests/drive/mmc_parts.h"

#define ANSWER_MAX 1024

/* A set of media. */
#define SET(media) (1u << (media))
#define CDS (SET(MMC_CD_ROM) | SET(MMC_CD_R) | SET(MMC_CD_RW))
#define CD_WRITE (SET(MMC_CD_R) | SET(MMC_CD_RW))
#define BDS (SET(MMC_BD_ROM) | SET(MMC_BD_R) | SET(MMC_BD_RE))
#define DVDS (SET(MMC_MEDIA_N) - 1 - CDS - BDS)
#define DVD_MINUS_SEQUENTIAL (SET(MMC_DVD_R) | SET(MMC_DVD_RW))
#define ALL (SET(MMC_MEDIA_N) - 1)

struct feature {
	uint16_t code;
	uint8_t version_flags; /* version << 2 | persistent << 1 */
	uint8_t len;
	uint32_t current; /* media with which it is current */
	uint8_t data[16];
};

/* MMC-6 5.3. */
static const struct feature features[] = {
	{0x0001, 0x0b, 8, ALL, {0, 0, 0, 2, 1}},       /* core: ATAPI */
	{0x0002, 0x07, 4, ALL, {0}},		       /* morphing */
	{0x0003, 0x07, 4, ALL, {0x29}},		       /* removable: tray */
	{0x0010, 0x00, 8, ALL, {0, 0, 8, 0, 0, 1, 1}}, /* random readable */
	{0x001d, 0x03, 0, ALL, {0}},		       /* multi-read */
	{0x001e, 0x08, 4, CDS, {0}},		       /* CD read */
	{0x001f, 0x08, 4, DVDS, {1, 0, 1}},	       /* DVD read */
	/* Random writable: last lba is filled in, blocks of one. */
	{0x0020,
	 0x04,
	 12,
	 SET(MMC_DVD_RAM) | SET(MMC_BD_RE),
	 {0, 0, 0, 0, 0, 0, 8, 0, 0, 1, 1}},
	/* Incremental streaming; one link size of 16 blocks. */
	{0x0021, 0x0c, 8, DVD_MINUS_SEQUENTIAL, {0, 1, 1, 1, 16}},
	{0x0023,
	 0x08,
	 8,
	 SET(MMC_DVD_RW) | SET(MMC_DVD_RW_RO) | SET(MMC_DVD_PLUS_RW) |
		 SET(MMC_DVD_RAM) | SET(MMC_BD_RE) | SET(MMC_BD_R),
	 {0x0f, 0, 0, 0, 0}},
	{0x0024, 0x04, 4, SET(MMC_DVD_RAM) | SET(MMC_BD_RE), {0x80}},
	{0x0026, 0x00, 0, SET(MMC_DVD_RW_RO), {0}},
	{0x002a, 0x04, 4, SET(MMC_DVD_PLUS_RW), {1, 0}},
	{0x002b, 0x00, 4, SET(MMC_DVD_PLUS_R), {1}},
	{0x002c, 0x00, 4, SET(MMC_DVD_RW_RO), {0x0d}},
	/* CD track at once: buffer underrun free, test write, CD-RW; data block
	 * types 8 and 10. */
	{0x002d, 0x08, 4, CD_WRITE, {0x46, 0, 0x05, 0x00}},
	/* CD session at once: multi-session, test write, CD-RW. */
	{0x002e, 0x00, 4, CD_WRITE, {0x26, 0, 0x0c, 0}},
	/* DVD-R/-RW write: buffer underrun free, test write, DVD-RW. */
	{0x002f, 0x08, 4, DVD_MINUS_SEQUENTIAL | SET(MMC_DVD_RW_RO), {0x46}},
	{0x0037, 0x00, 4, SET(MMC_CD_RW), {0, 0xff}},
	{0x003b, 0x00, 4, SET(MMC_DVD_PLUS_R_DL), {1}},
	{0x0040, 0x04, 4, BDS, {0}},
	{0x0041, 0x04, 4, SET(MMC_BD_R) | SET(MMC_BD_RE), {0}},
	{0x0100, 0x03, 0, ALL, {0}},	/* power management */
	{0x0105, 0x07, 4, ALL, {0}},	/* time-out */
	{0x0107, 0x11, 4, ALL, {0x1f}}, /* real time streaming */
	{0x0108, 0x03, 0, ALL, {0}},	/* serial number */
};

static bool is_current(const struct mmc *m, const struct feature *f)
{
	if (f->code == 0x0021 && m->s->only_at_once)
		return false;
	/* What is always so, is so without a disc too. */
	if (f->current == ALL && f->code != 0x0010)
		return true;
	return !m->s->no_disc && !m->s->tray_open &&
	       (f->current & SET(m->s->media));
}

/* MMC-6 5.3.1: all profiles, that of the medium is current. */
static size_t profile_list(const struct mmc *m, bool present, uint8_t *p)
{
	size_t n = 4;

	p[2] = 0x03;
	for (unsigned i = MMC_MEDIA_N; i-- > 0;) {
		put16(p + n, mmc_kind(i)->profile);
		p[n + 2] = present && i == m->s->media;
		n += 4;
	}
	p[3] = (uint8_t)(n - 4);
	return n;
}

static size_t put_feature(const struct mmc *m, const struct feature *f,
			  uint8_t *p)
{
	size_t len = f->len;

	put16(p, f->code);
	p[2] = (uint8_t)((f->version_flags & 0xfe) | is_current(m, f));
	memcpy(p + 4, f->data, len);
	if (f->code == 0x0108) {
		len = sizeof(m->s->serial);
		memcpy(p + 4, m->s->serial, len);
	} else if (f->code == 0x0003 && m->s->by_hand) {
		p[4] = 0x49; /* pop-up, as page 2Ah says */
	} else if (f->code == 0x0020) {
		put32(p + 4, m->s->capacity - 1);
	}
	p[3] = (uint8_t)len;
	return 4 + len;
}

int mmc_get_configuration(struct mmc *m, struct mmc_request *rq)
{
	const struct mmc_state *s = m->s;
	bool present = !s->no_disc && !s->tray_open;
	unsigned type = rq->cdb[1] & 3;
	uint32_t start = get16(rq->cdb + 2);
	uint8_t answer[ANSWER_MAX] = {0};
	size_t n = 8;

	if (type == 3)
		return SENSE_CDB;
	if (start == 0)
		n += profile_list(m, present, answer + n);
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *f = &features[i];

		if (type == 2 ? f->code != start : f->code < start)
			continue;
		if (type == 1 && !is_current(m, f))
			continue;
		n += put_feature(m, f, answer + n);
	}
	put32(answer, (uint32_t)n - 4);
	if (present)
		put16(answer + 6, mmc_medium(m)->profile);
	return mmc_reply(rq, answer, n, get16(rq->cdb + 7));
}

/* SPC-3 7.6: supported pages, serial number. */
static int vital_data(const struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[4 + sizeof(m->s->serial)] = {0x05, rq->cdb[2]};
	size_t n = 4;

	switch (rq->cdb[2]) {
	case 0x00:
		answer[5] = 0x80;
		n += 2;
		break;
	case 0x80:
		memcpy(answer + 4, m->s->serial, sizeof(m->s->serial));
		n += sizeof(m->s->serial);
		break;
	default:
		return SENSE_CDB;
	}
	answer[3] = (uint8_t)(n - 4);
	return mmc_reply(rq, answer, n, get16(rq->cdb + 3));
}

int mmc_inquiry(struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[96] = {0x05, 0x80, 0x05, 0x32, 91};

	if (rq->cdb[1] & 1)
		return vital_data(m, rq);
	if (rq->cdb[2])
		return SENSE_CDB;
	memcpy(answer + 8, "EMULATED", 8);
	memcpy(answer + 16, "DISC RECORDER   ", 16);
	memcpy(answer + 32, "1.00", 4);
	put16(answer + 58, 0x0300); /* SPC-3 */
	put16(answer + 60, 0x0480); /* MMC-6 */
	return mmc_reply(rq, answer, sizeof(answer), get16(rq->cdb + 3));
}
