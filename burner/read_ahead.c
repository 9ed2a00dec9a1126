/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/read_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/cleanup.h"

enum {
	PIECE_BYTES = 256 * DISC_BLOCK,
	PIECES = 4, /* being filled, waiting, and the one in use */
	/* What the system is told of beforehand. */
	TOLD_BYTES = 8 * PIECE_BYTES,
};

struct piece {
	size_t len;
	int err;
};

struct read_ahead {
	struct disc *disc;
	uint64_t pos, len; /* the whole range */
	unsigned char *data;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock; pieces are numbered from the range's start. */
	struct piece pieces[PIECES];
	uint64_t filled; /* so many are read */
	uint64_t used;	 /* so many may be written over */
	bool stop;

	uint64_t next; /* the user's own: what is handed out next */
};

static uint64_t count(const struct read_ahead *r)
{
	return (r->len + PIECE_BYTES - 1) / PIECE_BYTES;
}

static unsigned char *data_of(const struct read_ahead *r, uint64_t i)
{
	return r->data + i % PIECES * PIECE_BYTES;
}

/* So that the system has it by the time it is due. */
static void tell(const struct read_ahead *r, uint64_t done, size_t n)
{
	uint64_t from = done ? done + TOLD_BYTES : 0;
	uint64_t to = done + TOLD_BYTES + n;
	int fd = disc_fd(r->disc);

	if (to > r->len)
		to = r->len;
	if (fd >= 0 && from < to)
		posix_fadvise(fd, (off_t)(r->pos + from), (off_t)(to - from),
			      POSIX_FADV_WILLNEED);
}

static struct piece fill(const struct read_ahead *r, uint64_t i)
{
	uint64_t done = i * PIECE_BYTES, left = r->len - done;
	struct piece p = {.len = left < PIECE_BYTES ? (size_t)left
						    : PIECE_BYTES};

	tell(r, done, p.len);
	p.err = disc_read(r->disc, data_of(r, i), p.len, r->pos + done);
	return p;
}

/* Waits for room; whether there is a piece left to be read. */
static bool await_room(struct read_ahead *r)
{
	LOCK_GUARD(&r->lock);

	while (!r->stop && r->filled - r->used == PIECES)
		pthread_cond_wait(&r->changed, &r->lock);
	return !r->stop && r->filled < count(r);
}

static void *run(void *arg)
{
	struct read_ahead *r = arg;
	uint64_t i;
	int err = 0;

	for (i = 0; !err && await_room(r); i++) {
		struct piece p = fill(r, i);

		LOCK_GUARD(&r->lock);
		r->pieces[i % PIECES] = p;
		r->filled = i + 1;
		err = p.err;
		pthread_cond_signal(&r->changed);
	}
	return NULL;
}

int read_ahead_new(struct disc *disc, uint64_t pos, uint64_t len,
		   struct read_ahead **ret)
{
	struct read_ahead *r = calloc(1, sizeof *r);
	int err;

	if (!r)
		return -ENOMEM;
	r->data = malloc((size_t)PIECES * PIECE_BYTES);
	if (!r->data) {
		free(r);
		return -ENOMEM;
	}
	r->disc = disc;
	r->pos = pos;
	r->len = len;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->changed, NULL);
	err = pthread_create(&r->thread, NULL, run, r);
	if (err) {
		pthread_cond_destroy(&r->changed);
		pthread_mutex_destroy(&r->lock);
		free(r->data);
		free(r);
		return -err;
	}
	*ret = r;
	return 0;
}

int read_ahead_next(struct read_ahead *r, unsigned char **ret_data,
		    size_t *ret_len)
{
	struct piece p;

	if (r->next == count(r))
		return 0;
	{
		LOCK_GUARD(&r->lock);
		/* The one that was in use until now. */
		r->used = r->next;
		pthread_cond_signal(&r->changed);
		while (r->filled == r->next)
			pthread_cond_wait(&r->changed, &r->lock);
		p = r->pieces[r->next % PIECES];
	}
	*ret_len = p.len;
	if (p.err)
		return p.err;
	*ret_data = data_of(r, r->next++);
	return 1;
}

void read_ahead_free(struct read_ahead *r)
{
	if (!r)
		return;
	{
		LOCK_GUARD(&r->lock);
		r->stop = true;
		pthread_cond_signal(&r->changed);
	}
	pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r->data);
	free(r);
}
