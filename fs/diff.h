/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_DIFF_H
#define FS_DIFF_H

/*
 * The deltas of a tree in the words of "discfs diff".
 */

#include <stddef.h>
#include <stdint.h>

#include "fs/tree.h"

enum diff_kind {
	DIFF_ADDED = 'A',
	DIFF_REMOVED = 'D',
	DIFF_CONTENT = 'M',
	DIFF_ATTR = 'T',
	DIFF_MOVED = 'R',
};

struct diff_entry {
	enum diff_kind kind;
	char *path;	/* "a/b" as it is now; of a removed one as it was */
	char *old_path; /* DIFF_MOVED: where it was */
	uint64_t size;	/* of a regular file that is added or modified */

	/* While the tree lock is held, for revert.c: the place that is a delta
	 * because only the live tree has it, the one that only the base has,
	 * and the inode that path names (of a removed one: of the base). */
	struct dentry *place, *old_place;
	struct inode *inode;
};

/*
 * diff_collect - all deltas, sorted by path.  Takes the tree lock.
 * The caller releases with diff_free.  0 or -ENOMEM.
 */
int diff_collect(struct tree *t, struct diff_entry **ret, uint32_t *ret_n);
/* diff_collect_locked - the same in no order; the caller holds the tree lock. */
int diff_collect_locked(struct tree *t, struct diff_entry **ret,
			uint32_t *ret_n);
/* diff_sort - in the order of diff_collect. */
void diff_sort(struct diff_entry *v, uint32_t n);
void diff_free(struct diff_entry *v, uint32_t n);

#endif
