/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_LBA_SET_H
#define BURNER_LBA_SET_H

/*
 * A set of block addresses.  Zeroed memory is the empty set.
 */

#include <stddef.h>
#include <stdint.h>

struct lba_set {
	uint64_t *slots; /* lba + 1; 0 is free */
	size_t n, room;  /* room is a power of two */
};

/* lba_set_add - Returns 0, -EEXIST (it was in before), -ENOMEM. */
int lba_set_add(struct lba_set *set, uint32_t lba);
void lba_set_release(struct lba_set *set);

#endif
