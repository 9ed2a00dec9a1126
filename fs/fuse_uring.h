/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_FUSE_URING_H
#define FS_FUSE_URING_H

/*
 * Requests by io_uring, without libfuse's part of it, which loses what another
 * thread than the queue's answers (docs/performance.md).
 *
 * The kernel has a queue for each processor.  An entry is memory for one
 * request and its answer: registered once, filled by the kernel, answered, and
 * with the same call given back for the next one.  Each processor has a ring
 * and a thread that takes the entries of its queue.  It serves at once what
 * needs no waiting, for who asked sleeps on the same processor: nobody is woken
 * on another one.  What may wait goes to threads of another kind, whose answers
 * it sends, since the kernel fills an entry in the thread that gave it back:
 * one that waits for a disk would keep the next request from coming.  For
 * entries that are away so, others are registered, or who waits for a commit
 * could keep out the writes that it waits for; only one can at a time, since
 * the kernel locks the root for its fsync.
 *
 * fuse_uring.c has the rings, from INIT to the end, fuse_uring_entry.c the
 * entries and their answers, fuse_uring_serve.c the serving.
 */

#include <liburing.h>

#include "fs/fuse_request.h"
#include "fs/fuse_uring_abi.h"

struct entry_queue;

struct ring_entry {
	struct entry_queue *queue;
	struct fuse_uring_req_header *head;
	char *payload;
	struct iovec iov[2];	   /* both, for REGISTER */
	struct fuse_in_header *in; /* the request, in one piece */
	bool taken;		   /* at least once */
	_Atomic uint64_t unique;   /* its, until it is answered; or 0 */
	atomic_uint opcode;	   /* the same */
	atomic_ulong served;	   /* requests */
	struct ring_entry *older;  /* of the queue */
	struct ring_entry *next;   /* job or answer */
};

/* The kernel's, of one processor. */
struct entry_queue {
	struct ring *ring;
	uint16_t id;
	struct ring_entry *_Atomic newest;
	atomic_bool used;
	/* Its ring's thread only: entries, those that the kernel has. */
	unsigned n_entries, with_kernel;
};

struct ring {
	struct uring *u;
	unsigned cpu;
	struct io_uring io;
	pthread_t thread;
	struct server server;
	unsigned wary; /* so many WRITEs are handed over */
	int event_fd;  /* there are answers, or the phase is another */
	uint64_t event;
	atomic_bool sleeping;	    /* only then there has to be an event */
	struct ring_entry *answers; /* guarded by u->lock */
};

struct helper {
	struct server server;
	struct uring *u;
	pthread_t thread;
};

enum phase { PREPARING, SERVING, DRAINING, ENDING };

struct uring {
	struct fs_mount *m;
	unsigned n_rings, n_queues;
	struct ring *rings;
	struct entry_queue *queues;
	cpu_set_t cpus; /* where others than the rings' threads may run */

	pthread_mutex_t lock;
	pthread_cond_t changed; /* the phase, n_made */
	_Atomic enum phase phase;
	unsigned n_made, n_failed; /* of the rings; guarded by lock */

	/* What may wait; guarded by lock. */
	pthread_cond_t called;
	struct ring_entry *jobs, **jobs_end;
	unsigned n_jobs, n_idle, n_helpers;
	struct helper *helpers[MOUNT_MAX_THREADS];
};

/* ---- fuse_uring_entry.c: by the ring's thread, if nothing else is said ----
 */

/*
 * uring_sqe - a zeroed submission, whose completion will name @e; NULL: there
 * is none. uring_keep_reserve - register entries of @q until the kernel has
 * enough. uring_gather - bring the pieces of the request in @e together, as
 * they come from the device and as libfuse wants them: e->in.  False: it makes
 * no sense. uring_refuse - answer it with EIO. uring_send_answers - those that
 * other threads gave. uring_free_entries - all of @q, when no kernel knows them
 * any more. uring_wake - let the thread of @r look around; from any thread.
 */
struct io_uring_sqe *uring_sqe(struct ring *r, struct ring_entry *e);
void uring_keep_reserve(struct entry_queue *q);
bool uring_gather(struct ring_entry *e);
void uring_refuse(struct ring_entry *e, uint64_t unique);
void uring_send_answers(struct ring *r);
void uring_free_entries(struct entry_queue *q);
void uring_wake(struct ring *r);

/* ---- fuse_uring_serve.c ---- */

/*
 * uring_take - what the kernel did with @e: there is a request in it (@res 0),
 * or it was not taken (-errno).  By the ring's thread.
 * uring_end_helpers - those who serve what may wait; after the phase SERVING.
 */
void uring_take(struct ring *r, struct ring_entry *e, int res);
void uring_end_helpers(struct uring *u);

#endif
