/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_READ_AHEAD_H
#define BURNER_READ_AHEAD_H

/*
 * Inside burner/ only: reads a range of a disc in a thread of its own, some
 * pieces ahead of the one that uses them, so that neither waits for the other.
 * One thread uses it; it holds no lock over a read.
 */

#include <stddef.h>
#include <stdint.h>

#include "burner/disc.h"

struct read_ahead;

/*
 * read_ahead_new - begin to read @len bytes of @disc from @pos (bytes) on.
 * @disc must outlive it.  Returns 0, -ENOMEM, -EAGAIN (no thread).
 */
int read_ahead_new(struct disc *disc, uint64_t pos, uint64_t len,
		   struct read_ahead **ret);

/*
 * read_ahead_next - the next piece, whose length is a multiple of DISC_BLOCK
 * but for the last one's.  *@ret_data may be written to, and is valid until the
 * next call.
 * Returns 1; 0 at the end; -errno where the piece of *@ret_len bytes could not
 * be read, and then always that.
 */
int read_ahead_next(struct read_ahead *r, unsigned char **ret_data,
		    size_t *ret_len);

/* read_ahead_free - waits for the read that goes on, and for no other.  NULL is
 * fine. */
void read_ahead_free(struct read_ahead *r);

#endif
