/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_EXPORT_H
#define FS_STAGE_EXPORT_H

/*
 * The way out of a stage whose disc is gone, or will not be mounted with it:
 * what was staged, as ordinary files.
 */

#include <stdint.h>

#include "common/why.h"

struct stage_export {
	uint64_t files, folders, others; /* made; others: links, devices, ... */
	uint64_t bytes;			 /* of the files */
	uint64_t troubles;		 /* what is missing or not as it was */
	uint64_t left_out; /* changes without staged content: removals, moves,
			    * attributes, new names of files of the disc */
};

/*
 * stage_export - make the folder @dir and in it each new and each changed file
 * of the stage @id below @root, at its path, with mode, times, extended
 * attributes, hard links, and as root the owner.  Folders above them that are
 * the disc's own get a usual mode.  A file that is partly on the disc is made
 * if the disc is at its path and is the stage's.
 * @trouble is called for each file that could not be made (it is then not
 * there at all) or lacks an attribute, with words.
 * Returns 0 with *@ret also if there were troubles; else -errno with @why:
 * -EEXIST (@dir is there), -EBUSY (the stage is in use), or what the stage, or
 * making the folder, gave.
 */
typedef void (*stage_export_trouble)(void *arg, const char *path,
				     const char *text);
int stage_export(const char *root, const char *id, const char *dir,
		 stage_export_trouble trouble, void *arg,
		 struct stage_export *ret, struct why *why);

#endif
