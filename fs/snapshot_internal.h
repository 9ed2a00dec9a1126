/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_SNAPSHOT_INTERNAL_H
#define FS_SNAPSHOT_INTERNAL_H

/* For snapshot*.c and rebase.c. */

#include "common/arena.h"
#include "common/ptrmap.h"
#include "fs/snapshot.h"
#include "fs/tree_internal.h"

struct snapshot {
	struct tree *t;
	struct disc *disc;
	struct arena arena;    /* names and targets */
	struct session_node *nodes;
	uint32_t n_nodes;
	uint32_t *removed;
	const char **removed_names;
	uint32_t n_removed, n_removed_names;
	struct frozen_inode **frozen;
	uint32_t n_frozen;
	uint64_t deltas;
	uint64_t flushes;      /* tree.flushes right after the cut */
	bool taken;	       /* all of it was gathered */
	bool unflushed;	       /* the stage has less */
	int spool_fd;          /* -1: the disc can be read during the burn */
	uint64_t spool_end;
	bool no_links;         /* no file of the frozen tree has two names */
	bool switched;         /* the frozen view is the base now */
	uint64_t places;       /* of the frozen tree, without the root */
	struct rebase *rebase; /* the session read back, by snapshot_import */
	struct ptrmap index;   /* place -> index into nodes, while building */
	struct ptrmap claimed; /* places of the base that a move starts from */
};

/* The frozen view of a place. */
static inline bool in_frozen(const struct dentry *d)
{
	return (d->flags & D_FROZEN_ADD) ||
	       (d->flags & (D_BASE | D_FROZEN_GONE)) == D_BASE;
}

/* snapshot_read_spool - bytes at @off of @f that a spool has.  0 or -EIO. */
int snapshot_read_spool(const struct snapshot *s, const struct frozen_inode *f,
			void *buf, size_t len, uint64_t off);
void snapshot_drop_import(struct snapshot *s);
void frozen_inode_free(struct frozen_inode *f);

#endif
