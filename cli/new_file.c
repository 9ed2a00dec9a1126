/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

static int check_place(const char *path, bool force, struct why *why)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT
			       ? 0
			       : why_set(why, -errno, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return why_set(why, -EISDIR, "a folder");
	if (!force)
		return why_set(why, -EEXIST,
			       "it is there already (-f replaces it)");
	if (!S_ISREG(st.st_mode))
		return why_set(why, -EINVAL,
			       "not a regular file (\"-\" writes to standard "
			       "output)");
	return 0;
}

int new_file_open(struct new_file *f, const char *path, bool force,
		  struct why *why)
{
	int err = check_place(path, force, why);
	mode_t mask = umask(0);

	umask(mask);
	if (err)
		return err;
	*f = (struct new_file){.fd = -1, .force = force, .path = strdup(path)};
	if (!f->path || asprintf(&f->name, "%s.XXXXXX", path) < 0) {
		f->name = NULL;
		new_file_close(f);
		return why_set(why, -ENOMEM, "out of memory");
	}
	f->fd = mkostemp(f->name, O_CLOEXEC);
	if (f->fd < 0 || fchmod(f->fd, 0666 & ~mask)) {
		err = why_set(why, -errno, "%s", strerror(errno));
		if (f->fd < 0) {
			free(f->name);
			f->name = NULL;
		}
		new_file_close(f);
	}
	return err;
}

static int sync_folder(const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	AUTO_FD int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int put_in_place(struct new_file *f)
{
	if (f->force)
		return rename(f->name, f->path) ? -errno : 0;
	if (renameat2(AT_FDCWD, f->name, AT_FDCWD, f->path, RENAME_NOREPLACE) ==
	    0)
		return 0;
	/* Not all file systems have that. */
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(f->name, f->path))
		return -errno;
	unlink(f->name);
	return 0;
}

int new_file_keep(struct new_file *f, struct why *why)
{
	int err = fsync(f->fd) ? -errno : put_in_place(f);

	if (!err) {
		free(f->name);
		f->name = NULL;
		err = sync_folder(f->path);
	}
	return err ? why_set(why, err, "%s", strerror(-err)) : 0;
}

void new_file_close(struct new_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->name)
		unlink(f->name);
	free(f->name);
	free(f->path);
	*f = (struct new_file){.fd = -1};
}

bool new_file_is_same(const char *path, const char *other)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat(other, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
