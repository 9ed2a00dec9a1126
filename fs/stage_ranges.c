/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/stage_ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int reserve(struct range_list *l, size_t more)
{
	size_t room = l->room ? l->room : 8;
	struct data_range *v;

	if (l->room - l->n >= more)
		return 0;
	while (room - l->n < more) {
		if (room > SIZE_MAX / sizeof *v / 2)
			return -ENOMEM;
		room *= 2;
	}
	v = realloc(l->v, room * sizeof *v);
	if (!v)
		return -ENOMEM;
	l->v = v;
	l->room = room;
	return 0;
}

void range_list_release(struct range_list *l)
{
	free(l->v);
	*l = (struct range_list){0};
}

int range_list_add(struct range_list *l, uint64_t pos, uint64_t len)
{
	struct data_range *last = l->n ? &l->v[l->n - 1] : NULL;
	int err;

	if (len == 0)
		return 0;
	if (last && last->pos + last->len == pos) {
		last->len += len;
		return 0;
	}
	err = reserve(l, 1);
	if (err < 0)
		return err;
	l->v[l->n++] = (struct data_range){pos, len};
	return 0;
}

int range_list_move(struct range_list *to, struct range_list *from)
{
	int err;

	if (from->n == 0)
		return 0;
	if (to->n == 0) {
		range_list_release(to);
		*to = *from;
		*from = (struct range_list){0};
		return 0;
	}
	err = reserve(to, from->n);
	if (err < 0)
		return err;
	memcpy(to->v + to->n, from->v, from->n * sizeof *to->v);
	to->n += from->n;
	range_list_release(from);
	return 0;
}

static int by_pos(const void *a, const void *b)
{
	const struct data_range *x = a, *y = b;

	return (x->pos > y->pos) - (x->pos < y->pos);
}

int range_list_split(struct range_list *l, struct range_list *rest,
		     uint64_t block,
		     void (*whole)(void *arg, uint64_t pos, uint64_t len),
		     void *arg)
{
	struct range_list out = {0};
	size_t i = 0, k = 0;
	int err;

	/* A range leaves two ends at most, and then there is room. */
	err = reserve(&out, 2 * (l->n + rest->n));
	if (err < 0)
		return err;
	if (l->n)
		qsort(l->v, l->n, sizeof *l->v, by_pos);
	while (i < l->n || k < rest->n) {
		uint64_t pos, end, from, to;

		if (k == rest->n || (i < l->n && l->v[i].pos < rest->v[k].pos))
			pos = end = l->v[i].pos;
		else
			pos = end = rest->v[k].pos;
		for (;;) {
			if (i < l->n && l->v[i].pos == end)
				end += l->v[i++].len;
			else if (k < rest->n && rest->v[k].pos == end)
				end += rest->v[k++].len;
			else
				break;
		}
		from = pos + (block - pos % block) % block;
		to = end - end % block;
		if (from >= to) {
			range_list_add(&out, pos, end - pos);
			continue;
		}
		range_list_add(&out, pos, from - pos);
		range_list_add(&out, to, end - to);
		whole(arg, from, to - from);
	}
	range_list_release(rest);
	*rest = out;
	return 0;
}

struct edge {
	uint64_t at;
	int step;
};

static int by_at(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

int range_list_count(const struct range_list *l, struct range_count **ret,
		     size_t *ret_n)
{
	struct range_count *runs = calloc(l->n * 2 + 1, sizeof *runs);
	struct edge *edges = calloc(l->n * 2 + 1, sizeof *edges);
	uint32_t count = 0;
	size_t i, n = 0;

	if (!runs || !edges) {
		free(runs);
		free(edges);
		return -ENOMEM;
	}
	for (i = 0; i < l->n; i++) {
		edges[2 * i] = (struct edge){l->v[i].pos, 1};
		edges[2 * i + 1] = (struct edge){l->v[i].pos + l->v[i].len, -1};
	}
	qsort(edges, l->n * 2, sizeof *edges, by_at);
	for (i = 0; i < l->n * 2; i++) {
		struct range_count *last = n ? &runs[n - 1] : NULL;
		uint64_t at = edges[i].at;

		if (i && count && at > edges[i - 1].at) {
			uint64_t from = edges[i - 1].at;

			if (last && last->pos + last->len == from &&
			    last->count == count)
				last->len += at - from;
			else
				runs[n++] = (struct range_count){
					from, at - from, count};
		}
		/* At one place ends may come before beginnings: the sum
		 * is right once all of them were seen. */
		count += (uint32_t)edges[i].step;
	}
	free(edges);
	*ret = runs;
	*ret_n = n;
	return 0;
}
