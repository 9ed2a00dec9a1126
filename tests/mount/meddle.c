/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into a mount: has something happen at a certain moment.
 *
 *	MEDDLE_AT=fsync:NAME	when a file whose path ends in NAME was synced by
 *	MEDDLE_AT=fdatasync:NAME	fsync(2) or fdatasync(2), ...
 *	MEDDLE_DO=SCRIPT	... sh SCRIPT runs, once: it is then renamed to
 *				SCRIPT.done
 *	MEDDLE_LOCK=FILE	while FILE is there, no lock of fcntl(2) is to be
 *				had: ENOLCK
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int fsync(int fd);
int fdatasync(int fd);
int fcntl(int fd, int cmd, ...);
int fcntl64(int fd, int cmd, ...);

static bool is_file(int fd, const char *end)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n < 0 || (size_t)n < strlen(end))
		return false;
	path[n] = '\0';
	return strcmp(path + n - strlen(end), end) == 0;
}

static void meddle(const char *call, int fd)
{
	const char *at = getenv("MEDDLE_AT"), *todo = getenv("MEDDLE_DO");
	size_t len = strlen(call);
	char sh[] = "sh", path[4096], done[4096 + 8];
	char *argv[] = {sh, done, NULL};
	pid_t pid;

	if (!at || !todo || strncmp(at, call, len) != 0 || at[len] != ':' ||
	    !is_file(fd, at + len + 1))
		return;
	snprintf(path, sizeof path, "%s", todo);
	snprintf(done, sizeof done, "%s.done", path);
	if (rename(path, done) < 0)
		return;
	unsetenv("LD_PRELOAD");
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) == 0)
		waitpid(pid, NULL, 0);
}

int fsync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	int ret = next(fd);

	meddle("fsync", fd);
	return ret;
}

int fdatasync(int fd)
{
	int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	int ret = next(fd);

	meddle("fdatasync", fd);
	return ret;
}

static int do_fcntl(const char *name, int fd, int cmd, void *arg)
{
	int (*next)(int, int, ...) =
		(int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
	const char *file = getenv("MEDDLE_LOCK");

	if ((cmd == F_OFD_SETLK || cmd == F_SETLK || cmd == F_SETLKW) && file &&
	    access(file, F_OK) == 0) {
		errno = ENOLCK;
		return -1;
	}
	return next(fd, cmd, arg);
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return do_fcntl("fcntl", fd, cmd, arg);
}

int fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return do_fcntl("fcntl64", fd, cmd, arg);
}
