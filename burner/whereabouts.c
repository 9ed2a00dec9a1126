/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/whereabouts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

static bool leads_to(const char *path, const struct stat *file)
{
	struct stat s;

	return stat(path, &s) == 0 && s.st_dev == file->st_dev &&
	       s.st_ino == file->st_ino;
}

/* What the kernel calls the open file, proc(5): a file without a name there,
 * or one that cannot be reached from here, has a path that does not lead to
 * it. */
static char *kernels_path(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n <= 0 || (size_t)n >= sizeof path - 1)
		return NULL;
	path[n] = '\0';
	return strdup(path);
}

/* NFS and FUSE keep a file that was deleted while it is open, under such a
 * name, until it is closed. */
static bool is_deleted_name(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && (strncmp(name, "/.nfs", 5) == 0 ||
			strncmp(name, "/.fuse_hidden", 13) == 0);
}

static int say_gone(const char *path, bool deleted, struct why *why)
{
	struct stat s;

	if (stat(path, &s) == 0)
		return why_set(why, -ESTALE,
			       "another file stands at %s in the image's place",
			       path);
	if (deleted)
		return why_set(why, -ESTALE, "the image %s was deleted", path);
	return why_set(why, -ESTALE,
		       "%s does not lead to the image any more (%s)", path,
		       strerror(errno));
}

int whereabouts_of(int fd, const char *path, char **ret_path, struct why *why)
{
	AUTO_FREE char *now = NULL;
	struct stat file;
	bool deleted;

	if (fstat(fd, &file) < 0)
		return why_set(why, -ESTALE, "the image %s is gone: %s", path,
			       strerror(errno));
	now = kernels_path(fd);
	deleted = file.st_nlink == 0 || (now && is_deleted_name(now));
	if (!deleted && leads_to(path, &file))
		return 0;
	if (!deleted && now && leads_to(now, &file)) {
		*ret_path = STEAL_PTR(now);
		return 1;
	}
	/* A folder above that lets nobody look says nothing. */
	if (!deleted && now && strcmp(now, path) == 0 &&
	    access(path, F_OK) < 0 && errno == EACCES)
		return 0;
	return say_gone(path, deleted, why);
}
