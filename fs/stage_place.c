/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a stage is still where the next mount looks for it, and has room.
 * Its files are held by descriptors, so that writing to a folder that was
 * deleted succeeds, and keeps nothing.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"

/* Less than that is full: a write of usual size or two, and it fails. */
enum { FULL_BYTES = 512 << 10 };

static bool is_at(const struct stage *st, const char *name, dev_t dev,
		  ino_t ino)
{
	char path[PATH_MAX];
	struct stat s;

	return snprintf(path, sizeof path, "%s/%s", st->path, name) <
		       (int)sizeof path &&
	       stat(path, &s) == 0 && s.st_dev == dev && s.st_ino == ino;
}

void stage_place_note(struct stage *st)
{
	struct stat s;

	st->placed = fstatat(st->dirfd, "stage.db", &s, AT_SYMLINK_NOFOLLOW) ==
		     0;
	if (st->placed) {
		st->db_dev = s.st_dev;
		st->db_ino = s.st_ino;
	}
}

bool stage_is_lost(const struct stage *st)
{
	struct stat data;

	if (!st->placed)
		return false;
	return fstat(stage_data_fd(st->data), &data) < 0 ||
	       !is_at(st, "data", data.st_dev, data.st_ino) ||
	       !is_at(st, "stage.db", st->db_dev, st->db_ino);
}

int stage_check_place(const struct stage *st, struct why *why)
{
	char path[160];

	if (!stage_is_lost(st))
		return 0;
	return why_set(why, -EIO,
		       "the stage's folder %s was deleted or moved away: put "
		       "it back, or burn the changes now (\"discfs commit "
		       "DIR\"), or copy the files out of the mount: nothing "
		       "can be kept for the next mount",
		       stage_printable(st->path, path, sizeof path));
}

int stage_trouble(const struct stage *st, struct why *why)
{
	int err = stage_check_place(st, why);
	uint64_t room;

	if (err < 0 || st->readonly)
		return err;
	room = stage_data_room(st->data);
	if (room >= FULL_BYTES)
		return 0;
	return why_set(why, -ENOSPC,
		       "the stage's file system is full (%llu bytes left in "
		       "%s): deleting files in the mount, or burning, gives "
		       "room back",
		       (unsigned long long)room, st->root);
}
