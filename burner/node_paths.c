/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/node_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

int node_paths_note(struct node_paths *p, const struct import_node *node)
{
	struct node_place *n = array_append(&p->nodes, &p->n, sizeof *n);

	if (!n)
		return -ENOMEM;
	n->parent = node->parent_id;
	n->name = arena_strdup(&p->arena, node->name);
	return n->name ? 0 : -ENOMEM;
}

const char *node_paths_get(const struct node_paths *p, uint32_t id,
			   char buf[NODE_PATH_BYTES])
{
	char *at = buf + NODE_PATH_BYTES - 1;

	*at = '\0';
	for (; id != IMPORT_ROOT; id = p->nodes[id].parent) {
		size_t len = strlen(p->nodes[id].name);

		if ((size_t)(at - buf) < len + 1)
			break;
		if (*at)
			*--at = '/';
		at -= len;
		memcpy(at, p->nodes[id].name, len);
	}
	return at;
}

void node_paths_release(struct node_paths *p)
{
	arena_release(&p->arena);
	free(p->nodes);
	*p = (struct node_paths){0};
}
