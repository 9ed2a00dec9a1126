/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/utab.h"
#include "common/cleanup.h"

extern char **environ;

/* Whether the very mount @m still stands on its folder. */
static bool is_mounted(const struct mountinfo *m)
{
	struct mountinfo now = {0};
	bool same;

	if (mountinfo_lookup(m->dir, false, &now, NULL) != 1)
		return false;
	same = now.id == m->id;
	mountinfo_release(&now);
	return same;
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
	if (code == 0 || !is_mounted(m))
		return 0;
	if (code < 0)
		return why_set(why, code, "fusermount3: %s", strerror(-code));
	return why_set(why, -EBUSY,
		       "fusermount3 -u ended with code %d: the "
		       "target is busy",
		       code);
}

int unmount_now(const struct mountinfo *m, bool lazy, struct why *why)
{
	int flags = UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0);

	if (!is_mounted(m)) {
		utab_remove(m->dir);
		return 0;
	}
	if (geteuid() != 0)
		return unmount_as_user(m, lazy, why);
	if (umount2(m->dir, flags))
		return why_set(why, -errno, "%s",
			       errno == EBUSY ? "the target is busy"
					      : strerror(errno));
	utab_remove(m->dir);
	return 0;
}
