/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_FUZZ_VISITOR_H
#define TESTS_FUZZ_VISITOR_H

/*
 * A visitor of an import that holds each node against what import.h promises.
 */

#include <stdint.h>

#include "burner/import.h"

enum { VISITOR_NODES_MAX = 100000 };

/* Zeroed at first. */
struct visitor {
	uint32_t next_id;
	uint32_t wrong;	 /* nodes that are not as promised: each is printed */
	bool names_only; /* import_names': a name may be any */
};

/* visitor_visit - an import_visit; @arg is the struct visitor.  -E2BIG for a
 * tree of more than VISITOR_NODES_MAX nodes. */
int visitor_visit(void *arg, const struct import_node *node);

#endif
