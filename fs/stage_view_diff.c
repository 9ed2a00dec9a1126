/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "fs/stage_view_internal.h"

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
	at = stage_view_gone_at(v, path, strlen(path));
	if (at != UINT32_MAX && !c->told[at] && !had_entries(v, path, at) &&
	    !stage_view_first_link(v,
				   stage_view_node_at(v, path, strlen(path))))
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
		return stage_view_bad(c->why, "no node for", link->name);
	err = stage_view_place(c->v, link, &path, c->why);
	if (err)
		return err;
	if (n->base_path) {
		from = stage_view_gone_at(c->v, n->base_path,
					  strlen(n->base_path));
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
