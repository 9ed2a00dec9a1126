/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/lba_set.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_ROOM = 1024 };

/* Where @key is, or the free slot where it belongs. */
static uint64_t *slot_of(uint64_t *slots, size_t room, uint64_t key)
{
	size_t i = (size_t)(key * 0x9e3779b97f4a7c15u >> 32) & (room - 1);

	while (slots[i] && slots[i] != key)
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static int grow(struct lba_set *set)
{
	size_t room = set->room ? 2 * set->room : FIRST_ROOM, i;
	uint64_t *slots = calloc(room, sizeof *slots);

	if (!slots)
		return -ENOMEM;
	for (i = 0; i < set->room; i++)
		if (set->slots[i])
			*slot_of(slots, room, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->room = room;
	return 0;
}

int lba_set_add(struct lba_set *set, uint32_t lba)
{
	uint64_t key = (uint64_t)lba + 1, *slot;
	int err;

	if (2 * (set->n + 1) > set->room) {
		err = grow(set);
		if (err < 0)
			return err;
	}
	slot = slot_of(set->slots, set->room, key);
	if (*slot == key)
		return -EEXIST;
	*slot = key;
	set->n++;
	return 0;
}

void lba_set_release(struct lba_set *set)
{
	free(set->slots);
	set->slots = NULL;
	set->n = set->room = 0;
}
