/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_CARE_H
#define BURNER_CARE_H

/*
 * What is done to a medium as a whole.  First care_check, which refuses in
 * words what the medium cannot do; then, if nobody objects, care_run.
 */

#include <stdbool.h>

#include "burner/medium_info.h"
#include "common/progress.h"
#include "common/why.h"

enum care_job {
	CARE_BLANK,   /* what is on it, is lost */
	CARE_FORMAT,  /* the same */
	CARE_CLOSE,   /* it takes no more sessions, for ever */
	CARE_RECOVER, /* closes a track that a burn left open */
};

/*
 * care_check - whether @job can be done to the medium @m and is of use.  With
 * @full as thorough as the drive can.
 * Returns 0; 1 if it is done already, with words about that in @why; or
 * -EBUSY (others have the drive open, too), -ENOTSUP, -EROFS, -ENOMEDIUM,
 * -EMEDIUMTYPE with @why.
 */
int care_check(const struct medium_info *m, enum care_job job, bool full,
	       struct why *why);

/*
 * care_destroys - whether something on the medium @m would be lost, or cannot
 * be undone, so that somebody has to be asked.
 */
bool care_destroys(const struct medium_info *m, enum care_job job);

/*
 * care_run - does it, and looks at the medium again: @m tells what it is now.
 * Takes from seconds to an hour and cannot be stopped: the drive does it by
 * itself, also when this process ends.  Its progress is in parts of a whole,
 * not in blocks.
 * Returns 0; -EIO with @why: the drive failed, or the medium is not what it
 * should be now.
 */
int care_run(struct medium_info *m, enum care_job job, bool full,
	     const struct progress_sink *sink, struct why *why);

#endif
