/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/array.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

/* A batch being collected; strings and blocks are in the arena. */
struct builder {
	struct arena arena;
	struct stage_node *nodes;
	uint64_t *drop_nodes;
	struct stage_link *links, *drop_links;
	const char **gone, **drop_gone;
	uint32_t n_nodes, n_drop_nodes, n_links, n_drop_links, n_gone,
		n_drop_gone;
};

static void builder_release(struct builder *b)
{
	arena_release(&b->arena);
	free(b->nodes);
	free(b->drop_nodes);
	free(b->links);
	free(b->drop_links);
	free(b->gone);
	free(b->drop_gone);
}

/* ---- tree to rows ---- */

/* The id of an inode's row; a row that is not there yet will be written. */
static uint64_t row_id(struct tree *t, struct inode *inode)
{
	struct inode_delta *delta = inode_delta_get(t, inode);

	if (!delta)
		return 0;
	if (!delta->stage_id)
		delta->stage_id = t->next_stage_id++;
	if (!delta->in_stage)
		inode_mark_dirty(t, inode);
	return delta->stage_id;
}

static int add_link(struct tree *t, struct builder *b, const struct dentry *d,
		    bool drop)
{
	struct stage_link *l =
		drop ? array_append(&b->drop_links, &b->n_drop_links, sizeof *l)
		     : array_append(&b->links, &b->n_links, sizeof *l);

	if (!l)
		return -ENOMEM;
	*l = (struct stage_link){
		.parent = row_id(t, d->parent),
		.name = arena_strdup(&b->arena, d->name),
		.node = drop ? 0 : row_id(t, d->inode),
	};
	return l->name && l->parent && (drop || l->node) ? 0 : -ENOMEM;
}

static int add_gone(struct builder *b, const struct dentry *d, bool drop)
{
	const char **p = drop ? array_append(&b->drop_gone, &b->n_drop_gone, sizeof *p)
			      : array_append(&b->gone, &b->n_gone, sizeof *p);
	char *path = dentry_path(d, D_BASE);

	if (!p || !path) {
		free(path);
		return -ENOMEM;
	}
	*p = arena_strdup(&b->arena, path);
	free(path);
	return *p ? 0 : -ENOMEM;
}

static int collect_place(struct tree *t, struct builder *b, struct dentry *d)
{
	bool link = (d->flags & (D_LIVE | D_BASE)) == D_LIVE;
	bool gone = (d->flags & (D_LIVE | D_BASE)) == D_BASE;
	int err = 0;

	if (!link && (d->flags & D_ROW_LINK))
		err = add_link(t, b, d, true);
	if (!err && !gone && (d->flags & D_ROW_GONE))
		err = add_gone(b, d, true);
	if (!err && link && !(d->flags & D_ROW_LINK))
		err = add_link(t, b, d, false);
	if (!err && gone && !(d->flags & D_ROW_GONE))
		err = add_gone(b, d, false);
	d->flags &= (uint8_t)~(D_ROW_LINK | D_ROW_GONE);
	d->flags |= link ? D_ROW_LINK : gone ? D_ROW_GONE : 0;
	return err;
}

static int collect_content(struct builder *b, const struct inode *inode,
			   struct stage_node *n)
{
	struct extent_map tmp;
	const struct extent_map *map = inode_map(inode, &tmp);
	struct extent *extents;

	n->size = inode->size;
	n->n_extents = map->n;
	if (!map->n)
		return 0;
	extents = arena_alloc(&b->arena, map->n * sizeof *extents);
	if (!extents)
		return -ENOMEM;
	extent_map_list(map, extents);
	n->extents = extents;
	return 0;
}

static int collect_node(struct builder *b, struct inode *inode,
			unsigned changes)
{
	struct stage_node *n = array_append(&b->nodes, &b->n_nodes, sizeof *n);
	bool is_new = !(inode->flags & I_BASE);

	if (!n)
		return -ENOMEM;
	*n = (struct stage_node){.id = inode->delta->stage_id};
	inode_get_attr(inode, &n->attr);
	n->flags = (changes & CHANGE_ATTR ? STAGE_ATTR : 0) |
		   (changes & CHANGE_CONTENT ? STAGE_CONTENT : 0) |
		   (changes & CHANGE_TOUCHED ? STAGE_TOUCHED : 0);
	/* Content that differs has other times too. */
	if (changes & CHANGE_CONTENT)
		n->flags |= STAGE_ATTR;
	if (!is_new) {
		const struct dentry *place = inode_place(inode, D_BASE);
		char *path = place ? dentry_path(place, D_BASE) : strdup("");

		n->base_path = path ? arena_strdup(&b->arena, path) : NULL;
		free(path);
		if (!n->base_path)
			return -ENOMEM;
	}
	if (inode->xattrs && (is_new || (n->flags & STAGE_ATTR))) {
		n->xattrs = arena_copy(&b->arena, inode->xattrs,
				       sizeof *inode->xattrs +
					       inode->xattrs->size_bytes);
		if (!n->xattrs)
			return -ENOMEM;
	}
	if (S_ISLNK(inode->mode) && is_new) {
		n->target = arena_strdup(&b->arena, inode->target);
		if (!n->target)
			return -ENOMEM;
	}
	if (S_ISREG(inode->mode) && (is_new || (n->flags & STAGE_CONTENT)))
		return collect_content(b, inode, n);
	return 0;
}

static int collect_inode(struct builder *b, struct inode *inode)
{
	struct inode_delta *delta = inode->delta;
	unsigned changes = inode_changes(inode);
	int err;

	if (!inode->nlink) {
		uint64_t *id;

		if (!delta->in_stage)
			return 0;
		id = array_append(&b->drop_nodes, &b->n_drop_nodes, sizeof *id);
		if (!id)
			return -ENOMEM;
		*id = delta->stage_id;
		delta->in_stage = false;
		return 0;
	}
	/* Nothing to tell, and no other row names it. */
	if ((inode->flags & I_BASE) && !changes && !delta->stage_id)
		return 0;
	if (!delta->stage_id)
		return -EAGAIN; /* the caller gives it an id */
	err = collect_node(b, inode, changes);
	if (!err)
		delta->in_stage = true;
	return err;
}

/* What the stage has is not known, or is to be replaced: tell everything. */
static int mark_all(struct tree *t)
{
	struct list *l;

	for (l = t->deltas.next; l != &t->deltas; l = l->next) {
		struct inode_delta *delta =
			list_entry(l, struct inode_delta, link);

		delta->in_stage = false;
		inode_mark_dirty(t, delta->inode);
	}
	for (size_t i = 0; i < t->changed.n; i++) {
		struct dentry *d = t->changed.v[i];

		d->flags &= (uint8_t)~(D_ROW_LINK | D_ROW_GONE);
		if (dentry_note(t, d) < 0)
			return -ENOMEM;
	}
	t->drop_rows.n = 0;
	return 0;
}

static int collect_places(struct tree *t, struct builder *b)
{
	struct dentry_array dirty = t->dirty;
	int err = 0;

	t->dirty = (struct dentry_array){0};
	for (size_t i = 0; i < dirty.n; i++) {
		struct dentry *d = dirty.v[i];

		if (!err)
			err = collect_place(t, b, d);
		d->flags &= (uint8_t)~D_DIRTY;
		dentry_put(t, d);
	}
	free(dirty.v);
	return err;
}

static int collect_inodes(struct tree *t, struct builder *b)
{
	int err = 0;

	while (!err && !list_empty(&t->dirty_inodes)) {
		struct inode_delta *delta = list_entry(
			t->dirty_inodes.next, struct inode_delta, dirty);

		err = collect_inode(b, delta->inode);
		if (err == -EAGAIN) {
			delta->stage_id = t->next_stage_id++;
			err = collect_inode(b, delta->inode);
		}
		list_remove(&delta->dirty);
	}
	for (size_t i = 0; !err && i < t->drop_rows.n; i++) {
		uint64_t *id = array_append(&b->drop_nodes, &b->n_drop_nodes,
				      sizeof *id);

		if (!id)
			return -ENOMEM;
		*id = t->drop_rows.v[i];
	}
	t->drop_rows.n = 0;
	return err;
}

/*
 * Copy what is dirty, and call @also in the same hold of the tree lock.  On
 * failure the rest of the bookkeeping is void, and rows_unknown makes the next
 * flush tell everything.
 */
static int collect(struct tree *t, bool all, record_also also, void *arg,
		   struct builder *b)
{
	int err = 0;

	WRITE_LOCK(t);
	if (all || t->rows_unknown)
		err = mark_all(t);
	/* Places first: they name rows that are then written. */
	if (!err)
		err = collect_places(t, b);
	if (!err)
		err = collect_inodes(t, b);
	tree_sweep_all(t);
	if (t->data)
		stage_data_cut(t->data);
	t->rows_unknown = err != 0;
	t->flushes++;
	if (!err && also)
		err = also(t, arg);
	return err;
}

static void collected(struct tree *t, int err)
{
	if (t->data)
		stage_data_cut_done(t->data, err == 0);
	if (err) {
		WRITE_LOCK(t);
		t->rows_unknown = true;
	}
}

static struct stage_batch batch_of(const struct builder *b)
{
	return (struct stage_batch){
		.nodes = b->nodes,
		.n_nodes = b->n_nodes,
		.drop_nodes = b->drop_nodes,
		.n_drop_nodes = b->n_drop_nodes,
		.links = b->links,
		.n_links = b->n_links,
		.drop_links = b->drop_links,
		.n_drop_links = b->n_drop_links,
		.gone = b->gone,
		.n_gone = b->n_gone,
		.drop_gone = b->drop_gone,
		.n_drop_gone = b->n_drop_gone,
	};
}

static bool nothing_dirty(struct tree *t)
{
	READ_LOCK(t);
	return list_empty(&t->dirty_inodes) && !t->dirty.n &&
	       !t->drop_rows.n && !t->rows_unknown;
}

int record_flush_with(struct tree *t, struct stage *st, record_also also,
		      void *arg, struct why *why)
{
	struct builder b = {0};
	struct stage_batch batch;
	bool all, frozen;
	int err;

	{
		READ_LOCK(t);
		all = t->rows_unknown;
		frozen = t->frozen;
	}
	err = collect(t, false, also, arg, &b);
	if (!err) {
		batch = batch_of(&b);
		batch.after_snapshot = frozen;
		err = all ? stage_replace(st, &batch, why)
			  : stage_write(st, &batch, why);
	} else {
		why_set(why, err, "out of memory");
	}
	collected(t, err);
	builder_release(&b);
	return err;
}

int record_flush(struct tree *t, struct stage *st, struct why *why)
{
	if (nothing_dirty(t))
		return 0;
	return record_flush_with(t, st, NULL, NULL, why);
}

int record_rebase(struct tree *t, struct stage *st,
		  const struct stage_binding *binding, struct why *why)
{
	struct builder b = {0};
	struct stage_batch batch;
	int err = collect(t, true, NULL, NULL, &b);

	if (!err) {
		batch = batch_of(&b);
		err = stage_rebase(st, binding, &batch, why);
	} else {
		why_set(why, err, "out of memory");
	}
	collected(t, err);
	builder_release(&b);
	return err;
}
