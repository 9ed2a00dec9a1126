/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/control_internal.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/control_job.h"

enum {
	MAX_LINE = 1 << 20,
	MAX_DEPTH = 16, /* of a request's JSON */
	MAX_EVENTS = 16,
};

/* A progress event that waits for its client. */
struct event {
	struct progress p;
	char phase[32];
	char file[PATH_MAX];
};

/*
 * A commit that a client asked for.  The committer and the client share it:
 * the client may end first, at control_stop.
 */
struct commit_call {
	pthread_mutex_t lock;
	unsigned refs;
	int wake_fd; /* the client's; -1 once it does not wait any more */
	bool over;
	int err;
	uint64_t blocks;
	char *text;
};

struct client {
	struct volume *v;
	int fd;	     /* -1: hung up */
	int stop_fd; /* the server's */
	int wake_fd; /* eventfd: an event, or the end of the commit */

	char *in; /* MAX_LINE bytes */
	size_t in_len;
	size_t scanned; /* of it, without a newline */
	int passed_fd;	/* came with a request; -1 */
	bool last_line; /* nothing more is read */
	char *out;
	size_t out_len, out_done;

	struct commit_call *call; /* running */
	struct job *job;	  /* running, for this client alone */
	bool hold;		  /* the commit's; afterwards: is held */
	bool watching; /* for the commit or because it was asked for */
	bool watch_asked;
	struct volume_watch watch;

	pthread_mutex_t lock; /* guards the rest: events come from any thread */
	struct event *events; /* MAX_EVENTS, or NULL while not watching */
	unsigned first, n_events;
};

static void wake(int fd)
{
	static const uint64_t one = 1;

	if (write(fd, &one, sizeof one) < 0)
		log_error("control: cannot wake: %s", strerror(errno));
}

static void unwake(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof n) < 0 && errno != EAGAIN)
		log_error("control: eventfd: %s", strerror(errno));
}

/* ---- answers ---- */

/* Take @obj and queue it as a line.  Without memory the client is dropped. */
static void put_line(struct client *cl, struct json_object *obj)
{
	size_t len = 0;
	const char *s = NULL;

	assert(!cl->out);
	if (obj)
		s = json_object_to_json_string_length(
			obj,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
			&len);
	if (s)
		cl->out = malloc(len + 1);
	if (cl->out) {
		memcpy(cl->out, s, len);
		cl->out[len] = '\n';
		cl->out_len = len + 1;
		cl->out_done = 0;
	} else {
		cl->last_line = true;
		shutdown(cl->fd, SHUT_RDWR);
	}
	json_object_put(obj);
}

static struct json_object *new_answer(void)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "done", json_object_new_boolean(true));
	return obj;
}

static void put_error(struct client *cl, int err, const char *text)
{
	struct json_object *obj = new_answer();

	json_object_object_add(obj, "error", json_object_new_string(text));
	json_object_object_add(obj, "errno", json_object_new_int(-err));
	put_line(cl, obj);
}

static void put_report(struct client *cl, const char *key,
		       struct json_object *report)
{
	struct json_object *obj;

	if (!report) {
		put_error(cl, -ENOMEM, strerror(ENOMEM));
		return;
	}
	obj = new_answer();
	json_object_object_add(obj, key, report);
	put_line(cl, obj);
}

static void put_blocks(struct client *cl, uint64_t blocks, const char *text)
{
	struct json_object *obj = new_answer();

	json_object_object_add(obj, "blocks", json_object_new_uint64(blocks));
	if (text)
		json_object_object_add(obj, "text",
				       json_object_new_string(text));
	put_line(cl, obj);
}

static void put_event(struct client *cl, const struct event *e)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "event",
			       json_object_new_string("progress"));
	json_object_object_add(obj, "phase", json_object_new_string(e->phase));
	json_object_object_add(obj, "blocks_done",
			       json_object_new_uint64(e->p.blocks_done));
	json_object_object_add(obj, "blocks_total",
			       json_object_new_uint64(e->p.blocks_total));
	if (e->p.file)
		json_object_object_add(obj, "file",
				       json_object_new_string(e->file));
	json_object_object_add(obj, "bytes_per_second",
			       json_object_new_uint64(e->p.bytes_per_second));
	json_object_object_add(obj, "seconds_left",
			       json_object_new_int64(e->p.seconds_left));
	put_line(cl, obj);
}

/* ---- events ---- */

/* A volume_event.  Never waits: the newest event of a phase replaces the one
 * before it, and the oldest goes when there is no room. */
static void on_event(void *arg, const struct progress *p)
{
	struct client *cl = arg;
	struct event *e;
	LOCK_GUARD(&cl->lock);

	e = &cl->events[(cl->first + cl->n_events + MAX_EVENTS - 1) %
			MAX_EVENTS];
	if (!cl->n_events || strcmp(e->phase, p->phase) != 0) {
		e = &cl->events[(cl->first + cl->n_events) % MAX_EVENTS];
		if (cl->n_events == MAX_EVENTS)
			cl->first = (cl->first + 1) % MAX_EVENTS;
		else
			cl->n_events++;
	}
	e->p = *p;
	snprintf(e->phase, sizeof e->phase, "%s", p->phase);
	snprintf(e->file, sizeof e->file, "%s", p->file ? p->file : "");
	wake(cl->wake_fd);
}

/* Room for events that nobody had to ask the volume for: a job's. */
static int expect_events(struct client *cl)
{
	if (cl->events)
		return 0;
	cl->events = calloc(MAX_EVENTS, sizeof *cl->events);
	cl->first = cl->n_events = 0;
	return cl->events ? 0 : -ENOMEM;
}

/* Begin to get events; 0 or -ENOMEM. */
static int watch(struct client *cl)
{
	int err;

	if (cl->watching)
		return 0;
	err = expect_events(cl);
	if (err)
		return err;
	cl->watch.fn = on_event;
	cl->watch.arg = cl;
	volume_watch(cl->v, &cl->watch);
	cl->watching = true;
	return 0;
}

static void unwatch(struct client *cl)
{
	if (!cl->watching)
		return;
	volume_unwatch(cl->v, &cl->watch);
	cl->watching = false;
	free(cl->events);
	cl->events = NULL;
	cl->n_events = 0;
}

static bool next_event(struct client *cl, struct event *ret)
{
	LOCK_GUARD(&cl->lock);

	if (!cl->n_events)
		return false;
	*ret = cl->events[cl->first];
	cl->first = (cl->first + 1) % MAX_EVENTS;
	cl->n_events--;
	return true;
}

/* ---- commit ---- */

static void call_put(struct commit_call *call)
{
	unsigned refs;

	pthread_mutex_lock(&call->lock);
	refs = --call->refs;
	pthread_mutex_unlock(&call->lock);
	if (refs)
		return;
	pthread_mutex_destroy(&call->lock);
	free(call->text);
	free(call);
}

/* A commit_done. */
static void on_commit_done(void *arg, int err, uint64_t blocks,
			   const char *text)
{
	struct commit_call *call = arg;

	pthread_mutex_lock(&call->lock);
	call->over = true;
	call->err = err;
	call->blocks = blocks;
	call->text = text ? strdup(text) : NULL;
	if (call->wake_fd >= 0)
		wake(call->wake_fd);
	pthread_mutex_unlock(&call->lock);
	call_put(call);
}

static void start_commit(struct client *cl, bool hold)
{
	struct commit_call *call = calloc(1, sizeof *call);
	int err = call ? watch(cl) : -ENOMEM;

	if (err) {
		free(call);
		put_error(cl, err, strerror(-err));
		return;
	}
	pthread_mutex_init(&call->lock, NULL);
	call->refs = 2;
	call->wake_fd = cl->wake_fd;
	err = volume_commit(cl->v, hold, on_commit_done, call);
	if (err) {
		call->refs = 1;
		call_put(call);
		if (!cl->watch_asked)
			unwatch(cl);
		put_error(cl, err, strerror(-err));
		return;
	}
	cl->call = call;
	cl->hold = hold;
}

static bool commit_is_over(const struct client *cl)
{
	LOCK_GUARD(&cl->call->lock);

	return cl->call->over;
}

/* The commit is over and its events are told: answer. */
static void end_commit(struct client *cl)
{
	struct commit_call *call = cl->call;

	if (cl->fd >= 0 && call->err)
		put_error(cl, call->err,
			  call->text ? call->text : strerror(-call->err));
	else if (cl->fd >= 0)
		put_blocks(cl, call->blocks, call->text ? call->text : "");
	if (call->err)
		cl->hold = false; /* a failure has released it */
	if (!cl->watch_asked)
		unwatch(cl);
	cl->call = NULL;
	call_put(call);
}

/* Wait for it no longer: the end of the commit will find nobody. */
static void leave_commit(struct client *cl)
{
	if (!cl->call)
		return;
	pthread_mutex_lock(&cl->call->lock);
	cl->call->wake_fd = -1;
	pthread_mutex_unlock(&cl->call->lock);
	call_put(cl->call);
	cl->call = NULL;
}

static void release(struct client *cl)
{
	cl->hold = false;
	volume_commit_release(cl->v);
}

/* ---- jobs ---- */

static void start_job(struct client *cl, job_run run, struct json_object *req)
{
	int err = expect_events(cl), fd = cl->passed_fd;

	if (!err) {
		cl->passed_fd = -1;
		err = job_start(cl->v, run, req, fd, on_event, cl, cl->wake_fd,
				&cl->job);
	}
	if (err)
		put_error(cl, err, strerror(-err));
}

/* The job is over and its events are told, or nobody waits for it. */
static void end_job(struct client *cl)
{
	struct json_object *report = NULL;
	struct why why = {""};
	int err;

	if (!cl->job)
		return;
	err = job_end(cl->job, &report, &why);
	cl->job = NULL;
	if (cl->fd < 0)
		json_object_put(report);
	else if (err)
		put_error(cl, err, why_text(&why, err));
	else
		put_report(cl, "report", report);
}

/* A job_run. */
static int run_check(struct volume *v, struct json_object *req, int fd,
		     const struct progress_sink *sink, struct json_object **ret,
		     struct why *why)
{
	(void)req;
	(void)fd;
	return volume_check(v, sink, ret, why);
}

/* A job_run. */
static int run_export(struct volume *v, struct json_object *req, int fd,
		      const struct progress_sink *sink,
		      struct json_object **ret, struct why *why)
{
	struct json_object *number = NULL;
	int session = 0;

	if (json_object_object_get_ex(req, "session", &number))
		session = json_object_get_int(number);
	if (fd < 0)
		return why_set(why, -EBADF, "no descriptor came along");
	if (session < 0)
		return why_set(why, -EINVAL, "no number of a session");
	return volume_export(v, (unsigned)session, fd, sink, ret, why);
}

/* ---- requests ---- */

/* The "paths" of a request, valid as long as that; *@ret is the caller's to free.
 * 0, or -errno after it answered. */
static int get_paths(struct client *cl, struct json_object *req,
		     const char ***ret, size_t *ret_n)
{
	struct json_object *list;
	size_t n;

	*ret = NULL;
	*ret_n = 0;
	if (!json_object_object_get_ex(req, "paths", &list) || !list)
		return 0;
	if (!json_object_is_type(list, json_type_array)) {
		put_error(cl, -EINVAL, "\"paths\" is not a list");
		return -EINVAL;
	}
	n = json_object_array_length(list);
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret) {
		put_error(cl, -ENOMEM, strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		struct json_object *p = json_object_array_get_idx(list, i);

		if (!json_object_is_type(p, json_type_string)) {
			put_error(cl, -EINVAL, "a path is a string");
			return -EINVAL;
		}
		(*ret)[i] = json_object_get_string(p);
	}
	*ret_n = n;
	return 0;
}

static void do_diff(struct client *cl, struct json_object *req)
{
	AUTO_FREE const char **paths = NULL;
	size_t n;

	if (get_paths(cl, req, &paths, &n) == 0)
		put_report(cl, "diff", report_diff(cl->v, paths, n));
}

static void do_revert(struct client *cl, struct json_object *req)
{
	AUTO_FREE const char **paths = NULL;
	struct json_object *report;
	struct why why = {""};
	size_t n;
	int err;

	if (get_paths(cl, req, &paths, &n) < 0)
		return;
	err = volume_revert(cl->v, paths, n, &report, &why);
	if (err)
		put_error(cl, err, why_text(&why, err));
	else
		put_report(cl, "revert", report);
}

static void do_log(struct client *cl)
{
	struct json_object *log;
	struct why why = {""};
	int err = report_log(cl->v, &log, &why);

	if (err)
		put_error(cl, err, why_text(&why, err));
	else
		put_report(cl, "log", log);
}

static void do_size(struct client *cl)
{
	struct why why = {""};
	uint64_t blocks;
	int err = volume_commit_size(cl->v, &blocks, &why);

	if (err)
		put_error(cl, err, why_text(&why, err));
	else
		put_blocks(cl, blocks, NULL);
}

/* Who unmounts without burning is told here if anything would be lost. */
static void do_keep(struct client *cl)
{
	struct why why = {""};
	int err = volume_flush(cl->v, &why);

	if (err) {
		put_error(cl, err, why_text(&why, err));
		return;
	}
	volume_keep(cl->v);
	put_line(cl, new_answer());
}

static void do_op(struct client *cl, const char *op, struct json_object *req)
{
	struct json_object *hold;
	int err;

	if (strcmp(op, "status") == 0) {
		put_report(cl, "status", report_status(cl->v));
	} else if (strcmp(op, "diff") == 0) {
		do_diff(cl, req);
	} else if (strcmp(op, "revert") == 0) {
		do_revert(cl, req);
	} else if (strcmp(op, "log") == 0) {
		do_log(cl);
	} else if (strcmp(op, "size") == 0) {
		do_size(cl);
	} else if (strcmp(op, "commit") == 0) {
		start_commit(cl,
			     json_object_object_get_ex(req, "hold", &hold) &&
				     json_object_get_boolean(hold));
	} else if (strcmp(op, "check") == 0) {
		start_job(cl, run_check, req);
	} else if (strcmp(op, "export") == 0) {
		start_job(cl, run_export, req);
	} else if (strcmp(op, "release") == 0) {
		release(cl);
		put_line(cl, new_answer());
	} else if (strcmp(op, "keep") == 0) {
		do_keep(cl);
	} else if (strcmp(op, "watch") == 0) {
		err = watch(cl);
		cl->watch_asked = !err;
		if (err)
			put_error(cl, err, strerror(-err));
	} else {
		put_error(cl, -EOPNOTSUPP, "unknown request");
	}
}

/* One line, without its newline. */
static void do_line(struct client *cl, const char *line, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *req = NULL, *op;

	if (!tok) {
		put_error(cl, -ENOMEM, strerror(ENOMEM));
		return;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	req = json_tokener_parse_ex(tok, line, (int)len);
	if (!req || json_tokener_get_error(tok) != json_tokener_success ||
	    json_tokener_get_parse_end(tok) != len)
		put_error(cl, -EINVAL, "the request is not JSON");
	else if (!json_object_is_type(req, json_type_object) ||
		 !json_object_object_get_ex(req, "op", &op) ||
		 !json_object_is_type(op, json_type_string))
		put_error(cl, -EINVAL, "the request has no \"op\"");
	else
		do_op(cl, json_object_get_string(op), req);
	json_object_put(req);
	json_tokener_free(tok);
}

/* Serve the first whole line in @cl->in; false if there is none. */
static bool next_line(struct client *cl)
{
	char *end =
		memchr(cl->in + cl->scanned, '\n', cl->in_len - cl->scanned);
	size_t len;

	if (!end) {
		cl->scanned = cl->in_len;
		if (cl->in_len < MAX_LINE)
			return false;
		cl->last_line = true;
		cl->in_len = cl->scanned = 0;
		put_error(cl, -EMSGSIZE, "the request is too long");
		return true;
	}
	len = (size_t)(end - cl->in);
	do_line(cl, cl->in, len);
	cl->in_len -= len + 1;
	memmove(cl->in, end + 1, cl->in_len);
	cl->scanned = 0;
	return true;
}

/* ---- one client ---- */

static void hang_up(struct client *cl)
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
	end_job(cl);
	unwatch(cl);
	free(cl->events);
	cl->events = NULL;
	cl->n_events = 0;
}

/* Find something to send.  First the events, then the answer of the commit that
 * they belong to, then the next request. */
static void find_work(struct client *cl)
{
	struct event e;

	while (!cl->out) {
		bool over = cl->call && commit_is_over(cl);

		if (cl->events && next_event(cl, &e))
			put_event(cl, &e);
		else if (over)
			end_commit(cl);
		else if (cl->job && job_is_over(cl->job))
			end_job(cl);
		else if (cl->call || cl->job || !next_line(cl))
			return;
	}
}

static void send_some(struct client *cl)
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
static void take_passed(struct client *cl, struct msghdr *msg)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof cl->passed_fd))
		return;
	if (cl->passed_fd >= 0)
		close(cl->passed_fd);
	memcpy(&cl->passed_fd, CMSG_DATA(c), sizeof cl->passed_fd);
}

static void receive_some(struct client *cl)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {cl->in + cl->in_len, MAX_LINE - cl->in_len};
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

/* Wait for something to happen; false at control_stop. */
static bool wait_for_more(struct client *cl)
{
	struct pollfd fds[3] = {
		{.fd = cl->stop_fd, .events = POLLIN},
		{.fd = cl->wake_fd, .events = POLLIN},
		{.fd = cl->fd},
	};
	bool may_read = !cl->last_line && cl->in_len < MAX_LINE;

	if (may_read)
		fds[2].events |= POLLIN;
	if (cl->out)
		fds[2].events |= POLLOUT;
	if (poll(fds, 3, -1) < 0)
		return errno == EINTR;
	if (fds[0].revents)
		return false;
	if (fds[1].revents)
		unwake(cl->wake_fd);
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
static bool is_over(const struct client *cl)
{
	if (cl->call || cl->job)
		return false;
	if (cl->fd < 0)
		return true;
	return cl->last_line && !cl->out && !cl->watch_asked && !cl->hold;
}

static void serve(struct client *cl)
{
	for (;;) {
		if (cl->fd >= 0)
			find_work(cl);
		else if (cl->call && commit_is_over(cl))
			end_commit(cl);
		if (is_over(cl)) {
			if (cl->hold)
				release(cl);
			return;
		}
		if (!wait_for_more(cl))
			return; /* the mount ends: nothing is to be released */
	}
}

void control_serve(struct volume *v, int fd, int stop_fd)
{
	struct client cl = {
		.v = v,
		.fd = fd,
		.stop_fd = stop_fd,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.in = malloc(MAX_LINE),
		.passed_fd = -1,
	};

	pthread_mutex_init(&cl.lock, NULL);
	if (cl.in && cl.wake_fd >= 0)
		serve(&cl);
	else
		log_error("control: cannot serve a client: %s",
			  strerror(errno));
	leave_commit(&cl);
	hang_up(&cl);
	if (cl.wake_fd >= 0)
		close(cl.wake_fd);
	free(cl.in);
	pthread_mutex_destroy(&cl.lock);
}

void control_refuse(int fd, int err, const char *text)
{
	struct client cl = {.fd = fd, .wake_fd = -1, .passed_fd = -1};

	put_error(&cl, err, text);
	if (cl.out)
		send_some(&cl);
	hang_up(&cl);
}
