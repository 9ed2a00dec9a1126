/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/going_down.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmpx.h>

#include "cli/command.h"
#include "common/cleanup.h"

enum {
	SAY_MS = 2000,
	GIVE_UP_MS = 10000,
};

/* sd_booted(3) */
static bool is_systemd(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* Nothing of the caller's environment is root's to believe. */
static int start(int out, pid_t *ret)
{
	char name[] = "systemctl", verb[] = "is-system-running";
	char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C";
	char *args[] = {name, verb, NULL}, *env[] = {path, locale, NULL};
	posix_spawn_file_actions_t actions;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
					 O_WRONLY, 0);
	err = posix_spawn(ret, "/usr/bin/systemctl", &actions, NULL, args, env);
	if (err == ENOENT)
		err = posix_spawn(ret, "/bin/systemctl", &actions, NULL, args,
				  env);
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

/* Whether there is something to read, or the end of it. */
static bool wait_for_word(int fd)
{
	struct pollfd in = {.fd = fd, .events = POLLIN};

	if (poll(&in, 1, SAY_MS) > 0)
		return true;
	command_say("waiting for systemd to say whether the system is going "
		    "down");
	return poll(&in, 1, GIVE_UP_MS - SAY_MS) > 0;
}

static bool systemd_is_stopping(void)
{
	static const char word[] = "stopping\n";
	char text[sizeof word] = "";
	AUTO_FD int in = -1;
	int fds[2], err;
	ssize_t n = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return false;
	in = fds[0];
	err = start(fds[1], &pid);
	close(fds[1]);
	if (err)
		return false;
	if (wait_for_word(in))
		n = read(in, text, sizeof text - 1);
	else
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return n == (ssize_t)sizeof text - 1 && !strcmp(text, word);
}

/* init(8) keeps the runlevel in the low byte of the record's pid. */
static bool runlevel_is_last(void)
{
	struct utmpx *u;
	bool last = false;

	setutxent();
	while ((u = getutxent()))
		if (u->ut_type == RUN_LVL)
			last = (u->ut_pid & 0xff) == '0' ||
			       (u->ut_pid & 0xff) == '6';
	endutxent();
	return last;
}

bool system_goes_down(void)
{
	return is_systemd() ? systemd_is_stopping() : runlevel_is_last();
}
