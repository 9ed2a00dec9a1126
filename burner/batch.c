/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/batch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libisofs/libisofs.h>

#include "burner/disc.h"

enum {
	CHUNK_BYTES = 128 * 1024,
	/* It is worth to begin with, and how long is waited for so much. */
	WORTH_BYTES = 1024 * 1024,
	PAUSE_MS = 1,
	PAUSES_MAX = 20,
	SOURCE_ACTIVE = 1, /* iso_ring_buffer_get_status */
};

struct batch {
	struct burn_source *inner;
	unsigned char chunk[CHUNK_BYTES];
	size_t pos, fill;
	size_t ready; /* bytes that are in libisofs' buffer at least */
};

/*
 * Sleeps while the buffer is low: a writer that nobody waits for fills it
 * without a system call.  What is slower than the writer never comes to that.
 */
static void await_more(struct batch *b)
{
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	size_t size = 0, room = 0;
	int i;

	for (i = 0; i < PAUSES_MAX; i++) {
		if (iso_ring_buffer_get_status(b->inner, &size, &room) !=
		    SOURCE_ACTIVE)
			break;
		b->ready = size - room;
		if (b->ready >= WORTH_BYTES || 2 * b->ready >= size)
			break;
		nanosleep(&pause, NULL);
	}
}

/* 1, 0 at the end, -1. */
static int refill(struct batch *b)
{
	size_t want = CHUNK_BYTES;
	int n;

	if (b->ready < DISC_BLOCK)
		await_more(b);
	/* Not more than is there, but for the next block, which is waited
	 * for. */
	if (want > b->ready)
		want = b->ready < DISC_BLOCK
			       ? DISC_BLOCK
			       : b->ready / DISC_BLOCK * DISC_BLOCK;
	n = b->inner->read_xt(b->inner, b->chunk, (int)want);
	if (n <= 0)
		return n;
	b->ready -= b->ready < (size_t)n ? b->ready : (size_t)n;
	b->pos = 0;
	b->fill = (size_t)n;
	return 1;
}

static int batch_read(struct burn_source *src, unsigned char *buf, int size)
{
	struct batch *b = src->data;
	size_t done = 0, n;
	int r;

	while (done < (size_t)size) {
		if (b->pos == b->fill) {
			r = refill(b);
			if (r < 0)
				return r;
			if (r == 0)
				break;
		}
		n = b->fill - b->pos;
		if (n > (size_t)size - done)
			n = (size_t)size - done;
		memcpy(buf + done, b->chunk + b->pos, n);
		b->pos += n;
		done += n;
	}
	return (int)done;
}

static off_t batch_get_size(struct burn_source *src)
{
	struct batch *b = src->data;

	return b->inner->get_size(b->inner);
}

static int batch_set_size(struct burn_source *src, off_t size)
{
	struct batch *b = src->data;

	return b->inner->set_size(b->inner, size);
}

static int batch_cancel(struct burn_source *src)
{
	struct batch *b = src->data;

	return b->inner->cancel(b->inner);
}

static void batch_free(struct burn_source *src)
{
	struct batch *b = src->data;

	burn_source_free(b->inner);
	free(b);
	src->data = NULL;
}

struct burn_source *batch_source(struct burn_source *inner)
{
	struct burn_source *src = calloc(1, sizeof *src);
	struct batch *b = calloc(1, sizeof *b);

	if (!src || !b) {
		free(src);
		free(b);
		return NULL;
	}
	b->inner = inner;
	src->refcount = 1;
	src->version = 1;
	src->read_xt = batch_read;
	src->get_size = batch_get_size;
	src->set_size = batch_set_size;
	src->cancel = batch_cancel;
	src->free_data = batch_free;
	src->data = b;
	return src;
}
