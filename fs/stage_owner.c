/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a stage is.  What is in it will be on the disc, and root's disc is not
 * to be filled by who could put something into the folder.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/stage_internal.h"

static int check(int fd, const char *path, bool is_root, struct why *why)
{
	uid_t me = geteuid();
	mode_t others = me == 0 || !is_root ? S_IWGRP | S_IWOTH : S_IWOTH;
	struct stat st;

	if (fstat(fd, &st))
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != me && (!is_root || st.st_uid != 0))
		return why_set(why, -EPERM,
			       "%s belongs to user %u, who could change what "
			       "is burned: take another folder with -o "
			       "stage=DIR, or be that user",
			       path, (unsigned)st.st_uid);
	/* In a folder like /tmp nobody can touch what is another one's. */
	if (!(st.st_mode & others) || (is_root && (st.st_mode & S_ISVTX)))
		return 0;
	return why_set(why, -EPERM,
		       "%s is writable by others, who could change what is "
		       "burned: \"chmod go-w %s\" ends that",
		       path, path);
}

int stage_check_root(int fd, const char *path, struct why *why)
{
	return check(fd, path, true, why);
}

int stage_check_folder(int fd, const char *path, struct why *why)
{
	return check(fd, path, false, why);
}
