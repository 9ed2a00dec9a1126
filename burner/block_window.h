/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_BLOCK_WINDOW_H
#define BURNER_BLOCK_WINDOW_H

/*
 * Inside burner/ only: who walks over a tree reads it block by block and mostly
 * in order; an image file is read in larger pieces for it.  (What comes from a
 * drive has block_cache.h in front of it.)  Takes no lock; of no use where the
 * blocks may change meanwhile.
 */

#include <stdint.h>

#include "burner/disc.h"

enum { WINDOW_BLOCKS = 32 };

/* Begins as {0}. */
struct block_window {
	uint64_t lba, next; /* the first block; the one behind the last read */
	uint64_t alone;	    /* up to here a read of many has failed */
	unsigned n;
	unsigned char data[WINDOW_BLOCKS * DISC_BLOCK];
};

/*
 * window_read - block @lba of @disc into @buf, from the window or with what
 * follows it.  A block that cannot be read fails only the reads of itself.
 * Returns 0 or as disc_read.
 */
int window_read(struct block_window *w, struct disc *disc, uint64_t lba,
		unsigned char buf[DISC_BLOCK]);

#endif
