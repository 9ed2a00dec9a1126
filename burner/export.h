/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_EXPORT_H
#define BURNER_EXPORT_H

/*
 * A tree as an image of its own: one session at block 0 that holds all content,
 * also what the base has on the disc.  Made as a session is (session.h), by the
 * same plan, and written to a descriptor; the disc is only read.
 */

#include "burner/session.h"

struct export_result {
	uint64_t blocks;
	/* What could not be taken along, in words for a person; NULL: nothing.
	 */
	const char *left_out;
};

/*
 * export_image - write the tree that @plan makes of the session plan->base of
 * @disc to @fd: a regular file, which is written from its position on, or a
 * pipe or the like.  plan->close is not looked at; with a base_digest of zeros,
 * whatever the base is will do.  The library lock is held all the time.
 * @sink hears of phase "exporting".
 * Returns 0; -ECANCELED (also while a pipe takes nothing), -EPIPE, -ENOSPC,
 * -EIO, or as session_author, with @why.  What was written is of no use then.
 */
int export_image(struct disc *disc, const struct session_plan *plan, int fd,
		 const struct progress_sink *sink, struct export_result *ret,
		 struct why *why);

#endif
