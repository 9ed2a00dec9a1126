/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/visitor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool is_name(const char *name)
{
	return *name && strlen(name) <= 255 && !strchr(name, '/') &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int visitor_visit(void *arg, const struct import_node *node)
{
	struct visitor *v = arg;
	uint64_t sum = 0;
	bool right = node->id == v->next_id && node->parent_id <= node->id &&
		     (node->id == IMPORT_ROOT || v->names_only ||
		      is_name(node->name));

	v->next_id++;
	for (unsigned i = 0; i < node->n_runs; i++) {
		const struct disc_run *run = &node->runs[i];

		sum += run->len_bytes;
		/* What is not there is an error to read. */
		right = right && run->lba <= UINT32_MAX && run->len_bytes;
	}
	if (S_ISREG(node->attr.mode) && !node->filtered &&
	    !node->boot_catalog && sum != node->size)
		right = false;
	if (!right) {
		v->wrong++;
		fprintf(stderr, "wrong: node %u, '%s'\n", node->id, node->name);
	}
	return node->count > VISITOR_NODES_MAX ? -E2BIG : 0;
}
