/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "common/log.h"

/*
 * What goes through the pipe: one byte, the exit code, once.  Lines for the
 * terminal need no pipe: the child has the command's standard error until it
 * is ready.
 */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/* SIGINT and SIGTERM are blocked but for the time of the ppoll. */
struct signals {
	sigset_t mask;
	struct sigaction on_int, on_term;
};

static void signals_catch(struct signals *old)
{
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGINT);
	sigaddset(&both, SIGTERM);
	sigprocmask(SIG_BLOCK, &both, &old->mask);
	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, &old->on_int);
	sigaction(SIGTERM, &act, &old->on_term);
	interrupted = 0;
}

static void signals_restore(const struct signals *old)
{
	sigaction(SIGINT, &old->on_int, NULL);
	sigaction(SIGTERM, &old->on_term, NULL);
	sigprocmask(SIG_SETMASK, &old->mask, NULL);
}

static int died(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		command_say("the mount's process died before it was ready: %s",
			    strsignal(WTERMSIG(status)));
	else
		command_say("the mount's process ended with code %d before it "
			    "was ready",
			    WEXITSTATUS(status));
	return EXIT_CODE_INTERNAL;
}

static int wait_for(pid_t child, int fd, const sigset_t *mask)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	unsigned char code;

	while (ppoll(&poll_fd, 1, NULL, mask) < 0) {
		if (interrupted) {
			kill(child, SIGTERM);
			waitpid(child, NULL, 0);
			command_say("interrupted");
			return EXIT_CODE_INTERRUPTED;
		}
		if (errno != EINTR) {
			command_say("poll: %s", strerror(errno));
			return EXIT_CODE_SYSTEM;
		}
	}
	if (read(fd, &code, 1) != 1)
		return died(child);
	/* After a failure nothing stays behind. */
	if (code != EXIT_CODE_OK)
		waitpid(child, NULL, 0);
	return code;
}

static void report(struct launch *l, unsigned char code)
{
	/* Once: the announcing thread's word, or the end's. */
	int fd = atomic_exchange(&l->fd, -1);
	ssize_t n;

	if (fd < 0)
		return;
	do
		n = write(fd, &code, 1);
	while (n < 0 && errno == EINTR);
	close(fd);
}

static void run_child(int fd, int (*work)(struct launch *l, void *arg),
		      void *arg)
{
	struct launch l = {.fd = fd};
	int code;

	setsid();
	/* What a caller left open (the pipe of a script) must not live as
	 * long as the mount. */
	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0u, 0);
	code = work(&l, arg);
	report(&l, (unsigned char)code);
	exit(code);
}

int launch(bool foreground, int (*work)(struct launch *l, void *arg), void *arg)
{
	struct launch l = {.fd = -1};
	struct signals old;
	int fds[2], code;
	pid_t child;

	if (foreground)
		return work(&l, arg);
	if (pipe2(fds, O_CLOEXEC)) {
		command_say("pipe: %s", strerror(errno));
		return EXIT_CODE_SYSTEM;
	}
	fflush(NULL);
	signals_catch(&old);
	child = fork();
	if (child == 0) {
		signals_restore(&old);
		run_child(fds[1], work, arg);
	}
	close(fds[1]);
	if (child < 0) {
		command_say("fork: %s", strerror(errno));
		code = EXIT_CODE_SYSTEM;
	} else {
		code = wait_for(child, fds[0], &old.mask);
	}
	close(fds[0]);
	signals_restore(&old);
	return code;
}

void launch_ready(struct launch *l)
{
	int null;

	if (l->fd < 0)
		return;
	log_to_syslog();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	report(l, EXIT_CODE_OK);
}
