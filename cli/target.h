/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

/*
 * What a command is to look at: a mount, asked through its control socket, or
 * a disc that is not mounted, opened to look only.  A SOURCE that is mounted
 * counts as its mount: that one knows what is not yet in the stage.
 */

#include <stdbool.h>
#include <json-c/json.h>

#include "cli/client.h"
#include "cli/mountinfo.h"
#include "common/why.h"
#include "fs/volume.h"

struct target {
	struct mountinfo mount; /* dir is NULL: not mounted */
	struct client *client;	/* one of these two */
	struct volume *volume;
};

/*
 * target_open - @path is a folder that a disc is mounted on, a drive or an
 * image file.  target_open_base - the same, and no stage is looked for.
 * target_open_staged - the same, and that is looked for in @root (NULL: in the
 * usual folder).
 * target_open_mount - a mount only (@by_source: or the drive or
 * image that is mounted).
 * Return 0 or -errno with @why: -ENOTCONN for a mount whose process does not
 * answer, with t->mount filled.  target_close takes a target that was not
 * opened too, if it is zeroed.
 */
int target_open(struct target *t, const char *path, struct why *why);
int target_open_staged(struct target *t, const char *path, const char *root,
		       struct why *why);
int target_open_base(struct target *t, const char *path, struct why *why);
int target_open_mount(struct target *t, const char *path, bool by_source,
		      struct why *why);
void target_close(struct target *t);

/* target_say_notes - the lines of volume_notes, each as one of @source. */
void target_say_notes(const char *source, const struct volume *v);

/*
 * target_status, target_diff, target_log - the reports of fs/volume.h, that of
 * a mount's status with its "mountpoint" too; a reference for the caller.
 * Return 0 or -errno with @why.
 * @paths: as people name files: by where they see them, below the folder that
 * the disc is mounted on; relative ones are the disc's own.
 */
int target_status(struct target *t, struct json_object **ret, struct why *why);
int target_diff(struct target *t, char *const *paths, int n,
		struct json_object **ret, struct why *why);
/* target_revert - of a mount only: drop the deltas at and below @paths; *@ret
 * has them as target_diff. */
int target_revert(struct target *t, char *const *paths, int n,
		  struct json_object **ret, struct why *why);
int target_log(struct target *t, struct json_object **ret, struct why *why);

#endif
