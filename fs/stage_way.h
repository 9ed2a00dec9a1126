/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_WAY_H
#define FS_STAGE_WAY_H

/*
 * The ways out that a message names: whole commands, to be typed as they stand
 * but for DIR, with the folder of stages where that is not the usual one, and
 * with the short form of a stage's id, its first eight digits.
 */

#include "common/why.h"

struct stage_way {
	char text[400];
};

/*
 * stage_way - "discfs stage VERB ID" for the stage @id in @root; "export" with
 * DIR behind it.  Returns way->text.
 */
const char *stage_way(struct stage_way *way, const char *root, const char *verb,
		      const char *id);

/*
 * stage_way_mount - "discfs mount -o OPTION SOURCE DIR".
 * @option: "stage-from", with the stage's @id; "nostage" and the like with NULL.
 * Returns way->text.
 */
const char *stage_way_mount(struct stage_way *way, const char *root,
			    const char *option, const char *id,
			    const char *source);

/*
 * stage_resolve - the stage in @root whose id is @given or begins so.
 * Returns 0 with *@ret_id (heap), -ENOENT, or -EINVAL where there are several or
 * @given cannot be one, with @why.
 */
int stage_resolve(const char *root, const char *given, char **ret_id,
		  struct why *why);

#endif
