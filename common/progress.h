/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

/*
 * One event of a long work (a commit, a check): which phase, how far, on
 * which file.  The work calls the sink from its own thread, some ten times a
 * second at most and once at the start and the end of each phase; the sink
 * copies what it keeps and returns soon.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *phase;    /* "authoring", "burning", "closing", "verifying",
			       * "rebasing",    "checking", "exporting", "waiting" */
	uint64_t blocks_done; /* of 2048 bytes */
	uint64_t blocks_total; /* 0: not known */
	bool relative;	      /* they only tell how far, in parts of a whole */
	const char *file;     /* path in the disc, or NULL */
	/* While "waiting": whose end, in words ("an export").  A constant. */
	const char *waits_for;
	uint64_t bytes_per_second; /* 0: not known */
	uint32_t seconds_left;     /* 0: not known */
};

struct progress_sink {
	void (*report)(void *arg, const struct progress *p);
	void *arg;
	/*
	 * Set by another thread to stop the work as soon as it can be stopped
	 * without harm: it then returns -ECANCELED.  May be NULL.
	 */
	const atomic_int *cancel;
};

#endif
