/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/control_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"

/*
 * The folders that may hold the sockets of @owner's mounts, best first: the
 * @i-th one on the heap, or NULL.  *@ret_more is false behind the last one.
 */
static char *folder(uid_t owner, unsigned i, bool *ret_more)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char *path = NULL;
	int n = -1;

	*ret_more = true;
	if (owner == 0 && i == 0)
		return strdup("/run/discfs");
	if (owner != 0 && i == 0) {
		/* Another one's environment says nothing of the owner's. */
		if (owner != geteuid() || !xdg || xdg[0] != '/')
			return NULL;
		n = asprintf(&path, "%s/discfs", xdg);
	} else if (owner != 0 && i == 1) {
		n = asprintf(&path, "/run/user/%u/discfs", (unsigned)owner);
	} else if (owner != 0 && i == 2) {
		n = asprintf(&path, "/tmp/discfs-%u", (unsigned)owner);
	} else {
		*ret_more = false;
	}
	return n < 0 ? NULL : path;
}

/* Whether @path is a folder that only @owner can put something into (and, but
 * for root's, see). */
static bool is_private(const char *path, uid_t owner)
{
	mode_t others = owner == 0 ? 022 : 077;
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == owner && (st.st_mode & others) == 0;
}

static char *socket_in(const char *dir, dev_t dev)
{
	char *path;

	return asprintf(&path, "%s/%u:%u", dir, major(dev), minor(dev)) < 0
		       ? NULL
		       : path;
}

char *control_socket_path(dev_t dev, uid_t owner_uid)
{
	char *first = NULL;
	bool more = true;
	unsigned i;

	for (i = 0; more; i++) {
		AUTO_FREE char *dir = folder(owner_uid, i, &more);
		AUTO_FREE char *path = dir ? socket_in(dir, dev) : NULL;
		struct stat st;

		if (!path)
			continue;
		if (is_private(dir, owner_uid) && lstat(path, &st) == 0 &&
		    S_ISSOCK(st.st_mode)) {
			free(first);
			return STEAL_PTR(path);
		}
		if (!first)
			first = STEAL_PTR(path);
	}
	return first;
}

/* The folder for this process's sockets, made where it is missing.  Heap, or
 * NULL with errno. */
static char *make_folder(void)
{
	uid_t uid = geteuid();
	bool more = true;
	unsigned i;
	int err = ENOENT;

	for (i = 0; more; i++) {
		AUTO_FREE char *dir = folder(uid, i, &more);

		if (!dir)
			continue;
		if (mkdir(dir, uid == 0 ? 0755 : 0700) && errno != EEXIST) {
			err = errno;
			continue;
		}
		if (is_private(dir, uid))
			return STEAL_PTR(dir);
		err = EPERM;
	}
	errno = err;
	return NULL;
}

/* Bind under a name of our own, then take the place of what is there: another
 * mount had this device number before. */
static int bind_at(int fd, const char *path, ino_t *ret_ino)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	int n, err;

	n = snprintf(addr.sun_path, sizeof addr.sun_path, "%s.%ld", path,
		     (long)getpid());
	if (n < 0 || (size_t)n >= sizeof addr.sun_path)
		return -ENAMETOOLONG;
	if (unlink(addr.sun_path) && errno != ENOENT)
		return -errno;
	/* unix(7): the socket's mode is the file's. */
	if (fchmod(fd, 0600) ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof addr))
		return -errno;
	if (listen(fd, 16) || lstat(addr.sun_path, &st) ||
	    rename(addr.sun_path, path)) {
		err = -errno;
		unlink(addr.sun_path);
		return err;
	}
	*ret_ino = st.st_ino;
	return 0;
}

int control_listen(dev_t dev, char **ret_path, ino_t *ret_ino, struct why *why)
{
	AUTO_FREE char *dir = make_folder();
	AUTO_FREE char *path = NULL;
	AUTO_FD int fd = -1;
	int err;

	if (!dir)
		return why_set(why, -errno,
			       "no folder for the control socket: %s",
			       strerror(errno));
	path = socket_in(dir, dev);
	if (!path)
		return why_set(why, -ENOMEM, "control socket: out of memory");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? -errno : bind_at(fd, path, ret_ino);
	if (err)
		return why_set(why, err,
			       "cannot make the control socket %s: %s", path,
			       strerror(-err));
	*ret_path = STEAL_PTR(path);
	return STEAL_FD(fd);
}
