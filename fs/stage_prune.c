/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All rows are told anew after a flush that failed.  What stands there already
 * is left as it is: on a full file system the log has room for what really
 * changed, not for all of the stage.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/array.h"
#include "common/cleanup.h"
#include "fs/stage_internal.h"

/* What is to go, and the batch's own in the database's order. */
struct prune {
	struct stage *st;
	struct arena arena;
	struct stage_link *links, *drop_links;
	const char **gone, **drop_gone;
	uint64_t *ids, *drop_ids;
	uint32_t n_links, n_gone, n_ids;
	uint32_t n_drop_links, n_drop_gone, n_drop_ids;
};

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int by_place(const void *a, const void *b)
{
	const struct stage_link *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool has(const void *key, const void *v, uint32_t n, size_t size,
		int (*order)(const void *, const void *))
{
	return n && bsearch(key, v, n, size, order) != NULL;
}

static int sort_batch(struct prune *p, const struct stage_batch *b)
{
	p->ids = calloc((size_t)b->n_nodes + 1, sizeof *p->ids);
	p->gone = calloc((size_t)b->n_gone + 1, sizeof *p->gone);
	p->links = calloc((size_t)b->n_links + 1, sizeof *p->links);
	if (!p->ids || !p->gone || !p->links)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->n_nodes; i++)
		p->ids[i] = b->nodes[i].id;
	for (uint32_t i = 0; i < b->n_gone; i++)
		p->gone[i] = b->gone[i];
	for (uint32_t i = 0; i < b->n_links; i++)
		p->links[i] = b->links[i];
	p->n_ids = b->n_nodes;
	p->n_gone = b->n_gone;
	p->n_links = b->n_links;
	qsort(p->ids, p->n_ids, sizeof *p->ids, by_id);
	qsort(p->gone, p->n_gone, sizeof *p->gone, by_text);
	qsort(p->links, p->n_links, sizeof *p->links, by_place);
	return 0;
}

/* A column's bytes, which have no NUL unless somebody tampered with them: then
 * the row is one of the others. */
static const char *text_of(struct prune *p, sqlite3_stmt *s, int col)
{
	const void *blob = sqlite3_column_blob(s, col);
	size_t len = (size_t)sqlite3_column_bytes(s, col);
	char *ret = arena_alloc(&p->arena, len + 1);

	if (!ret)
		return NULL;
	if (len)
		memcpy(ret, blob, len);
	ret[len] = '\0';
	return ret;
}

static int look_at_node(struct prune *p, sqlite3_stmt *s)
{
	uint64_t id = (uint64_t)sqlite3_column_int64(s, 0), *drop;

	if (has(&id, p->ids, p->n_ids, sizeof *p->ids, by_id))
		return 0;
	drop = array_append(&p->drop_ids, &p->n_drop_ids, sizeof *drop);
	if (!drop)
		return -ENOMEM;
	*drop = id;
	return 0;
}

static int look_at_gone(struct prune *p, sqlite3_stmt *s)
{
	const char *path = text_of(p, s, 0), **drop;

	if (!path)
		return -ENOMEM;
	if (has(&path, p->gone, p->n_gone, sizeof *p->gone, by_text))
		return 0;
	drop = array_append(&p->drop_gone, &p->n_drop_gone, sizeof *drop);
	if (!drop)
		return -ENOMEM;
	*drop = path;
	return 0;
}

static int look_at_link(struct prune *p, sqlite3_stmt *s)
{
	struct stage_link l = {
		.parent = (uint64_t)sqlite3_column_int64(s, 0),
		.name = text_of(p, s, 1),
	};
	struct stage_link *drop;

	if (!l.name)
		return -ENOMEM;
	if (has(&l, p->links, p->n_links, sizeof *p->links, by_place))
		return 0;
	drop = array_append(&p->drop_links, &p->n_drop_links, sizeof *drop);
	if (!drop)
		return -ENOMEM;
	*drop = l;
	return 0;
}

static int each(struct prune *p, enum stage_stmt which,
		int (*look)(struct prune *p, sqlite3_stmt *s), struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(p->st, which);
	int rc = SQLITE_ROW, err = 0;

	if (!s)
		return stage_db_error(p->st, "cannot read", why);
	while (err == 0 && (rc = sqlite3_step(s)) == SQLITE_ROW)
		err = look(p, s);
	if (err == 0 && rc != SQLITE_DONE)
		err = stage_db_error(p->st, "cannot read", why);
	else if (err < 0)
		why_set(why, err, "out of memory");
	stage_db_done(s);
	return err;
}

int stage_drop_others(struct stage *st, const struct stage_batch *b,
		      struct why *why)
{
	struct prune p = {.st = st};
	int err = sort_batch(&p, b);

	if (err < 0)
		why_set(why, err, "out of memory");
	if (err == 0)
		err = each(&p, STMT_EACH_NODE, look_at_node, why);
	if (err == 0)
		err = each(&p, STMT_EACH_GONE, look_at_gone, why);
	if (err == 0)
		err = each(&p, STMT_EACH_LINK, look_at_link, why);
	if (err == 0) {
		struct stage_batch drops = {
			.drop_nodes = p.drop_ids,
			.n_drop_nodes = p.n_drop_ids,
			.drop_links = p.drop_links,
			.n_drop_links = p.n_drop_links,
			.drop_gone = p.drop_gone,
			.n_drop_gone = p.n_drop_gone,
		};

		err = stage_write_rows(st, &drops, why);
	}
	free(p.ids);
	free(p.gone);
	free(p.links);
	free(p.drop_ids);
	free(p.drop_gone);
	free(p.drop_links);
	arena_release(&p.arena);
	return err;
}
