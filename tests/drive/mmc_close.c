/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reserving and closing: tracks, sessions, cue sheets. */
#include "tests/drive/mmc_parts.h"

/*
 * MMC-6 6.31.  By size only.  The rest of the disc is the next track then; on
 * DVD-R at once there is no such rest.
 */
int mmc_reserve_track(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	struct mmc_track *track = mmc_open_track(m);
	uint32_t size = get32(rq->cdb + 5);
	uint32_t end;

	if (!mmc_is_sequential(m))
		return SENSE_INCOMPATIBLE;
	if (s->write_protected)
		return SENSE_PROTECTED;
	if (rq->cdb[1] & 3)
		return SENSE_CDB; /* by address */
	if (!track || track->state != MMC_TRACK_INVISIBLE)
		return SENSE_SEQUENCE;
	size = round_up(size, kind->ecc);
	if (size == 0 || size > s->capacity - track->start)
		return SENSE_FULL;
	if (s->tracks_n == MMC_MAX_TRACKS)
		return SENSE_NO_MORE_TRACKS;
	track->size = size;
	track->state = MMC_TRACK_RESERVED;
	end = track->start + size + (kind->family == MMC_CD ? 150 : 0);
	if (end >= s->capacity || (kind->family == MMC_DVD_MINUS &&
				   mmc_write_type(m) == TYPE_AT_ONCE))
		return 0;
	s->tracks[s->tracks_n++] = (struct mmc_track){
		.start = end,
		.nwa = end,
		.session = track->session,
		.mode = 1,
	};
	return 0;
}

/*
 * MMC-6 6.33: lead-in, one data track with its pre-gap, lead-out.  The lines
 * are CTL/ADR, track, index, form, SCMS, minute, second, frame.
 */
int mmc_send_cue_sheet(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;
	const struct mmc_track *track = mmc_open_track(m);
	size_t size = get32(rq->cdb + 5) & 0xffffff;
	int64_t start = -1, end = -1;
	uint8_t number = 0;

	if (mmc_medium(m)->family != MMC_CD || !mmc_is_sequential(m))
		return SENSE_INCOMPATIBLE;
	if (s->write_protected)
		return SENSE_PROTECTED;
	if (mmc_write_type(m) != TYPE_AT_ONCE)
		return SENSE_SEQUENCE;
	if (!track || track->state != MMC_TRACK_INVISIBLE)
		return SENSE_TRACK_MODE;
	if (size == 0 || size % 8 || rq->len < size)
		return SENSE_LIST_LENGTH;
	for (const uint8_t *line = rq->buf; line < rq->buf + size; line += 8) {
		int64_t lba =
			((int64_t)line[5] * 60 + line[6]) * 75 + line[7] - 150;

		if ((line[0] & 0x0f) != 1)
			continue; /* catalog number, ISRC */
		if (line[1] == 0xaa) {
			end = lba;
		} else if (line[1] != 0 && line[2] == 1) {
			/* One track, of data in blocks of 2048 bytes. */
			if (number && number != line[1])
				return SENSE_PARAMETER;
			if (!(line[0] & 0x40) || (line[3] & 0x0f))
				return SENSE_PARAMETER;
			number = line[1];
			start = lba;
		}
	}
	rq->done = rq->len;
	if (start < 0 || end <= start)
		return SENSE_PARAMETER;
	/* From the start of the session or from the disc's beginning. */
	if (start != track->start)
		start += track->start;
	if (end <= (int64_t)track->start)
		end += track->start;
	if (start != track->start || end > s->capacity)
		return SENSE_PARAMETER;
	s->sao = true;
	s->sao_next = (int32_t)track->start - 150;
	s->sao_start = track->start;
	s->sao_end = (uint32_t)end;
	return 0;
}

static int close_track(struct mmc *m, uint32_t number)
{
	struct mmc_state *s = m->s;
	struct mmc_track *track;

	/* FFh is the invisible one; some ask for it by its number. */
	if (number == 0xff)
		number = s->tracks_n;
	if (number == 0 || number > s->tracks_n)
		return SENSE_CDB;
	track = &s->tracks[number - 1];
	if (track->state == MMC_TRACK_CLOSED ||
	    track->state == MMC_TRACK_INVISIBLE)
		return 0; /* nothing to do */
	if (track->state == MMC_TRACK_RESERVED &&
	    track->nwa < track->start + track->size) {
		/* What is left of it is padded, as a drive does. */
		static const uint8_t zeros[MMC_BLOCK];

		while (track->nwa < track->start + track->size)
			mmc_cache_put(m, track->nwa++, zeros);
	}
	mmc_close_track(m, track);
	return 0;
}

static int close_session(struct mmc *m, bool finalize)
{
	struct mmc_state *s = m->s;
	bool is_cd = mmc_medium(m)->family == MMC_CD;
	const struct mmc_track *last = &s->tracks[s->tracks_n - 1];
	uint32_t closed = 0;

	for (uint32_t i = 0; i < s->tracks_n; i++) {
		const struct mmc_track *track = &s->tracks[i];

		if (track->session != last->session)
			continue;
		if (track->damaged)
			return SENSE_INCOMPLETE_TRACK;
		if (track->state == MMC_TRACK_RESERVED &&
		    track->nwa < track->start + track->size)
			return SENSE_INCOMPLETE_TRACK;
		closed += track->state != MMC_TRACK_INVISIBLE;
	}
	for (uint32_t i = 0; i < s->tracks_n; i++) {
		if (s->tracks[i].state == MMC_TRACK_RESERVED)
			mmc_close_track(m, &s->tracks[i]);
	}
	/*
	 * An empty session is not closed, but the disc can be; on CD it cannot:
	 * whether a session follows is written into the one before.
	 */
	if (closed || (finalize && !is_cd))
		mmc_close_session(m, finalize);
	return 0;
}

/* MMC-6 6.3. */
int mmc_close(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	unsigned function = rq->cdb[2] & 7;
	int err;

	if (kind->writing == MMC_NEVER)
		return SENSE_INCOMPATIBLE;
	if (s->write_protected)
		return SENSE_PROTECTED;
	if (s->dummy)
		return 0;
	mmc_cache_flush(m);
	if (kind->writing == MMC_RANDOM) {
		/* Formatting in the background stops. */
		if (s->bg_format == 2)
			s->bg_format = 1;
		s->growing = false;
		if (rq->cdb[1] & 1)
			mmc_busy(m, POLLS_CLOSE, SENSE_OPERATING);
		return 0;
	}
	if (s->finalized)
		return SENSE_TRACK_MODE;
	switch (function) {
	case 1:
		err = close_track(m, get16(rq->cdb + 4));
		break;
	case 2:
		if (kind->family == MMC_CD || kind->family == MMC_DVD_MINUS)
			err = close_session(m, !mmc_multi(m));
		else
			err = close_session(m, false);
		break;
	case 3:
		if (kind->family != MMC_DVD_MINUS)
			return SENSE_CDB;
		err = close_session(m, true);
		break;
	case 5:
		if (kind->family != MMC_DVD_PLUS)
			return SENSE_CDB;
		err = close_session(m, true);
		break;
	case 6:
		if (kind->family != MMC_DVD_PLUS && kind->family != MMC_BD)
			return SENSE_CDB;
		err = close_session(m, true);
		break;
	default:
		return SENSE_CDB;
	}
	if (!err && (rq->cdb[1] & 1))
		mmc_busy(m, POLLS_CLOSE, SENSE_OPERATING);
	return err;
}
