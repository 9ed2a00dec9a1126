/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/stage_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"

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

static const struct stage_link *first_link(const struct stage_view *v,
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

static const struct stage_node *node_at(const struct stage_view *v,
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

/* The place in gone of the first @len bytes of @path, or UINT32_MAX. */
static uint32_t gone_at(const struct stage_view *v, const char *path,
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

/* The length of the longest part of @path, up to its end or a slash, that is
 * gone; 0: none is. */
static size_t gone_part(const struct stage_view *v, const char *path)
{
	for (size_t len = strlen(path); len; len--)
		if ((!path[len] || path[len] == '/') &&
		    gone_at(v, path, len) != UINT32_MAX)
			return len;
	return 0;
}

/* ---- paths ---- */

/* A path that is built from its end. */
struct backward {
	char *text;
	size_t start, size; /* text[start..size - 1], the last one NUL */
};

/* Room for @need more bytes at the beginning. */
static int make_room(struct backward *b, size_t need)
{
	size_t used = b->size - b->start, size = 2 * b->size + need + 64;
	char *text;

	if (b->start >= need)
		return 0;
	text = malloc(size);
	if (!text)
		return -ENOMEM;
	memcpy(text + size - used, b->text + b->start, used);
	free(b->text);
	b->text = text;
	b->start = size - used;
	b->size = size;
	return 0;
}

static int backward_init(struct backward *b)
{
	*b = (struct backward){calloc(1, 1), 0, 1};
	return b->text ? 0 : -ENOMEM;
}

static int put_before(struct backward *b, const char *name, size_t len)
{
	if (!len)
		return 0;
	if (make_room(b, len + 1) < 0)
		return -ENOMEM;
	if (b->text[b->start])
		b->text[--b->start] = '/';
	b->start -= len;
	memcpy(b->text + b->start, name, len);
	return 0;
}

static int bad_place(struct why *why, const char *what, const char *name)
{
	return why_set(why, -EBADMSG, "the stage is damaged: %s \"%.200s\"",
		       what, name);
}

/* Put the path of the folder @id before what is in @b. */
static int put_folder(const struct stage_view *v, uint64_t id,
		      struct backward *b, struct why *why)
{
	/* Each step goes along a link, and none twice but in a loop. */
	for (uint32_t steps = 0; steps <= v->n_links; steps++) {
		const struct stage_node *n = stage_view_node(v, id);
		const struct stage_link *link;
		int err;

		if (!n)
			return bad_place(why, "no node for the folder of",
					 b->text + b->start);
		if (n->base_path) {
			const char *path = n->base_path;
			size_t part = gone_part(v, path), all = strlen(path);

			if (!part)
				return put_before(b, path, all);
			if (part < all) {
				err = put_before(b, path + part + 1,
						 all - part - 1);
				if (err)
					return err;
				n = node_at(v, path, part);
			}
		}
		link = first_link(v, n);
		if (!link)
			return bad_place(why, "a removed folder has",
					 b->text + b->start);
		err = put_before(b, link->name, strlen(link->name));
		if (err)
			return err;
		id = link->parent;
	}
	return bad_place(why, "folders in a loop above", b->text + b->start);
}

static int finish(struct backward *b, int err, char **ret, struct why *why)
{
	AUTO_FREE char *text = b->text;

	if (!err) {
		*ret = strdup(text + b->start);
		if (!*ret)
			err = -ENOMEM;
	}
	return err == -ENOMEM ? why_set(why, err, "out of memory") : err;
}

int stage_view_place(const struct stage_view *v, const struct stage_link *link,
		     char **ret, struct why *why)
{
	struct backward b;
	int err = backward_init(&b);

	if (!err)
		err = put_before(&b, link->name, strlen(link->name));
	if (!err)
		err = put_folder(v, link->parent, &b, why);
	return finish(&b, err, ret, why);
}

int stage_view_base_place(const struct stage_view *v, const char *path,
			  char **ret, struct why *why)
{
	size_t part = gone_part(v, path);
	const struct stage_node *moved = NULL;
	struct backward b;
	int err;

	*ret = NULL;
	if (part) {
		moved = path[part] ? node_at(v, path, part) : NULL;
		/* It was removed, or the folder that it was in. */
		if (!first_link(v, moved))
			return 0;
		path += part + 1;
	}
	err = backward_init(&b);
	if (!err)
		err = put_before(&b, path, strlen(path));
	if (!err && moved)
		err = put_folder(v, moved->id, &b, why);
	return finish(&b, err, ret, why);
}

/* ---- deltas ---- */

struct collector {
	const struct stage_view *v;
	struct diff_entry *entries;
	uint32_t n;
	bool *told; /* by place in gone: another entry tells of it */
	struct why *why;
};

static uint64_t size_of(const struct stage_node *n)
{
	if (n->base_path)
		return n->flags & STAGE_CONTENT ? n->size : STAGE_VIEW_NO_SIZE;
	return S_ISREG(n->attr.mode) ? n->size : 0;
}

/* Takes @path over. */
static int add(struct collector *c, enum diff_kind kind, char *path,
	       const char *old_path, uint64_t size)
{
	struct diff_entry *e = NULL;

	if (path)
		e = array_append(&c->entries, &c->n, sizeof *e);
	if (!e) {
		free(path);
		return -ENOMEM;
	}
	*e = (struct diff_entry){.kind = kind, .path = path, .size = size};
	if (old_path) {
		e->old_path = strdup(old_path);
		if (!e->old_path)
			return -ENOMEM;
	}
	return 0;
}

/* Whether something of the base stood below @path. */
static bool had_entries(const struct stage_view *v, const char *path,
			uint32_t at)
{
	size_t len = strlen(path);

	for (at++; at < v->n_gone && !strncmp(v->gone[at], path, len); at++)
		if (v->gone[at][len] == '/')
			return true;
	return false;
}

/* The file of the base that the new one at @link took the place of. */
static int replaced(const struct collector *c, const struct stage_link *link,
		    uint32_t *ret)
{
	const struct stage_view *v = c->v;
	const struct stage_node *parent = stage_view_node(v, link->parent);
	AUTO_FREE char *path = NULL;
	uint32_t at;

	*ret = UINT32_MAX;
	if (!parent || !parent->base_path)
		return 0;
	if (asprintf(&path, "%s%s%s", parent->base_path,
		     *parent->base_path ? "/" : "", link->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	at = gone_at(v, path, strlen(path));
	if (at != UINT32_MAX && !c->told[at] && !had_entries(v, path, at) &&
	    !first_link(v, node_at(v, path, strlen(path))))
		*ret = at;
	return 0;
}

static int collect_link(struct collector *c, const struct stage_link *link)
{
	const struct stage_node *n = stage_view_node(c->v, link->node);
	enum diff_kind kind = DIFF_ADDED;
	uint32_t from = UINT32_MAX;
	char *path = NULL;
	int err;

	if (!n)
		return bad_place(c->why, "no node for", link->name);
	err = stage_view_place(c->v, link, &path, c->why);
	if (err)
		return err;
	if (n->base_path) {
		from = gone_at(c->v, n->base_path, strlen(n->base_path));
		if (from != UINT32_MAX && !c->told[from])
			kind = DIFF_MOVED;
		else
			from = UINT32_MAX;
	} else if (S_ISREG(n->attr.mode)) {
		err = replaced(c, link, &from);
		if (err) {
			free(path);
			return err;
		}
		if (from != UINT32_MAX)
			kind = DIFF_CONTENT;
	}
	if (from != UINT32_MAX)
		c->told[from] = true;
	return add(c, kind, path, kind == DIFF_MOVED ? n->base_path : NULL,
		   size_of(n));
}

static int collect_node(struct collector *c, const struct stage_node *n)
{
	enum diff_kind kind =
		n->flags & STAGE_CONTENT ? DIFF_CONTENT : DIFF_ATTR;
	const struct stage_link *const *links;
	uint32_t n_links;
	char *path;
	int err;

	if (!n->base_path || !(n->flags & (STAGE_CONTENT | STAGE_ATTR)))
		return 0;
	links = stage_view_links(c->v, n->id, &n_links);
	err = stage_view_base_place(c->v, n->base_path, &path, c->why);
	if (err)
		return err;
	/* It has another name in the base, which the rows do not tell. */
	if (!path && !n_links)
		path = strdup(n->base_path);
	if (path)
		err = add(c, kind, path, NULL, size_of(n));
	for (uint32_t i = 0; !err && i < n_links; i++) {
		err = stage_view_place(c->v, links[i], &path, c->why);
		if (!err)
			err = add(c, kind, path, NULL, size_of(n));
	}
	return err;
}

static int collect(struct collector *c)
{
	const struct stage_view *v = c->v;
	int err = 0;

	for (uint32_t i = 0; !err && i < v->n_links; i++)
		err = collect_link(c, &v->links[i]);
	for (uint32_t i = 0; !err && i < v->n_gone; i++)
		if (!c->told[i])
			err = add(c, DIFF_REMOVED, strdup(v->gone[i]), NULL, 0);
	for (uint32_t i = 0; !err && i < v->n_nodes; i++)
		err = collect_node(c, &v->nodes[i]);
	return err;
}

int stage_view_diff(const struct stage_view *v, struct diff_entry **ret,
		    uint32_t *ret_n, struct why *why)
{
	AUTO_FREE bool *told = calloc((size_t)v->n_gone + 1, sizeof *told);
	struct collector c = {.v = v, .told = told, .why = why};
	int err = told ? collect(&c) : -ENOMEM;

	if (err) {
		diff_free(c.entries, c.n);
		return err == -ENOMEM ? why_set(why, err, "out of memory")
				      : err;
	}
	diff_sort(c.entries, c.n);
	*ret = c.entries;
	*ret_n = c.n;
	return 0;
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
