/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_PTRMAP_H
#define COMMON_PTRMAP_H

/*
 * A hash map from a 64-bit key (a pointer, an id; not 0) to a 64-bit value.
 * Zero-initialized is empty.  No lock.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ptrmap {
	struct ptrmap_slot {
		uint64_t key, value;
	} *slots;
	size_t n, room;
};

void ptrmap_release(struct ptrmap *m);

/* ptrmap_put - set the value of @key.  0 or -ENOMEM. */
int ptrmap_put(struct ptrmap *m, uint64_t key, uint64_t value);

/* ptrmap_get - true and *@ret if @key is there. */
bool ptrmap_get(const struct ptrmap *m, uint64_t key, uint64_t *ret);

static inline uint64_t ptrmap_key(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

#endif
