/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_IMPORT_NODE_H
#define BURNER_IMPORT_NODE_H

/*
 * Inside burner/ only: libisofs' node as an import_node.  Called with the
 * library lock held.
 */

#include "burner/library.h"
#include "burner/session.h"

/* Room for one node's parts, used again for the next. */
struct node_parts {
	IsoImage *image;
	struct disc *disc; /* that the image was read from */
	/* In blocks: the session, and what can be read of the medium.  What
	 * began before @start ends before it, what is the session's own before
	 * @end. */
	uint64_t start, end, readable;
	struct import_content content; /* what was seen of it so far */
	struct disc_run *runs;
	size_t room;
	struct xattrs *xattrs;
	char target[SESSION_TARGET_MAX + 1];
};

/*
 * node_fill - all of @ret but id, parent_id and link_id.  What @ret points to
 * is @parts' and @node's, valid until the next call.
 * Returns 0, -EIO (contradictory: bad name, runs that are
 * not of the file's size, damaged attributes) with the fault itself in @why,
 * without the node's path; -ENOMEM.
 */
int node_fill(struct node_parts *parts, IsoNode *node, bool is_root,
	      struct import_node *ret, struct why *why);
void node_parts_release(struct node_parts *parts);

/*
 * node_file_ino - the inode number that the disc records for a regular file; 0
 * of other nodes.
 * node_order - of nodes where that is equal: by kind, then by the number of
 * those that are no files.  Nodes that compare equal may be hard links.
 */
uint64_t node_file_ino(IsoNode *node);
int node_order(IsoNode *a, IsoNode *b);

/*
 * node_can_link - whether @node can have hard links at all.  Where not
 * libisofs wrote the image (@trusted false), inode numbers are block addresses
 * with some programs, so that empty files and symbolic links share them.
 */
bool node_can_link(IsoNode *node, bool trusted);

/*
 * node_is_short - whether all that libisofs tells of @node, and adds to it when
 * it is written, fits into its directory record, so that it has no continuation
 * area (SUSP 5.1).  False where that is not certain.
 */
bool node_is_short(IsoNode *node);

/* node_has_one_piece - whether @node's attributes, if it has any, are one AAIP
 * field of 255 bytes at most. */
bool node_has_one_piece(IsoNode *node);

/*
 * node_link_mark - what link_mark.h says of @node into @buf (LINK_MARK_MAX
 * bytes); false if that is nothing.
 */
bool node_link_mark(IsoNode *node, char *buf);

/*
 * node_same_inode - whether two nodes of one inode number can be links of one
 * file: all that belongs to an inode is equal.
 */
bool node_same_inode(IsoNode *a, IsoNode *b);

#endif
