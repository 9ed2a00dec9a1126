/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong: faults set by a test, and what happens from outside. */
#include "tests/drive/mmc_parts.h"

bool mmc_range(const uint8_t *cdb, int64_t *ret_lba, uint32_t *ret_blocks)
{
	*ret_lba = (int32_t)get32(cdb + 2);
	switch (cdb[0]) {
	case 0x28:
	case 0x2a:
	case 0x2e:
	case 0x2f:
		*ret_blocks = get16(cdb + 7);
		return true;
	case 0xa8:
	case 0xaa:
		*ret_blocks = get32(cdb + 6);
		return true;
	case 0xbe:
		*ret_blocks = get32(cdb + 5) & 0xffffff;
		return true;
	default:
		return false;
	}
}

static bool is_write(uint8_t opcode)
{
	return opcode == 0x2a || opcode == 0xaa || opcode == 0x2e;
}

static bool is_read(uint8_t opcode)
{
	return opcode == 0x28 || opcode == 0xa8 || opcode == 0xbe;
}

static bool matches(const struct mmc_fault *fault, const uint8_t *cdb,
		    uint32_t *ret_before)
{
	int64_t lba, first;
	uint32_t blocks;

	*ret_before = 0;
	if (fault->on == MMC_ON_READ && !is_read(cdb[0]))
		return false;
	if (fault->on == MMC_ON_WRITE && !is_write(cdb[0]))
		return false;
	if (fault->on >= 0 && cdb[0] != fault->on)
		return false;
	if (fault->blocks == 0)
		return true;
	if (!mmc_range(cdb, &lba, &blocks))
		return false;
	first = fault->lba;
	if (lba + blocks <= first || lba >= first + fault->blocks)
		return false;
	if (first > lba)
		*ret_before = (uint32_t)(first - lba);
	return true;
}

/* The fault's turn is over: forget it if that was the last time. */
static void used(struct mmc_state *s, uint32_t i)
{
	if (s->faults[i].times == 0 || --s->faults[i].times > 0)
		return;
	s->faults_n--;
	memmove(&s->faults[i], &s->faults[i + 1],
		(s->faults_n - i) * sizeof(s->faults[0]));
}

static int happen(struct mmc *m, struct mmc_request *rq,
		  const struct mmc_fault *fault, uint32_t before,
		  struct mmc_result *res)
{
	struct mmc_state *s = m->s;

	switch (fault->action) {
	case MMC_FAULT_GONE:
		mmc_power_cut(m);
		s->gone = true;
		return 0;
	case MMC_FAULT_POWER_CUT:
		mmc_power_cut(m);
		return 0;
	case MMC_FAULT_EJECT:
		s->locked = false;
		mmc_power_cut(m);
		s->attention = 0;
		mmc_eject(m);
		return 0;
	case MMC_FAULT_SLOW:
		res->delay_ms += fault->delay_ms;
		return 0;
	default:
		break;
	}
	/* Reads and writes do what comes before the fault's place. */
	if ((is_write(rq->cdb[0]) || is_read(rq->cdb[0])) &&
	    (fault->blocks || fault->sense >> 16 == 3)) {
		rq->stop_sense = fault->sense;
		rq->stop_after = before;
		return 0;
	}
	return (int)fault->sense;
}

int mmc_fault_check(struct mmc *m, struct mmc_request *rq,
		    struct mmc_result *res)
{
	struct mmc_state *s = m->s;
	uint32_t before;

	for (uint32_t i = 0; i < s->faults_n; i++) {
		struct mmc_fault fault = s->faults[i];
		int sense;

		if (!matches(&fault, rq->cdb, &before))
			continue;
		if (fault.skip > 0) {
			s->faults[i].skip--;
			continue;
		}
		used(s, i);
		sense = happen(m, rq, &fault, before, res);
		if (fault.action != MMC_FAULT_SLOW)
			return sense;
		/* It may have gone, and another one be in its place. */
		if (i >= s->faults_n ||
		    memcmp(&s->faults[i], &fault, sizeof(fault)) != 0)
			i--;
	}
	return 0;
}

bool mmc_fault_add(struct mmc *m, const struct mmc_fault *fault)
{
	struct mmc_state *s = m->s;

	if (s->faults_n == MMC_MAX_FAULTS)
		return false;
	s->faults[s->faults_n++] = *fault;
	return true;
}

void mmc_track_damaged(struct mmc *m, struct mmc_track *track)
{
	const struct mmc_kind *kind = mmc_medium(m);

	if (track->state == MMC_TRACK_INVISIBLE)
		track->state = MMC_TRACK_OPEN;
	/*
	 * On DVD+R and BD-R writing goes on behind the bad place; the others
	 * have to close the track first.
	 */
	if (kind->family == MMC_CD || kind->family == MMC_DVD_MINUS) {
		track->damaged = true;
	} else {
		uint32_t nwa = round_up(track->nwa + 1, kind->ecc);

		for (uint32_t lba = track->nwa;
		     lba < nwa && lba < m->s->capacity; lba++)
			m->map[lba] = MMC_LINK;
		track->nwa = nwa < m->s->capacity ? nwa : m->s->capacity;
	}
	m->s->sao = false;
}

bool mmc_damage(struct mmc *m)
{
	static const uint8_t zeros[MMC_BLOCK];
	struct mmc_track *track = mmc_open_track(m);

	if (!track || track->nwa + 32 > m->s->capacity)
		return false;
	for (unsigned i = 0; i < 32; i++)
		mmc_cache_put(m, track->nwa++, zeros);
	mmc_cache_flush(m);
	mmc_track_damaged(m, track);
	return true;
}

void mmc_power_cut(struct mmc *m)
{
	struct mmc_state *s = m->s;
	uint32_t lost = mmc_cache_lose(m);
	struct mmc_track *track = NULL;

	if (s->dummy) {
		/* Nothing was burned. */
		s->tracks[s->tracks_n - 1] = s->dummy_saved;
		s->dummy = false;
	} else if (lost != UINT32_MAX && mmc_is_sequential(m)) {
		track = mmc_track_at(m, lost);
	} else if (s->sao || mmc_medium(m)->family == MMC_CD) {
		/* The laser stopped in the middle of a track. */
		track = mmc_open_track(m);
		if (track && track->state != MMC_TRACK_OPEN)
			track = NULL;
	}
	if (track) {
		if (lost != UINT32_MAX)
			track->nwa = lost;
		mmc_track_damaged(m, track);
	}
	s->busy_left = 0;
	s->sao = false;
	s->locked = false;
	/* Formatting in the background stands still until it is restarted. */
	if (s->bg_format == 2)
		s->bg_format = 1;
	mmc_mode_defaults(m);
	s->attention = SENSE_POWER_ON;
}

void mmc_attach(struct mmc *m)
{
	if (!m->s->attention)
		return;
	m->s->attention = 0;
	m->s->kernel_blocks = mmc_readable(m);
}

bool mmc_eject(struct mmc *m)
{
	struct mmc_state *s = m->s;

	if (s->locked) {
		s->media_event = 1; /* somebody has asked for it */
		return false;
	}
	mmc_cache_flush(m);
	s->tray_open = true;
	s->media_event = 3;
	return true;
}

void mmc_load(struct mmc *m)
{
	struct mmc_state *s = m->s;

	if (!s->tray_open)
		return;
	s->tray_open = false;
	s->media_event = 2;
	s->attention = SENSE_NEW_MEDIUM;
}

void mmc_plug(struct mmc *m)
{
	m->s->gone = false;
	m->s->attention = SENSE_POWER_ON;
}
