/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/block_cache.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc.h"

enum {
	/* What is read at once: an ECC block of a BD, two of a DVD. */
	PART_BLOCKS = 32,
	PARTS = 128,
	AHEAD_MAX = 16, /* parts */
};

#define NO_PART UINT64_MAX

struct part {
	uint64_t index; /* lba / PART_BLOCKS */
	size_t blocks;	/* fewer at the end of the medium */
	uint64_t used;	/* the least is the next to go */
};

struct block_cache {
	block_read read;
	void *arg;
	uint64_t clock;
	uint64_t last;	/* the part that was last read from the medium */
	unsigned ahead; /* how many parts the next miss in order takes */
	struct part parts[PARTS];
	unsigned char *data;
};

int block_cache_new(block_read read, void *arg, struct block_cache **ret)
{
	struct block_cache *c = calloc(1, sizeof *c);

	if (!c)
		return -ENOMEM;
	c->data = malloc((size_t)PARTS * PART_BLOCKS * DISC_BLOCK);
	if (!c->data) {
		free(c);
		return -ENOMEM;
	}
	c->read = read;
	c->arg = arg;
	block_cache_drop(c);
	*ret = c;
	return 0;
}

void block_cache_free(struct block_cache *cache)
{
	if (!cache)
		return;
	free(cache->data);
	free(cache);
}

void block_cache_drop(struct block_cache *cache)
{
	for (size_t i = 0; i < PARTS; i++)
		cache->parts[i] = (struct part){.index = NO_PART};
	cache->last = NO_PART;
	cache->ahead = 1;
}

static unsigned char *data_of(struct block_cache *c, const struct part *p)
{
	return c->data + (size_t)(p - c->parts) * PART_BLOCKS * DISC_BLOCK;
}

static struct part *find(struct block_cache *c, uint64_t index)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (c->parts[i].index != index)
			continue;
		c->parts[i].used = ++c->clock;
		return &c->parts[i];
	}
	return NULL;
}

static struct part *fetch(struct block_cache *c, uint64_t index, uint64_t end)
{
	struct part *oldest = &c->parts[0];
	uint64_t lba = index * PART_BLOCKS;

	for (size_t i = 1; i < PARTS; i++) {
		if (c->parts[i].used < oldest->used)
			oldest = &c->parts[i];
	}
	*oldest = (struct part){.index = NO_PART};
	oldest->blocks =
		end - lba < PART_BLOCKS ? (size_t)(end - lba) : PART_BLOCKS;
	if (c->read(c->arg, lba, oldest->blocks, data_of(c, oldest)) < 0)
		return NULL;
	oldest->index = index;
	oldest->used = ++c->clock;
	c->last = index;
	return oldest;
}

/*
 * The part from the medium, and the following ones while the reader goes on in
 * order: each time twice as many.
 */
static struct part *miss(struct block_cache *c, uint64_t index, uint64_t end)
{
	bool in_order = c->last != NO_PART && index == c->last + 1;
	struct part *wanted;

	c->ahead = !in_order		      ? 1
		   : c->ahead < AHEAD_MAX / 2 ? c->ahead * 2
					      : AHEAD_MAX;
	wanted = fetch(c, index, end);
	for (unsigned i = 1; wanted && i < c->ahead; i++) {
		if ((index + i) * PART_BLOCKS >= end || find(c, index + i) ||
		    !fetch(c, index + i, end))
			break;
	}
	return wanted;
}

/* Where a part cannot be read as a whole: the blocks that are asked for. */
static int read_singly(struct block_cache *c, unsigned char *buf, size_t len,
		       uint64_t pos)
{
	unsigned char block[DISC_BLOCK];

	while (len > 0) {
		size_t skip = (size_t)(pos % DISC_BLOCK);
		size_t n = DISC_BLOCK - skip < len ? DISC_BLOCK - skip : len;

		if (c->read(c->arg, pos / DISC_BLOCK, 1, block) < 0)
			return -EIO;
		memcpy(buf, block + skip, n);
		buf += n;
		pos += n;
		len -= n;
	}
	return 0;
}

int block_cache_read(struct block_cache *cache, void *buf, size_t len,
		     uint64_t pos, uint64_t end_lba)
{
	const uint64_t part_bytes = (uint64_t)PART_BLOCKS * DISC_BLOCK;
	unsigned char *out = buf;
	int err;

	if (pos > end_lba * DISC_BLOCK || len > end_lba * DISC_BLOCK - pos)
		return -EIO;
	while (len > 0) {
		uint64_t index = pos / part_bytes;
		size_t skip = (size_t)(pos % part_bytes);
		size_t n = len;
		struct part *p = find(cache, index);

		if (n > part_bytes - skip)
			n = (size_t)(part_bytes - skip);
		/* The medium may have grown since. */
		if (p && skip + n > p->blocks * DISC_BLOCK) {
			p->index = NO_PART;
			p = NULL;
		}
		if (!p)
			p = miss(cache, index, end_lba);
		if (p) {
			memcpy(out, data_of(cache, p) + skip, n);
		} else {
			err = read_singly(cache, out, n, pos);
			if (err < 0)
				return err;
		}
		out += n;
		pos += n;
		len -= n;
	}
	return 0;
}
