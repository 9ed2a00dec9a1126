/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_uring.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

enum {
	MAX_RINGS = 64,	  /* more processors than that: by the device */
	SQ_ENTRIES = 64,  /* of a ring; when full, it is submitted */
	CQ_ENTRIES = 512, /* of a ring; the kernel keeps what is more */
};

/* ---- a ring's thread ---- */

static void await_event(struct ring *r)
{
	struct io_uring_sqe *sqe = uring_sqe(r, NULL);

	if (sqe)
		io_uring_prep_read(sqe, r->event_fd, &r->event, sizeof r->event,
				   0);
}

static int ring_make(struct ring *r)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQSIZE |
			 IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN,
		.cq_entries = CQ_ENTRIES,
	};
	int err = cpu_take(r->cpu);

	if (!err)
		err = io_uring_queue_init_params(SQ_ENTRIES, &r->io, &p);
	if (err)
		return err;
	/* A child that had it would keep /dev/fuse open. */
	err = io_uring_ring_dontfork(&r->io);
	if (err)
		io_uring_queue_exit(&r->io);
	return err;
}

static bool ring_wait(struct ring *r)
{
	int err = io_uring_submit_and_wait(&r->io, 1);

	if (err >= 0 || err == -EINTR || err == -EAGAIN || err == -EBUSY)
		return true;
	log_error("%s: io_uring: %s", r->u->m->dir, strerror(-err));
	mount_end(r->u->m);
	return false;
}

static void ring_serve(struct ring *r)
{
	struct uring *u = r->u;
	struct io_uring_cqe *cqe;
	unsigned head, n;

	for (unsigned i = 0; i < u->n_queues; i++)
		if (u->queues[i].ring == r)
			uring_keep_reserve(&u->queues[i]);
	await_event(r);
	for (;;) {
		atomic_store(&r->sleeping, true);
		uring_send_answers(r);
		if (atomic_load(&u->phase) == ENDING)
			break;
		if (!ring_wait(r))
			break;
		atomic_store(&r->sleeping, false);
		n = 0;
		io_uring_for_each_cqe(&r->io, head, cqe)
		{
			struct ring_entry *e = io_uring_cqe_get_data(cqe);

			n++;
			if (e)
				uring_take(r, e, cqe->res);
			else
				await_event(r);
		}
		io_uring_cq_advance(&r->io, n);
	}
	io_uring_submit(&r->io);
}

static void *ring_run(void *arg)
{
	struct ring *r = arg;
	struct uring *u = r->u;
	int err;

	server_enter(&r->server);
	err = ring_make(r);
	pthread_mutex_lock(&u->lock);
	u->n_made++;
	if (err) {
		log_debug("no io_uring for processor %u: %s", r->cpu,
			  strerror(-err));
		u->n_failed++;
	}
	pthread_cond_broadcast(&u->changed);
	while (atomic_load(&u->phase) == PREPARING)
		pthread_cond_wait(&u->changed, &u->lock);
	pthread_mutex_unlock(&u->lock);
	if (err)
		return NULL;
	if (atomic_load(&u->phase) != ENDING)
		ring_serve(r);
	io_uring_queue_exit(&r->io);
	return NULL;
}

/* ---- all of them ---- */

static void set_phase(struct uring *u, enum phase phase)
{
	LOCK_GUARD(&u->lock);

	atomic_store(&u->phase, phase);
	pthread_cond_broadcast(&u->changed);
	pthread_cond_broadcast(&u->called);
}

/* End the threads of the first @n rings, and free. */
static void uring_free(struct uring *u, unsigned n)
{
	set_phase(u, ENDING);
	for (unsigned i = 0; i < n; i++)
		uring_wake(&u->rings[i]);
	for (unsigned i = 0; i < n; i++)
		pthread_join(u->rings[i].thread, NULL);
	for (unsigned i = 0; i < u->n_rings; i++) {
		server_release(&u->rings[i].server);
		if (u->rings[i].event_fd >= 0)
			close(u->rings[i].event_fd);
	}
	for (unsigned i = 0; i < u->n_queues; i++)
		uring_free_entries(&u->queues[i]);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->changed);
	pthread_cond_destroy(&u->called);
	free(u->rings);
	free(u->queues);
	free(u);
}

/* A ring for each processor that runs; the first has the others' queues, for
 * the kernel wants one for each, and they may run later. */
static struct uring *uring_new(struct fs_mount *m, unsigned n_cpus)
{
	struct uring *u = calloc(1, sizeof *u);

	if (!u)
		return NULL;
	u->m = m;
	u->rings = calloc(n_cpus, sizeof *u->rings);
	u->queues = calloc(n_cpus, sizeof *u->queues);
	if (!u->rings || !u->queues) {
		free(u->rings);
		free(u->queues);
		free(u);
		return NULL;
	}
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->changed, NULL);
	pthread_cond_init(&u->called, NULL);
	u->jobs_end = &u->jobs;
	sched_getaffinity(0, sizeof u->cpus, &u->cpus);
	u->n_queues = n_cpus;
	for (unsigned i = 0; i < n_cpus; i++) {
		struct ring *r = &u->rings[0];

		if (i == 0 || cpu_is_online(i)) {
			r = &u->rings[u->n_rings++];
			r->u = u;
			r->cpu = i;
			r->event_fd = eventfd(0, EFD_CLOEXEC);
			server_init(&r->server, m);
			r->server.by_ring = true;
		}
		u->queues[i].ring = r;
		u->queues[i].id = (uint16_t)i;
	}
	return u;
}

/* How many rings have a thread now.  They block the signals that a worker
 * blocks, which answers INIT; and so do the helpers that they start. */
static unsigned start_rings(struct uring *u)
{
	unsigned n = 0;

	while (n < u->n_rings && u->rings[n].event_fd >= 0 &&
	       pthread_create(&u->rings[n].thread, NULL, ring_run,
			      &u->rings[n]) == 0)
		n++;
	return n;
}

bool uring_prepare(struct fs_mount *m)
{
	unsigned n_cpus = cpus_possible(), n;
	struct uring *u;
	bool failed;

	if (n_cpus == 0)
		return false;
	u = uring_new(m, n_cpus);
	if (!u)
		return false;
	n = u->n_rings <= MAX_RINGS ? start_rings(u) : 0;
	pthread_mutex_lock(&u->lock);
	while (u->n_made < n)
		pthread_cond_wait(&u->changed, &u->lock);
	failed = n < u->n_rings || u->n_failed;
	pthread_mutex_unlock(&u->lock);
	if (failed) {
		uring_free(u, n);
		return false;
	}
	atomic_store(&m->uring, u);
	return true;
}

void uring_start(struct fs_mount *m)
{
	set_phase(atomic_load(&m->uring), SERVING);
	volume_set_transport(m->volume, "io_uring");
}

void uring_drain(struct fs_mount *m)
{
	struct uring *u = atomic_load(&m->uring);

	if (!u)
		return;
	set_phase(u, DRAINING);
	uring_end_helpers(u);
}

void uring_end(struct fs_mount *m)
{
	struct uring *u = atomic_load(&m->uring);

	if (!u)
		return;
	uring_free(u, u->n_rings);
	atomic_store(&m->uring, NULL);
}
