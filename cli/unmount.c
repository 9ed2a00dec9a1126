/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/utab.h"
#include "common/cleanup.h"

extern char **environ;

/*
 * Whether the very mount @m is still there: 1, 0, -EBUSY with @why where
 * something else was mounted over it, which is not what is to go.
 */
static int is_mounted(const struct mountinfo *m, struct why *why)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	struct mountinfo *list = NULL;
	size_t n = 0;
	int ret;

	if (!table)
		return why_set(why, -errno, "/proc/self/mountinfo: %s",
			       strerror(errno));
	ret = mountinfo_load(table, &list, &n);
	fclose(table);
	for (size_t i = 0; ret >= 0 && i < n; i++) {
		if (list[i].id == m->id && list[i].dev == m->dev)
			ret = 1;
		if (list[i].parent == m->id && !strcmp(list[i].dir, m->dir))
			ret = why_set(why, -EBUSY,
				      "%s was mounted over it meanwhile",
				      list[i].source);
	}
	mountinfo_free(list, n);
	return ret;
}

bool unmount_is_mounted(const struct mountinfo *m)
{
	return is_mounted(m, NULL) != 0;
}

/* Run fusermount3 -u; its exit code, or -errno. */
static int run_fusermount(const char *dir, bool lazy)
{
	char program[] = "fusermount3", unmount[] = "-u", quiet[] = "-q";
	char lazily[] = "-z", end[] = "--";
	AUTO_FREE char *copy = strdup(dir);
	char *args[] = {program, unmount, quiet, lazy ? lazily : quiet,
			end,	 copy,	  NULL};
	posix_spawn_file_actions_t actions;
	int status = 0, err;
	pid_t pid;

	if (!copy)
		return -ENOMEM;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	err = posix_spawnp(&pid, program, &actions, NULL, args, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

static int unmount_as_user(const struct mountinfo *m, bool lazy,
			   struct why *why)
{
	int code;

	/* It says what is wrong in words for which there is no code. */
	if (m->owner != geteuid())
		return why_set(why, -EPERM,
			       "only root and user %u, who mounted it, can "
			       "unmount it",
			       m->owner);
	code = run_fusermount(m->dir, lazy);
	if (code == 0 || !is_mounted(m, NULL))
		return 0;
	if (code < 0)
		return why_set(why, code, "fusermount3: %s", strerror(-code));
	return why_set(why, -EBUSY,
		       "fusermount3 -u ended with code %d: the "
		       "target is busy",
		       code);
}

/* utab goes by the folder: what is mounted there still keeps its entry. */
static void clean_utab(const char *dir)
{
	struct mountinfo left = {0};

	if (mountinfo_lookup(dir, false, &left, NULL) == 0)
		utab_remove(dir);
	mountinfo_release(&left);
}

static int unmount_once(const struct mountinfo *m, bool lazy, struct why *why)
{
	int flags = UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0);

	if (geteuid() != 0)
		return unmount_as_user(m, lazy, why);
	if (umount2(m->dir, flags) == 0)
		return 0;
	return why_set(why, -errno, "%s",
		       errno == EBUSY ? "the target is busy" : strerror(errno));
}

int unmount_now(const struct mountinfo *m, bool lazy, struct why *why)
{
	static const struct timespec pause = {.tv_nsec = 100000000};
	enum { TRIES = 10 };
	int err = 0;

	for (int i = 0; i < TRIES; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		err = is_mounted(m, why);
		if (err > 0)
			err = unmount_once(m, lazy, why);
		if (err != -EBUSY)
			break;
	}
	/* Another one was faster, between the look and the call. */
	if (err && is_mounted(m, NULL) == 0)
		err = 0;
	if (!err)
		clean_utab(m->dir);
	return err;
}
