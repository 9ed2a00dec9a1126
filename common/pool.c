/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/pool.h"

#include <assert.h>
#include <stdlib.h>

/* gcc defines the one, clang has the other. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_IS_MALLOC 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POOL_IS_MALLOC 1
#endif

enum { BLOCK_SIZE = 64 * 1024 - 64 };

struct pool_block {
	struct pool_block *next;
	unsigned char data[];
};

struct free_piece {
	struct free_piece *next;
};

static size_t words(size_t size)
{
	assert(size > 0 && size <= POOL_MAX_SIZE);
	return (size + 7) / 8;
}

#ifdef POOL_IS_MALLOC
void *pool_get(struct pool *pool, size_t size)
{
	(void)pool;
	return malloc(words(size) * 8);
}

void pool_put(struct pool *pool, void *p, size_t size)
{
	(void)pool;
	(void)size;
	free(p);
}
#else
void *pool_get(struct pool *pool, size_t size)
{
	size_t n = words(size);
	struct free_piece *piece = pool->free[n];
	void *p;

	if (piece) {
		pool->free[n] = piece->next;
		return piece;
	}
	if (!pool->blocks || pool->room - pool->used < n * 8) {
		struct pool_block *b = malloc(sizeof *b + BLOCK_SIZE);

		if (!b)
			return NULL;
		b->next = pool->blocks;
		pool->blocks = b;
		pool->used = 0;
		pool->room = BLOCK_SIZE;
	}
	p = pool->blocks->data + pool->used;
	pool->used += n * 8;
	return p;
}

void pool_put(struct pool *pool, void *p, size_t size)
{
	struct free_piece *piece = p;

	if (!p)
		return;
	piece->next = pool->free[words(size)];
	pool->free[words(size)] = piece;
}
#endif

void pool_release(struct pool *pool)
{
	while (pool->blocks) {
		struct pool_block *next = pool->blocks->next;

		free(pool->blocks);
		pool->blocks = next;
	}
	*pool = (struct pool){0};
}
