/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_uring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

enum {
	RESERVE = 4,	  /* entries of a queue that are with the kernel */
	MAX_ENTRIES = 32, /* of a queue: each has memory */
	/* Of an entry: the header, room before the payload, the payload. */
	HEAD_SIZE = 4096,
	ENTRY_SIZE = HEAD_SIZE + MOUNT_MAX_IO,
};

struct io_uring_sqe *uring_sqe(struct ring *r, struct ring_entry *e)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->io);

	if (!sqe) {
		io_uring_submit(&r->io);
		sqe = io_uring_get_sqe(&r->io);
	}
	if (!sqe)
		return NULL;
	memset(sqe, 0, 2 * sizeof *sqe); /* IORING_SETUP_SQE128 */
	io_uring_sqe_set_data(sqe, e);
	return sqe;
}

/* Give @e to the kernel, by @cmd. */
static bool give(struct ring *r, struct ring_entry *e, enum fuse_uring_cmd cmd)
{
	struct io_uring_sqe *sqe = uring_sqe(r, e);
	struct fuse_uring_cmd_req req = {
		.commit_id = e->head->ring_ent_in_out.commit_id,
		.qid = e->queue->id,
	};

	if (!sqe) {
		log_error("%s: io_uring takes nothing any more", r->u->m->dir);
		return false;
	}
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fuse_session_fd(r->u->m->session);
	sqe->cmd_op = cmd;
	if (cmd == FUSE_IO_URING_CMD_REGISTER) {
		sqe->addr = (uintptr_t)e->iov;
		sqe->len = 2;
	}
	memcpy(sqe->cmd, &req, sizeof req);
	e->queue->with_kernel++;
	return true;
}

static bool register_entry(struct entry_queue *q)
{
	struct ring_entry *e = calloc(1, sizeof *e);
	char *mem;

	if (!e)
		return false;
	mem = mmap(NULL, ENTRY_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED) {
		free(e);
		return false;
	}
	e->queue = q;
	e->head = (void *)mem;
	e->payload = mem + HEAD_SIZE;
	e->iov[0] = (struct iovec){e->head, sizeof *e->head};
	e->iov[1] = (struct iovec){e->payload, MOUNT_MAX_IO};
	e->older = atomic_load(&q->newest);
	atomic_store(&q->newest, e);
	q->n_entries++;
	return give(q->ring, e, FUSE_IO_URING_CMD_REGISTER);
}

void uring_keep_reserve(struct entry_queue *q)
{
	while (q->with_kernel < RESERVE && q->n_entries < MAX_ENTRIES &&
	       register_entry(q))
		;
}

/* In front of the payload, which stays where it is. */
bool uring_gather(struct ring_entry *e)
{
	const struct fuse_in_header *in = (const void *)e->head->in_out;
	size_t payload = e->head->ring_ent_in_out.payload_sz;
	size_t arg = in->len - sizeof *in - payload;

	if (in->len < sizeof *in + payload || payload > MOUNT_MAX_IO ||
	    arg > sizeof e->head->op_in)
		return false;
	memcpy(e->payload - arg, e->head->op_in, arg);
	e->in = (void *)(e->payload - arg - sizeof *in);
	memcpy(e->in, in, sizeof *in);
	return true;
}

/* ---- answers ---- */

void uring_wake(struct ring *r)
{
	static const uint64_t one = 1;

	if (write(r->event_fd, &one, sizeof one) < 0)
		log_error("cannot wake a ring: %s", strerror(errno));
}

/* Let go of @e, which has its answer.  Another request may be in it at once. */
static void send_answer(struct ring_entry *e)
{
	struct ring *r = e->queue->ring;
	struct uring *u = r->u;

	atomic_store(&e->unique, 0);
	atomic_store(&e->opcode, 0);
	atomic_fetch_add(&e->served, 1);
	if (server_self() == &r->server) {
		give(r, e, FUSE_IO_URING_CMD_COMMIT_AND_FETCH);
		return;
	}
	pthread_mutex_lock(&u->lock);
	e->next = r->answers;
	r->answers = e;
	pthread_mutex_unlock(&u->lock);
	if (atomic_exchange(&r->sleeping, false))
		uring_wake(r);
}

static struct ring_entry *find_entry(struct uring *u, uint64_t unique)
{
	struct ring_entry *e;

	for (unsigned i = 0; i < u->n_queues; i++)
		for (e = atomic_load(&u->queues[i].newest); e; e = e->older)
			if (atomic_load(&e->unique) == unique)
				return e;
	return NULL;
}

bool uring_answer(struct fs_mount *m, const struct iovec *iov, int count)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	struct uring *u = atomic_load(&m->uring);
	struct server *s = server_self();
	struct ring_entry *e;
	size_t len = 0;

	if (!u || !out->unique) /* a notice has none */
		return false;
	e = s && s->entry ? s->entry : find_entry(u, out->unique);
	if (e && atomic_load(&e->unique) != out->unique)
		e = find_entry(u, out->unique);
	if (!e)
		return false;
	for (int i = 1; i < count; i++) {
		assert(len + iov[i].iov_len <= MOUNT_MAX_IO);
		if (iov[i].iov_base != e->payload + len)
			memmove(e->payload + len, iov[i].iov_base,
				iov[i].iov_len);
		len += iov[i].iov_len;
	}
	memcpy(e->head->in_out, out, sizeof *out);
	e->head->ring_ent_in_out.payload_sz = (uint32_t)len;
	send_answer(e);
	return true;
}

void uring_send_answers(struct ring *r)
{
	struct ring_entry *list, *e;

	pthread_mutex_lock(&r->u->lock);
	list = r->answers;
	r->answers = NULL;
	pthread_mutex_unlock(&r->u->lock);
	while ((e = list)) {
		list = e->next;
		give(r, e, FUSE_IO_URING_CMD_COMMIT_AND_FETCH);
	}
}

void uring_refuse(struct ring_entry *e, uint64_t unique)
{
	const struct fuse_out_header out = {
		.len = sizeof out, .error = -EIO, .unique = unique};

	memcpy(e->head->in_out, &out, sizeof out);
	e->head->ring_ent_in_out.payload_sz = 0;
	send_answer(e);
}

/* ---- settling ---- */

void uring_settle(struct fs_mount *m)
{
	static const struct timespec moment = {.tv_nsec = 500000};
	struct uring *u = atomic_load(&m->uring);
	struct ring_entry *e;

	for (unsigned i = 0; u && i < u->n_queues; i++) {
		for (e = atomic_load(&u->queues[i].newest); e; e = e->older) {
			unsigned long served = atomic_load(&e->served);

			while (atomic_load(&e->opcode) == FUSE_WRITE &&
			       atomic_load(&e->served) == served &&
			       !atomic_load(&m->ending))
				nanosleep(&moment, NULL);
		}
	}
}

void uring_passed(struct fs_mount *m, struct barrier *ret)
{
	const struct ring_entry *e = server_self()->entry;
	struct uring *u = atomic_load(&m->uring);

	ret->queue = e ? e->queue->id : BARRIER_DEVICE;
	for (unsigned i = 0; u && i < u->n_queues; i++)
		if (atomic_load(&u->queues[i].used))
			CPU_SET(i, &ret->used);
}

void uring_free_entries(struct entry_queue *q)
{
	struct ring_entry *e = atomic_load(&q->newest), *older;

	for (; e; e = older) {
		older = e->older;
		munmap(e->head, ENTRY_SIZE);
		free(e);
	}
}
