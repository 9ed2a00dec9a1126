/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/ptrmap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	return x;
}

/* The slot of @key, or the empty one where it belongs.  room is a power of 2. */
static struct ptrmap_slot *find(const struct ptrmap *m, uint64_t key)
{
	size_t i = mix(key) & (m->room - 1);

	while (m->slots[i].key && m->slots[i].key != key)
		i = (i + 1) & (m->room - 1);
	return &m->slots[i];
}

static int grow(struct ptrmap *m)
{
	struct ptrmap bigger = {.room = m->room ? m->room * 2 : 64};

	bigger.slots = calloc(bigger.room, sizeof *bigger.slots);
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->room; i++)
		if (m->slots[i].key)
			*find(&bigger, m->slots[i].key) = m->slots[i];
	bigger.n = m->n;
	free(m->slots);
	*m = bigger;
	return 0;
}

int ptrmap_put(struct ptrmap *m, uint64_t key, uint64_t value)
{
	struct ptrmap_slot *s;

	assert(key);
	if (m->n * 3 >= m->room * 2) {
		int err = grow(m);

		if (err)
			return err;
	}
	s = find(m, key);
	if (!s->key) {
		s->key = key;
		m->n++;
	}
	s->value = value;
	return 0;
}

bool ptrmap_get(const struct ptrmap *m, uint64_t key, uint64_t *ret)
{
	const struct ptrmap_slot *s;

	if (!m->n)
		return false;
	s = find(m, key);
	if (!s->key)
		return false;
	*ret = s->value;
	return true;
}

void ptrmap_release(struct ptrmap *m)
{
	free(m->slots);
	*m = (struct ptrmap){0};
}
