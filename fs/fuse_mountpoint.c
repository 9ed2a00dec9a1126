/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/cond.h"
#include "common/log.h"

/* ---- before the mount ---- */

void mountpoint_read_ahead(dev_t dev, size_t bytes)
{
	char path[64];
	AUTO_FD int fd = -1;

	snprintf(path, sizeof path, "/sys/class/bdi/%u:%u/read_ahead_kb",
		 major(dev), minor(dev));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%zu", bytes / 1024) < 0)
		log_debug("%s: %s", path, strerror(errno));
}

static int check_device(struct why *why)
{
	static const char dev[] = "/dev/fuse";
	int fd;

	/* Without privileges fusermount3 opens it. */
	if (geteuid() != 0) {
		if (access(dev, F_OK) == 0)
			return 0;
		return why_set(why, -ENODEV,
			       "%s is not there: ask for \"modprobe fuse\"",
			       dev);
	}
	fd = open(dev, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return why_set(why, -ENODEV,
			       "%s is not there: try \"modprobe fuse\"", dev);
	return why_set(why, -errno, "cannot open %s: %s", dev, strerror(errno));
}

int mountpoint_check(const char *dir, char **ret, struct why *why)
{
	AUTO_FREE char *real = NULL;
	struct stat st;
	dev_t dev;

	/* First by name alone: a mount that hangs is not to be asked. */
	if (mountpoint_dev(dir, &dev) == 0)
		return why_set(why, -EBUSY,
			       "%s: a discfs is mounted there already; unmount "
			       "it first",
			       dir);
	real = realpath(dir, NULL);
	if (!real && errno == ENOTCONN)
		return why_set(why, -ENOTCONN,
			       "%s: a mount without its daemon is there; "
			       "unmount it first",
			       dir);
	if (!real)
		return why_set(why, -errno, "cannot mount on %s: %s", dir,
			       strerror(errno));
	if (mountpoint_dev(real, &dev) == 0)
		return why_set(why, -EBUSY,
			       "%s: a discfs is mounted there already; unmount "
			       "it first",
			       real);
	if (stat(real, &st))
		return why_set(why, -errno, "cannot mount on %s: %s", real,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return why_set(why, -ENOTDIR,
			       "cannot mount on %s: not a folder", real);
	/* fusermount3's rule, said here in one line. */
	if (geteuid() != 0 && (access(real, W_OK) || ((st.st_mode & S_ISVTX) &&
						      st.st_uid != geteuid())))
		return why_set(
			why, -EPERM,
			"cannot mount on %s: it is not yours to write to",
			real);
	*ret = STEAL_PTR(real);
	return check_device(why);
}

/* ---- syncfs and the lazy unmount, in a thread of their own ---- */

enum {
	ASKER_STACK = 256 * 1024,
	MAX_FDS = 65536, /* where the kernel cannot close all at once */
};

/*
 * Shared by the waiting thread and the helper; the last one frees it.  The
 * helper may hang for as long as a program's dirty pages cannot be written,
 * and then outlives the wait.
 */
struct helper {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned refs;
	bool done;
	int err;
	bool leave;
	dev_t dev;
	char barrier[48];
	const char *place; /* of the helper: where the mount is to be reached */
	char dir[];
};

static void helper_put(struct helper *h)
{
	unsigned refs;

	pthread_mutex_lock(&h->lock);
	refs = --h->refs;
	pthread_mutex_unlock(&h->lock);
	if (refs)
		return;
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->cond);
	free(h);
}

/*
 * syncfs(2) queues the pages, but does not wait for a FUSE server.  Asking for
 * the barrier comes behind what is in the kernel's queue of requests, and its
 * answer behind all of that; pages that were not there yet, for that queue
 * takes a bounded number of them at a time, came since if a second answer has
 * another count.  No name is looked up: during fsync of the root it is locked.
 */
static int wait_for_pages(int dir_fd, const char *barrier)
{
	uint64_t count, before = 0;
	unsigned rounds = 0;

	for (;;) {
		ssize_t n = fgetxattr(dir_fd, barrier, &count, sizeof count);

		if (n != (ssize_t)sizeof count)
			return n < 0 ? -errno : -EIO;
		if (rounds++ && count == before)
			return 0;
		before = count;
	}
}

/* Its file is closed by its end.  @dir may be one file that is bound there. */
static int push_pages(const char *dir, dev_t dev, const char *barrier)
{
	struct stat st;
	int fd;

	if (stat(dir, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0; /* to open it may do anything */
	fd = open(dir, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	if (st.st_dev != dev) /* something else was mounted over it */
		return 0;
	if (syncfs(fd))
		return -errno;
	return wait_for_pages(fd, barrier);
}

/* Its exit status is the error. */
static int asker_run(void *arg)
{
	const struct helper *h = arg;

	if (close_range(0, ~0U, 0))
		for (int fd = 0; fd < MAX_FDS; fd++)
			close(fd);
	return -push_pages(h->place, h->dev, h->barrier);
}

/*
 * In a process of its own, without the daemon's files.  The kernel keeps who
 * waits for the answer to a request that was taken, killed or not, until
 * /dev/fuse is closed: a thread of a daemon that is killed then would keep open
 * what it waits for, and all programs on the mount would hang with it.
 *
 * It must need no lock: other threads have left theirs as they were.  Nor may
 * it share our memory, of which rings are a part, that keep /dev/fuse open.
 */
static int sync_at(struct helper *h)
{
	pid_t pid, got;
	int status = 0;
	char *stack;

	AUTO_FREE char *place = mountpoint_find(h->dir, h->dev);

	if (!place)
		return 0;
	stack = malloc(ASKER_STACK);
	if (!stack)
		return -ENOMEM;
	h->place = place;
	pid = clone(asker_run, stack + ASKER_STACK, 0, h);
	free(stack);
	if (pid < 0)
		return -errno;
	do
		got = waitpid(pid, &status, __WALL);
	while (got < 0 && errno == EINTR);
	if (got != pid || !WIFEXITED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

static void *helper_run(void *arg)
{
	struct helper *h = arg;
	int err = sync_at(h);

	if (h->leave) {
		int detach_err = mountpoint_detach_all(h->dir, h->dev);

		if (!err)
			err = detach_err;
	}
	pthread_mutex_lock(&h->lock);
	h->done = true;
	h->err = err;
	pthread_cond_signal(&h->cond);
	pthread_mutex_unlock(&h->lock);
	helper_put(h);
	return NULL;
}

static int helper_start(struct helper *h)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, &attr, helper_run, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

/* Wait for @h in steps, looking at *@cut (may be NULL) between them. */
static int helper_wait(struct helper *h, int timeout_ms, const atomic_bool *cut)
{
	enum { STEP_MS = 100 };
	struct timespec until;
	LOCK_GUARD(&h->lock);

	clock_gettime(CLOCK_MONOTONIC, &until);
	while (!h->done && timeout_ms > 0) {
		if (cut && atomic_load(cut))
			return -ECANCELED;
		until = cond_after_ms(until, STEP_MS);
		while (!h->done &&
		       cond_wait_until(&h->cond, &h->lock, &until) == 0)
			;
		timeout_ms -= STEP_MS;
	}
	return h->done ? h->err : -ETIMEDOUT;
}

static int run_helper(const char *dir, dev_t dev, const char *barrier,
		      bool leave, int timeout_ms, const atomic_bool *cut)
{
	struct helper *h = calloc(1, sizeof *h + strlen(dir) + 1);
	int err;

	if (!h)
		return -ENOMEM;
	memcpy(h->dir, dir, strlen(dir) + 1);
	snprintf(h->barrier, sizeof h->barrier, "%s", barrier);
	h->dev = dev;
	h->leave = leave;
	h->refs = 2;
	pthread_mutex_init(&h->lock, NULL);
	cond_init(&h->cond);
	err = helper_start(h);
	if (err) {
		h->refs = 1;
		helper_put(h);
		return err;
	}
	err = helper_wait(h, timeout_ms, cut);
	helper_put(h);
	return err;
}

int mountpoint_sync(const char *dir, dev_t dev, const char *barrier,
		    int timeout_ms)
{
	return run_helper(dir, dev, barrier, false, timeout_ms, NULL);
}

int mountpoint_leave(const char *dir, dev_t dev, const char *barrier,
		     int timeout_ms, const atomic_bool *cut)
{
	return run_helper(dir, dev, barrier, true, timeout_ms, cut);
}
