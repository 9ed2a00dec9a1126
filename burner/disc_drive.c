/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The medium in a drive, by libburn.  The block device is not read: what the
 * kernel thinks of its size is stale after a burn.  disc_drive_burn.c writes.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burner/block_cache.h"
#include "burner/chain.h"
#include "burner/disc_drive.h"
#include "burner/library.h"
#include "burner/volume.h"
#include "common/cleanup.h"

/* Flags of burn_read_data: no message on an error, no second try singly. */
#define READ_FLAGS (2 | 4)

/* To open, change, close and spin up takes longer. */
enum { SWAP_SECONDS = 3 };

static int read_raw(struct drive_disc *d, uint64_t lba, size_t n, void *buf)
{
	off_t size = (off_t)n * DISC_BLOCK, got = 0;
	bool good = d->drive->handle &&
		    burn_read_data(d->drive->handle, (off_t)lba * DISC_BLOCK,
				   buf, size, &got, READ_FLAGS) > 0 &&
		    got == size;

	d->doubtful = !good;
	clock_gettime(CLOCK_MONOTONIC, &d->read_at);
	return good ? 0 : -EIO;
}

static bool is_same_locked(struct drive_disc *d)
{
	unsigned char block[DISC_BLOCK];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!d->marked ||
	    (!d->doubtful && now.tv_sec - d->read_at.tv_sec < SWAP_SECONDS))
		return true;
	if (read_raw(d, d->mark_lba, 1, block) < 0) {
		d->trouble = TROUBLE_GONE;
		return false;
	}
	d->doubtful = memcmp(block, d->mark, sizeof block) != 0;
	if (d->doubtful)
		d->trouble = TROUBLE_OTHER;
	return !d->doubtful;
}

/* Of the cache: the drive's lock is held. */
static int read_medium(void *arg, uint64_t lba, size_t n, void *buf)
{
	struct drive_disc *d = arg;

	if (d->burning)
		return -EBUSY;
	if (!is_same_locked(d))
		return -EIO;
	if (read_raw(d, lba, n, buf) == 0) {
		d->trouble = TROUBLE_NONE;
		return 0;
	}
	/* The block, or all of the medium? */
	if (is_same_locked(d)) {
		d->trouble = TROUBLE_BLOCK;
		d->trouble_lba = lba;
	}
	return -EIO;
}

static bool drive_disc_trouble(struct disc *disc, struct why *why)
{
	struct drive_disc *d = drive_of(disc);
	LOCK_GUARD(&d->lock);

	switch (d->trouble) {
	case TROUBLE_NONE:
		return false;
	case TROUBLE_BLOCK:
		why_set(why, -EIO, "block %llu or one behind it is unreadable",
			(unsigned long long)d->trouble_lba);
		break;
	case TROUBLE_GONE:
		why_set(why, -EIO,
			"the medium cannot be read: it, or the drive, is gone");
		break;
	case TROUBLE_OTHER:
		why_set(why, -EIO, "another medium is in the drive");
		break;
	}
	return true;
}

/*
 * A drive that writes does not read.  What is not in the cache waits for the
 * end of the burn.
 */
static int drive_read(struct disc *disc, void *buf, size_t len, uint64_t pos)
{
	struct drive_disc *d = drive_of(disc);
	int err;
	LOCK_GUARD(&d->lock);

	for (;;) {
		err = block_cache_read(d->cache, buf, len, pos,
				       d->state.readable_blocks);
		if (err == 0 || !d->burning)
			return err;
		pthread_cond_wait(&d->idle, &d->lock);
	}
}

/* From now on the medium is known by its block @lba. */
static void mark(struct drive_disc *d, uint64_t lba)
{
	LOCK_GUARD(&d->lock);

	d->mark_lba = lba;
	d->marked = block_cache_read(d->cache, d->mark, DISC_BLOCK,
				     lba * DISC_BLOCK,
				     d->state.readable_blocks) == 0;
}

static uint64_t drive_readable(struct disc *disc)
{
	struct drive_disc *d = drive_of(disc);
	LOCK_GUARD(&d->lock);

	return d->state.readable_blocks * DISC_BLOCK;
}

static uint64_t drive_session_end(struct disc *disc, uint32_t lba)
{
	struct drive_disc *d = drive_of(disc);
	LOCK_GUARD(&d->lock);

	for (size_t i = 0; !d->state.overwritable && i < d->state.sessions_n;
	     i++) {
		if (d->state.sessions[i].lba == lba)
			return d->state.sessions[i].end;
	}
	return d->state.readable_blocks;
}

int drive_disc_read_head(struct disc *disc, void *head)
{
	uint64_t readable = drive_readable(disc);
	size_t n =
		readable < DISC_HEAD_BYTES ? (size_t)readable : DISC_HEAD_BYTES;

	memset((unsigned char *)head + n, 0, DISC_HEAD_BYTES - n);
	return drive_read(disc, head, n, 0);
}

static int drive_identity(struct disc *disc, uint64_t *ret_dev,
			  uint64_t *ret_ino, char serial[64])
{
	*ret_dev = 0;
	*ret_ino = 0;
	memcpy(serial, drive_of(disc)->drive->serial, 64);
	return 0;
}

/* What the drive tells; the medium's content is not looked at.  Locked. */
static int assess_locked(struct drive_disc *d, struct medium *m,
			 struct why *why)
{
	struct drive_state state;
	int err;

	while (d->burning)
		pthread_cond_wait(&d->idle, &d->lock);
	err = drive_assess(d->drive, &state, why);
	if (err < 0)
		return err;
	block_cache_drop(d->cache);
	d->marked = d->doubtful = false;
	drive_state_release(&d->state);
	d->state = state;
	m->status = state.status;
	m->type = d->state.type;
	m->overwritable = state.overwritable;
	m->can_blank = state.overwritable || state.erasable;
	m->free_blocks = state.free_blocks;
	m->nwa = state.overwritable ? DISC_SESSION_ALIGN : state.nwa;
	if (!state.overwritable && state.sessions_n > 0) {
		m->sessions = (unsigned)state.sessions_n;
		m->last_lba = state.sessions[state.sessions_n - 1].lba;
		m->end_lba = state.sessions[state.sessions_n - 1].end;
	}
	drive_disc_costs(&d->state, m);
	return 0;
}

/* The sessions that the superblock of an overwritable medium leads to. */
static int look_at_head(struct disc *disc, const unsigned char *head,
			struct medium *m, struct why *why)
{
	AUTO_FREE struct disc_session *sessions = NULL;
	struct volume vol;
	size_t n;
	int err;

	if (!volume_parse_head(head, &vol)) {
		if (!blank_is_zero(head, DISC_HEAD_BYTES))
			beside_foreign(disc, head, m);
		else if (m->status == DISC_BLANK)
			return beside_zeros(disc, m);
		return 0;
	}
	/* The drive calls all of them blank. */
	if (m->status == DISC_BLANK)
		m->status = DISC_APPENDABLE;
	m->end_lba = vol.blocks;
	disc_note_head(head, m);
	err = chain_last(disc, head, &m->head_lba);
	if (err < 0)
		return why_set(why, err, "cannot read the superblocks of %s",
			       disc->path);
	err = chain_sessions(disc, head, &sessions, &n, why);
	if (err < 0)
		return err;
	m->sessions = (unsigned)n;
	chain_place_next(disc, head, sessions, n, m);
	doubts_choose(&disc->doubts, sessions, n, m);
	beside_udf(disc, m);
	return 0;
}

static void drive_eject(struct disc *disc)
{
	drive_of(disc)->eject = true;
}

static int copy_toc(struct drive_disc *d, struct drive_session **ret,
		    size_t *ret_n)
{
	LOCK_GUARD(&d->lock);

	*ret_n = d->state.sessions_n;
	*ret = calloc(*ret_n ? *ret_n : 1, sizeof **ret);
	if (!*ret)
		return -ENOMEM;
	if (*ret_n)
		memcpy(*ret, d->state.sessions, *ret_n * sizeof **ret);
	return 0;
}

/* Returns 1 if @lba has a session of ISO 9660, 0 if of something else, or
 * -EIO: nothing can be read there, or nothing was written. */
static int is_session(struct disc *disc, uint32_t lba)
{
	unsigned char block[DISC_BLOCK];
	struct volume vol;

	if (disc_read(disc, block, sizeof block,
		      ((uint64_t)lba + VOLUME_SUPERBLOCK) * DISC_BLOCK) < 0 ||
	    (block[0] == 0 && memcmp(block, block + 1, sizeof block - 1) == 0))
		return -EIO;
	return volume_parse(block, &vol);
}

/* The session at @lba holds data, and no ISO 9660. */
static void look_at_other(struct disc *disc, uint32_t lba, struct medium *m)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);

	beside_foreign(disc,
		       head && disc_read(disc, head, DISC_HEAD_BYTES,
					 (uint64_t)lba * DISC_BLOCK) == 0
			       ? head
			       : NULL,
		       m);
}

/*
 * The last session of a sequential medium that counts.  Behind one that cannot
 * be read, and that is not known to be a failed one of ours, nothing is
 * written unasked: the next session would leave out what it holds.
 */
static int look_at_last(struct disc *disc, struct medium *m)
{
	struct drive_disc *d = drive_of(disc);
	char reason[DOUBT_REASON], first[DOUBT_REASON] = "";
	AUTO_FREE struct drive_session *toc = NULL;
	unsigned last = 0;
	enum doubt doubt;
	size_t n;
	int is, err = copy_toc(d, &toc, &n);

	if (err < 0)
		return err;
	while (n-- > 0 && !m->has_base) {
		doubt = doubts_look(&disc->doubts, toc[n].lba, reason);
		if (doubt == DOUBT_PASSED_OVER)
			continue;
		is = doubt == DOUBT_UNREADABLE ? -EIO
		     : toc[n].audio	       ? 0
					       : is_session(disc, toc[n].lba);
		if (is == 0) {
			m->status = DISC_FOREIGN;
			if (!toc[n].audio)
				look_at_other(disc, toc[n].lba, m);
			return 0;
		}
		if (is > 0) {
			m->has_base = true;
			m->base_lba = toc[n].lba;
			m->base_number = (unsigned)n + 1;
		} else if (!m->unreadable++) {
			last = (unsigned)n + 1;
			snprintf(first, sizeof first, "%s",
				 doubt == DOUBT_NONE ? "it has no superblock"
						     : reason);
		}
	}
	if (m->unreadable)
		doubts_tell(&disc->doubts, m, last, first);
	if (m->has_base)
		beside_udf(disc, m);
	return 0;
}

/* Why nothing can be written to it, by what is known of it. */
static const char *judge(struct drive_disc *d, const struct medium *m)
{
	switch (m->status) {
	case DISC_FOREIGN:
		return m->why_not_writable ? m->why_not_writable
					   : "it holds no ISO 9660 file system";
	case DISC_CLOSED:
		return "the disc is closed";
	case DISC_DAMAGED:
		snprintf(d->why_full, sizeof d->why_full,
			 "a burn left its last track open, which is closed by "
			 "\"discfs recover %s\"",
			 d->disc.path);
		return d->why_full;
	case DISC_PROTECTED:
		return "the disc is write-protected";
	case DISC_UNSUPPORTED:
		return "it is of a kind that cannot be written";
	default:
		break;
	}
	if (m->sessions_max && m->sessions >= m->sessions_max) {
		snprintf(d->why_full, sizeof d->why_full,
			 "it has %u sessions, and takes no more", m->sessions);
		return d->why_full;
	}
	if (m->why_not_writable)
		return m->why_not_writable;
	return m->free_blocks ? NULL : "there is no space left for a session";
}

/* What the medium is known by. */
struct known {
	bool marked;
	uint64_t lba;
	unsigned char block[DISC_BLOCK];
};

static void known_save(const struct drive_disc *d, struct known *ret)
{
	ret->marked = d->marked;
	ret->lba = d->mark_lba;
	memcpy(ret->block, d->mark, sizeof ret->block);
}

/* The medium that is there was not asked about what is in @k. */
static void known_restore(struct drive_disc *d, const struct known *k,
			  enum drive_trouble trouble)
{
	d->marked = d->doubtful = k->marked;
	d->mark_lba = k->lba;
	memcpy(d->mark, k->block, sizeof d->mark);
	d->trouble = trouble;
}

static int say_gone(const struct drive_disc *d, struct why *why)
{
	return why_set(why, -ENOMEDIUM,
		       "the medium in %s cannot be read: it, or the drive, is "
		       "gone",
		       d->disc.path);
}

/* After it was assessed.  Else reads would go on, of the other medium. */
static int check_known(struct drive_disc *d, const struct known *k,
		       enum disc_status status, struct why *why)
{
	unsigned char block[DISC_BLOCK];
	bool is_read = k->marked && status != DISC_NONE &&
		       read_raw(d, k->lba, 1, block) == 0;

	if (is_read && memcmp(block, k->block, sizeof block) == 0)
		return 0;
	if (!k->marked && status != DISC_NONE)
		return 0;
	/* On a blank one there is nothing to read. */
	if (!is_read && status != DISC_BLANK) {
		known_restore(d, k, TROUBLE_GONE);
		return say_gone(d, why);
	}
	known_restore(d, k, TROUBLE_OTHER);
	return why_set(why, -ESTALE, "another medium is in %s", d->disc.path);
}

static int assess_and_check(struct drive_disc *d, const struct known *known,
			    struct medium *m, struct why *why)
{
	int err = assess_locked(d, m, why);

	return err ? err : check_known(d, known, m->status, why);
}

/* Where it is not the one that was there, that one's state stays. */
static int assess_known_locked(struct drive_disc *d, struct medium *m,
			       struct why *why)
{
	struct drive_state state;
	struct known known;
	int err;

	while (d->burning)
		pthread_cond_wait(&d->idle, &d->lock);
	known_save(d, &known);
	state = d->state;
	d->state = (struct drive_state){0};
	err = assess_and_check(d, &known, m, why);
	/* A drive that was unplugged answers again only to who opens it anew. */
	if (err && err != -ESTALE && drive_reopen(d->drive, NULL) == 0)
		err = assess_and_check(d, &known, m, why);
	if (!err) {
		drive_state_release(&state);
		return 0;
	}
	drive_state_release(&d->state);
	d->state = state;
	return d->drive->handle ? err : say_gone(d, why);
}

static int look_at_medium(struct disc *disc, struct medium *ret,
			  struct why *why, bool same)
{
	struct drive_disc *d = drive_of(disc);
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	struct medium m = {0};
	int err;

	if (!head)
		return -ENOMEM;
	{
		LOCK_GUARD(&d->lock);
		err = same ? assess_known_locked(d, &m, why)
			   : assess_locked(d, &m, why);
	}
	if (err < 0)
		return err;
	/* One that was formatted and never written may have less. */
	if (m.overwritable && drive_readable(disc) >= DISC_HEAD_BYTES) {
		err = drive_disc_read_head(disc, head);
		if (err < 0)
			return why_set(why, err, "cannot read the head of %s",
				       disc->path);
		err = look_at_head(disc, head, &m, why);
	} else if (m.sessions > 0) {
		err = look_at_last(disc, &m);
	}
	if (err < 0)
		return err;
	if (m.has_base)
		mark(d, (m.overwritable ? 0 : m.base_lba) + VOLUME_SUPERBLOCK);
	/* Of an overwritable medium libburn counts from its start. */
	m.capacity_blocks = m.free_blocks + (m.overwritable ? 0 : m.nwa);
	if (m.capacity_blocks < m.end_lba)
		m.capacity_blocks = m.end_lba;
	if (m.overwritable)
		m.free_blocks = m.capacity_blocks > m.nwa
					? m.capacity_blocks - m.nwa
					: 0;
	/* What is written in whole ones only. */
	m.free_blocks -= m.free_blocks % m.write_blocks;
	m.free_blocks -=
		m.free_blocks < m.end_blocks ? m.free_blocks : m.end_blocks;
	m.why_not_writable = judge(d, &m);
	if (!m.why_not_writable && m.damage)
		doubts_forbid(&disc->doubts, &m);
	*ret = m;
	return 0;
}

int drive_disc_look(struct disc *disc, struct medium *ret, struct why *why)
{
	return look_at_medium(disc, ret, why, false);
}

static int drive_look_again(struct disc *disc, struct medium *ret,
			    struct why *why)
{
	return look_at_medium(disc, ret, why, true);
}

/* A session as the table of contents and its superblock tell. */
static void fill_session(struct disc *disc, const struct drive_session *from,
			 struct disc_session *ret)
{
	unsigned char block[DISC_BLOCK];
	char reason[DOUBT_REASON];
	struct volume vol;

	ret->lba = from->lba;
	ret->blocks = from->end - from->lba;
	ret->passed_over = doubts_look(&disc->doubts, from->lba, reason) ==
			   DOUBT_PASSED_OVER;
	if (disc_read(disc, block, sizeof block,
		      ((uint64_t)from->lba + VOLUME_SUPERBLOCK) * DISC_BLOCK) <
		    0 ||
	    !volume_parse(block, &vol))
		return;
	ret->created = vol.created;
	memcpy(ret->volume_id, vol.volume_id, sizeof ret->volume_id);
}

static int drive_sessions(struct disc *disc, struct disc_session **ret,
			  size_t *ret_n, struct why *why)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	AUTO_FREE struct drive_session *toc = NULL;
	struct disc_session *sessions = NULL;
	struct medium m = {0};
	size_t n;
	int err;

	if (!head)
		return -ENOMEM;
	err = drive_disc_look(disc, &m, why);
	if (err < 0)
		return err;
	if (m.sessions > 0 && m.overwritable) {
		err = drive_disc_read_head(disc, head);
		if (err < 0)
			return why_set(why, err, "cannot read the head of %s",
				       disc->path);
		return chain_sessions(disc, head, ret, ret_n, why);
	}
	err = copy_toc(drive_of(disc), &toc, &n);
	if (err < 0)
		return err;
	if (n > 0 && m.sessions > 0) {
		sessions = calloc(n, sizeof *sessions);
		if (!sessions)
			return -ENOMEM;
		for (size_t i = 0; i < n; i++)
			fill_session(disc, &toc[i], &sessions[i]);
	}
	*ret = sessions;
	*ret_n = sessions ? n : 0;
	return 0;
}

static void drive_free(struct disc *disc)
{
	struct drive_disc *d = drive_of(disc);

	drive_close(d->drive, d->eject);
	drive_state_release(&d->state);
	block_cache_free(d->cache);
	doubts_release(&disc->doubts);
	beside_release(&disc->beside);
	tails_release(&disc->tails);
	pthread_cond_destroy(&d->idle);
	pthread_mutex_destroy(&d->lock);
	free(disc->path);
	free(d);
}

static const struct disc_ops drive_ops = {
	.look = drive_disc_look,
	.look_again = drive_look_again,
	.read = drive_read,
	.read_head = drive_disc_read_head,
	.write_head = drive_disc_write_head,
	.sessions = drive_sessions,
	.session_end = drive_session_end,
	.eject = drive_eject,
	.identity = drive_identity,
	.readable = drive_readable,
	.prepare = drive_disc_prepare,
	.burn_begin = drive_disc_burn_begin,
	.burn_choose = drive_disc_burn_choose,
	.burn_end = drive_disc_burn_end,
	.burn_sync = drive_disc_burn_sync,
	.burn_undo = drive_disc_burn_undo,
	.erase = drive_disc_erase,
	.is_burning = drive_disc_is_burning,
	.trouble = drive_disc_trouble,
	.free = drive_free,
};

static int open_drive(struct drive_disc *d, const struct disc_params *params,
		      struct why *why)
{
	const char *path = params->path;
	struct medium medium = {0};
	int err;

	d->disc.ops = &drive_ops;
	d->disc.fd = -1;
	d->disc.path = strdup(path);
	if (!d->disc.path)
		return -ENOMEM;
	err = block_cache_new(read_medium, d, &d->cache);
	if (err < 0)
		return err;
	/* Who only reads does not disturb others who do. */
	if (params->writable)
		err = drive_check_alone(path, why);
	if (err == 0)
		err = drive_open(d->disc.path, &d->drive, why);
	if (err < 0)
		return err;
	if (params->foreign)
		return 0;
	err = drive_disc_look(&d->disc, &medium, why);
	if (err < 0)
		return err;
	if (medium.status == DISC_FOREIGN)
		return disc_refuse_foreign(&d->disc, &medium, why);
	if (medium.status == DISC_UNSUPPORTED && !medium.sessions)
		return why_set(why, -EMEDIUMTYPE, "%s cannot be used: %s", path,
			       medium.why_not_writable);
	return 0;
}

int drive_disc_open(const struct disc_params *params, struct disc **ret,
		    struct why *why)
{
	struct drive_disc *d = calloc(1, sizeof *d);
	int err;

	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->idle, NULL);
	doubts_init(&d->disc.doubts);
	beside_init(&d->disc.beside);
	tails_init(&d->disc.tails);
	err = open_drive(d, params, why);
	if (err < 0) {
		drive_free(&d->disc);
		return err;
	}
	*ret = &d->disc;
	return 0;
}

bool drive_disc_parts(struct disc *disc, struct drive **ret_drive,
		      const struct drive_state **ret_state)
{
	if (disc->ops != &drive_ops)
		return false;
	*ret_drive = drive_of(disc)->drive;
	*ret_state = &drive_of(disc)->state;
	return true;
}
