/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

/*
 * Many small pieces of memory without malloc's word in front of each, and
 * rounded up to 8 bytes only.  What is given back is used again for pieces of
 * the same size; the whole goes with pool_release.  Zero-initialized is empty.
 * No lock.
 *
 * With the address sanitizer each piece is malloc's, so that a use after its
 * end is found: give all pieces back before pool_release.
 */

#include <stddef.h>

enum { POOL_MAX_SIZE = 512 };

struct pool {
	struct pool_block *blocks;
	size_t used, room; /* of the newest block */
	void *free[POOL_MAX_SIZE / 8 + 1]; /* lists, by size in words */
};

/*
 * pool_get - @size bytes (POOL_MAX_SIZE at most), aligned to 8, not zeroed;
 * NULL without memory.
 * pool_put - give @p back, which was got with this size.
 */
void *pool_get(struct pool *pool, size_t size);
void pool_put(struct pool *pool, void *p, size_t size);
void pool_release(struct pool *pool);

#endif
