/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_SURVEY_H
#define BURNER_SURVEY_H

/*
 * Inside burner/ only: a walk over all that libisofs is about to read of a
 * session's descriptors and tree, before it does.
 *
 * libisofs believes what the disc says: record and entry lengths, folders that
 * contain themselves, the boot catalog's counts.  A hostile or damaged medium
 * could make it read beyond its buffers, recurse without end or leave out part
 * of a tree.  Here each of these is an error with words; what passes can be
 * handed to libisofs.
 */

#include "burner/disc.h"
#include "burner/folder_view.h"
#include "burner/import.h"

struct survey {
	uint64_t tree_blocks; /* descriptors, folders, continuation areas */
	uint64_t nodes;	      /* that the tree to be loaded has, with the root:
			       * libisofs must find as many */
	bool rock_ridge;      /* is what will be loaded */
	bool has_joliet, has_catalog, has_md5;
	/* Blocks of the head (1 << block) that hold content of files; El
	 * Torito's catalog is none. */
	uint32_t content_in_head;
	/* Of the blocks of all folders, of their continuation areas, and of
	 * how they are read, in whatever order the folders come. */
	uint64_t sum[2];
	/* What libisofs is to read in the place of some folders; none where
	 * nodes are visited. */
	struct folder_views views;
};

/*
 * survey_session - the session whose superblock is at @start_lba + 16.
 * With @visit each node is told as import_names has it; -ENOTSUP if there is no
 * Rock Ridge then.
 * Returns 0, and @ret->views is the caller's to release; -EIO (unreadable or contradictory, @why says where), -ENOMEM, or
 * what @visit returned.
 */
int survey_session(struct disc *disc, uint32_t start_lba,
		   const struct import_opts *opts, import_visit visit,
		   void *arg, struct survey *ret, struct why *why);

#endif
