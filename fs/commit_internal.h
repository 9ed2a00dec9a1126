/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_COMMIT_INTERNAL_H
#define FS_COMMIT_INTERNAL_H

/* For commit*.c and committer.c. */

#include "fs/inhibit.h"
#include "fs/volume_internal.h"

/* One commit, from FREEZING to its end; zeroed but for what is asked for. */
struct commit {
	struct volume *v;
	bool hold;
	bool held; /* volume_hold is done */
	bool dry; /* stop once the size is known */
	struct snapshot *snapshot;
	struct session_plan plan;
	struct session *session;
	struct session_facts facts;
	struct import_info info;
	/* Where the stage's folder is gone: has the intent instead of it. */
	struct stage *stand_in;
	bool intent;	/* is in the stage */
	char note[240]; /* what a failed burn left on the medium */
	bool published;
	bool moved; /* the image, since the stage was told where it is */
	bool simulated; /* -o dummy: nothing was written */
	bool touched;	/* a burn was begun */
	struct inhibit *inhibit; /* from the first block on; NULL: none */
	struct progress_sink sink;
};

/*
 * commit_carry_out - all states, and what is left of a commit that failed
 * settled.  The caller has its turn (volume_take_turn).
 * Returns 0 with the session's blocks (0: there was nothing to burn), or -errno
 * with @why; c->published says whether it is burned nevertheless.
 */
int commit_carry_out(struct commit *c, uint64_t *ret_blocks, struct why *why);

/* commit_settle.c */

/*
 * commit_keeper - the stage that has the intent, and is beside the spool; one
 * is made to stand in where v->stage is lost.  0 or -errno with @why.
 */
int commit_keeper(struct commit *c, struct stage **ret, struct why *why);

/*
 * commit_settle - free what @c holds.  After a failure: clear the intent,
 * unless it is not known what is on the disc; let changes through again, or
 * none any more where the disc has what the tree has not.
 * @err: what the last state returned.
 */
void commit_settle(struct commit *c, int err);

/* commit_events.c: what the watchers are told.  Both take v->lock. */

/* commit_report - a progress_sink's report; @arg is the struct commit. */
void commit_report(void *arg, const struct progress *p);
void commit_set_state(struct volume *v, enum commit_state state);

#endif
