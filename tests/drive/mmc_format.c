/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatting and blanking. */
#include "tests/drive/mmc_parts.h"

/* Format types that a medium knows (MMC-6 table 274), ended by 0xff. */
static const uint8_t *format_types(const struct mmc *m)
{
	static const uint8_t dvd_rw[] = {0x00, 0x10, 0x15, 0xff};
	static const uint8_t dvd_rw_ro[] = {0x00, 0x10, 0x13, 0x15, 0xff};
	static const uint8_t dvd_plus_rw[] = {0x00, 0x26, 0xff};
	static const uint8_t dvd_ram[] = {0x00, 0x01, 0xff};
	static const uint8_t bd_re[] = {0x00, 0x30, 0x31, 0xff};
	static const uint8_t bd_r[] = {0x32, 0xff};
	static const uint8_t none[] = {0xff};

	switch (m->s->media) {
	case MMC_DVD_RW:
		return dvd_rw;
	case MMC_DVD_RW_RO:
		return dvd_rw_ro;
	case MMC_DVD_PLUS_RW:
		return dvd_plus_rw;
	case MMC_DVD_RAM:
		return dvd_ram;
	case MMC_BD_RE:
		return bd_re;
	case MMC_BD_R:
		return mmc_is_blank(m) ? bd_r : none;
	default:
		return none;
	}
}

/* MMC-6 6.23. */
int mmc_format_capacities(struct mmc *m, struct mmc_request *rq)
{
	const struct mmc_state *s = m->s;
	const uint8_t *type;
	uint8_t answer[4 + 8 * 8] = {0};
	uint8_t *p = answer + 4;

	put32(p, s->capacity);
	put32(p + 4, MMC_BLOCK);
	if (s->no_disc || s->tray_open)
		p[4] = 3;
	else if (mmc_is_blank(m))
		p[4] = 1;
	else
		p[4] = 2;
	if (p[4] == 2 && mmc_medium(m)->writing == MMC_RANDOM)
		put32(p, s->formatted_end);
	/* As drives tell of a DVD-RW that grows. */
	if (p[4] == 2 && s->growing)
		p[4] = 3;
	p += 8;
	for (type = format_types(m);
	     !s->no_disc && !s->tray_open && *type != 0xff; type++) {
		put32(p, *type == 0x13 ? s->capacity - s->formatted_end
				       : s->capacity);
		put32(p + 4, *type == 0x26 ? 0 : MMC_BLOCK);
		/* 10h, 13h, 15h count in ECC blocks. */
		if (*type >= 0x10 && *type <= 0x15)
			put32(p + 4, mmc_medium(m)->ecc);
		p[4] = (uint8_t)(*type << 2);
		p += 8;
	}
	answer[3] = (uint8_t)(p - answer - 4);
	return mmc_reply(rq, answer, (size_t)(p - answer), get16(rq->cdb + 7));
}

static void format_dvd_plus_rw(struct mmc *m, bool restart)
{
	struct mmc_state *s = m->s;

	if (restart && s->bg_format == 1) {
		s->bg_format = 2;
		return;
	}
	s->bg_format = 2;
	s->bg_done = 0;
	s->formatted = true;
	s->formatted_end = 0;
}

/*
 * All of the medium.  A DVD-RW by type 15h is formatted for @blocks only, and
 * 13h adds so many and keeps what is there; both let it grow by writing.
 */
static void format_blocks(struct mmc *m, uint8_t type, uint32_t blocks)
{
	struct mmc_state *s = m->s;
	uint32_t room;

	if (type != 0x13) {
		mmc_erase(m);
		s->formatted_end = 0;
	}
	room = s->capacity - s->formatted_end;
	s->formatted = true;
	s->growing = type == 0x13 || type == 0x15;
	if (!s->growing || blocks > room)
		blocks = room;
	s->formatted_end += blocks;
}

/* MMC-6 6.5, with one format descriptor. */
int mmc_format_unit(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;
	const uint8_t *known = format_types(m);
	const uint8_t *p = rq->buf;
	bool immediate;
	uint8_t type;

	if ((rq->cdb[1] & 0x17) != 0x11)
		return SENSE_CDB;
	if (s->write_protected)
		return SENSE_PROTECTED;
	if (rq->len < 12 || get16(p + 2) != 8)
		return SENSE_LIST_LENGTH;
	if (*known == 0xff)
		return SENSE_INCOMPATIBLE;
	type = p[8] >> 2;
	immediate = p[1] & 2;
	while (*known != type) {
		if (*++known == 0xff)
			return SENSE_PARAMETER;
	}
	rq->done = rq->len;
	mmc_cache_flush(m);
	switch (s->media) {
	case MMC_DVD_PLUS_RW:
		format_dvd_plus_rw(m, p[11] & 1);
		return 0; /* all else goes on in the background */
	case MMC_BD_R:
		/* Spare areas only; pseudo-overwrite is not here. */
		if ((p[8] & 3) == 0)
			return SENSE_PARAMETER;
		break;
	default:
		if (s->media == MMC_DVD_RW)
			s->media = MMC_DVD_RW_RO;
		format_blocks(m, type, get32(p + 4));
		break;
	}
	if (immediate)
		mmc_busy(m, POLLS_FORMAT, SENSE_FORMATTING);
	return 0;
}

/* MMC-6 6.2: all of the disc, or its table of contents only. */
int mmc_blank(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;
	unsigned type = rq->cdb[1] & 7;

	if (s->media != MMC_CD_RW && s->media != MMC_DVD_RW &&
	    s->media != MMC_DVD_RW_RO)
		return SENSE_INCOMPATIBLE;
	if (s->write_protected)
		return SENSE_PROTECTED;
	if (type > 1)
		return SENSE_CDB;
	if (s->media == MMC_DVD_RW_RO) {
		s->media = MMC_DVD_RW;
		s->formatted = false;
		s->formatted_end = 0;
	}
	mmc_erase(m);
	/* Such a DVD-RW is written at once only. */
	s->only_at_once = s->media == MMC_DVD_RW && type == 1;
	if (rq->cdb[1] & 0x10)
		mmc_busy(m, POLLS_FORMAT, SENSE_OPERATING);
	return 0;
}
