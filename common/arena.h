/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

/*
 * Memory that is given back all at once.  Zero-initialized is empty.  What
 * arena_alloc returns is aligned for any type, not zeroed, NULL without memory.
 */

#include <stddef.h>

struct arena {
	struct arena_block *blocks;
	size_t used, room; /* of the newest block */
};

void *arena_alloc(struct arena *a, size_t size);
void *arena_copy(struct arena *a, const void *data, size_t size);
char *arena_strdup(struct arena *a, const char *s);
void arena_release(struct arena *a);

#endif
