/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_DISC_DRIVE_H
#define BURNER_DISC_DRIVE_H

/* For disc_drive*.c: the disc in a drive.  The functions' contracts are those
 * of disc_ops.h. */

#include <pthread.h>
#include <time.h>

#include "burner/block_cache.h"
#include "burner/disc_ops.h"
#include "burner/drive.h"

enum drive_trouble { TROUBLE_NONE, TROUBLE_BLOCK, TROUBLE_GONE, TROUBLE_OTHER };

struct drive_disc {
	struct disc disc;
	struct drive *drive;
	/*
	 * Guards what follows, and libburn's use of the drive: one command
	 * at a time.  A leaf; held over reading, which is what it orders.
	 */
	pthread_mutex_t lock;
	pthread_cond_t idle; /* burning is over */
	bool burning;	     /* by libburn: all but its thread wait */
	struct block_cache *cache;
	struct drive_state state; /* by the last look */
	char why_full[200];
	bool eject;		  /* once it is freed */
	/*
	 * A block of the medium as it was, to know it by: the superblock.  The
	 * tray is locked, but there is the hole in its front.  libburn does not
	 * tell that the medium was changed; so this block is looked at before
	 * the first reading after an error, or after nothing was read for as
	 * long as a change takes.
	 */
	bool marked, doubtful;
	struct timespec read_at;
	uint64_t mark_lba;
	unsigned char mark[DISC_BLOCK];
	enum drive_trouble trouble; /* of the last reading */
	uint64_t trouble_lba;
};

static inline struct drive_disc *drive_of(struct disc *disc)
{
	return (struct drive_disc *)disc;
}

int drive_disc_look(struct disc *disc, struct medium *ret, struct why *why);
int drive_disc_read_head(struct disc *disc, void *head);
int drive_disc_write_head(struct disc *disc, const void *head, struct why *why);
int drive_disc_prepare(struct disc *disc, const struct burn_settings *settings,
		       struct why *why);
int drive_disc_burn_begin(struct disc *disc, struct burn_drive **ret,
			  struct why *why);
bool drive_disc_burn_choose(struct disc *disc, uint64_t nwa,
			    const struct burn_settings *settings,
			    struct burn_write_opts *opts);
void drive_disc_burn_end(struct disc *disc);
int drive_disc_burn_sync(struct disc *disc, uint64_t nwa, uint64_t blocks,
			 struct why *why);
void drive_disc_burn_undo(struct disc *disc);
int drive_disc_erase(struct disc *disc, uint64_t lba, uint64_t blocks,
		     struct why *why);
bool drive_disc_is_burning(struct disc *disc);

/* drive_disc_costs - what a session on such a medium costs, into @m. */
void drive_disc_costs(const struct drive_state *state, struct medium *m);

#endif
