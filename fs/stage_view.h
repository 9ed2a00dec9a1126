/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_VIEW_H
#define FS_STAGE_VIEW_H

/*
 * A stage's rows as a whole, without its disc: what "discfs stage" shows of a
 * disc that may be absent, and what -o rebase holds against a disc that grew.
 *
 * Paths: "" is the root, "a/b" below it.  Those of nodes of the base are known
 * from the rows, but not what else the base has: a hard link of the base is
 * known by one of its paths only, and a file that stands where the base had
 * something is taken for its new content.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/why.h"
#include "fs/diff.h"
#include "fs/stage.h"

/* What the pointers point to lives as long as the view. */
struct stage_view {
	struct stage_node *nodes; /* by id */
	struct stage_link *links; /* by parent and name */
	const char **gone;	  /* by strcmp */
	uint32_t n_nodes, n_links, n_gone;

	const struct stage_node **by_path; /* those of the base */
	const struct stage_link **by_node; /* links by the node they name */
	uint32_t n_by_path, n_by_node;
	struct arena arena;
};

/*
 * stage_view_load - all rows of @st, copied.  Returns 0, -ENOMEM, or what
 * stage_load returns.  stage_view_release takes a zeroed one too.
 */
int stage_view_load(struct stage *st, struct stage_view *ret, struct why *why);
void stage_view_release(struct stage_view *v);

/* stage_view_node - the node of this id, or NULL. */
const struct stage_node *stage_view_node(const struct stage_view *v,
					 uint64_t id);

/* stage_view_base_node - that of the base at @path, or NULL: no row tells. */
const struct stage_node *stage_view_base_node(const struct stage_view *v,
					      const char *path);

/*
 * stage_view_place - the path at which @link puts its node.  Heap.
 * Returns 0, -ENOMEM, -EBADMSG with @why (a loop, or a folder that stands
 * nowhere).
 */
int stage_view_place(const struct stage_view *v, const struct stage_link *link,
		     char **ret, struct why *why);

/*
 * stage_view_base_place - where @path of the base stands now, which is
 * elsewhere if a folder above it was moved; *@ret is NULL (and 0 returned) if
 * nothing of the base stands there any more.  As stage_view_place.
 */
int stage_view_base_place(const struct stage_view *v, const char *path,
			  char **ret, struct why *why);

/* stage_view_links - the links of node @id: the first, and how many. */
const struct stage_link *const *stage_view_links(const struct stage_view *v,
						 uint64_t id, uint32_t *ret_n);

/* The size of a delta whose file's size is not in the stage. */
#define STAGE_VIEW_NO_SIZE UINT64_MAX

/*
 * stage_view_diff - the deltas as diff_collect tells them, sorted by path.
 * The caller releases with diff_free.  0, -ENOMEM, -EBADMSG with @why.
 */
int stage_view_diff(const struct stage_view *v, struct diff_entry **ret,
		    uint32_t *ret_n, struct why *why);

/* stage_view_bytes - the bytes of the data file that rows name, those that
 * several name counted once.  0 or -ENOMEM. */
int stage_view_bytes(const struct stage_view *v, uint64_t *ret);

#endif
