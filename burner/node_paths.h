/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_NODE_PATHS_H
#define BURNER_NODE_PATHS_H

/*
 * Inside burner/ only: the paths of a session's nodes by import id, from what
 * the visitor of an import was told.
 */

#include "burner/import.h"
#include "common/arena.h"

enum { NODE_PATH_BYTES = 4096 };

struct node_paths {
	struct arena arena;
	struct node_place {
		uint32_t parent;
		const char *name;
	} * nodes;
	uint32_t n;
};

/* node_paths_note - each node that is visited, in order.  0 or -ENOMEM. */
int node_paths_note(struct node_paths *p, const struct import_node *node);

/* node_paths_get - "a/b", in @buf; its beginning is left out where it is too
 * long. */
const char *node_paths_get(const struct node_paths *p, uint32_t id,
			   char buf[NODE_PATH_BYTES]);

void node_paths_release(struct node_paths *p);

#endif
