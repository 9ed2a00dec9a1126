/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_RECORD_H
#define FS_RECORD_H

/*
 * Between the tree and the stage's rows: what changed becomes a batch, loaded
 * rows become changes again.
 */

#include <stdint.h>

#include "common/why.h"
#include "fs/stage.h"
#include "fs/tree.h"

/*
 * record_flush - write what changed since the last flush into @st, as one
 * consistent cut: durable on return.  With nothing changed it does nothing.
 * One caller at a time (the volume's flush lock); takes the tree lock for the
 * copying only.
 * Returns 0 or -errno; after a failure the next flush writes all rows anew.
 */
int record_flush(struct tree *t, struct stage *st, struct why *why);

/*
 * record_flush_with - the same even if nothing changed, and @also is called
 * with the tree lock held right at the cut: what it sees is what the rows say.
 */
typedef int (*record_also)(struct tree *t, void *arg);
int record_flush_with(struct tree *t, struct stage *st, record_also also,
		      void *arg, struct why *why);

/* record_rebase - one transaction: all rows anew, @binding, no intent. */
int record_rebase(struct tree *t, struct stage *st,
		  const struct stage_binding *binding, struct why *why);

/*
 * record_load - put the deltas of @st on @t, which holds the base they are
 * against and nothing else.  Nothing runs beside it.
 * Returns 0, -EBADMSG (a row that names what is not there, or a tree that is
 * none), or what stage_load returns.
 */
int record_load(struct tree *t, struct stage *st, struct why *why);

#endif
