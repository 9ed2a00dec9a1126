/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/control_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"

enum {
	LOCK_TRIES = 20, /* of the folder */
	LOCK_STEP_MS = 50,
};

/* What everybody may make a folder in. */
static const char common_root[] = "/tmp";

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
		n = asprintf(&path, "%s/discfs-%u", common_root,
			     (unsigned)owner);
	} else {
		*ret_more = false;
	}
	return n < 0 ? NULL : path;
}

/* The folder @path, where nobody but @owner can put something into it (nor, but
 * for root's, see what is there); -1 with errno: EPERM where one could. */
static int open_private(const char *path, uid_t owner)
{
	mode_t others = owner == 0 ? 022 : 077;
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					    O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st))
		return -1;
	if (st.st_uid != owner || (st.st_mode & others)) {
		errno = EPERM;
		return -1;
	}
	return STEAL_FD(fd);
}

static bool is_private(const char *path, uid_t owner)
{
	AUTO_FD int fd = open_private(path, owner);

	return fd >= 0;
}

/*
 * Where another user took the name in /tmp, one with a random end is the
 * owner's: the folders of @owner with such names, in no order.  @fn returns true
 * to end the search with that one, on the heap.
 */
static char *search_common(uid_t owner, bool (*fn)(const char *dir, void *arg),
			   void *arg)
{
	DIR *dir = opendir(common_root);
	char *found = NULL, prefix[32];
	const struct dirent *e;
	size_t len;

	len = (size_t)snprintf(prefix, sizeof prefix, "discfs-%u-",
			       (unsigned)owner);
	while (dir && !found && (e = readdir(dir))) {
		if (strncmp(e->d_name, prefix, len) != 0)
			continue;
		if (asprintf(&found, "%s/%s", common_root, e->d_name) < 0)
			found = NULL;
		if (found && is_private(found, owner) && fn(found, arg))
			break;
		free(found);
		found = NULL;
	}
	if (dir)
		closedir(dir);
	return found;
}

static char *socket_in(const char *dir, dev_t dev)
{
	char *path;

	return asprintf(&path, "%s/%u:%u", dir, major(dev), minor(dev)) < 0
		       ? NULL
		       : path;
}

static bool has_socket(const char *dir, void *arg)
{
	AUTO_FREE char *path = socket_in(dir, *(const dev_t *)arg);
	struct stat st;

	return path && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

char *control_socket_path(dev_t dev, uid_t owner_uid)
{
	AUTO_FREE char *found = NULL;
	char *first = NULL;
	bool more = true;
	unsigned i;

	for (i = 0; more; i++) {
		AUTO_FREE char *dir = folder(owner_uid, i, &more);

		if (!dir)
			continue;
		if (is_private(dir, owner_uid) && has_socket(dir, &dev)) {
			free(first);
			return socket_in(dir, dev);
		}
		if (!first)
			first = socket_in(dir, dev);
	}
	if (owner_uid != 0)
		found = search_common(owner_uid, has_socket, &dev);
	if (!found)
		return first;
	free(first);
	return socket_in(found, dev);
}

/* ---- making one ---- */

static bool take_any(const char *dir, void *arg)
{
	(void)dir;
	(void)arg;
	return true;
}

static char *make_in_common(uid_t uid)
{
	char *dir = search_common(uid, take_any, NULL);

	if (dir)
		return dir;
	if (asprintf(&dir, "%s/discfs-%u-XXXXXX", common_root, (unsigned)uid) <
	    0)
		return NULL;
	if (mkdtemp(dir))
		return dir;
	free(dir);
	return NULL;
}

/* The folder for this process's sockets, made where it is missing.  Heap, or
 * NULL with @why. */
static char *make_folder(struct why *why)
{
	uid_t uid = geteuid();
	bool more = true;
	char *common;
	unsigned i;

	for (i = 0; more; i++) {
		AUTO_FREE char *dir = folder(uid, i, &more);

		if (!dir)
			continue;
		if (mkdir(dir, uid == 0 ? 0755 : 0700) && errno != EEXIST) {
			why_set(why, -errno, "%s: %s", dir, strerror(errno));
			continue;
		}
		if (is_private(dir, uid))
			return STEAL_PTR(dir);
		why_set(why, -errno, "%s: %s", dir,
			errno == EPERM ? "it is not this user's alone (owner "
					 "and mode)"
				       : strerror(errno));
	}
	common = uid == 0 ? NULL : make_in_common(uid);
	return common;
}

/* ---- those that nobody serves ---- */

/* One at a time makes or removes sockets in a folder: a lock, or -1 where it is
 * not to be had in a second, as of a process that is stopped.  @make: its file
 * too, which would be root's where root looks into another user's folder. */
static int lock_folder(int dirfd, bool make)
{
	AUTO_FD int fd = openat(dirfd, ".lock",
				O_RDWR | O_NOFOLLOW | O_CLOEXEC |
					(make ? O_CREAT : 0),
				0600);

	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return STEAL_FD(fd);
		clock_nap_ms(LOCK_STEP_MS);
	}
	return -1;
}

/* By connecting: a socket listens before it has its name, and a process that
 * lives takes the connection, or has no room for it. */
static bool is_dead(int dirfd, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	AUTO_FD int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISSOCK(st.st_mode))
		return false;
	/* The folder may be another user's, whose names are not to be
	 * followed. */
	snprintf(addr.sun_path, sizeof addr.sun_path, "/proc/self/fd/%d/%s",
		 dirfd, name);
	return connect(fd, (const struct sockaddr *)&addr, sizeof addr) &&
	       errno == ECONNREFUSED;
}

/* The caller has the lock.  Only names as we give them. */
static void sweep_locked(int dirfd)
{
	int copy = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return;
	}
	rewinddir(dir);
	while ((e = readdir(dir)))
		if (e->d_name[strspn(e->d_name, "0123456789:.")] == 0 &&
		    is_dead(dirfd, e->d_name))
			unlinkat(dirfd, e->d_name, 0);
	closedir(dir);
}

static bool sweep(const char *dir, void *arg)
{
	uid_t owner = *(const uid_t *)arg;
	AUTO_FD int dirfd = open_private(dir, owner);
	AUTO_FD int lock =
		dirfd < 0 ? -1 : lock_folder(dirfd, owner == geteuid());

	if (lock >= 0)
		sweep_locked(dirfd);
	return false;
}

void control_sweep(uid_t owner)
{
	bool more = true;

	for (unsigned i = 0; more; i++) {
		AUTO_FREE char *dir = folder(owner, i, &more);

		if (dir)
			sweep(dir, &owner);
	}
	if (owner != 0)
		free(search_common(owner, sweep, &owner));
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
	struct why refused = {""};
	AUTO_FREE char *dir = make_folder(&refused);
	AUTO_FREE char *path = NULL;
	AUTO_FD int fd = -1;
	AUTO_FD int dirfd = -1;
	AUTO_FD int lock = -1;
	int err;

	if (!dir)
		return why_set(why, -EPERM,
			       "no folder for the control socket: %s",
			       why_text(&refused, -EPERM));
	path = socket_in(dir, dev);
	if (!path)
		return why_set(why, -ENOMEM, "control socket: out of memory");
	dirfd = open_private(dir, geteuid());
	lock = dirfd < 0 ? -1 : lock_folder(dirfd, true);
	if (lock >= 0)
		sweep_locked(dirfd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 ? -errno : bind_at(fd, path, ret_ino);
	if (err)
		return why_set(why, err,
			       "cannot make the control socket %s: %s", path,
			       strerror(-err));
	*ret_path = STEAL_PTR(path);
	return STEAL_FD(fd);
}
