/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on the disc: READ DISC INFORMATION, TRACK INFORMATION, TOC. */
#include "tests/drive/mmc_parts.h"

/* Before block 0 the count wraps at 100 minutes (MMC-6 table 670). */
#define FIRST_LEAD_IN (-11635 + 450000)

/* MMC-6 table 544: data, or audio of two channels. */
static uint8_t control(const struct mmc *m)
{
	return m->s->audio ? 0 : 4;
}

/* Tracks that a table of contents shows: those of closed sessions. */
static uint32_t closed_tracks(const struct mmc *m)
{
	const struct mmc_state *s = m->s;
	unsigned open =
		s->finalized || !mmc_is_sequential(m) ? 0 : mmc_sessions(m);
	uint32_t n = 0;

	if (mmc_is_blank(m))
		return 0;
	for (uint32_t i = 0; i < s->tracks_n; i++)
		n += s->tracks[i].session != open;
	return n;
}

static uint32_t first_of_session(const struct mmc_state *s, unsigned session)
{
	for (uint32_t i = 0; i < s->tracks_n; i++) {
		if (s->tracks[i].session == session)
			return i;
	}
	return 0;
}

/* MMC-6 6.21.3.1. */
int mmc_disc_information(struct mmc *m, struct mmc_request *rq)
{
	const struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	unsigned sessions = mmc_sessions(m);
	uint32_t first = first_of_session(s, sessions) + 1;
	uint8_t answer[34] = {0};
	unsigned status = 2, session_state = 3;

	if (rq->cdb[1] & 7)
		return SENSE_CDB;
	if (mmc_is_blank(m)) {
		status = 0;
		session_state = 0;
	} else if (mmc_is_sequential(m) && !s->finalized) {
		bool empty = s->tracks[first - 1].state == MMC_TRACK_INVISIBLE;

		status = 1;
		session_state = empty ? 0 : 1;
	}
	put16(answer, sizeof(answer) - 2);
	answer[2] =
		(uint8_t)(kind->erasable << 4 | session_state << 2 | status);
	answer[3] = 1;
	answer[4] = (uint8_t)sessions;
	answer[5] = (uint8_t)first;
	answer[6] = (uint8_t)s->tracks_n;
	answer[7] = (uint8_t)(0x20 | s->bg_format); /* unrestricted use */
	answer[8] = kind->family == MMC_CD && status != 0 ? 0 : 0xff;
	answer[9] = (uint8_t)(sessions >> 8);
	answer[10] = (uint8_t)(first >> 8);
	answer[11] = (uint8_t)(s->tracks_n >> 8);
	put32(answer + 12, s->disc_id);
	memset(answer + 16, 0xff, 8);
	if (kind->family == MMC_CD && status != 2) {
		/* Where the next lead-in and the last lead-out can be. */
		answer[16] = answer[20] = 0;
		put_msf(answer + 17,
			sessions > 1 ? (int64_t)s->tracks[first - 1].start -
					       4500 - 150
				     : FIRST_LEAD_IN);
		put_msf(answer + 21, s->capacity);
	}
	return mmc_reply(rq, answer, sizeof(answer), get16(rq->cdb + 7));
}

static const struct mmc_track *find_track(struct mmc *m, const uint8_t *cdb)
{
	const struct mmc_state *s = m->s;
	uint32_t number = get32(cdb + 2);

	switch (cdb[1] & 3) {
	case 0:
		return mmc_track_at(m, number);
	case 1:
		if (number == 0xff)
			return mmc_open_track(m);
		return number > 0 && number <= s->tracks_n
			       ? &s->tracks[number - 1]
			       : NULL;
	case 2:
		if (number == 0 || number > mmc_sessions(m))
			return NULL;
		return &s->tracks[first_of_session(s, number)];
	default:
		return NULL;
	}
}

/* MMC-6 6.27.3. */
int mmc_track_information(struct mmc *m, struct mmc_request *rq)
{
	const struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	const struct mmc_track *track = find_track(m, rq->cdb);
	bool random = kind->writing == MMC_RANDOM;
	uint8_t answer[48] = {0};
	bool writable;
	uint32_t number, room;
	uint32_t n = kind->family == MMC_CD ? 36 : 48;

	if (!track)
		return SENSE_CDB;
	number = (uint32_t)(track - s->tracks) + 1;
	writable = !random && track->state != MMC_TRACK_CLOSED;
	room = mmc_track_room(m, track);
	put16(answer, n - 2);
	answer[2] = (uint8_t)number;
	answer[3] = (uint8_t)track->session;
	answer[5] = (uint8_t)(track->damaged << 5 | control(m));
	answer[6] =
		track->state == MMC_TRACK_INVISIBLE && kind->family == MMC_CD
			? 0x0f
			: track->mode;
	if (track->state == MMC_TRACK_RESERVED)
		answer[6] |= 0x80;
	if (track->state == MMC_TRACK_INVISIBLE || (random && !s->formatted))
		answer[6] |= 0x40;
	if (kind->family == MMC_DVD_MINUS && kind->writing != MMC_NEVER &&
	    (random || mmc_write_type(m) != TYPE_AT_ONCE))
		answer[6] |= random ? 0x30 : 0x20;
	put32(answer + 8, track->start);
	if (writable && !track->damaged) {
		answer[7] |= 1;
		put32(answer + 12, track->nwa);
		put32(answer + 16, room - (track->nwa - track->start));
	}
	if (kind->family != MMC_CD)
		put32(answer + 20, random ? kind->ecc : 16);
	put32(answer + 24, room);
	if (kind->family != MMC_CD && writable && track->nwa > track->start) {
		answer[7] |= 2;
		put32(answer + 28, track->nwa - 1);
	} else if (kind->family != MMC_CD && !writable && room &&
		   !mmc_is_blank(m)) {
		answer[7] |= 2;
		put32(answer + 28, track->start + room - 1);
	}
	answer[32] = (uint8_t)(number >> 8);
	answer[33] = (uint8_t)(track->session >> 8);
	return mmc_reply(rq, answer, n, get16(rq->cdb + 7));
}

static void put_toc_address(uint8_t *p, int64_t lba, bool msf)
{
	if (msf)
		put_msf(p + 1, lba);
	else
		put32(p, (uint32_t)lba);
}

static uint8_t *toc_line(const struct mmc *m, uint8_t *p, uint8_t number,
			 int64_t lba, bool msf)
{
	p[1] = 0x10 | control(m); /* position */
	p[2] = number;
	put_toc_address(p + 4, lba, msf);
	return p + 8;
}

/* MMC-6 6.25.3.2: tracks from one on, and the lead-out. */
static int toc_tracks(const struct mmc *m, struct mmc_request *rq, bool msf)
{
	const struct mmc_state *s = m->s;
	uint32_t n = closed_tracks(m);
	uint8_t answer[4 + 8 * (MMC_MAX_TRACKS + 1)] = {0};
	uint8_t *p = answer + 4;
	uint8_t first = rq->cdb[6];

	if (n == 0 || (first > n && first != 0xaa))
		return SENSE_CDB;
	for (uint32_t i = 0; i < n && i < 99; i++) {
		if (i + 1 >= first)
			p = toc_line(m, p, (uint8_t)(i + 1), s->tracks[i].start,
				     msf);
	}
	p = toc_line(m, p, 0xaa, mmc_readable(m), msf);
	put16(answer, (uint32_t)(p - answer) - 2);
	answer[2] = 1;
	answer[3] = (uint8_t)(n < 99 ? n : 99);
	return mmc_reply(rq, answer, (size_t)(p - answer), get16(rq->cdb + 7));
}

/* MMC-6 6.25.3.3: the first track of the last closed session. */
static int toc_sessions(const struct mmc *m, struct mmc_request *rq, bool msf)
{
	const struct mmc_state *s = m->s;
	uint32_t n = closed_tracks(m), first;
	uint8_t answer[12] = {0};
	unsigned last;

	if (n == 0)
		return SENSE_CDB;
	last = s->tracks[n - 1].session;
	first = first_of_session(s, last);
	put16(answer, sizeof(answer) - 2);
	answer[2] = 1;
	answer[3] = (uint8_t)last;
	toc_line(m, answer + 4, (uint8_t)(first + 1), s->tracks[first].start,
		 msf);
	return mmc_reply(rq, answer, sizeof(answer), get16(rq->cdb + 7));
}

static uint8_t *full_line(const struct mmc *m, uint8_t *p, unsigned session,
			  uint8_t adr, uint8_t point)
{
	p[0] = (uint8_t)session;
	p[1] = (uint8_t)(adr << 4 | control(m));
	p[3] = point;
	return p + 11;
}

/* MMC-6 6.25.3.4: the lead-ins as they are; CD only. */
static int toc_full(const struct mmc *m, struct mmc_request *rq)
{
	const struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	uint32_t n = closed_tracks(m);
	uint8_t answer[4 + 11 * (5 * MMC_MAX_TRACKS)] = {0};
	uint8_t *p = answer + 4;

	if (kind->family != MMC_CD || n == 0)
		return SENSE_CDB;
	for (uint32_t i = 0; i < n;) {
		unsigned session = s->tracks[i].session;
		uint32_t last = i;
		int64_t end;

		while (last + 1 < n && s->tracks[last + 1].session == session)
			last++;
		end = s->tracks[last].start + s->tracks[last].size;
		p[8] = (uint8_t)(i + 1);
		p = full_line(m, p, session, 1, 0xa0);
		p[8] = (uint8_t)(last + 1);
		p = full_line(m, p, session, 1, 0xa1);
		put_msf(p + 8, end);
		p = full_line(m, p, session, 1, 0xa2);
		for (; i <= last; i++) {
			put_msf(p + 8, s->tracks[i].start);
			p = full_line(m, p, session, 1, (uint8_t)(i + 1));
		}
		/* Where the next program area begins, if one may. */
		if (i < n || !s->finalized) {
			put_msf(p + 4, end +
					       (session == 1 ? kind->gap_first
							     : kind->gap_next) -
					       150);
			p[7] = 2;
			put_msf(p + 8, s->capacity);
			p = full_line(m, p, session, 5, 0xb0);
		}
	}
	put16(answer, (uint32_t)(p - answer) - 2);
	answer[2] = 1;
	answer[3] = (uint8_t)s->tracks[n - 1].session;
	return mmc_reply(rq, answer, (size_t)(p - answer), get16(rq->cdb + 7));
}

/* MMC-6 6.25.3.6: what is pressed into a blank CD. */
static int toc_atip(const struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[28] = {0};

	if (mmc_medium(m)->family != MMC_CD || !mmc_is_sequential(m))
		return SENSE_CDB;
	put16(answer, sizeof(answer) - 2);
	answer[4] = 0xd0; /* target writing power 5, reference speed 2 */
	answer[5] = 0x40;
	answer[6] = (uint8_t)(0x80 | mmc_medium(m)->erasable << 6);
	put_msf(answer + 8, FIRST_LEAD_IN);
	put_msf(answer + 12, m->s->capacity);
	return mmc_reply(rq, answer, sizeof(answer), get16(rq->cdb + 7));
}

int mmc_read_toc(struct mmc *m, struct mmc_request *rq)
{
	bool msf = rq->cdb[1] & 2;
	unsigned format = rq->cdb[2] & 15;

	/* Older hosts have it in the control byte (SFF-8020). */
	if (format == 0)
		format = rq->cdb[9] >> 6;
	switch (format) {
	case 0:
		return toc_tracks(m, rq, msf);
	case 1:
		return toc_sessions(m, rq, msf);
	case 2:
		return toc_full(m, rq);
	case 4:
		return toc_atip(m, rq);
	default:
		return SENSE_CDB;
	}
}
