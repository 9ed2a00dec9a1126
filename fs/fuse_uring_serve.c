/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_uring.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/log.h"

enum {
	/* A WRITE that took longer, and how many after it may wait. */
	SLOW_NS = 2000000,
	WARY = 64,
};

static bool fills_payload(uint32_t opcode)
{
	return opcode == FUSE_READ || opcode == FUSE_READDIR ||
	       opcode == FUSE_READDIRPLUS;
}

/* As server_count and server_begin want it. */
static struct request_head head_of(const struct ring_entry *e)
{
	struct request_head req = {.head = *e->in};

	memcpy(&req, e->in, e->in->len < sizeof req ? e->in->len : sizeof req);
	return req;
}

/* Afterwards @e may be with the kernel, unless this returns true: it has to
 * come again. */
static bool serve(struct server *s, struct ring_entry *e, bool hurried)
{
	struct fuse_buf buf = {.mem = e->in, .size = e->in->len};
	struct request_head req = head_of(e);

	server_begin(s, &req);
	s->entry = e;
	s->hurried = hurried;
	s->again = false;
	s->mover.lent = fills_payload(req.head.opcode) ? e->payload : NULL;
	fuse_session_process_buf(s->m->session, &buf);
	s->entry = NULL;
	s->mover.lent = NULL;
	return s->again;
}

static void *helper_run(void *arg);

static int start_helper_locked(struct uring *u)
{
	struct helper *h;
	pthread_attr_t attr;
	int err;

	if (u->n_helpers == MOUNT_MAX_THREADS)
		return -EAGAIN;
	h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	h->u = u;
	server_init(&h->server, u->m);
	h->server.by_ring = true;
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof u->cpus, &u->cpus);
	err = pthread_create(&h->thread, &attr, helper_run, h);
	pthread_attr_destroy(&attr);
	if (err) {
		server_release(&h->server);
		free(h);
		return -err;
	}
	u->helpers[u->n_helpers++] = h;
	return 0;
}

/* Let a helper serve @e.  False: there is none, and none to be had. */
static bool hand_over(struct uring *u, struct ring_entry *e)
{
	LOCK_GUARD(&u->lock);

	/* At the end it stays as it is, and none is started any more. */
	if (atomic_load(&u->phase) != SERVING)
		return true;
	if (u->n_jobs >= u->n_idle)
		(void)start_helper_locked(u);
	if (!u->n_helpers)
		return false;
	e->next = NULL;
	*u->jobs_end = e;
	u->jobs_end = &e->next;
	u->n_jobs++;
	pthread_cond_signal(&u->called);
	return true;
}

static struct ring_entry *next_job(struct uring *u)
{
	struct ring_entry *e = NULL;
	LOCK_GUARD(&u->lock);

	u->n_idle++;
	while (!u->jobs && atomic_load(&u->phase) == SERVING)
		pthread_cond_wait(&u->called, &u->lock);
	u->n_idle--;
	if (atomic_load(&u->phase) != SERVING)
		return NULL;
	e = u->jobs;
	u->jobs = e->next;
	if (!u->jobs)
		u->jobs_end = &u->jobs;
	u->n_jobs--;
	return e;
}

static void *helper_run(void *arg)
{
	struct helper *h = arg;
	struct ring_entry *e;

	server_enter(&h->server);
	while ((e = next_job(h->u)))
		serve(&h->server, e, false);
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* Whether a GETXATTR asks for the barrier, by whatever node can be reached. */
static bool is_barrier(const struct ring *r, const struct ring_entry *e)
{
	const char *name = r->u->m->barrier;
	size_t size = strlen(name) + 1;

	return e->head->ring_ent_in_out.payload_sz == size &&
	       memcmp(e->payload, name, size) == 0;
}

/* Whether the request in @e is known to wait: for a disk, another thread, or
 * the import of an older session.  A READ finds out by itself. */
static bool waits(struct ring *r, const struct ring_entry *e)
{
	switch (e->in->opcode) {
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
		return true;
	case FUSE_GETXATTR:
		return is_barrier(r, e) || e->in->nodeid >= TREE_OTHERS;
	case FUSE_WRITE:
		if (!r->wary)
			return false;
		r->wary--;
		return true;
	default:
		return e->in->nodeid >= TREE_OTHERS;
	}
}

static void serve_here(struct ring *r, struct ring_entry *e)
{
	bool is_write = e->in->opcode == FUSE_WRITE;
	uint64_t begin = is_write ? now_ns() : 0;

	if (serve(&r->server, e, true) && !hand_over(r->u, e))
		serve(&r->server, e, false);
	/* The disk behind the page cache does not keep up. */
	if (is_write && now_ns() - begin > SLOW_NS)
		r->wary = WARY;
}

/* The kernel did not take @e: it stays with us. */
static void lost(struct uring *u, const struct ring_entry *e, int err)
{
	if (err == -ENOTCONN || err == -ECONNABORTED || err == -ECANCELED ||
	    err == -ENODEV)
		return; /* the mount's end */
	if (e->taken) {
		log_error("%s: an answer by io_uring was lost: %s", u->m->dir,
			  strerror(-err));
		return;
	}
	/* One that is registered first: the kernel goes on by the device. */
	log_warning("%s: no io_uring: %s", u->m->dir, strerror(-err));
	volume_set_transport(u->m->volume, "/dev/fuse");
}

void uring_take(struct ring *r, struct ring_entry *e, int res)
{
	const struct fuse_in_header *in = (const void *)e->head->in_out;
	struct entry_queue *q = e->queue;
	struct request_head req;
	struct uring *u = r->u;

	q->with_kernel--;
	if (res < 0) {
		lost(u, e, res);
		return;
	}
	e->taken = true;
	atomic_store(&q->used, true);
	/* The others end with the session. */
	if (atomic_load(&u->phase) != SERVING)
		return;
	atomic_store(&e->opcode, in->opcode);
	atomic_store(&e->unique, in->unique);
	if (!uring_gather(e)) {
		log_error("%s: a request by io_uring makes no sense",
			  u->m->dir);
		uring_refuse(e, in->unique);
		return;
	}
	req = head_of(e);
	server_count(u->m, &req);
	if (!waits(r, e))
		serve_here(r, e);
	else if (!hand_over(u, e))
		serve(&r->server, e, false);
	uring_keep_reserve(q);
}

void uring_end_helpers(struct uring *u)
{
	for (unsigned i = 0; i < u->n_helpers; i++) {
		pthread_join(u->helpers[i]->thread, NULL);
		server_release(&u->helpers[i]->server);
		free(u->helpers[i]);
	}
	u->n_helpers = 0;
}
