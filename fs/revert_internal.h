/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_REVERT_INTERNAL_H
#define FS_REVERT_INTERNAL_H

/* For revert.c and revert_choose.c: one revert.  The tree lock is held. */

#include "common/ptrmap.h"
#include "fs/revert.h"
#include "fs/tree_internal.h"

/* An inode that becomes what the base says of it. */
struct restored {
	struct inode *inode;
	struct xattrs *xattrs;
	struct extent_map *map; /* NULL: the content is the base's */
};

enum fate { STAYS, LEAVES, ENTERS };

struct reverter {
	struct tree *t;
	struct why *why;
	struct diff_entry *v; /* all deltas */
	uint32_t n;
	bool *chosen;
	struct ptrmap named;   /* places, and folders in which all deltas go */
	struct ptrmap as_base; /* inodes that are restored */
	struct ptrmap fates;   /* places: enum fate */
	struct ptrmap parents; /* folders: how many entries come, plus one */
	struct ptrmap busy;    /* folders with deltas that stay */
	struct restored *restored;
	uint32_t n_restored;
	struct stale stale;
};

static inline int revert_no_memory(struct reverter *r)
{
	return why_set(r->why, -ENOMEM, "out of memory");
}

static inline bool revert_has(const struct ptrmap *m, const void *p)
{
	uint64_t ignored;

	return ptrmap_get(m, ptrmap_key(p), &ignored);
}

static inline uint64_t revert_get(const struct ptrmap *m, const void *p)
{
	uint64_t value = 0;

	ptrmap_get(m, ptrmap_key(p), &value);
	return value;
}

/*
 * revert_name - one path of those to be reverted.
 * revert_choose - set r->chosen, the fates of places and the inodes that are
 * restored, from all deltas and what was named.
 * Return 0 or -errno with r->why.
 */
int revert_name(struct reverter *r, const char *path);
int revert_choose(struct reverter *r);

#endif
