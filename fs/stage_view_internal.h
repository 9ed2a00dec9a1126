/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_VIEW_INTERNAL_H
#define FS_STAGE_VIEW_INTERNAL_H

/* For stage_view*.c. */

#include "fs/stage_view.h"

/* stage_view_first_link - one link of @n, which may be NULL; NULL: it has none.
 */
const struct stage_link *stage_view_first_link(const struct stage_view *v,
					       const struct stage_node *n);

/* stage_view_node_at - the node of the base at the first @len bytes of @path,
 * or NULL. */
const struct stage_node *stage_view_node_at(const struct stage_view *v,
					    const char *path, size_t len);

/* stage_view_gone_at - the place in gone of the first @len bytes of @path, or
 * UINT32_MAX. */
uint32_t stage_view_gone_at(const struct stage_view *v, const char *path,
			    size_t len);

/* stage_view_bad - -EBADMSG and its words: what @what says of @name. */
int stage_view_bad(struct why *why, const char *what, const char *name);

#endif
