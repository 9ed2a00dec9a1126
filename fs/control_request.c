/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/control_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"

enum { MAX_DEPTH = 16 }; /* of a request's JSON */

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
		peer_wake(call->wake_fd);
	pthread_mutex_unlock(&call->lock);
	call_put(call);
}

static void start_commit(struct peer *cl, bool hold)
{
	struct commit_call *call = calloc(1, sizeof *call);
	int err = call ? peer_watch(cl) : -ENOMEM;

	if (err) {
		free(call);
		peer_put_error(cl, err, strerror(-err));
		return;
	}
	peer_release(cl);
	pthread_mutex_init(&call->lock, NULL);
	call->refs = 2;
	call->wake_fd = cl->wake_fd;
	err = volume_commit(cl->v, hold, on_commit_done, call);
	if (err) {
		call->refs = 1;
		call_put(call);
		if (!cl->watch_asked)
			peer_unwatch(cl);
		peer_put_error(cl, err, strerror(-err));
		return;
	}
	cl->call = call;
	cl->asked_ms = clock_now_ms();
	cl->hold = hold;
	cl->lease_end_ms = 0;
}

bool peer_commit_is_over(const struct peer *cl)
{
	LOCK_GUARD(&cl->call->lock);

	return cl->call->over;
}

/* The commit is over and its events are told: answer. */
void peer_end_commit(struct peer *cl)
{
	struct commit_call *call = cl->call;

	if (cl->fd >= 0 && call->err)
		peer_put_error(cl, call->err,
			       call->text ? call->text : strerror(-call->err));
	else if (cl->fd >= 0)
		peer_put_blocks(cl, call->blocks, call->text ? call->text : "");
	if (call->err)
		cl->hold = false; /* a failure has released it */
	if (!cl->watch_asked)
		peer_unwatch(cl);
	cl->call = NULL;
	call_put(call);
}

/* Wait for it no longer: the end of the commit will find nobody. */
void peer_leave_commit(struct peer *cl)
{
	if (!cl->call)
		return;
	pthread_mutex_lock(&cl->call->lock);
	cl->call->wake_fd = -1;
	pthread_mutex_unlock(&cl->call->lock);
	call_put(cl->call);
	cl->call = NULL;
}

void peer_release(struct peer *cl)
{
	if (!cl->hold)
		return;
	cl->hold = false;
	volume_commit_release(cl->v);
}

static void do_renew(struct peer *cl)
{
	if (!cl->hold) {
		peer_put_error(cl, -ESTALE,
			       "changes were let in again, since the unmount "
			       "took too long");
		return;
	}
	cl->lease_end_ms = clock_now_ms() + CONTROL_LEASE_MS;
	peer_put_line(cl, peer_new_answer());
}

/* ---- jobs ---- */

static void start_job(struct peer *cl, job_run run, struct json_object *req)
{
	int err = peer_expect_events(cl), fd = cl->passed_fd;

	if (!err) {
		cl->passed_fd = -1;
		err = job_start(cl->v, run, req, fd, peer_on_event, cl,
				cl->wake_fd, &cl->job);
	}
	if (err)
		peer_put_error(cl, err, strerror(-err));
}

/* The job is over and its events are told, or nobody waits for it. */
void peer_end_job(struct peer *cl)
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
		peer_put_error(cl, err, why_text(&why, err));
	else
		peer_put_report(cl, "report", report);
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

/* The "paths" of a request, valid as long as that; *@ret is the caller's to
 * free. 0, or -errno after it answered. */
static int get_paths(struct peer *cl, struct json_object *req,
		     const char ***ret, size_t *ret_n)
{
	struct json_object *list;
	size_t n;

	*ret = NULL;
	*ret_n = 0;
	if (!json_object_object_get_ex(req, "paths", &list) || !list)
		return 0;
	if (!json_object_is_type(list, json_type_array)) {
		peer_put_error(cl, -EINVAL, "\"paths\" is not a list");
		return -EINVAL;
	}
	n = json_object_array_length(list);
	*ret = calloc(n + 1, sizeof(**ret));
	if (!*ret) {
		peer_put_error(cl, -ENOMEM, strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		struct json_object *p = json_object_array_get_idx(list, i);

		if (!json_object_is_type(p, json_type_string)) {
			peer_put_error(cl, -EINVAL, "a path is a string");
			return -EINVAL;
		}
		(*ret)[i] = json_object_get_string(p);
	}
	*ret_n = n;
	return 0;
}

static void do_diff(struct peer *cl, struct json_object *req)
{
	AUTO_FREE const char **paths = NULL;
	size_t n;

	if (get_paths(cl, req, &paths, &n) == 0)
		peer_put_report(cl, "diff", report_diff(cl->v, paths, n));
}

static void do_revert(struct peer *cl, struct json_object *req)
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
		peer_put_error(cl, err, why_text(&why, err));
	else
		peer_put_report(cl, "revert", report);
}

static void do_log(struct peer *cl)
{
	struct json_object *log;
	struct why why = {""};
	int err = report_log(cl->v, &log, &why);

	if (err)
		peer_put_error(cl, err, why_text(&why, err));
	else
		peer_put_report(cl, "log", log);
}

static void do_size(struct peer *cl)
{
	struct why why = {""};
	uint64_t blocks;
	int err = volume_commit_size(cl->v, &blocks, &why);

	if (err)
		peer_put_error(cl, err, why_text(&why, err));
	else
		peer_put_blocks(cl, blocks, NULL);
}

/* Who unmounts without burning is told here if anything would be lost. */
static void do_keep(struct peer *cl, struct json_object *req)
{
	struct json_object *reason = NULL;
	struct why why = {""};
	int err = volume_flush(cl->v, &why);

	if (err) {
		peer_put_error(cl, err, why_text(&why, err));
		return;
	}
	json_object_object_get_ex(req, "reason", &reason);
	volume_keep(cl->v, json_object_is_type(reason, json_type_string)
				   ? json_object_get_string(reason)
				   : NULL);
	peer_put_line(cl, peer_new_answer());
}

static void do_op(struct peer *cl, const char *op, struct json_object *req)
{
	struct json_object *hold;
	int err;

	if (strcmp(op, "status") == 0) {
		peer_put_report(cl, "status", report_status(cl->v));
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
		peer_release(cl);
		volume_unkeep(cl->v);
		peer_put_line(cl, peer_new_answer());
	} else if (strcmp(op, "renew") == 0) {
		do_renew(cl);
	} else if (strcmp(op, "keep") == 0) {
		do_keep(cl, req);
	} else if (strcmp(op, "leaving") == 0) {
		if (!cl->leaving)
			volume_leaving(cl->v, true);
		cl->leaving = true;
		peer_put_line(cl, peer_new_answer());
	} else if (strcmp(op, "watch") == 0) {
		err = peer_watch(cl);
		cl->watch_asked = !err;
		if (err)
			peer_put_error(cl, err, strerror(-err));
	} else {
		peer_put_error(cl, -EOPNOTSUPP, "unknown request");
	}
}

/* One line, without its newline. */
void peer_do_line(struct peer *cl, const char *line, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(MAX_DEPTH);
	struct json_object *req = NULL, *op;

	if (!tok) {
		peer_put_error(cl, -ENOMEM, strerror(ENOMEM));
		return;
	}
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	req = json_tokener_parse_ex(tok, line, (int)len);
	if (!req || json_tokener_get_error(tok) != json_tokener_success ||
	    json_tokener_get_parse_end(tok) != len)
		peer_put_error(cl, -EINVAL, "the request is not JSON");
	else if (!json_object_is_type(req, json_type_object) ||
		 !json_object_object_get_ex(req, "op", &op) ||
		 !json_object_is_type(op, json_type_string))
		peer_put_error(cl, -EINVAL, "the request has no \"op\"");
	else
		do_op(cl, json_object_get_string(op), req);
	json_object_put(req);
	json_tokener_free(tok);
}
