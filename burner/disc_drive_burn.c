/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing to the medium in a drive.  Two families:
 *
 *   sequential	  sessions stand one behind the other in the table of contents.
 *		  A session exists as soon as libburn has closed it, and
 *		  nothing of it can be taken back.
 *   overwritable a session exists as soon as the superblock in the head names
 *		  it, as on an image file.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burner/disc_drive.h"
#include "burner/erase.h"
#include "burner/library.h"
#include "common/cleanup.h"
#include "common/log.h"

/* MMC-6 5.3.1. */
enum {
	PROFILE_CD_R = 0x09,
	PROFILE_CD_RW = 0x0a,
	PROFILE_DVD_R = 0x11,
	PROFILE_DVD_RAM = 0x12,
	PROFILE_DVD_RW_RESTRICTED = 0x13,
	PROFILE_DVD_RW_SEQUENTIAL = 0x14,
	PROFILE_DVD_R_DL = 0x15,
	PROFILE_DVD_PLUS_RW = 0x1a,
	PROFILE_DVD_PLUS_R = 0x1b,
	PROFILE_DVD_PLUS_R_DL = 0x2b,
	PROFILE_BD_R = 0x41,
	PROFILE_BD_RE = 0x43,
};

enum { POLL_MS = 50 };

/* 1x of each kind, in 100 bytes a second. */
enum { SPEED_CD = 1764, SPEED_DVD = 13850, SPEED_BD = 44956 };

/* ---- what a session costs ---- */

/*
 * Blocks from the end of a session to where the next one can begin.  CD: the
 * lead-out, the lead-in and the pre-gap, 90 + 60 + 2 seconds, the later
 * lead-outs 30 seconds (MMC-6 4.2.3).  DVD: border-out and border-in, or the
 * closure and the intro, as drives were seen to leave; BD-R: none.
 */
static const struct cost {
	int profile;
	uint32_t write_blocks, min_blocks, end_blocks, gap_first, gap_later;
	unsigned sessions_max;
	bool simulates;
} costs[] = {
	/* A track has 4 seconds at least; at once it ends with two run-out
	 * blocks (MMC-6 4.2.3.6). */
	{PROFILE_CD_R, 1, 300, 2, 11400, 6900, 99, true},
	{PROFILE_CD_RW, 1, 300, 2, 11400, 6900, 99, true},
	{PROFILE_DVD_R, 16, 0, 0, 12288, 4096, 0, true},
	{PROFILE_DVD_RW_SEQUENTIAL, 16, 0, 0, 12288, 4096, 0, true},
	{PROFILE_DVD_R_DL, 16, 0, 0, 12288, 4096, 0, true},
	{PROFILE_DVD_PLUS_R, 16, 0, 0, 2048, 2048, 153, false},
	{PROFILE_DVD_PLUS_R_DL, 16, 0, 0, 2048, 2048, 127, false},
	{PROFILE_BD_R, 32, 0, 0, 0, 0, 7927, false},
	{PROFILE_DVD_RAM, 16, 0, 0, 0, 0, 0, false},
	{PROFILE_DVD_RW_RESTRICTED, 16, 0, 0, 0, 0, 0, false},
	{PROFILE_DVD_PLUS_RW, 16, 0, 0, 0, 0, 0, false},
	{PROFILE_BD_RE, 32, 0, 0, 0, 0, 0, false},
};

void drive_disc_costs(const struct drive_state *state, struct medium *m)
{
	m->write_blocks = 1;
	for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
		const struct cost *c = &costs[i];

		if (c->profile != state->profile)
			continue;
		m->write_blocks = c->write_blocks;
		m->min_blocks = c->min_blocks;
		m->end_blocks = c->end_blocks;
		/* It is tracks that are counted. */
		m->sessions_max = c->sessions_max;
		if (c->sessions_max && state->tracks_n > m->sessions)
			m->sessions_max -= state->tracks_n - m->sessions;
		m->simulates = c->simulates;
		m->gap_blocks = m->overwritable	  ? 0
				: m->sessions > 0 ? c->gap_later
						  : c->gap_first;
	}
}

/* ---- before ---- */

static void sleep_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000,
			     .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/*
 * Flags of burn_disc_format: the default size, and no lengthy certification
 * of a medium that is made to find its bad blocks while it is written.
 */
#define FORMAT_FLAGS (3 << 1 | 1 << 6)

static int format(struct drive_disc *d, struct why *why)
{
	struct burn_drive *handle = d->drive->handle;
	struct burn_progress p;
	int well;

	library_drain();
	burn_disc_format(handle, 0, FORMAT_FLAGS);
	while (burn_drive_get_status(handle, &p) != BURN_DRIVE_IDLE)
		sleep_ms(POLL_MS);
	well = burn_drive_wrote_well(handle);
	drive_disc_burn_end(&d->disc);
	if (well)
		return 0;
	return library_error(0, "cannot format the disc", why);
}

int drive_disc_prepare(struct disc *disc, const struct burn_settings *settings,
		       struct why *why)
{
	struct drive_disc *d = drive_of(disc);
	struct burn_drive *handle;
	struct medium m;
	int err;

	if (settings->dummy)
		return 0;
	/* Nor is another one to be formatted. */
	err = disc_look_again(disc, &m, why);
	if (err < 0)
		return err;
	/* DVD+RW is formatted by libburn while it is written. */
	if (m.status != DISC_BLANK || !d->state.unformatted ||
	    d->state.profile == PROFILE_DVD_PLUS_RW)
		return 0;
	err = drive_disc_burn_begin(disc, &handle, why);
	return err < 0 ? err : format(d, why);
}

int drive_disc_burn_begin(struct disc *disc, struct burn_drive **ret,
			  struct why *why)
{
	struct drive_disc *d = drive_of(disc);

	/* Before the drive's lock, which is taken below beside's. */
	beside_forget(disc);
	LOCK_GUARD(&d->lock);
	if (d->burning)
		return why_set(why, -EBUSY, "%s is being written to",
			       disc->path);
	d->burning = true;
	*ret = d->drive->handle;
	return 0;
}

static uint32_t speed_of(const struct burn_settings *settings, int profile)
{
	if (!settings->speed_x)
		return settings->speed_kbs;
	return settings->speed_x *
	       (drive_is_cd(profile)	  ? SPEED_CD
		: profile >= PROFILE_BD_R ? SPEED_BD
					  : SPEED_DVD) /
	       10;
}

bool drive_disc_burn_choose(struct disc *disc, uint64_t nwa,
			    const struct burn_settings *settings,
			    struct burn_write_opts *opts)
{
	struct drive_disc *d = drive_of(disc);
	bool overwritable = d->state.overwritable;

	burn_write_opts_set_underrun_proof(opts, 1);
	burn_write_opts_set_multi(opts, !overwritable && !settings->close);
	if (overwritable)
		burn_write_opts_set_start_byte(opts, (off_t)(nwa * DISC_BLOCK));
	burn_write_opts_set_stream_recording(opts, settings->stream);
	burn_drive_set_speed(d->drive->handle, 0,
			     (int)speed_of(settings, d->state.profile));
	/*
	 * On DVD+R and BD-R libburn would reserve a track as long as the
	 * session; a burn that fails leaves that and one more open track, so
	 * that the next session begins in the middle of this one.
	 */
	return !overwritable && !drive_is_cd(d->state.profile);
}

bool drive_disc_is_burning(struct disc *disc)
{
	struct drive_disc *d = drive_of(disc);
	LOCK_GUARD(&d->lock);

	return d->burning;
}

/* ---- afterwards ---- */

void drive_disc_burn_end(struct disc *disc)
{
	struct drive_disc *d = drive_of(disc);
	LOCK_GUARD(&d->lock);

	d->burning = false;
	d->drive->assessed = false;
	d->marked = d->doubtful = false;
	block_cache_drop(d->cache);
	pthread_cond_broadcast(&d->idle);
}

int drive_disc_burn_sync(struct disc *disc, uint64_t nwa, uint64_t blocks,
			 struct why *why)
{
	struct drive_disc *d = drive_of(disc);
	struct medium m;
	int err = drive_disc_look(disc, &m, why);

	if (err < 0)
		return err;
	if (d->state.readable_blocks < nwa + blocks)
		return why_set(why, -EIO,
			       "%s ends at block %llu after the burn, before "
			       "the end of the session",
			       disc->path,
			       (unsigned long long)d->state.readable_blocks);
	if (!m.overwritable && m.last_lba != nwa)
		return why_set(why, -EIO,
			       "%s shows no session at block %llu after the "
			       "burn",
			       disc->path, (unsigned long long)nwa);
	return 0;
}

/* A track that a failed burn left open is in the way of the next one. */
void drive_disc_burn_undo(struct disc *disc)
{
	struct drive_disc *d = drive_of(disc);
	struct burn_drive *handle;
	struct why why = {""};
	struct medium m;
	int err;

	if (drive_disc_look(disc, &m, NULL) < 0 || m.overwritable ||
	    !d->state.damaged)
		return;
	err = drive_disc_burn_begin(disc, &handle, NULL);
	if (err < 0)
		return;
	err = drive_close_damaged(d->drive, &why);
	drive_disc_burn_end(disc);
	if (err < 0)
		log_warning("%s: %s", disc->path, why_text(&why, err));
}

int drive_disc_erase(struct disc *disc, uint64_t lba, uint64_t blocks,
		     struct why *why)
{
	uint64_t lbas[ERASE_PARTS_MAX];
	uint64_t medium = disc_readable(disc) / DISC_BLOCK;
	size_t n = erase_list(disc, lba, blocks, lbas);
	struct burn_drive *handle = NULL;
	int err = 0;

	if (n > 0) {
		err = drive_disc_burn_begin(disc, &handle, why);
		if (err < 0)
			return err;
		library_drain();
		err = erase_parts(handle, medium, lbas, n);
		if (err == -EIO)
			err = library_error(0, "cannot clear the disc", why);
		drive_disc_burn_end(disc);
	}
	beside_forget(disc);
	return err;
}

static int write_head(struct drive_disc *d, const unsigned char *head)
{
	AUTO_FREE char *copy = malloc(DISC_HEAD_BYTES);
	int ret;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, head, DISC_HEAD_BYTES);
	/* 32 blocks: whole ones on each medium.  1: and nothing stays in the
	 * drive's memory. */
	ret = burn_random_access_write(d->drive->handle, 0, copy,
				       DISC_HEAD_BYTES, 1);
	return ret == 1 ? 0 : -EIO;
}

int drive_disc_write_head(struct disc *disc, const void *head, struct why *why)
{
	AUTO_FREE unsigned char *back = malloc(DISC_HEAD_BYTES);
	struct drive_disc *d = drive_of(disc);
	struct burn_drive *handle;
	struct medium m;
	char text[300];
	int err;

	if (!back)
		return -ENOMEM;
	snprintf(text, sizeof text, "cannot write the head of %.200s",
		 disc->path);
	err = drive_disc_look(disc, &m, why);
	if (err < 0)
		return err;
	if (m.why_not_writable || !m.overwritable)
		return why_set(why, -EROFS, "%s: %s", text,
			       m.overwritable ? m.why_not_writable
					      : "this medium has none");
	err = drive_disc_burn_begin(disc, &handle, why);
	if (err < 0)
		return err;
	library_drain();
	err = write_head(d, head);
	if (err == -EIO)
		err = library_error(0, text, why);
	drive_disc_burn_end(disc);
	if (err < 0)
		return err;
	err = drive_disc_look(disc, &m, why);
	if (err < 0)
		return err;
	if (drive_disc_read_head(disc, back) < 0 ||
	    memcmp(head, back, DISC_HEAD_BYTES) != 0)
		return why_set(why, -EIO,
			       "the head of %s reads back differently",
			       disc->path);
	return 0;
}
