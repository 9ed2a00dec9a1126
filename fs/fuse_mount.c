/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"

/*
 * Mounting by mount(2) or fusermount3(1) and not by libfuse's
 * fuse_session_mount, which keeps the reason of a failure to itself.
 */

extern char **environ;

/* ---- fusermount3 ---- */

enum { MAX_ARGS = 8 };

/* Run fusermount3 with @args (ended by NULL), its standard error to @err_fd,
 * with @commfd open in it (-1: none).  0 with *@ret, or -errno. */
static int spawn_fusermount(const char *const *args, int err_fd, int commfd,
			    pid_t *ret)
{
	char *argv[MAX_ARGS + 2] = {NULL}, var[32];
	AUTO_FREE char **env = NULL;
	posix_spawn_file_actions_t actions;
	size_t n = 0, vars = 0;
	int err = 0;

	while (environ[vars])
		vars++;
	env = calloc(vars + 2, sizeof *env);
	if (!env)
		return -ENOMEM;
	snprintf(var, sizeof var, "_FUSE_COMMFD=%d", commfd);
	memcpy(env + 1, environ, vars * sizeof *env);
	env[0] = var; /* the first one of a name counts */

	argv[n++] = strdup("fusermount3");
	while (args[n - 1] && n <= MAX_ARGS) {
		argv[n] = strdup(args[n - 1]);
		n++;
	}
	posix_spawn_file_actions_init(&actions);
	err = posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
	/* Onto itself: it stays open in the child. */
	if (!err && commfd >= 0)
		err = posix_spawn_file_actions_adddup2(&actions, commfd,
						       commfd);
	if (!err)
		err = posix_spawnp(ret, "fusermount3", &actions, NULL, argv,
				   commfd >= 0 ? env : environ);
	posix_spawn_file_actions_destroy(&actions);
	while (n)
		free(argv[--n]);
	return -err;
}

static int reap_fusermount(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

/* The descriptor that fusermount3 sends, or -1. */
static int receive_device(int sock)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};
	const struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

/* What fusermount3 wrote, without its own name. */
static void read_words(int fd, char *text, size_t size)
{
	static const char name[] = "fusermount3: ";
	ssize_t n = read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(text, name, sizeof name - 1) == 0)
		memmove(text, text + sizeof name - 1,
			strlen(text) - (sizeof name - 1) + 1);
}

static int mount_by_fusermount(const char *dir, const char *options,
			       int *ret_fd, struct why *why)
{
	const char *args[] = {"-o", options, "--", dir, NULL};
	AUTO_FD int ours = -1, err_in = -1;
	int sock[2], errs[2], err, fd = -1;
	char words[400] = "";
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
		return why_set(why, -errno, "cannot mount: %s",
			       strerror(errno));
	ours = sock[0];
	if (pipe2(errs, O_CLOEXEC)) {
		err = -errno;
		close(sock[1]);
		return why_set(why, err, "cannot mount: %s", strerror(-err));
	}
	err_in = errs[0];
	err = spawn_fusermount(args, errs[1], sock[1], &pid);
	close(sock[1]);
	close(errs[1]);
	if (err)
		return why_set(why, err, "cannot run fusermount3: %s",
			       strerror(-err));
	fd = receive_device(ours);
	err = reap_fusermount(pid);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	read_words(err_in, words, sizeof words);
	return why_set(why, err ? err : -EPERM, "cannot mount on %s: %s", dir,
		       words[0] ? words : "fusermount3 failed");
}

/* ---- mount ---- */

/* The options of fusermount3, where the source is one with its commas escaped.
 * Heap, or NULL. */
static char *fusermount_options(const struct mount_opts *o)
{
	AUTO_FREE char *source = malloc(2 * strlen(o->source) + 1);
	const char *s = o->source;
	char *d = source, *ret;

	if (!source)
		return NULL;
	while (*s) {
		if (*s == ',' || *s == '\\')
			*d++ = '\\';
		*d++ = *s++;
	}
	*d = '\0';
	if (asprintf(&ret,
		     "%s,nosuid,nodev%s%s%s,default_permissions,"
		     "subtype=discfs,fsname=%s",
		     o->readonly ? "ro" : "rw", o->noexec ? ",noexec" : "",
		     o->noatime ? ",noatime" : "",
		     o->allow_other ? ",allow_other" : "", source) < 0)
		return NULL;
	return ret;
}

/* By mount(2); the descriptor or -errno. */
static int mount_directly(const char *dir, const struct mount_opts *o)
{
	unsigned long flags =
		(o->readonly ? MS_RDONLY : 0) | (o->nosuid ? MS_NOSUID : 0) |
		(o->nodev ? MS_NODEV : 0) | (o->noexec ? MS_NOEXEC : 0) |
		(o->noatime ? MS_NOATIME : 0);
	AUTO_FD int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char data[160];

	if (fd < 0)
		return -errno;
	snprintf(data, sizeof data,
		 "fd=%d,rootmode=%o,user_id=%u,group_id=%u,"
		 "default_permissions%s",
		 fd, (unsigned)S_IFDIR, (unsigned)getuid(), (unsigned)getgid(),
		 o->allow_other ? ",allow_other" : "");
	if (mount(o->source, dir, "fuse.discfs", flags, data))
		return -errno;
	return STEAL_FD(fd);
}

int mountpoint_mount(const char *dir, const struct mount_opts *opts,
		     int *ret_fd, struct why *why)
{
	AUTO_FREE char *options = NULL;
	int fd = geteuid() == 0 ? mount_directly(dir, opts) : -EPERM;

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (fd != -EPERM)
		return why_set(why, fd, "cannot mount on %s: %s", dir,
			       strerror(-fd));
	options = fusermount_options(opts);
	if (!options)
		return why_set(why, -ENOMEM, "cannot mount: out of memory");
	return mount_by_fusermount(dir, options, ret_fd, why);
}

int mountpoint_detach(const char *dir)
{
	const char *args[] = {"-u", "-q", "-z", "--", dir, NULL};
	AUTO_FD int null = -1;
	pid_t pid;
	int err;

	if (umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0)
		return -errno;
	err = spawn_fusermount(args, null, -1, &pid);
	return err ? err : reap_fusermount(pid);
}
