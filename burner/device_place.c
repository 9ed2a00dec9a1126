/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where devices are, and no image is made: a file there is in memory, takes the
 * name of a drive that is switched off, and is gone after the next start.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burner/disc.h"
#include "common/cleanup.h"

/* As the kernel bounds it. */
enum { MAX_LINKS = 40 };

/* The folder of @path, which holds a slash. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path))
		     : strdup(".");
}

/* Where a file would be made: links that lead nowhere yet are followed. */
static char *follow(const char *path)
{
	char *now = strdup(path);

	for (int i = 0; now && i < MAX_LINKS; i++) {
		AUTO_FREE char *folder = folder_of(now);
		char target[PATH_MAX], *next;
		ssize_t n = readlink(now, target, sizeof target - 1);

		if (n < 0)
			break;
		target[n] = 0;
		if (target[0] == '/')
			next = strdup(target);
		else if (!folder ||
			 asprintf(&next, "%s/%s", folder, target) < 0)
			next = NULL;
		free(now);
		now = next;
	}
	return now;
}

static bool is_at_or_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* /dev by another name, as in a chroot; not where it is but a folder. */
static bool is_on_dev(const char *folder)
{
	struct stat here, dev, root;

	return stat(folder, &here) == 0 && stat("/dev", &dev) == 0 &&
	       stat("/", &root) == 0 && here.st_dev == dev.st_dev &&
	       dev.st_dev != root.st_dev;
}

bool disc_is_device_place(const char *path)
{
	AUTO_FREE char *end = follow(path);
	AUTO_FREE char *folder = end ? folder_of(end) : NULL;
	AUTO_FREE char *real = folder ? realpath(folder, NULL) : NULL;

	/* For anybody's files. */
	if (!real || is_at_or_below(real, "/dev/shm"))
		return false;
	return is_at_or_below(real, "/dev") || is_on_dev(real);
}
