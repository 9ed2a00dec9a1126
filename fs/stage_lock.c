/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock: an open file description's lock on all of the file "lock", for
 * writing by the owner, for reading by who looks at a stage without one.  The
 * owner's process id stands in the file, for messages only.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"

void stage_nap(void)
{
	struct timespec t = {.tv_nsec = STAGE_STEP_MS * 1000000L};

	nanosleep(&t, NULL);
}

int stage_lock_step(int fd, short type)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &l) < 0 ? -errno : 0;
}

static bool held_by_reader(int fd)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_WRLCK;
}

static long owner_of(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	return n > 0 ? strtol(text, NULL, 10) : 0;
}

static int busy(const char *id, int fd, struct why *why)
{
	long pid = owner_of(fd);

	if (pid > 0)
		return why_set(why, -EBUSY, "stage %s is in use by process %ld",
			       id, pid);
	return why_set(why, -EBUSY, "stage %s is in use", id);
}

int stage_lock_take(int dirfd, const char *id, int *ret, struct why *why)
{
	AUTO_FD int fd = openat(
		dirfd, "lock",
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	char text[32];
	int err, ms, n;

	if (fd < 0)
		return why_set(why, -errno, "cannot lock stage %s: %s", id,
			       strerror(errno));
	for (ms = 0; (err = stage_lock_step(fd, F_WRLCK)) < 0;
	     ms += STAGE_STEP_MS) {
		if (err != -EAGAIN && err != -EACCES)
			return why_set(why, err, "cannot lock stage %s: %s", id,
				       strerror(-err));
		if (!held_by_reader(fd) || ms >= STAGE_PATIENCE_MS)
			return busy(id, fd, why);
		stage_nap();
	}
	/* On a full file system the name of the owner is missing. */
	n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
	*ret = STEAL_FD(fd);
	return 0;
}

bool stage_in_use(const struct stage *st, long *ret_pid)
{
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	*ret_pid = 0;
	if (st->lockfd < 0 || fcntl(st->lockfd, F_OFD_GETLK, &l) < 0 ||
	    l.l_type == F_UNLCK)
		return false;
	*ret_pid = owner_of(st->lockfd);
	return true;
}
