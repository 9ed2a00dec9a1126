/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/control_peer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

void peer_wake(int fd)
{
	static const uint64_t one = 1;

	if (write(fd, &one, sizeof one) < 0)
		log_error("control: cannot wake: %s", strerror(errno));
}

void peer_unwake(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof n) < 0 && errno != EAGAIN)
		log_error("control: eventfd: %s", strerror(errno));
}

/* ---- answers ---- */

/* Take @obj and queue it as a line.  Without memory the client is dropped. */
void peer_put_line(struct peer *cl, struct json_object *obj)
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

struct json_object *peer_new_answer(void)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "done", json_object_new_boolean(true));
	return obj;
}

void peer_put_error(struct peer *cl, int err, const char *text)
{
	struct json_object *obj = peer_new_answer();

	json_object_object_add(obj, "error", json_object_new_string(text));
	json_object_object_add(obj, "errno", json_object_new_int(-err));
	peer_put_line(cl, obj);
}

void peer_put_report(struct peer *cl, const char *key,
		     struct json_object *report)
{
	struct json_object *obj;

	if (!report) {
		peer_put_error(cl, -ENOMEM, strerror(ENOMEM));
		return;
	}
	obj = peer_new_answer();
	json_object_object_add(obj, key, report);
	peer_put_line(cl, obj);
}

void peer_put_blocks(struct peer *cl, uint64_t blocks, const char *text)
{
	struct json_object *obj = peer_new_answer();

	json_object_object_add(obj, "blocks", json_object_new_uint64(blocks));
	if (text)
		json_object_object_add(obj, "text",
				       json_object_new_string(text));
	peer_put_line(cl, obj);
}

void peer_put_event(struct peer *cl, const struct event *e)
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
	if (e->p.waits_for)
		json_object_object_add(obj, "waits_for",
				       json_object_new_string(e->p.waits_for));
	json_object_object_add(obj, "bytes_per_second",
			       json_object_new_uint64(e->p.bytes_per_second));
	json_object_object_add(obj, "seconds_left",
			       json_object_new_int64(e->p.seconds_left));
	peer_put_line(cl, obj);
}

/* ---- events ---- */

/* A volume_event.  Never waits: the newest event of a phase replaces the one
 * before it, and the oldest goes when there is no room. */
void peer_on_event(void *arg, const struct progress *p)
{
	struct peer *cl = arg;
	struct event *e;
	LOCK_GUARD(&cl->lock);

	e = &cl->events[(cl->first + cl->n_events + PEER_MAX_EVENTS - 1) %
			PEER_MAX_EVENTS];
	if (!cl->n_events || strcmp(e->phase, p->phase) != 0) {
		e = &cl->events[(cl->first + cl->n_events) % PEER_MAX_EVENTS];
		if (cl->n_events == PEER_MAX_EVENTS)
			cl->first = (cl->first + 1) % PEER_MAX_EVENTS;
		else
			cl->n_events++;
	}
	e->p = *p;
	snprintf(e->phase, sizeof e->phase, "%s", p->phase);
	snprintf(e->file, sizeof e->file, "%s", p->file ? p->file : "");
	peer_wake(cl->wake_fd);
}

/* Room for events that nobody had to ask the volume for: a job's. */
int peer_expect_events(struct peer *cl)
{
	if (cl->events)
		return 0;
	cl->events = calloc(PEER_MAX_EVENTS, sizeof *cl->events);
	cl->first = cl->n_events = 0;
	return cl->events ? 0 : -ENOMEM;
}

/* Begin to get events; 0 or -ENOMEM. */
int peer_watch(struct peer *cl)
{
	int err;

	if (cl->watching)
		return 0;
	err = peer_expect_events(cl);
	if (err)
		return err;
	cl->watch.fn = peer_on_event;
	cl->watch.arg = cl;
	volume_watch(cl->v, &cl->watch);
	cl->watching = true;
	return 0;
}

void peer_unwatch(struct peer *cl)
{
	if (!cl->watching)
		return;
	volume_unwatch(cl->v, &cl->watch);
	cl->watching = false;
	free(cl->events);
	cl->events = NULL;
	cl->n_events = 0;
}

bool peer_next_event(struct peer *cl, struct event *ret)
{
	LOCK_GUARD(&cl->lock);

	if (!cl->n_events)
		return false;
	*ret = cl->events[cl->first];
	cl->first = (cl->first + 1) % PEER_MAX_EVENTS;
	cl->n_events--;
	return true;
}
