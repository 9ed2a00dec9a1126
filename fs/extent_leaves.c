/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/extent_leaves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* In one allocation.  Inserting moves what stands behind in the leaf,
	 * and the leaves' pointers: with a single array, thousands of writes
	 * at random places cost more for that than for all the rest. */
	LEAF_MAX = 64,
	ROOM_MIN = 4,
};

struct extent_leaf {
	uint32_t n, room; /* n > 0 */
	struct extent v[];
};

/* With no leaves the map itself is one. */
static uint32_t leaf_n(const struct extent_map *m, uint32_t leaf)
{
	return m->n_leaves ? m->leaves[leaf]->n : m->n;
}

static const struct extent *leaf_v(const struct extent_map *m, uint32_t leaf)
{
	return m->n_leaves ? m->leaves[leaf]->v : &m->one;
}

const struct extent *extent_map_next(const struct extent_map *m,
				     struct extent_cursor *c)
{
	const struct extent *e;

	if (c->leaf >= (m->n_leaves ? m->n_leaves : 1) ||
	    c->i >= leaf_n(m, c->leaf))
		return NULL;
	e = &leaf_v(m, c->leaf)[c->i++];
	if (c->i == leaf_n(m, c->leaf)) {
		c->leaf++;
		c->i = 0;
	}
	return e;
}

void extent_map_list(const struct extent_map *m, struct extent *ret)
{
	struct extent_cursor c = {0};
	const struct extent *e;

	while ((e = extent_map_next(m, &c)))
		*ret++ = *e;
}

void extent_map_release(struct extent_map *m)
{
	uint32_t i;

	if (!m)
		return;
	for (i = 0; i < m->n_leaves; i++)
		free(m->leaves[i]);
	if (m->n_leaves)
		free(m->leaves);
	*m = (struct extent_map){0};
}

static size_t leaf_bytes(uint32_t room)
{
	return sizeof(struct extent_leaf) + room * sizeof(struct extent);
}

static struct extent_leaf *leaf_new(uint32_t room)
{
	struct extent_leaf *leaf = malloc(leaf_bytes(room));

	if (leaf)
		leaf->room = room;
	return leaf;
}

int extent_map_copy(const struct extent_map *m, struct extent_map *ret)
{
	struct extent_map copy = {.one = m->one, .n = m->n};
	uint32_t i;

	if (m->n_leaves) {
		copy.leaves = malloc(m->n_leaves * sizeof *copy.leaves);
		if (!copy.leaves)
			return -ENOMEM;
	}
	for (i = 0; i < m->n_leaves; i++) {
		const struct extent_leaf *from = m->leaves[i];
		struct extent_leaf *leaf = leaf_new(from->n);

		if (!leaf) {
			if (!copy.n_leaves)
				free(copy.leaves);
			extent_map_release(&copy);
			return -ENOMEM;
		}
		leaf->n = from->n;
		memcpy(leaf->v, from->v, from->n * sizeof *leaf->v);
		copy.leaves[copy.n_leaves++] = leaf;
	}
	*ret = copy;
	return 0;
}

/* The place before the first extent that ends behind @off. */
struct place leaves_find(const struct extent_map *m, uint64_t off)
{
	uint32_t lo = 0, hi = m->n_leaves ? m->n_leaves - 1 : 0, mid;
	const struct extent *v;
	struct place p;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (extent_end(&leaf_v(m, mid)[leaf_n(m, mid) - 1]) > off)
			hi = mid;
		else
			lo = mid + 1;
	}
	p.leaf = lo;
	v = leaf_v(m, lo);
	hi = leaf_n(m, lo);
	lo = 0;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (extent_end(&v[mid]) > off)
			hi = mid;
		else
			lo = mid + 1;
	}
	p.i = lo;
	return p;
}

/* The extent behind @p, or NULL. */
const struct extent *leaves_behind(const struct extent_map *m, struct place p)
{
	if (p.i < leaf_n(m, p.leaf))
		return &leaf_v(m, p.leaf)[p.i];
	if (p.leaf + 1 < m->n_leaves)
		return leaf_v(m, p.leaf + 1);
	return NULL;
}

/* The place behind that extent. */
struct place leaves_after(const struct extent_map *m, struct place p)
{
	if (p.i < leaf_n(m, p.leaf))
		return (struct place){p.leaf, p.i + 1};
	return (struct place){p.leaf + 1, 1};
}

/* The place before the extent before @p, if there is one. */
bool leaves_back(const struct extent_map *m, struct place *p)
{
	if (p->i > 0) {
		p->i--;
		return true;
	}
	if (p->leaf == 0)
		return false;
	p->leaf--;
	p->i = leaf_n(m, p->leaf) - 1;
	return true;
}

/* A leaf of the map's own for its one extent, or for none. */
static int grow_first(struct extent_map *m)
{
	struct extent_leaf **leaves = malloc(sizeof *leaves);
	struct extent_leaf *leaf = leaf_new(ROOM_MIN);

	if (!leaves || !leaf) {
		free(leaves);
		free(leaf);
		return -ENOMEM;
	}
	leaf->n = m->n;
	leaf->v[0] = m->one;
	leaves[0] = leaf;
	m->leaves = leaves;
	m->n_leaves = 1;
	return 0;
}

static int grow_leaf(struct extent_map *m, uint32_t i, uint32_t n)
{
	uint32_t room = n + n / 2;
	struct extent_leaf *leaf = m->leaves[i];

	if (n <= leaf->room)
		return 0;
	if (room > LEAF_MAX)
		room = LEAF_MAX;
	leaf = realloc(leaf, leaf_bytes(room));
	if (!leaf)
		return -ENOMEM;
	leaf->room = room;
	m->leaves[i] = leaf;
	return 0;
}

/* One more, empty one before leaf @i.  Their room doubles at each power of
 * two. */
static int add_leaf(struct extent_map *m, uint32_t i)
{
	struct extent_leaf **leaves = m->leaves, *leaf = leaf_new(LEAF_MAX);

	if (!leaf)
		return -ENOMEM;
	if ((m->n_leaves & (m->n_leaves - 1)) == 0) {
		leaves = m->n_leaves > UINT32_MAX / 2
				 ? NULL
				 : realloc(leaves, (size_t)m->n_leaves * 2 *
							   sizeof *leaves);
		if (!leaves) {
			free(leaf);
			return -ENOMEM;
		}
		m->leaves = leaves;
	}
	memmove(leaves + i + 1, leaves + i, (m->n_leaves - i) * sizeof *leaves);
	leaf->n = 0;
	leaves[i] = leaf;
	m->n_leaves++;
	return 0;
}

static void drop_leaves(struct extent_map *m, uint32_t i, uint32_t j)
{
	for (uint32_t k = i; k < j; k++)
		free(m->leaves[k]);
	memmove(m->leaves + i, m->leaves + j,
		(m->n_leaves - j) * sizeof *m->leaves);
	m->n_leaves -= j - i;
}

/* Not more than one extent: it needs no leaf. */
static void shrink(struct extent_map *m)
{
	struct extent one = {0};

	if (m->n > 1 || !m->n_leaves)
		return;
	if (m->n)
		one = m->leaves[0]->v[0];
	drop_leaves(m, 0, m->n_leaves);
	free(m->leaves);
	m->one = one;
}

/*
 * Replace what stands between two places by @n pieces where that takes or
 * empties leaves: what is left of the first and of the last of them, and the
 * pieces, are spread evenly.
 */
static int spread(struct extent_map *m, struct place from, struct place to,
		  const struct extent *v, uint32_t n)
{
	const size_t size = sizeof *v;
	struct extent all[2 * LEAF_MAX + PIECES_MAX];
	const struct extent_leaf *last = m->leaves[to.leaf];
	uint32_t sum = from.i + n + (last->n - to.i), parts, share, k;
	uint32_t at = from.leaf, have = to.leaf - from.leaf + 1;
	int err = 0;

	memcpy(all, m->leaves[at]->v, from.i * size);
	memcpy(all + from.i, v, n * size);
	memcpy(all + from.i + n, last->v + to.i, (last->n - to.i) * size);
	parts = (sum + LEAF_MAX - 1) / LEAF_MAX;
	if (!parts && have == m->n_leaves)
		parts = 1; /* the caller drops it */
	share = parts ? (sum + parts - 1) / parts : 0;
	for (k = 0; !err && k < parts && k < have; k++)
		err = grow_leaf(m, at + k, share);
	/* Two leaves and the pieces fill three at most. */
	if (!err && parts > have)
		err = add_leaf(m, at + have);
	if (err < 0)
		return err;
	for (k = 0; k < parts; k++) {
		uint32_t part =
			sum - k * share < share ? sum - k * share : share;

		memcpy(m->leaves[at + k]->v, all + (size_t)k * share, part * size);
		m->leaves[at + k]->n = part;
	}
	if (parts < have)
		drop_leaves(m, at + parts, at + have);
	return 0;
}

/* Replace the @gone extents between two places by the @n ones at @v. */
int leaves_splice(struct extent_map *m, struct place from, struct place to,
		  uint32_t gone, const struct extent *v, uint32_t n)
{
	uint32_t left = m->n - gone + n, sum = 0;
	struct extent_leaf *leaf;
	int err = 0;

	if (m->n - gone > UINT32_MAX - n)
		return -ENOMEM;
	if (!m->n_leaves && left <= 1) {
		/* Nothing is left of what was there, or nothing comes. */
		if (n || gone)
			m->one = n ? v[0] : (struct extent){0};
		m->n = left;
		return 0;
	}
	if (!m->n_leaves)
		err = grow_first(m);
	if (err < 0)
		return err;
	if (from.leaf == to.leaf)
		sum = m->leaves[from.leaf]->n - gone + n;
	if (sum == 0 || sum > LEAF_MAX) {
		err = spread(m, from, to, v, n);
	} else {
		err = grow_leaf(m, from.leaf, sum);
		leaf = m->leaves[from.leaf];
		if (!err) {
			memmove(leaf->v + from.i + n, leaf->v + to.i,
				(leaf->n - to.i) * sizeof *v);
			memcpy(leaf->v + from.i, v, n * sizeof *v);
			leaf->n = sum;
		}
	}
	if (!err)
		m->n = left;
	shrink(m);
	return err;
}
