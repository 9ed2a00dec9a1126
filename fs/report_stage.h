/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_REPORT_STAGE_H
#define FS_REPORT_STAGE_H

/*
 * What "discfs stage list" and "discfs stage show" print: stages as JSON, read
 * from their rows alone, with or without their disc.
 */

#include <json-c/json.h>

#include "common/why.h"

/*
 * report_stage_list - all stages below @root, in order of their ids:
 *   {stages: [{id, path, disc, disc_present, created, in_use, pid?, burning,
 *      pending: {deltas, added, removed, modified, attributes, moved},
 *      rows, bytes, lent, lost: {stage, missing}|null}
 *    or, where it cannot be read, {id, path, error}]}
 * disc is the path that the stage's disc was last seen at; burning: a burn was
 * begun that is not finished; bytes: of the data file, that are in use; lent:
 * its changes were taken to another disc; lost: they are those of that stage,
 * whose disc is lost, but for so many.
 * The caller gets a reference.  0, or -errno with @why.
 */
int report_stage_list(const char *root, struct json_object **ret,
		      struct why *why);

/*
 * report_stage - the same of the one named @id, and
 *   binding: {blank, digest, base_lba, tip_lba, nwa, image_dev, image_ino,
 *      serial, media_type, capacity_bytes, norock, nojoliet},
 *   intent: {nwa, blocks, volume_uuid, overwritable, exact}|null,
 *   last_commit: text, deltas: [as report_diff, in volume.h]
 */
int report_stage(const char *root, const char *id, struct json_object **ret,
		 struct why *why);

/*
 * report_stage_missing - what of a stage cannot be burned to another disc, as
 * its content is on the stage's own; of a stage that was made for another disc,
 * of the one that it was made of:
 *   {stage, missing: [{path, kind: "all"|"part"|"inside", size?,
 *      missing_bytes?, text}]}, by path
 */
int report_stage_missing(const char *root, const char *id,
			 struct json_object **ret, struct why *why);

/* report_lost - {stage, missing} of a stage that was made of a lost disc's, or
 * NULL.  A new reference. */
struct stage;
struct json_object *report_lost(const struct stage *st);

#endif
