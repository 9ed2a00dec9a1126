/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The medium: geometry of each kind, tracks and sessions. */
#include "tests/drive/mmc_parts.h"

/*
 * Gaps: on CD lead-out, lead-in and the pre-gap of the next track (90 s, 60 s
 * and 2 s, later lead-outs 30 s); on DVD-R border-out and border-in; on DVD+R
 * closure and intro zones of 64 blocks of 16 each.  BD-R has none.
 */
static const struct mmc_kind kinds[MMC_MEDIA_N] = {
	[MMC_CD_ROM] = {"cd-rom", 0x08, MMC_CD, MMC_NEVER, false, 359844, 1,
			11400, 6900},
	[MMC_CD_R] = {"cd-r", 0x09, MMC_CD, MMC_SEQUENTIAL, false, 359844, 1,
		      11400, 6900},
	[MMC_CD_RW] = {"cd-rw", 0x0a, MMC_CD, MMC_SEQUENTIAL, true, 359844, 1,
		       11400, 6900},
	[MMC_DVD_ROM] = {"dvd-rom", 0x10, MMC_DVD_MINUS, MMC_NEVER, false,
			 2298496, 16, 0, 0},
	[MMC_DVD_R] = {"dvd-r", 0x11, MMC_DVD_MINUS, MMC_SEQUENTIAL, false,
		       2298496, 16, 12288, 4096},
	[MMC_DVD_RW] = {"dvd-rw", 0x14, MMC_DVD_MINUS, MMC_SEQUENTIAL, true,
			2298496, 16, 12288, 4096},
	[MMC_DVD_RW_RO] = {"dvd-rw-ro", 0x13, MMC_DVD_MINUS, MMC_RANDOM, true,
			   2298496, 16, 0, 0},
	[MMC_DVD_PLUS_R] = {"dvd+r", 0x1b, MMC_DVD_PLUS, MMC_SEQUENTIAL, false,
			    2295104, 16, 2048, 2048},
	[MMC_DVD_PLUS_R_DL] = {"dvd+r-dl", 0x2b, MMC_DVD_PLUS, MMC_SEQUENTIAL,
			       false, 4173824, 16, 2048, 2048},
	[MMC_DVD_PLUS_RW] = {"dvd+rw", 0x1a, MMC_DVD_PLUS, MMC_RANDOM, true,
			     2295104, 16, 0, 0},
	[MMC_DVD_RAM] = {"dvd-ram", 0x12, MMC_RAM, MMC_RANDOM, true, 2236704,
			 16, 0, 0},
	[MMC_BD_ROM] = {"bd-rom", 0x40, MMC_BD, MMC_NEVER, false, 12219392, 32,
			0, 0},
	[MMC_BD_R] = {"bd-r", 0x41, MMC_BD, MMC_SEQUENTIAL, false, 11826176, 32,
		      0, 0},
	[MMC_BD_RE] = {"bd-re", 0x43, MMC_BD, MMC_RANDOM, true, 11826176, 32, 0,
		       0},
};

const struct mmc_kind *mmc_kind(unsigned media)
{
	return media < MMC_MEDIA_N ? &kinds[media] : NULL;
}

const struct mmc_kind *mmc_medium(const struct mmc *m)
{
	return &kinds[m->s->media % MMC_MEDIA_N];
}

bool mmc_is_sequential(const struct mmc *m)
{
	return mmc_medium(m)->writing == MMC_SEQUENTIAL;
}

bool mmc_is_blank(const struct mmc *m)
{
	const struct mmc_state *s = m->s;

	if (mmc_medium(m)->writing == MMC_RANDOM)
		return !s->formatted;
	return s->tracks_n == 1 && !s->finalized &&
	       (s->tracks[0].state == MMC_TRACK_INVISIBLE);
}

void put_msf(uint8_t *p, int64_t lba)
{
	uint32_t frames = (uint32_t)(lba + 150);

	p[0] = (uint8_t)(frames / (75 * 60));
	p[1] = (uint8_t)(frames / 75 % 60);
	p[2] = (uint8_t)(frames % 75);
}

struct mmc_track *mmc_open_track(struct mmc *m)
{
	struct mmc_state *s = m->s;
	struct mmc_track *last;

	if (s->finalized || s->tracks_n == 0 || !mmc_is_sequential(m))
		return NULL;
	last = &s->tracks[s->tracks_n - 1];
	return last->state <= MMC_TRACK_OPEN ? last : NULL;
}

uint32_t mmc_track_end(const struct mmc *m, const struct mmc_track *track)
{
	return track->start + mmc_track_room(m, track);
}

uint32_t mmc_track_room(const struct mmc *m, const struct mmc_track *track)
{
	if (track->state >= MMC_TRACK_RESERVED)
		return track->size;
	return m->s->capacity > track->start ? m->s->capacity - track->start
					     : 0;
}

struct mmc_track *mmc_track_at(struct mmc *m, uint32_t lba)
{
	for (uint32_t i = m->s->tracks_n; i > 0; i--) {
		struct mmc_track *track = &m->s->tracks[i - 1];

		if (lba >= track->start)
			return lba < mmc_track_end(m, track) ? track : NULL;
	}
	return NULL;
}

static void next_track(struct mmc *m, uint32_t start, unsigned session)
{
	struct mmc_state *s = m->s;

	/* Of a full disc there is no rest. */
	if (start >= s->capacity || s->tracks_n == MMC_MAX_TRACKS)
		return;
	s->tracks[s->tracks_n++] = (struct mmc_track){
		.start = start,
		.nwa = start,
		.session = (uint16_t)session,
		.mode = 1,
	};
}

void mmc_begin_blank(struct mmc *m)
{
	struct mmc_state *s = m->s;

	s->tracks_n = 0;
	s->finalized = false;
	s->only_at_once = false;
	s->audio = false;
	s->sao = false;
	s->dummy = false;
	if (mmc_is_sequential(m)) {
		next_track(m, 0, 1);
		return;
	}
	/* One track is all there is of it. */
	s->tracks[s->tracks_n++] = (struct mmc_track){
		.size = s->capacity,
		.session = 1,
		.state = MMC_TRACK_CLOSED,
		.mode = 1,
	};
}

void mmc_erase(struct mmc *m)
{
	mmc_cache_lose(m);
	/* Never touch what was not written: the file is sparse. */
	for (uint32_t lba = 0; lba < m->s->capacity; lba++) {
		if (m->map[lba] == MMC_UNWRITTEN)
			continue;
		memset(m->data + (size_t)lba * MMC_BLOCK, 0, MMC_BLOCK);
		m->map[lba] = MMC_UNWRITTEN;
	}
	mmc_begin_blank(m);
}

void mmc_close_track(struct mmc *m, struct mmc_track *track)
{
	struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	bool last = track == &s->tracks[s->tracks_n - 1];
	uint32_t end;

	mmc_cache_flush(m);
	if (track->state == MMC_TRACK_RESERVED) {
		track->state = MMC_TRACK_CLOSED;
		return;
	}
	end = round_up(track->nwa, kind->ecc);
	if (kind->family == MMC_CD && !s->sao) {
		/* Two run-out blocks, which cannot be read. */
		for (uint32_t i = 0; i < 2 && end < s->capacity; i++)
			m->map[end++] = MMC_LINK;
	}
	track->size = end - track->start;
	track->nwa = end;
	track->state = MMC_TRACK_CLOSED;
	track->damaged = false;
	if (last)
		next_track(m, end + (kind->family == MMC_CD ? 150 : 0),
			   track->session);
}

void mmc_close_session(struct mmc *m, bool finalize)
{
	struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	struct mmc_track *track = mmc_open_track(m);
	uint32_t gap;
	unsigned session;

	if (track && track->state == MMC_TRACK_OPEN) {
		mmc_close_track(m, track);
		track = mmc_open_track(m);
	}
	if (track)
		s->tracks_n--;
	if (s->tracks_n == 0) {
		/* An empty disc that is finalized keeps its one track. */
		s->tracks_n = 1;
		s->tracks[0].state = MMC_TRACK_CLOSED;
		s->tracks[0].size = 0;
	}
	track = &s->tracks[s->tracks_n - 1];
	session = track->session;
	s->sao = false;
	s->finalized = finalize;
	if (finalize)
		return;
	gap = session == 1 ? kind->gap_first : kind->gap_next;
	next_track(m, round_up(mmc_track_end(m, track) + gap, kind->ecc),
		   session + 1);
	/* No room for one more: such a disc is complete. */
	if (track == &s->tracks[s->tracks_n - 1])
		s->finalized = true;
}

unsigned mmc_sessions(const struct mmc *m)
{
	return m->s->tracks_n ? m->s->tracks[m->s->tracks_n - 1].session : 0;
}

uint32_t mmc_sessions_end(const struct mmc *m)
{
	const struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	unsigned open = s->finalized || kind->writing != MMC_SEQUENTIAL
				? 0
				: mmc_sessions(m);

	for (uint32_t i = s->tracks_n; i > 0; i--) {
		const struct mmc_track *track = &s->tracks[i - 1];

		if (track->session != open)
			return track->start + track->size;
	}
	return 0;
}

uint32_t mmc_readable(const struct mmc *m)
{
	if (m->s->no_disc || m->s->tray_open || m->s->gone)
		return 0;
	if (mmc_medium(m)->writing == MMC_RANDOM)
		return m->s->formatted ? m->s->formatted_end : 0;
	return mmc_sessions_end(m);
}

void mmc_insert(struct mmc *m, enum mmc_media media, uint32_t capacity)
{
	struct mmc_state *s = m->s;

	s->media = media;
	s->capacity = capacity ? capacity : kinds[media].capacity;
	if (s->capacity < 64)
		s->capacity = 64;
	s->capacity -= s->capacity % kinds[media].ecc;
	mmc_begin_blank(m);
	if (kinds[media].writing == MMC_NEVER)
		s->finalized = true;
	/* DVD-RAM is sold formatted; DVD-RW as this medium only is so. */
	s->formatted = media == MMC_DVD_RAM || media == MMC_DVD_RW_RO;
	s->formatted_end = s->formatted ? s->capacity : 0;
	s->bg_format = 0;
	s->attention = SENSE_NEW_MEDIUM;
	mmc_mode_defaults(m);
}
