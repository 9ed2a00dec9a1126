/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/extent.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent_leaves.h"

enum { ROOM_MIN = 4 };

void extent_list_release(struct extent_list *l)
{
	if (!l)
		return;
	free(l->v);
	*l = (struct extent_list){0};
}

void extent_map_at(const struct extent_map *m, uint64_t off, uint64_t max,
		   struct extent *ret)
{
	const struct extent *e = leaves_behind(m, leaves_find(m, off));
	uint64_t left = max;

	assert(max > 0);
	if (e && e->off <= off) {
		*ret = *e;
		ret->pos += off - ret->off;
		left = extent_end(e) - off;
	} else {
		*ret = (struct extent){.source = EXTENT_HOLE};
		if (e)
			left = e->off - off;
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

/* Copy the @cut extents behind @p, as far as they lie within the range, behind
 * the list's end: they are counted only when nothing can fail any more. */
static void note_dropped(const struct extent_map *m, struct place p,
			 uint32_t cut, uint64_t off, uint64_t end,
			 struct extent_list *dropped)
{
	for (uint32_t k = 0; k < cut; k++, p = leaves_after(m, p)) {
		const struct extent *e = leaves_behind(m, p);
		uint64_t until = extent_end(e);

		dropped->v[dropped->n + k] =
			clip(e, e->off < off ? off : e->off,
			     until > end ? end : until);
	}
}

/* Let @off up to @end come from @e, or from nothing. */
static int replace(struct extent_map *m, uint64_t off, uint64_t end,
		   const struct extent *e, struct extent_list *dropped)
{
	const struct place begin = leaves_find(m, off);
	struct place from = begin, to = begin;
	const struct extent *first = leaves_behind(m, begin), *last = NULL, *x;
	struct extent pieces[PIECES_MAX], part;
	uint32_t n = 0, gone = 0, cut;
	int err;

	for (x = first; x && x->off < end; x = leaves_behind(m, to)) {
		last = x;
		to = leaves_after(m, to);
		gone++;
	}
	cut = gone;
	err = dropped ? list_reserve(dropped, cut) : 0;
	if (err < 0)
		return err;
	if (cut && first->off < off) {
		part = clip(first, first->off, off);
		push(pieces, &n, &part);
	}
	if (e)
		push(pieces, &n, e);
	if (cut && extent_end(last) > end) {
		part = clip(last, end, extent_end(last));
		push(pieces, &n, &part);
	}
	if (n && x && continues(&pieces[n - 1], x)) {
		push(pieces, &n, x);
		to = leaves_after(m, to);
		gone++;
	}
	if (n && leaves_back(m, &from)) {
		part = *leaves_behind(m, from);
		if (continues(&part, pieces)) {
			part.len += pieces[0].len;
			pieces[0] = part;
			if (!gone)
				to = leaves_after(m, from);
			gone++;
		} else {
			from = begin;
		}
	}
	if (dropped)
		note_dropped(m, begin, cut, off, end, dropped);
	err = leaves_splice(m, from, to, gone, pieces, n);
	if (!err && dropped)
		dropped->n += cut;
	return err;
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
	uint64_t end = len <= UINT64_MAX - off ? off + len : UINT64_MAX;
	int err = 0;

	while (!err && off < end) {
		struct extent e;

		extent_map_at(m, off, end - off, &e);
		if (e.source == EXTENT_DATA && !e.shared) {
			e.shared = true;
			err = extent_map_put(m, &e, NULL);
		}
		off += e.len;
	}
	return err;
}

uint64_t extent_map_bytes(const struct extent_map *m, enum extent_source source)
{
	struct extent_cursor c = {0};
	const struct extent *e;
	uint64_t sum = 0;

	while ((e = extent_map_next(m, &c)))
		if (e->source == source)
			sum += e->len;
	return sum;
}

/*
 * Where the pieces are split does not count (gen and shared split what is one
 * run of bytes), so both lists are walked piece by piece.
 */
bool extent_map_equal(const struct extent_map *a, const struct extent_map *b)
{
	struct extent_cursor i = {0}, j = {0};
	const struct extent *v = extent_map_next(a, &i);
	const struct extent *w = extent_map_next(b, &j);
	uint64_t at = 0;

	while (v && w) {
		uint64_t v_off = v->off > at ? v->off : at;
		uint64_t w_off = w->off > at ? w->off : at;
		uint64_t v_end = extent_end(v), w_end = extent_end(w);

		if (v_off != w_off || v->source != w->source ||
		    v->pos + (v_off - v->off) != w->pos + (w_off - w->off))
			return false;
		at = v_end < w_end ? v_end : w_end;
		if (v_end == at)
			v = extent_map_next(a, &i);
		if (w_end == at)
			w = extent_map_next(b, &j);
	}
	return !v && !w;
}
