/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_IMPORT_LIST_H
#define BURNER_IMPORT_LIST_H

/*
 * Inside burner/ only: libisofs' tree as a list, for import.c.  Called with the
 * library lock held.
 */

#include <stdbool.h>
#include <stdint.h>

#include "burner/library.h"
#include "common/sum128.h"

/* The nodes by import_node.id: breadth first, a folder's in their order. */
struct listing {
	IsoNode **nodes;
	uint32_t *parents; /* the id of each one's folder */
	uint32_t *links;   /* link_id of each node */
	uint32_t n;
	size_t room;
};

/*
 * listing_fill - all nodes of @image into @l, which is zeroed.  The nodes stay
 * the image's.  0, -ENOMEM, -EIO.  listing_release in any case.
 */
int listing_fill(struct listing *l, IsoImage *image);
void listing_release(struct listing *l);

/*
 * listing_find_links - make @l->links (import_links.c).  @trusted: libisofs
 * wrote the image, see node_can_link.  0 or -ENOMEM.
 */
int listing_find_links(struct listing *l, bool trusted);

/* listing_path - the path of a node for a message into @buf (LISTING_PATH
 * bytes); its start is cut off if it is long. */
enum { LISTING_PATH = 256 };
void listing_path(const struct listing *l, uint32_t id, char *buf);

/* listing_order - import_info.order of all of @l. */
uint64_t listing_order(const struct listing *l);

/* What import_info.order is made of: each node but the root, by its id. */
void import_order_add(struct sum128 *order, uint32_t parent, const char *name);
uint64_t import_order_end(struct sum128 *order);

#endif
