/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/extent.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROOM_MIN = 4,
	/* A change replaces the extents it touches and one neighbour on each
	 * side by at most: neighbour, rest, new, rest, neighbour. */
	PIECES_MAX = 5,
};

static uint64_t extent_end(const struct extent *e)
{
	return e->off + e->len;
}

static struct extent *array(struct extent_map *m)
{
	return m->room ? m->many : &m->one;
}

const struct extent *extent_map_array(const struct extent_map *m)
{
	return m->room ? m->many : &m->one;
}

void extent_map_release(struct extent_map *m)
{
	if (!m)
		return;
	if (m->room)
		free(m->many);
	*m = (struct extent_map){0};
}

void extent_list_release(struct extent_list *l)
{
	if (!l)
		return;
	free(l->v);
	*l = (struct extent_list){0};
}

int extent_map_copy(const struct extent_map *m, struct extent_map *ret)
{
	struct extent_map copy = {.n = m->n};

	if (m->n > 1) {
		copy.many = malloc(m->n * sizeof *copy.many);
		if (!copy.many)
			return -ENOMEM;
		copy.room = m->n;
	}
	if (m->n)
		memcpy(array(&copy), extent_map_array(m),
		       m->n * sizeof(struct extent));
	*ret = copy;
	return 0;
}

/* The first extent that ends behind @off; m->n if none does. */
static uint32_t first_behind(const struct extent_map *m, uint64_t off)
{
	const struct extent *v = extent_map_array(m);
	uint32_t lo = 0, hi = m->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (extent_end(&v[mid]) > off)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* The first extent, from @i on, that begins at @end or behind it. */
static uint32_t first_from(const struct extent_map *m, uint32_t i, uint64_t end)
{
	const struct extent *v = extent_map_array(m);
	uint32_t lo = i, hi = m->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v[mid].off >= end)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

void extent_map_at(const struct extent_map *m, uint64_t off, uint64_t max,
		   struct extent *ret)
{
	const struct extent *v = extent_map_array(m);
	uint32_t i = first_behind(m, off);
	uint64_t left = max;

	assert(max > 0);
	if (i < m->n && v[i].off <= off) {
		*ret = v[i];
		ret->pos += off - ret->off;
		left = extent_end(&v[i]) - off;
	} else {
		*ret = (struct extent){.source = EXTENT_HOLE};
		if (i < m->n)
			left = v[i].off - off;
	}
	ret->off = off;
	ret->len = left < max ? left : max;
}

/* The part of @e between @from and @to, which lie inside of it. */
static struct extent clip(const struct extent *e, uint64_t from, uint64_t to)
{
	struct extent part = *e;

	part.off = from;
	part.len = to - from;
	part.pos += from - e->off;
	return part;
}

static bool continues(const struct extent *a, const struct extent *b)
{
	return extent_end(a) == b->off && a->source == b->source &&
	       a->pos + a->len == b->pos && a->gen == b->gen &&
	       a->shared == b->shared;
}

/* Append to a run of pieces that has room for it, merging. */
static void push(struct extent *v, uint32_t *n, const struct extent *e)
{
	if (e->len == 0)
		return;
	if (*n && continues(&v[*n - 1], e))
		v[*n - 1].len += e->len;
	else
		v[(*n)++] = *e;
}

/* Make room for @n extents on the heap, unless they fit inside. */
static int reserve(struct extent_map *m, uint64_t n)
{
	struct extent *many;
	uint64_t room = n + n / 2;

	if (n <= (m->room ? m->room : 1))
		return 0;
	if (room < ROOM_MIN)
		room = ROOM_MIN;
	if (room > UINT32_MAX)
		return -ENOMEM;
	many = realloc(m->room ? m->many : NULL, room * sizeof *many);
	if (!many)
		return -ENOMEM;
	if (!m->room && m->n)
		many[0] = m->one;
	m->many = many;
	m->room = (uint32_t)room;
	return 0;
}

/* Give back what a map that became much smaller does not need. */
static void trim(struct extent_map *m)
{
	struct extent *many;

	if (m->room == 0)
		return;
	many = m->many;
	if (m->n <= 1) {
		struct extent one = m->n ? many[0] : (struct extent){0};

		free(many);
		m->one = one;
		m->room = 0;
	} else if (m->n < m->room / 4) {
		many = realloc(many, m->n * sizeof *many);
		if (many) {
			m->many = many;
			m->room = m->n;
		}
	}
}

/* Replace the extents @i up to @j by the @n ones at @v. */
static int splice(struct extent_map *m, uint32_t i, uint32_t j,
		  const struct extent *v, uint32_t n)
{
	struct extent *a;
	int err = reserve(m, (uint64_t)m->n - (j - i) + n);

	if (err < 0)
		return err;
	a = array(m);
	if (j < m->n && j - i != n)
		memmove(a + i + n, a + j, (m->n - j) * sizeof *a);
	if (n)
		memcpy(a + i, v, n * sizeof *a);
	m->n = m->n - (j - i) + n;
	trim(m);
	return 0;
}

static int list_reserve(struct extent_list *l, size_t more)
{
	size_t room = l->room ? l->room : ROOM_MIN;
	struct extent *v;

	if (l->room - l->n >= more)
		return 0;
	while (room - l->n < more)
		room *= 2;
	v = realloc(l->v, room * sizeof *v);
	if (!v)
		return -ENOMEM;
	l->v = v;
	l->room = room;
	return 0;
}

/* Let @off up to @end come from @e, or from nothing. */
static int replace(struct extent_map *m, uint64_t off, uint64_t end,
		   const struct extent *e, struct extent_list *dropped)
{
	struct extent pieces[PIECES_MAX], part;
	const struct extent *v = extent_map_array(m);
	uint32_t i = first_behind(m, off), j = first_from(m, i, end);
	uint32_t from = i, to = j, n = 0, k;
	uint64_t until;
	int err;

	if (dropped) {
		err = list_reserve(dropped, j - i);
		if (err < 0)
			return err;
	}
	if (i > 0)
		push(pieces, &n, &v[from = i - 1]);
	if (i < j && v[i].off < off) {
		part = clip(&v[i], v[i].off, off);
		push(pieces, &n, &part);
	}
	if (e)
		push(pieces, &n, e);
	if (i < j && extent_end(&v[j - 1]) > end) {
		part = clip(&v[j - 1], end, extent_end(&v[j - 1]));
		push(pieces, &n, &part);
	}
	if (j < m->n) {
		push(pieces, &n, &v[j]);
		to = j + 1;
	}
	/* What is about to go is copied behind the list's end, and counted
	 * only when nothing can fail any more. */
	for (k = i; dropped && k < j; k++) {
		until = extent_end(&v[k]);
		dropped->v[dropped->n + (k - i)] =
			clip(&v[k], v[k].off < off ? off : v[k].off,
			     until > end ? end : until);
	}
	err = splice(m, from, to, pieces, n);
	if (err < 0)
		return err;
	if (dropped)
		dropped->n += j - i;
	return 0;
}

int extent_map_put(struct extent_map *m, const struct extent *e,
		   struct extent_list *dropped)
{
	assert(e->len <= UINT64_MAX - e->off);
	assert(e->source == EXTENT_HOLE || e->len <= UINT64_MAX - e->pos);
	if (e->len == 0)
		return 0;
	return replace(m, e->off, extent_end(e),
		       e->source == EXTENT_HOLE ? NULL : e, dropped);
}

int extent_map_cut(struct extent_map *m, uint64_t size,
		   struct extent_list *dropped)
{
	return replace(m, size, UINT64_MAX, NULL, dropped);
}

int extent_map_share(struct extent_map *m, uint64_t off, uint64_t len)
{
	const struct extent *v = extent_map_array(m);
	uint64_t end = len <= UINT64_MAX - off ? off + len : UINT64_MAX;
	uint32_t i = first_behind(m, off), j = first_from(m, i, end);
	uint32_t from = i ? i - 1 : 0, to = j < m->n ? j + 1 : j;
	uint32_t k, n = 0;
	struct extent *pieces;
	bool any = false;
	int err;

	for (k = i; k < j && !any; k++)
		any = v[k].source == EXTENT_DATA && !v[k].shared;
	if (len == 0 || !any)
		return 0;
	pieces = malloc(((size_t)(to - from) + 2) * sizeof *pieces);
	if (!pieces)
		return -ENOMEM;
	for (k = from; k < to; k++) {
		uint64_t a = v[k].off, b = extent_end(&v[k]);
		uint64_t lo = a < off ? off : a, hi = b > end ? end : b;
		struct extent part;

		if (v[k].source != EXTENT_DATA || lo >= hi) {
			push(pieces, &n, &v[k]);
			continue;
		}
		part = clip(&v[k], a, lo);
		push(pieces, &n, &part);
		part = clip(&v[k], lo, hi);
		part.shared = true;
		push(pieces, &n, &part);
		part = clip(&v[k], hi, b);
		push(pieces, &n, &part);
	}
	err = splice(m, from, to, pieces, n);
	free(pieces);
	return err;
}

uint64_t extent_map_bytes(const struct extent_map *m, enum extent_source source)
{
	const struct extent *v = extent_map_array(m);
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < m->n; i++)
		if (v[i].source == source)
			sum += v[i].len;
	return sum;
}

/*
 * Where the pieces are split does not count (gen and shared split what is one
 * run of bytes), so both lists are walked piece by piece.
 */
bool extent_map_equal(const struct extent_map *a, const struct extent_map *b)
{
	const struct extent *v = extent_map_array(a), *w = extent_map_array(b);
	uint32_t i = 0, j = 0;
	uint64_t at = 0;

	while (i < a->n && j < b->n) {
		uint64_t lo, v_end = extent_end(&v[i]),
			     w_end = extent_end(&w[j]);
		uint64_t v_off = v[i].off > at ? v[i].off : at;
		uint64_t w_off = w[j].off > at ? w[j].off : at;

		lo = v_end < w_end ? v_end : w_end;
		if (v_off != w_off || v[i].source != w[j].source ||
		    v[i].pos + (v_off - v[i].off) !=
			    w[j].pos + (w_off - w[j].off))
			return false;
		at = lo;
		i += v_end == lo;
		j += w_end == lo;
	}
	return i == a->n && j == b->n;
}
