/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_CONTROL_PEER_H
#define FS_CONTROL_PEER_H

/*
 * One client of the control socket, as its thread sees it: control_client.c
 * reads and writes, control_request.c serves requests, control_peer.c makes the
 * lines that are sent.
 */

#include <json-c/json.h>
#include <limits.h>
#include <pthread.h>

#include "fs/control_internal.h"
#include "fs/control_job.h"

enum {
	PEER_MAX_LINE = 1 << 20,
	PEER_MAX_EVENTS = 16,
	/* Who waits for others is told so after this time. */
	PEER_PATIENCE_MS = 2000,
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

struct peer {
	struct volume *v;
	int fd;	     /* -1: hung up */
	int stop_fd; /* the server's */
	int wake_fd; /* eventfd: an event, or the end of the commit */

	char *in; /* PEER_MAX_LINE bytes */
	size_t in_len;
	size_t scanned; /* of it, without a newline */
	int passed_fd;	/* came with a request; -1 */
	bool last_line; /* nothing more is read */
	char *out;
	size_t out_len, out_done;

	struct commit_call *call; /* running */
	struct job *job;	  /* running, for this client alone */
	int64_t asked_ms;	  /* when it was, or -1: nothing to tell */
	bool hold;		  /* the commit's; afterwards: is held */
	bool leaving;		  /* it unmounts */
	int64_t lease_end_ms;	  /* of the hold; 0: the commit runs */
	bool watching; /* for the commit or because it was asked for */
	bool watch_asked;
	struct volume_watch watch;

	pthread_mutex_t lock; /* guards the rest: events come from any thread */
	struct event *events; /* PEER_MAX_EVENTS, or NULL while not watching */
	unsigned first, n_events;
};

/* ---- control_peer.c ---- */

/* An eventfd: make it readable; and not any more. */
void peer_wake(int fd);
void peer_unwake(int fd);

/*
 * peer_put_* - queue a line; nothing else waits to be sent (cl->out is NULL).
 * peer_put_line takes @obj, and drops the client without memory.
 */
void peer_put_line(struct peer *cl, struct json_object *obj);
struct json_object *peer_new_answer(void); /* {"done":true} */
void peer_put_error(struct peer *cl, int err, const char *text);
void peer_put_report(struct peer *cl, const char *key,
		     struct json_object *report);
void peer_put_blocks(struct peer *cl, uint64_t blocks, const char *text);
void peer_put_event(struct peer *cl, const struct event *e);

/*
 * peer_expect_events - room for events that nobody had to ask the volume for: a
 * job's, which calls peer_on_event (a volume_event).
 * peer_watch, peer_unwatch - the volume's, too.  0 or -ENOMEM.
 * peer_next_event - the oldest that was not told; false: none.
 */
int peer_expect_events(struct peer *cl);
void peer_on_event(void *arg, const struct progress *p);
int peer_watch(struct peer *cl);
void peer_unwatch(struct peer *cl);
bool peer_next_event(struct peer *cl, struct event *ret);

/* ---- control_request.c ---- */

/* peer_do_line - serve one request, without its newline. */
void peer_do_line(struct peer *cl, const char *line, size_t len);

/*
 * A commit that was asked for: peer_end_commit answers once it is over and its
 * events are told; peer_leave_commit waits no longer.
 * peer_release - changes are allowed again; nothing if none is held.
 * peer_end_job - answer, or, for one who hung up, end the work.
 */
bool peer_commit_is_over(const struct peer *cl);
void peer_end_commit(struct peer *cl);
void peer_leave_commit(struct peer *cl);
void peer_release(struct peer *cl);
void peer_end_job(struct peer *cl);

#endif
