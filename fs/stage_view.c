/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/stage_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "fs/stage_view_internal.h"

/* ---- loading ---- */

static int copy_text(struct stage_view *v, const char **text)
{
	if (!*text)
		return 0;
	*text = arena_strdup(&v->arena, *text);
	return *text ? 0 : -ENOMEM;
}

static int take_node(void *arg, const struct stage_node *from)
{
	struct stage_view *v = arg;
	struct stage_node *n = array_append(&v->nodes, &v->n_nodes, sizeof *n);

	if (!n)
		return -ENOMEM;
	*n = *from;
	if (copy_text(v, &n->base_path) < 0 || copy_text(v, &n->target) < 0)
		return -ENOMEM;
	if (n->xattrs) {
		n->xattrs =
			arena_copy(&v->arena, n->xattrs,
				   sizeof *n->xattrs + n->xattrs->size_bytes);
		if (!n->xattrs)
			return -ENOMEM;
	}
	if (!n->n_extents)
		return 0;
	n->extents = arena_copy(&v->arena, n->extents,
				n->n_extents * sizeof *n->extents);
	return n->extents ? 0 : -ENOMEM;
}

static int take_gone(void *arg, const char *path)
{
	struct stage_view *v = arg;
	const char **p = array_append(&v->gone, &v->n_gone, sizeof *p);

	if (!p)
		return -ENOMEM;
	*p = path;
	return copy_text(v, p);
}

static int take_link(void *arg, const struct stage_link *from)
{
	struct stage_view *v = arg;
	struct stage_link *l = array_append(&v->links, &v->n_links, sizeof *l);

	if (!l)
		return -ENOMEM;
	*l = *from;
	return copy_text(v, &l->name);
}

static int by_path(const void *a, const void *b)
{
	const struct stage_node *const *x = a, *const *y = b;

	return strcmp((*x)->base_path, (*y)->base_path);
}

static int by_node(const void *a, const void *b)
{
	const struct stage_link *const *x = a, *const *y = b;

	if ((*x)->node != (*y)->node)
		return (*x)->node < (*y)->node ? -1 : 1;
	/* The order of the rows. */
	return (*x > *y) - (*x < *y);
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int make_indexes(struct stage_view *v)
{
	for (uint32_t i = 0; i < v->n_nodes; i++) {
		const struct stage_node **p;

		if (!v->nodes[i].base_path)
			continue;
		p = array_append(&v->by_path, &v->n_by_path, sizeof *p);
		if (!p)
			return -ENOMEM;
		*p = &v->nodes[i];
	}
	for (uint32_t i = 0; i < v->n_links; i++) {
		const struct stage_link **p =
			array_append(&v->by_node, &v->n_by_node, sizeof *p);

		if (!p)
			return -ENOMEM;
		*p = &v->links[i];
	}
	if (v->n_by_path)
		qsort(v->by_path, v->n_by_path, sizeof *v->by_path, by_path);
	if (v->n_by_node)
		qsort(v->by_node, v->n_by_node, sizeof *v->by_node, by_node);
	if (v->n_gone)
		qsort(v->gone, v->n_gone, sizeof *v->gone, by_text);
	return 0;
}

int stage_view_load(struct stage *st, struct stage_view *ret, struct why *why)
{
	struct stage_view v = {0};
	struct stage_reader reader = {.node = take_node,
				      .gone = take_gone,
				      .link = take_link,
				      .arg = &v};
	int err = stage_load(st, &reader, why);

	if (!err)
		err = make_indexes(&v);
	if (err == -ENOMEM)
		why_set(why, err, "out of memory");
	if (err) {
		stage_view_release(&v);
		return err;
	}
	*ret = v;
	return 0;
}

void stage_view_release(struct stage_view *v)
{
	free(v->nodes);
	free(v->links);
	free(v->gone);
	free(v->by_path);
	free(v->by_node);
	arena_release(&v->arena);
	*v = (struct stage_view){0};
}

/* ---- looking up ---- */

const struct stage_node *stage_view_node(const struct stage_view *v,
					 uint64_t id)
{
	uint32_t lo = 0, hi = v->n_nodes;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->nodes[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->n_nodes && v->nodes[lo].id == id ? &v->nodes[lo] : NULL;
}

const struct stage_link *const *stage_view_links(const struct stage_view *v,
						 uint64_t id, uint32_t *ret_n)
{
	uint32_t lo = 0, hi = v->n_by_node;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->by_node[mid]->node < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (hi = lo; hi < v->n_by_node && v->by_node[hi]->node == id;)
		hi++;
	*ret_n = hi - lo;
	return v->by_node + lo;
}

const struct stage_link *stage_view_first_link(const struct stage_view *v,
					       const struct stage_node *n)
{
	uint32_t count = 0;
	const struct stage_link *const *links =
		n ? stage_view_links(v, n->id, &count) : NULL;

	return count ? links[0] : NULL;
}

/* The order of @text against the first @len bytes of @path. */
static int compare_part(const char *text, const char *path, size_t len)
{
	int c = strncmp(text, path, len);

	return c ? c : text[len] != 0;
}

const struct stage_node *stage_view_node_at(const struct stage_view *v,
					    const char *path, size_t len)
{
	uint32_t lo = 0, hi = v->n_by_path;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = compare_part(v->by_path[mid]->base_path, path, len);

		if (c == 0)
			return v->by_path[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct stage_node *stage_view_base_node(const struct stage_view *v,
					      const char *path)
{
	return stage_view_node_at(v, path, strlen(path));
}

uint32_t stage_view_gone_at(const struct stage_view *v, const char *path,
			    size_t len)
{
	uint32_t lo = 0, hi = v->n_gone;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = compare_part(v->gone[mid], path, len);

		if (c == 0)
			return mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return UINT32_MAX;
}

/* ---- bytes ---- */

static int by_position(const void *a, const void *b)
{
	const struct data_range *x = a, *y = b;

	return (x->pos > y->pos) - (x->pos < y->pos);
}

int stage_view_bytes(const struct stage_view *v, uint64_t *ret)
{
	AUTO_FREE struct data_range *ranges = NULL;
	uint64_t sum = 0, end = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_nodes; i++) {
		for (uint32_t j = 0; j < v->nodes[i].n_extents; j++) {
			const struct extent *e = &v->nodes[i].extents[j];
			struct data_range *r;

			if (e->source != EXTENT_DATA)
				continue;
			r = array_append(&ranges, &n, sizeof *r);
			if (!r)
				return -ENOMEM;
			*r = (struct data_range){e->pos, e->len};
		}
	}
	if (n)
		qsort(ranges, n, sizeof *ranges, by_position);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t from = ranges[i].pos > end ? ranges[i].pos : end;
		uint64_t to = ranges[i].pos + ranges[i].len;

		if (to > from) {
			sum += to - from;
			end = to;
		}
	}
	*ret = sum;
	return 0;
}
