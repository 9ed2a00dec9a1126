/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image is held by its descriptor, whatever becomes of its path.  What is
 * burned to a file that nobody can find is lost, so it must be found.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/volume_internal.h"

/* "stage=DIR," where the stages are not where they are looked for. */
static void stage_option(const struct volume *v, char *buf, size_t size)
{
	AUTO_FREE char *usual = stage_root(NULL, NULL);
	char path[80];

	buf[0] = '\0';
	if (!usual || strcmp(usual, v->stage_root) != 0)
		snprintf(buf, size, "stage=%s,",
			 stage_printable(v->stage_root, path, sizeof path));
}

int volume_in_place(struct volume *v, struct why *why)
{
	struct why detail = {""};
	char option[100];
	int err = disc_in_place(v->disc, &detail);

	if (err != -ESTALE)
		return err;
	stage_option(v, option, sizeof option);
	return why_set(why, err,
		       "%.150s; the changes stay in stage %s: put the image "
		       "back, or burn them to another one with \"discfs umount "
		       "--keep DIR\" and \"discfs mount -o create,%s"
		       "stage-from=%s NEW DIR\"; \"discfs export DIR NEW\" "
		       "saves all that DIR shows",
		       detail.text, stage_id(v->stage), option,
		       stage_id(v->stage));
}

bool volume_was_moved(struct volume *v)
{
	return v->binding.path &&
	       strcmp(v->binding.path, disc_path(v->disc)) != 0;
}

int volume_follow_locked(struct volume *v, struct why *why)
{
	char *path, *old = v->binding.path;
	int err;

	/* One that is gone keeps the path where it is to be put back. */
	if (disc_in_place(v->disc, NULL) < 0 || !volume_was_moved(v))
		return 0;
	path = strdup(disc_path(v->disc));
	if (!path)
		return why_set(why, -ENOMEM, "out of memory");
	v->binding.path = path;
	err = stage_set_binding(v->stage, &v->binding, why);
	if (err)
		v->binding.path = old;
	else
		log_info("%s was moved to %s", old, path);
	free(err ? path : old);
	return err;
}
