/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/control_peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"

/* What ended with the mount is still told, to who listens. */
enum { LAST_WORDS_MS = 1000 };

/* Serve the first whole line in @cl->in; false if there is none. */
static bool next_line(struct peer *cl)
{
	char *end =
		memchr(cl->in + cl->scanned, '\n', cl->in_len - cl->scanned);
	size_t len;

	if (!end) {
		cl->scanned = cl->in_len;
		if (cl->in_len < PEER_MAX_LINE)
			return false;
		cl->last_line = true;
		cl->in_len = cl->scanned = 0;
		peer_put_error(cl, -EMSGSIZE, "the request is too long");
		return true;
	}
	len = (size_t)(end - cl->in);
	peer_do_line(cl, cl->in, len);
	cl->in_len -= len + 1;
	memmove(cl->in, end + 1, cl->in_len);
	cl->scanned = 0;
	return true;
}

/* ---- one client ---- */

static void hang_up(struct peer *cl)
{
	if (cl->fd < 0)
		return;
	close(cl->fd);
	cl->fd = -1;
	free(cl->out);
	cl->out = NULL;
	if (cl->passed_fd >= 0)
		close(cl->passed_fd);
	cl->passed_fd = -1;
	if (cl->leaving)
		volume_leaving(cl->v, false);
	cl->leaving = false;
	peer_end_job(cl);
	peer_unwatch(cl);
	free(cl->events);
	cl->events = NULL;
	cl->n_events = 0;
}

/* Find something to send.  First the events, then the answer of the commit that
 * they belong to, then the next request. */
static void find_work(struct peer *cl)
{
	struct event e;

	while (!cl->out) {
		bool over = cl->call && peer_commit_is_over(cl);

		if (cl->events && peer_next_event(cl, &e))
			peer_put_event(cl, &e);
		else if (over)
			peer_end_commit(cl);
		else if (cl->job && job_is_over(cl->job))
			peer_end_job(cl);
		else if (cl->call || cl->job || !next_line(cl))
			return;
	}
}

static void send_some(struct peer *cl)
{
	ssize_t n =
		send(cl->fd, cl->out + cl->out_done, cl->out_len - cl->out_done,
		     MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		hang_up(cl);
		return;
	}
	if (n > 0)
		cl->out_done += (size_t)n;
	if (cl->out_done == cl->out_len) {
		free(cl->out);
		cl->out = NULL;
	}
}

/* The descriptor that came along, if one did. */
static void take_passed(struct peer *cl, struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof cl->passed_fd))
		return;
	if (cl->passed_fd >= 0)
		close(cl->passed_fd);
	memcpy(&cl->passed_fd, CMSG_DATA(c), sizeof cl->passed_fd);
}

static void receive_some(struct peer *cl)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {cl->in + cl->in_len, PEER_MAX_LINE - cl->in_len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof control};
	ssize_t n = recvmsg(cl->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_passed(cl, &msg);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		hang_up(cl);
	else if (n == 0)
		cl->last_line = true;
	else if (n > 0)
		cl->in_len += (size_t)n;
}

/* ---- time ---- */

/* A hold is a lease from the end of its commit on.  Whether the answer could be
 * sent does not matter: who is stopped does not read it. */
static void check_lease(struct peer *cl, int64_t now)
{
	if (!cl->hold || (cl->call && !peer_commit_is_over(cl)))
		return;
	/* A commit that failed holds nothing. */
	if (cl->call && cl->call->err)
		return;
	if (!cl->lease_end_ms)
		cl->lease_end_ms = now + CONTROL_LEASE_MS;
	if (now < cl->lease_end_ms)
		return;
	log_warning("who unmounts was not heard of for %d seconds: changes are "
		    "let in again",
		    CONTROL_LEASE_MS / 1000);
	peer_release(cl);
}

/* A commit that another one keeps waiting says so, once. */
static void check_patience(struct peer *cl, int64_t now)
{
	struct progress p = {.phase = "waiting",
			     .waits_for = "a burn that runs already"};

	if (!cl->call || cl->asked_ms < 0 ||
	    now < cl->asked_ms + PEER_PATIENCE_MS)
		return;
	cl->asked_ms = -1;
	if (cl->fd >= 0 && volume_is_behind(cl->v, cl->call))
		peer_on_event(cl, &p);
}

static int next_check_ms(const struct peer *cl, int64_t now)
{
	int64_t at = INT64_MAX;

	if (cl->hold && cl->lease_end_ms)
		at = cl->lease_end_ms;
	else if (cl->call && cl->asked_ms >= 0)
		at = cl->asked_ms + PEER_PATIENCE_MS;
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : (int)(at - now);
}

/* Wait for something to happen; false at control_stop. */
static bool wait_for_more(struct peer *cl)
{
	int64_t now = clock_now_ms();
	struct pollfd fds[3] = {
		{.fd = cl->stop_fd, .events = POLLIN},
		{.fd = cl->wake_fd, .events = POLLIN},
		{.fd = cl->fd},
	};
	bool may_read = !cl->last_line && cl->in_len < PEER_MAX_LINE;

	if (may_read)
		fds[2].events |= POLLIN;
	if (cl->out)
		fds[2].events |= POLLOUT;
	check_lease(cl, now);
	check_patience(cl, now);
	if (poll(fds, 3, next_check_ms(cl, now)) < 0)
		return errno == EINTR;
	if (fds[0].revents)
		return false;
	if (fds[1].revents)
		peer_unwake(cl->wake_fd);
	if (fds[2].revents & POLLOUT)
		send_some(cl);
	if (cl->fd >= 0 && (fds[2].revents & POLLIN))
		receive_some(cl);
	/* What it sent before it went is still read. */
	else if (fds[2].revents & (POLLHUP | POLLERR))
		hang_up(cl);
	return true;
}

/* Whether nothing can happen any more. */
static bool is_over(const struct peer *cl)
{
	if (cl->call || cl->job)
		return false;
	if (cl->fd < 0)
		return true;
	return cl->last_line && !cl->out && !cl->watch_asked && !cl->hold;
}

static void send_until(struct peer *cl, int64_t end)
{
	struct pollfd fd = {.fd = cl->fd, .events = POLLOUT};
	int64_t left;

	while (cl->fd >= 0 && cl->out && (left = end - clock_now_ms()) > 0)
		if (poll(&fd, 1, (int)left) > 0)
			send_some(cl);
}

/* The mount ends.  The commits are over: their clients are told how, and who
 * asks for something now, that it is too late. */
static void say_last(struct peer *cl)
{
	int64_t end = clock_now_ms() + LAST_WORDS_MS;

	send_until(cl, end);
	if (cl->fd < 0 || cl->out)
		return;
	if (cl->call && peer_commit_is_over(cl)) {
		peer_end_commit(cl);
	} else if (!cl->call && !cl->job) {
		receive_some(cl);
		if (cl->fd >= 0 && memchr(cl->in, '\n', cl->in_len))
			peer_put_error(cl, -ESHUTDOWN, "the mount has ended");
	}
	send_until(cl, end);
}

static void serve(struct peer *cl)
{
	for (;;) {
		if (cl->fd >= 0)
			find_work(cl);
		else if (cl->call && peer_commit_is_over(cl))
			peer_end_commit(cl);
		if (is_over(cl)) {
			if (cl->hold)
				peer_release(cl);
			return;
		}
		if (!wait_for_more(cl)) {
			say_last(cl); /* nothing is to be released */
			return;
		}
	}
}

void control_serve(struct volume *v, int fd, int stop_fd)
{
	struct peer cl = {
		.v = v,
		.fd = fd,
		.stop_fd = stop_fd,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.in = malloc(PEER_MAX_LINE),
		.passed_fd = -1,
	};

	pthread_mutex_init(&cl.lock, NULL);
	if (cl.in && cl.wake_fd >= 0)
		serve(&cl);
	else
		log_error("control: cannot serve a client: %s",
			  strerror(errno));
	peer_leave_commit(&cl);
	hang_up(&cl);
	if (cl.wake_fd >= 0)
		close(cl.wake_fd);
	free(cl.in);
	pthread_mutex_destroy(&cl.lock);
}

void control_refuse(int fd, int err, const char *text)
{
	struct peer cl = {.fd = fd, .wake_fd = -1, .passed_fd = -1};

	peer_put_error(&cl, err, text);
	if (cl.out)
		send_some(&cl);
	hang_up(&cl);
}
