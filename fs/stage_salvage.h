/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_SALVAGE_H
#define FS_STAGE_SALVAGE_H

/*
 * What of a stage can be burned to a blank disc once its own is lost.
 *
 * Had is what the rows and the data file hold: new nodes, files whose content
 * was replaced as a whole, devices with new attributes, folders that were made,
 * moved or given other attributes; and the folders above all of these.
 * Removals mean nothing without the disc.
 *
 * Missing is each file that the rows name, but whose content, all of it or some
 * ranges, lies on the disc only.  Such a file is left out whole: what stands on
 * the new disc is as it was meant to be, and its name is free for a copy from
 * elsewhere.  Of folders that were moved the name is had, and nothing is known
 * of what they held.  What the rows do not name is not known at all.
 */

#include <stdint.h>

#include "common/arena.h"
#include "common/attr.h"
#include "common/why.h"
#include "fs/stage.h"
#include "fs/stage_view.h"

enum missing_kind {
	MISSING_ALL,	/* a file, of which nothing is in the stage */
	MISSING_PART,	/* of @size bytes @bytes are on the disc only */
	MISSING_INSIDE, /* a folder that is there without what it held */
};

struct stage_missing {
	enum missing_kind kind;
	char *path;	/* where it stands with the changes; heap */
	uint64_t size;	/* of a file; STAGE_VIEW_NO_SIZE: not known */
	uint64_t bytes; /* that are missing; STAGE_VIEW_NO_SIZE as well */
};

/* Rows against a blank disc.  They point into the view they were made of. */
struct stage_salvage {
	struct stage_node *nodes;
	struct stage_link *links;
	uint32_t n_nodes, n_links;
	struct stage_missing *missing; /* by path */
	uint32_t n_missing;
	struct arena arena;
};

/*
 * stage_salvage - take the view @v apart.  Nodes keep their ids, those of
 * folders that no row tells of begin at @next_id; such a folder looks like
 * @folder.
 * Returns 0, -ENOMEM, or -EBADMSG with @why (rows that lead nowhere).
 * stage_salvage_release takes a zeroed one too.
 */
int stage_salvage(const struct stage_view *v, const struct attr *folder,
		  uint64_t next_id, struct stage_salvage *ret, struct why *why);
void stage_salvage_release(struct stage_salvage *s);

/* stage_missing_text - the words for one: "all of it is on the lost disc". */
void stage_missing_text(const struct stage_missing *m, char *buf, size_t size);

#endif
