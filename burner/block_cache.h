/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_BLOCK_CACHE_H
#define BURNER_BLOCK_CACHE_H

/*
 * Inside burner/ only: a cache in front of a medium that is slow to seek, with
 * read-ahead for who reads on in order.  Takes no lock: one caller at a time.
 */

#include <stddef.h>
#include <stdint.h>

struct block_cache;

/* Reads @n blocks from @lba on.  Returns 0 or -errno; all or nothing. */
typedef int (*block_read)(void *arg, uint64_t lba, size_t n, void *buf);

/* Returns 0 or -ENOMEM.  @arg must outlive it. */
int block_cache_new(block_read read, void *arg, struct block_cache **ret);
void block_cache_free(struct block_cache *cache);

/*
 * block_cache_read - @len bytes at byte @pos, of a medium that ends before
 * block @end_lba.  A block that cannot be read fails only those reads that
 * ask for it.  Returns 0 or -EIO.
 */
int block_cache_read(struct block_cache *cache, void *buf, size_t len,
		     uint64_t pos, uint64_t end_lba);

/* block_cache_drop - forget all: the medium may be another one. */
void block_cache_drop(struct block_cache *cache);

#endif
