/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_BESIDE_H
#define BURNER_BESIDE_H

/*
 * Inside burner/ only: what is on a disc instead of ISO 9660, or beside it, so
 * that nothing is written over it.  Each kind of disc calls these while it is
 * looked at (disc_ops.look).
 */

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "burner/blank.h"
#include "burner/disc.h"
#include "burner/guess.h"
#include "burner/udf.h"

/* What a disc keeps of it; one is part of each struct disc. */
struct beside {
	/* Guards the rest; taken before the locks of reading. */
	pthread_mutex_t lock;
	struct blank_rest rest;
	struct blank_memory memory; /* of an image file */
	/* A medium in a drive: what it was found to be, and when
	 * (CLOCK_MONOTONIC). */
	enum { BESIDE_UNKNOWN, BESIDE_BLANK, BESIDE_UDF, BESIDE_NO_UDF } seen;
	struct timespec seen_at;
	uint32_t seen_lba; /* of the session */
	/* What medium's strings point to; they change with the medium only. */
	char looks_like[GUESS_TEXT];
	char reason[512];
	struct udf_volume udf;
};

void beside_init(struct beside *b);
void beside_release(struct beside *b);

/* beside_forget - the medium was written to, or is another one. */
void beside_forget(struct disc *disc);

/*
 * beside_zeros - @disc, an overwritable medium, has a head of zeros: sets
 * m->status to DISC_BLANK, or to DISC_FOREIGN as beside_foreign.
 * 0 or -errno.
 */
int beside_zeros(struct disc *disc, struct medium *m);

/*
 * beside_foreign - @disc holds no ISO 9660, as its @head shows
 * (DISC_HEAD_BYTES; NULL: there is none that tells): sets m->status to
 * DISC_FOREIGN, m->why_not_writable, and m->looks_like or, where it is UDF,
 * m->udf.
 */
void beside_foreign(struct disc *disc, const unsigned char *head,
		    struct medium *m);

/*
 * beside_udf - the last session of @disc is ISO 9660; all else of @m is filled.
 * Where a UDF file system is beside it, sets m->udf, and m->why_not_writable if
 * there was no other reason.
 */
void beside_udf(struct disc *disc, struct medium *m);

#endif
