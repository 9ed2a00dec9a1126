/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_PAST_H
#define FS_PAST_H

/*
 * The older sessions in the mount: below ".discfs/sessions/N/" in the root, N
 * as "discfs log" counts, the last one too.  The folder is found by its name
 * and not listed; something of that name on the disc wins.
 *
 * Inode numbers: below 2^32 they are the live tree's; from TREE_OTHERS on the
 * upper half says whose they are: 1 the two folders above the sessions, N + 1
 * session N.  The lower half is the number in a tree of its own.  A session is
 * imported when something of it is looked at, and the tree kept for a while: a
 * few at a time.  Importing it again gives each node the same number, so the
 * kernel may know nodes of a tree that is not there.
 *
 * Nothing of it can be changed: tree_*() answer -EROFS for such numbers.
 */

#include <stdint.h>

#include "fs/tree.h"

struct volume;
struct past;
struct past_tree;

/* A node's own tree, and its number there; held until volume_view_end. */
struct view {
	struct tree *tree;
	uint64_t ino;
	struct past_tree *held;
};

/*
 * volume_view - may import a session, which takes seconds.  0; -EBUSY while a
 * burn has the disc, -ESTALE for a session that is not there, -EIO.
 */
int volume_view(struct volume *v, uint64_t ino, struct view *ret);
void volume_view_end(struct volume *v, struct view *view);

/*
 * volume_lookup, volume_readdir - tree_lookup and tree_readdir on any folder of
 * the mount.  An entry that is ->uncounted was not looked up: the kernel is
 * told its number only.
 */
int volume_lookup(struct volume *v, uint64_t parent, const char *name,
		  struct tree_entry *ret);
int volume_readdir(struct volume *v, uint64_t ino, uint64_t cookie, bool plus,
		   tree_emit emit, void *arg);

/* past_new, past_free - a volume's.  past_changed - there is one more session:
 * the kernel is told; not from a thread that serves requests. */
int past_new(struct past **ret);
void past_free(struct past *p);
void past_changed(struct volume *v);

#endif
