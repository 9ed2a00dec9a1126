/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stages that cannot be opened: cut short, overwritten, not to be read, or of a
 * newer program.  What they hold may be brought back, and fits the disc only as
 * long as nothing else is burned to it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"

/* Whether neither file holds a byte. */
static bool holds_nothing(int dirfd)
{
	static const char *const names[] = {"stage.db", "data", "stage.db-wal"};
	struct stat s;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (fstatat(dirfd, names[i], &s, AT_SYMLINK_NOFOLLOW) < 0
			    ? errno != ENOENT
			    : s.st_size > 0)
			return false;
	return true;
}

int stage_broken_label(const char *root, const char *id,
		       struct stage_binding *ret)
{
	AUTO_FREE char *path = NULL;
	AUTO_FD int dirfd = -1;
	int err;

	if (asprintf(&path, "%s/%s", root, id) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	dirfd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return STAGE_BROKEN_UNKNOWN;
	err = stage_label_read(dirfd, ret);
	if (err == 0)
		return STAGE_BROKEN_LABEL;
	if (err == -ENOMEM)
		return err;
	return holds_nothing(dirfd) ? STAGE_BROKEN_EMPTY : STAGE_BROKEN_UNKNOWN;
}

bool stage_broken_may_be(const struct stage_binding *label,
			 const struct stage_binding *now)
{
	bool image = label->image_ino || now->image_ino;

	if (!label->blank && !now->blank &&
	    memcmp(label->digest, now->digest, sizeof label->digest) == 0)
		return true;
	if (image)
		return strcmp(label->path, now->path) == 0 ||
		       (label->image_ino == now->image_ino &&
			label->image_dev == now->image_dev);
	if (label->blank && now->blank)
		return stage_same_blank(label, now) && label->nwa == now->nwa;
	/* A disc like it, written just so far, or with a session where the
	 * stage's own next one was to begin. */
	return strcmp(label->media_type, now->media_type) == 0 &&
	       label->capacity_blocks == now->capacity_blocks &&
	       now->tip_lba == label->nwa;
}

void stage_broken_say(const char *root, const char *id, int err,
		      const struct why *detail, bool any, struct why *why)
{
	char folder[120];

	why_set(why, err,
		"stage %s may hold changes for %s disc and cannot be opened "
		"(%.160s): restore %s/%s, or give its changes up with "
		"\"discfs stage drop %s\"",
		id, any ? "any" : "this", why_text(detail, err),
		stage_printable(root, folder, sizeof folder), id, id);
}

int stage_say_broken(const char *root, const char *id, int err,
		     const struct why *detail, struct why *why)
{
	stage_broken_say(root, id, err, detail, false, why);
	return err;
}

bool stage_is_broken(int err)
{
	switch (err) {
	case -EBADMSG:
	case -EPROTO:
	case -EACCES:
	case -EPERM:
	case -EIO:
	case -EROFS:
	case -ELOOP:
	case -ENOTDIR:
		return true;
	default:
		return false;
	}
}

char *stage_label_path(const char *root, const char *id)
{
	struct stage_binding label = {0};

	stage_broken_label(root, id, &label);
	return label.path;
}
