/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/cleanup.h"
#include "common/clock.h"

/* A diff of a million paths of 255 bytes; more is not read. */
#define LINE_MAX_BYTES ((size_t)512 << 20)
#define READ_BYTES ((size_t)64 << 10)
/* After so long a silence it is asked what the process does. */
#define SILENCE_MS 3000

struct client {
	int fd;
	pid_t pid; /* of the process that serves, 0: not known */
	int pidfd; /* the same, -1: not known */
	bool passes; /* pass_fd goes with the next request */
	int pass_fd;
	bool told; /* the user, that there is no answer to this request */
	char *buf; /* what was read and not yet used */
	size_t used, size;
	size_t seen; /* so many bytes of buf hold no newline */
};

void client_free(struct client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	if (c->pidfd >= 0)
		close(c->pidfd);
	free(c->buf);
	free(c);
}

pid_t client_peer(const struct client *c)
{
	return c->pid;
}

static int check_peer(struct client *c, uid_t owner, struct why *why)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return why_set(why, -errno, "control socket: %s",
			       strerror(errno));
	if (peer.uid != owner && peer.uid != 0)
		return why_set(why, -EPERM,
			       "control socket: served by user %u, not by the "
			       "mount's owner %u",
			       peer.uid, owner);
	/* 0: a process of another pid namespace. */
	if (peer.pid > 0) {
		c->pid = peer.pid;
		c->pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	}
	return 0;
}

/* proc_pid_stat(5): a letter; 0 where it is not to be had. */
static char state_of(pid_t pid)
{
	char path[64], line[256], *end;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	f = pid > 0 ? fopen(path, "re") : NULL;
	if (!f)
		return 0;
	if (!fgets(line, sizeof line, f))
		line[0] = 0;
	fclose(f);
	/* The name before it may hold anything. */
	end = strrchr(line, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

static bool is_stopped(const struct client *c)
{
	char state = state_of(c->pid);

	return state == 'T' || state == 't';
}

/*
 * Nothing was heard for a while.  @patient: what was asked for may take its
 * time, and goes on when we do not wait: then there is but something to say.
 * Sets *@told once there is no more to say.
 */
static int on_silence(const struct client *c, bool patient, bool *told,
		      struct why *why)
{
	long pid = c->pid;

	if (is_stopped(c) && !patient)
		return why_set(why, -ETIMEDOUT,
			       "the mount's process %ld is stopped and does "
			       "not answer: \"kill -CONT %ld\" lets it go on",
			       pid, pid);
	if (is_stopped(c))
		command_say("waiting: the mount's process %ld is stopped: "
			    "\"kill -CONT %ld\" lets it go on",
			    pid, pid);
	else if (!patient)
		command_say("waiting: the mount's process %ld does not answer "
			    "yet",
			    pid);
	else
		return 0;
	*told = true;
	return 0;
}

/* A process that is stopped takes no more than some connections. */
static int connect_in_time(int fd, const struct sockaddr_un *addr)
{
	struct timeval t = {.tv_sec = SILENCE_MS / 1000}, none = {0};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	if (connect(fd, (const struct sockaddr *)addr, sizeof *addr))
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
	return 0;
}

int client_connect(const char *path, uid_t owner, struct client **ret,
		   struct why *why)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct client *c;
	int err;

	if (strlen(path) >= sizeof addr.sun_path)
		return why_set(why, -ENAMETOOLONG, "%s: %s", path,
			       strerror(ENAMETOOLONG));
	memcpy(addr.sun_path, path, strlen(path) + 1);
	c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->pidfd = -1;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		err = why_set(why, -errno, "socket: %s", strerror(errno));
		goto fail;
	}
	err = connect_in_time(c->fd, &addr);
	if (err) {
		why_set(why, err, "%s: %s", path,
			err == -EAGAIN ? "the mount's process takes no more "
					 "requests; is it stopped?"
				       : strerror(-err));
		goto fail;
	}
	err = check_peer(c, owner, why);
	if (err)
		goto fail;
	*ret = c;
	return 0;
fail:
	client_free(c);
	return err;
}

static int gone(struct why *why)
{
	return why_set(why, -EPIPE, "the process of the mount hung up");
}

void client_pass(struct client *c, int fd)
{
	c->pass_fd = fd;
	c->passes = true;
}

static ssize_t send_some(struct client *c, const char *data, size_t len)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *h;
	ssize_t n;

	if (c->passes) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof control;
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof c->pass_fd);
		memcpy(CMSG_DATA(h), &c->pass_fd, sizeof c->pass_fd);
	}
	n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
	if (n > 0)
		c->passes = false;
	return n;
}

static int send_all(struct client *c, const char *data, size_t len,
		    struct why *why)
{
	while (len > 0) {
		ssize_t n = send_some(c, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return gone(why);
		if (n < 0)
			return why_set(why, -errno, "control socket: %s",
				       strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int wait_readable(struct client *c, int wake_fd, struct why *why)
{
	struct pollfd fds[] = {
		{.fd = c->fd, .events = POLLIN},
		{.fd = wake_fd, .events = POLLIN},
	};
	int n, err = 0;

	while ((n = poll(fds, 2, c->told ? -1 : SILENCE_MS)) <= 0) {
		if (n < 0 && errno != EINTR)
			err = why_set(why, -errno, "poll: %s", strerror(errno));
		else if (n == 0)
			err = on_silence(c, wake_fd >= 0, &c->told, why);
		if (err)
			return err;
	}
	if (fds[1].revents)
		return why_set(why, -EINTR, "interrupted");
	return 0;
}

static int read_more(struct client *c, int wake_fd, struct why *why)
{
	ssize_t n;
	int err;

	if (c->size - c->used < READ_BYTES) {
		size_t size = c->size ? 2 * c->size : 2 * READ_BYTES;
		char *buf;

		if (size > LINE_MAX_BYTES)
			return why_set(why, -EPROTO,
				       "control socket: answer too long");
		buf = realloc(c->buf, size);
		if (!buf)
			return -ENOMEM;
		c->buf = buf;
		c->size = size;
	}
	err = wait_readable(c, wake_fd, why);
	if (err)
		return err;
	n = recv(c->fd, c->buf + c->used, READ_BYTES, 0);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return gone(why);
	if (n < 0)
		return why_set(why, -errno, "control socket: %s",
			       strerror(errno));
	c->used += (size_t)n;
	return 0;
}

/* The next line as an object; a reference for the caller. */
static int receive(struct client *c, int wake_fd, struct json_object **ret,
		   struct why *why)
{
	char *newline = NULL;
	size_t len;
	int err;

	while (!c->used ||
	       !(newline = memchr(c->buf + c->seen, '\n', c->used - c->seen))) {
		c->seen = c->used;
		err = read_more(c, wake_fd, why);
		if (err)
			return err;
	}
	*newline = 0;
	*ret = json_tokener_parse(c->buf);
	len = (size_t)(newline - c->buf) + 1;
	c->used -= len;
	memmove(c->buf, c->buf + len, c->used);
	c->seen = 0;
	if (json_object_is_type(*ret, json_type_object))
		return 0;
	json_object_put(*ret);
	return why_set(why, -EPROTO, "control socket: not a JSON object");
}

static int answer_error(struct json_object *answer, struct why *why)
{
	struct json_object *number;
	int err = EIO;

	if (!json_object_object_get_ex(answer, "error", NULL))
		return 0;
	if (json_object_object_get_ex(answer, "errno", &number)) {
		err = abs(json_object_get_int(number));
		if (err == 0 || err > 4095)
			err = EIO;
	}
	/* EINTR is ours: a burn that was stopped is a failure. */
	if (err == EINTR)
		err = ECANCELED;
	return why_set(why, -err, "%s", answer_text(answer, "error"));
}

int client_call(struct client *c, struct json_object *request,
		client_event event, void *arg, int wake_fd,
		struct json_object **ret, struct why *why)
{
	const char *line =
		json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	struct json_object *answer, *done;
	int err;

	if (!line)
		return -ENOMEM;
	c->told = false;
	err = send_all(c, line, strlen(line), why);
	if (!err)
		err = send_all(c, "\n", 1, why);
	while (!err) {
		err = receive(c, wake_fd, &answer, why);
		if (err)
			break;
		if (json_object_object_get_ex(answer, "done", &done) &&
		    json_object_get_boolean(done)) {
			err = answer_error(answer, why);
			if (!err && ret)
				*ret = answer;
			else
				json_object_put(answer);
			return err;
		}
		if (event)
			event(arg, answer);
		json_object_put(answer);
	}
	return err;
}

int client_call_op(struct client *c, const char *op, struct json_object **ret,
		   struct why *why)
{
	struct json_object *request = json_object_new_object();
	int err = -ENOMEM;

	if (request &&
	    !json_object_object_add(request, "op", json_object_new_string(op)))
		err = client_call(c, request, NULL, NULL, -1, ret, why);
	json_object_put(request);
	return err;
}

int client_wait_gone(struct client *c, int timeout_ms)
{
	int64_t end = clock_now_ms() + timeout_ms, left;
	char junk[4096];

	/* Where the process cannot be watched its hanging up must do: its
	 * last act but for closing the disc. */
	while ((left = end - clock_now_ms()) > 0) {
		struct pollfd fd = {.fd = c->pidfd, .events = POLLIN};

		if (c->pidfd < 0)
			fd.fd = c->fd;
		if (poll(&fd, 1, (int)left) <= 0)
			continue;
		if (c->pidfd >= 0 || recv(c->fd, junk, sizeof junk, 0) <= 0)
			return 0;
	}
	return -ETIMEDOUT;
}

const char *answer_text(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

uint64_t answer_number(struct json_object *object, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return 0;
	return json_object_get_uint64(value);
}
