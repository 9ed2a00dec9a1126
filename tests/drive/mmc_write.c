/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing blocks, and what a drive refuses to write. */
#include "tests/drive/mmc_parts.h"

/* Blocks of a track that its end, or the disc's, leaves. */
static uint32_t room_left(const struct mmc *m, const struct mmc_track *track)
{
	uint32_t end = mmc_track_end(m, track);
	/* The run-out blocks of a CD track. */
	uint32_t run_out = mmc_medium(m)->family == MMC_CD && !m->s->sao &&
					   track->state != MMC_TRACK_RESERVED
				   ? 2
				   : 0;

	return track->nwa + run_out < end ? end - track->nwa - run_out : 0;
}

/* Test writing begins: all of it is undone at its end. */
static void begin_dummy(struct mmc *m, const struct mmc_track *track)
{
	struct mmc_state *s = m->s;

	if (s->dummy || !mmc_test_write(m) ||
	    mmc_medium(m)->family == MMC_DVD_PLUS ||
	    mmc_medium(m)->family == MMC_BD)
		return;
	if (track != &s->tracks[s->tracks_n - 1])
		return;
	s->dummy = true;
	s->dummy_saved = *track;
}

static void end_dummy(struct mmc *m)
{
	struct mmc_state *s = m->s;

	s->tracks[s->tracks_n - 1] = s->dummy_saved;
	s->dummy = false;
	s->sao = false;
}

/* Takes @blocks into @track at its nwa. */
static int append(struct mmc *m, struct mmc_request *rq,
		  struct mmc_track *track, uint32_t blocks)
{
	for (uint32_t i = 0; i < blocks; i++) {
		if (rq->stop_sense && i >= rq->stop_after) {
			/* What came before is on the disc. */
			mmc_cache_flush(m);
			if (rq->stop_sense >> 16 == 3)
				mmc_track_damaged(m, track);
			return (int)rq->stop_sense;
		}
		if (!m->s->dummy)
			mmc_cache_put(m, track->nwa, rq->buf + rq->done);
		track->nwa++;
		rq->done += MMC_BLOCK;
		if (track->state == MMC_TRACK_INVISIBLE)
			track->state = MMC_TRACK_OPEN;
	}
	return 0;
}

/*
 * Session at once: as the cue sheet says, from the pre-gap on.  When the last
 * block is there, the session closes.
 */
static int write_at_once_cd(struct mmc *m, struct mmc_request *rq, int64_t lba,
			    uint32_t blocks)
{
	struct mmc_state *s = m->s;
	struct mmc_track *track = mmc_open_track(m);
	uint32_t skipped = 0;
	int err;

	if (!s->sao || !track)
		return SENSE_SEQUENCE;
	if (lba != s->sao_next)
		return SENSE_WRITE_ADDRESS;
	if (lba + blocks > s->sao_end)
		return SENSE_FULL;
	begin_dummy(m, track);
	while (lba + skipped < s->sao_start && skipped < blocks)
		skipped++;
	rq->done += (size_t)skipped * MMC_BLOCK;
	s->sao_next += (int32_t)skipped;
	rq->stop_after -= skipped < rq->stop_after ? skipped : rq->stop_after;
	err = append(m, rq, track, blocks - skipped);
	s->sao_next = (int32_t)track->nwa;
	if (blocks == skipped)
		s->sao_next = (int32_t)lba + (int32_t)skipped;
	return err;
}

/* The track that takes a write at @lba, or the reason why none does. */
static int find_target(struct mmc *m, uint32_t lba, uint32_t blocks,
		       struct mmc_track **ret)
{
	struct mmc_state *s = m->s;
	struct mmc_track *track = mmc_track_at(m, lba);

	if (s->finalized)
		return SENSE_TRACK_MODE;
	if (lba >= s->capacity)
		return SENSE_LBA;
	/* Between the tracks, or on one that is closed. */
	if (!track || track->state == MMC_TRACK_CLOSED)
		return SENSE_WRITE_ADDRESS;
	if (track->damaged)
		return SENSE_TRACK_MODE;
	if (lba != track->nwa)
		return SENSE_WRITE_ADDRESS;
	if (blocks > room_left(m, track))
		return SENSE_FULL;
	*ret = track;
	return 0;
}

static int write_sequential(struct mmc *m, struct mmc_request *rq, int64_t lba,
			    uint32_t blocks)
{
	struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	struct mmc_track *track = NULL;
	unsigned type = mmc_write_type(m);
	int err;

	if (s->finalized)
		return SENSE_TRACK_MODE;
	if (kind->family == MMC_CD && type == TYPE_AT_ONCE)
		return write_at_once_cd(m, rq, lba, blocks);
	/* No packets, and no audio. */
	if (kind->family == MMC_CD &&
	    (type != TYPE_TRACK_AT_ONCE || !mmc_writes_data(m)))
		return SENSE_TRACK_MODE;
	if (lba < 0)
		return SENSE_WRITE_ADDRESS;
	err = find_target(m, (uint32_t)lba, blocks, &track);
	if (err)
		return err;
	if (kind->family == MMC_DVD_MINUS) {
		if (type == TYPE_TRACK_AT_ONCE)
			return SENSE_TRACK_MODE;
		if (type == TYPE_AT_ONCE && track->state != MMC_TRACK_RESERVED)
			return SENSE_SEQUENCE;
		if (type == TYPE_INCREMENTAL && s->only_at_once)
			return SENSE_TRACK_MODE;
	}
	begin_dummy(m, track);
	return append(m, rq, track, blocks);
}

static int write_random(struct mmc *m, struct mmc_request *rq, int64_t lba,
			uint32_t blocks)
{
	struct mmc_state *s = m->s;
	bool rigid = s->media == MMC_DVD_RW_RO;

	if (!s->formatted)
		return SENSE_NOT_FORMATTED;
	if (lba < 0 || lba + blocks > s->capacity)
		return SENSE_LBA;
	/* Whole ECC blocks, within what is formatted or can grow. */
	if (rigid && (lba % 16 || blocks % 16))
		return SENSE_WRITE_ADDRESS;
	if (rigid && lba + blocks > s->formatted_end && !s->growing)
		return SENSE_WRITE_ADDRESS;
	/* A DVD+RW is not to be written further before it is restarted. */
	if (s->media == MMC_DVD_PLUS_RW && s->bg_format == 1 &&
	    lba + blocks > s->formatted_end)
		return SENSE_WRITE_ADDRESS;
	for (uint32_t i = 0; i < blocks; i++) {
		if (rq->stop_sense && i >= rq->stop_after)
			return (int)rq->stop_sense;
		mmc_cache_put(m, (uint32_t)lba + i, rq->buf + rq->done);
		rq->done += MMC_BLOCK;
	}
	if (lba + blocks > s->formatted_end)
		s->formatted_end = (uint32_t)lba + blocks;
	return 0;
}

int mmc_write(struct mmc *m, struct mmc_request *rq)
{
	uint32_t blocks;
	int64_t lba;

	mmc_range(rq->cdb, &lba, &blocks);
	if (mmc_medium(m)->writing == MMC_NEVER)
		return SENSE_INCOMPATIBLE;
	if (m->s->write_protected)
		return SENSE_PROTECTED;
	/* CD data sectors of 2048 bytes; others are refused by their size. */
	if (rq->len != (size_t)blocks * MMC_BLOCK)
		return SENSE_CDB;
	if (!mmc_underrun_free(m))
		m->s->unguarded++;
	if (mmc_is_sequential(m))
		return write_sequential(m, rq, lba, blocks);
	return write_random(m, rq, lba, blocks);
}

/*
 * A DVD-R at once is complete when all of its track is there: the drive writes
 * lead-in and lead-out, without a command.
 */
static void end_at_once(struct mmc *m)
{
	struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	struct mmc_track *track = &s->tracks[s->tracks_n - 1];

	if (kind->family != MMC_DVD_MINUS || !mmc_is_sequential(m) ||
	    s->finalized || mmc_write_type(m) != TYPE_AT_ONCE ||
	    track->state != MMC_TRACK_RESERVED ||
	    track->nwa < track->start + track->size)
		return;
	mmc_close_track(m, track);
	mmc_close_session(m, !mmc_multi(m));
}

/* Of reserved tracks, too, an ECC block that was begun is burned whole. */
static void pad_reserved(struct mmc *m)
{
	static const uint8_t zeros[MMC_BLOCK];
	struct mmc_state *s = m->s;
	uint32_t ecc = mmc_medium(m)->ecc;

	for (uint32_t i = 0; mmc_is_sequential(m) && i < s->tracks_n; i++) {
		struct mmc_track *track = &s->tracks[i];

		while (track->state == MMC_TRACK_RESERVED && !track->damaged &&
		       track->nwa % ecc)
			mmc_cache_put(m, track->nwa++, zeros);
	}
}

/*
 * MMC-6 6.41: all is on the medium.  It ends a track at once on CD, and pads
 * an ECC block that is not full where writing is in such blocks.
 */
int mmc_synchronize(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_medium(m);
	struct mmc_track *track = mmc_open_track(m);

	if (!s->dummy)
		pad_reserved(m);
	mmc_cache_flush(m);
	if (s->dummy) {
		end_dummy(m);
		return 0;
	}
	end_at_once(m);
	if (rq->cdb[1] & 2)
		mmc_busy(m, POLLS_SYNC, SENSE_LONG_WRITE);
	if (!track || track->state != MMC_TRACK_OPEN || track->damaged)
		return 0;
	if (s->sao) {
		if (track->nwa >= s->sao_end) {
			mmc_close_track(m, track);
			mmc_close_session(m, !mmc_multi(m));
		}
	} else if (kind->family == MMC_CD) {
		mmc_close_track(m, track);
	} else {
		track->nwa = round_up(track->nwa, kind->ecc);
	}
	return 0;
}

/* MMC-6 6.14.  The cache takes all that comes: it burns what it must. */
int mmc_buffer_capacity(struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[12] = {0};

	(void)m;
	if (rq->cdb[1] & 1)
		return SENSE_CDB; /* in blocks */
	put16(answer, 10);
	put32(answer + 4, MMC_CACHE_BLOCKS * MMC_BLOCK);
	put32(answer + 8, MMC_CACHE_BLOCKS * MMC_BLOCK);
	return mmc_reply(rq, answer, sizeof(answer), get16(rq->cdb + 7));
}
