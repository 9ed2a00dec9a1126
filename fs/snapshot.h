/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_SNAPSHOT_H
#define FS_SNAPSHOT_H

/*
 * The tree as it is at one moment, for a commit: a plan for the burner, and
 * what is needed to make the burned session the tree's new base afterwards
 * (rebase.c) while the tree goes on changing.  One snapshot at a time.
 *
 *	snapshot_take		FREEZING
 *	snapshot_plan		what session_author wants
 *	snapshot_spool		of a drive: before it writes
 *	snapshot_import		the session is burned: read it back
 *	snapshot_switch		it is the new base
 *	snapshot_free		afterwards, or instead: nothing happened
 */

#include <stdatomic.h>
#include <stdint.h>

#include "burner/disc.h"
#include "burner/import.h"
#include "burner/session.h"
#include "common/why.h"
#include "fs/record.h"
#include "fs/tree.h"

struct snapshot;

/*
 * snapshot_take - flush to @st and take the snapshot in one cut, so that the
 * stage's rows are just what the snapshot has.  Then waits for writes in
 * flight into bytes that are now frozen.
 * Where the flush fails for a reason that harms no staged byte (-ENOSPC, or the
 * stage is lost) and @ret_unflushed is not NULL, the snapshot is taken all the
 * same, and *@ret_unflushed is that -errno, with @why; else it is 0.
 * The caller holds the flush lock.  Returns 0 or -errno.
 */
int snapshot_take(struct tree *t, struct stage *st, struct disc *disc,
		  struct snapshot **ret, int *ret_unflushed, struct why *why);

/*
 * snapshot_look - the same, but nothing is flushed, and nothing will become a
 * base: for a plan that is not burned, of a tree that need not have a stage.
 */
int snapshot_look(struct tree *t, struct disc *disc, struct snapshot **ret,
		  struct why *why);

/* snapshot_deltas - how many deltas it holds; 0: there is nothing to burn. */
uint64_t snapshot_deltas(const struct snapshot *s);

/* snapshot_plan - nodes, removals and the reader; the rest of @plan is the
 * caller's.  Valid until snapshot_free. */
void snapshot_plan(struct snapshot *s, struct session_plan *plan);

/*
 * snapshot_spool - copy what the plan's files have on the disc to a file
 * without a name in @folder, so that the plan can be read while the drive
 * writes.  Returns 0, -ENOSPC, -EIO, -ECANCELED with @why.
 */
int snapshot_spool(struct snapshot *s, const char *folder,
		   const atomic_int *cancel, struct why *why);

/*
 * snapshot_exact - whether nothing was flushed since the snapshot, so that
 * the rows in the stage are those that it burned, or where it was not flushed,
 * older ones of which it burned all.  The caller holds the flush lock.
 */
bool snapshot_exact(const struct snapshot *s);

/*
 * snapshot_import - import @opts' session, the burned one, and check that it
 * is the frozen tree: -EBADMSG with the first difference.  Changes nothing.
 * snapshot_switch - make what was imported the base: burned content comes from
 * the disc from now on, what changed since the snapshot is a delta against the
 * new session.  The caller holds the flush lock and writes the stage's rows
 * anew (record_rebase) before it lets go.  0 or -ENOMEM, and nothing changed.
 */
int snapshot_import(struct snapshot *s, const struct import_opts *opts,
		    struct import_info *ret, struct why *why);
int snapshot_switch(struct snapshot *s, struct why *why);

/* snapshot_free - let go of what was frozen.  Takes NULL. */
void snapshot_free(struct snapshot *s);

#endif
