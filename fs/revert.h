/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_REVERT_H
#define FS_REVERT_H

/*
 * Dropping deltas: what stands at and below some paths is again as the base has
 * it.  What is chosen, by the two views of the tree:
 *	added		is at or below the path: it goes
 *	removed		was at or below the path: it comes back, as it was
 *	moved		is or was at or below the path: the node goes back to
 *its old place, and with a folder all deltas in it are dropped modified
 *is at or below the path: the base's content and attributes; of a file with
 *several names, under all of them So afterwards no delta is left at or below
 *the path.
 *
 * Only the deltas go: a file that was removed from a folder that was moved
 *comes back into the moved folder.  Where the folder is removed, or the name is
 *taken by something that stays, nothing at all is done, and @why names what
 *else has to be reverted.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/why.h"
#include "fs/diff.h"
#include "fs/tree.h"

/* What the kernel was told and is not true any more. */
struct stale {
	struct stale_name {
		uint64_t parent;
		char *name;
	} * names;
	uint32_t n_names;
	struct stale_node {
		uint64_t ino;
		bool content; /* or attributes only */
	} * nodes;
	uint32_t n_nodes;
};

struct revert {
	struct diff_entry *entries; /* the deltas that were dropped, sorted */
	uint32_t n;
	struct stale stale;
};

/*
 * revert_paths - drop the deltas at and below @paths ("a/b"; "" and "." are the
 * root), all or nothing.  An ordinary change: the next flush makes it durable.
 * Returns 0 (also where nothing there was changed) and *@ret, to be released;
 * or -errno with @why: -EROFS, -EBUSY (a commit runs), -ENOENT (a path that is
 * neither in the tree nor in the base), -ENOTDIR (its folder is removed),
 * -EEXIST (the name is taken), -ELOOP, -ENOSPC, -ENOMEM.
 */
int revert_paths(struct tree *t, const char *const *paths, size_t n,
		 struct revert *ret, struct why *why);
void revert_release(struct revert *r);

#endif
