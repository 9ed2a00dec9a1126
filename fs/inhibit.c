/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/inhibit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

/*
 * The lock is held as long as the program runs that systemd-inhibit started:
 * a cat that waits for the end of a pipe, of which only we have the other end.
 */
struct inhibit {
	pid_t pid;
	int pipe;
};

/* sd_booted(3) */
static bool is_systemd(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* Away from the daemon's files, of which the device and the disc are not to be
 * kept open by others, and from its signals. */
static int spawn(char *const *args, int in, pid_t *ret)
{
	char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C";
	char *env[] = {path, locale, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null",
					 O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	err = posix_spawn(ret, "/usr/bin/systemd-inhibit", &actions, &attr,
			  args, env);
	if (err == ENOENT)
		err = posix_spawn(ret, "/bin/systemd-inhibit", &actions, &attr,
				  args, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return -err;
}

struct inhibit *inhibit_begin(const char *why)
{
	char name[] = "systemd-inhibit", what[] = "--what=shutdown:sleep";
	char who[] = "--who=discfs", mode[] = "--mode=block", cat[] = "cat";
	AUTO_FREE char *reason = NULL;
	struct inhibit *i;
	int fds[2], err;

	if (!is_systemd() || asprintf(&reason, "--why=%s", why) < 0)
		return NULL;
	i = calloc(1, sizeof *i);
	if (!i || pipe2(fds, O_CLOEXEC)) {
		free(i);
		return NULL;
	}
	char *const args[] = {name, what, who, reason, mode, cat, NULL};

	err = spawn(args, fds[0], &i->pid);
	close(fds[0]);
	if (err) {
		log_debug("systemd-inhibit: %s", strerror(-err));
		close(fds[1]);
		free(i);
		return NULL;
	}
	i->pipe = fds[1];
	return i;
}

void inhibit_end(struct inhibit *i)
{
	static const struct timespec pause = {.tv_nsec = 10000000};
	enum { TRIES = 100 };
	pid_t got = 0;

	if (!i)
		return;
	close(i->pipe);
	for (int n = 0; n < TRIES && got == 0; n++) {
		if (n > 0)
			nanosleep(&pause, NULL);
		got = waitpid(i->pid, NULL, WNOHANG);
	}
	/* It hangs, as where the bus does. */
	if (got == 0) {
		kill(i->pid, SIGKILL);
		while (waitpid(i->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(i);
}
