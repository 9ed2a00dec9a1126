/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_FACTS_H
#define FS_FACTS_H

/*
 * What a file tells of itself in extended attributes that nobody set:
 *
 *	user.discfs.state	"clean", "added", "removed" (and still open), or
 *of "moved", "modified", "attributes" those that hold, with commas: as "discfs
 *diff" says
 *	user.discfs.session	the number of the session that its content is in
 *	user.discfs.lba		the first block of its content on the disc
 *
 * The last two are there for regular files with content that will not be burned
 * anew.  They are not listed, so that copies do not take them along, and cannot
 * be set; attributes of the disc with these names are not shown.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/tree.h"

/* facts_is_name - whether it is one of the three: volume_getxattr answers. */
bool facts_is_name(const char *name);

/* tree_facts - what the tree knows.  0 or -ESTALE. */
struct tree_facts {
	bool added, removed, moved, modified, attributes;
	bool on_disc; /* a regular file, and its content is at lba */
	uint64_t lba;
};
int tree_facts(struct tree *t, uint64_t ino, struct tree_facts *ret);

#endif
