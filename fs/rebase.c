/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a burn: the new session becomes the base of a tree that went on
 * changing.  First everything is read and checked beside the tree, then the
 * views are switched in one hold of the tree lock:
 *
 *	frozen place	-> place of the base
 *	frozen inode	-> what an inode of the base was before it was changed
 *
 * so that what happened since the snapshot stands as deltas against the new
 * session, and what did not has none left.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "fs/snapshot_internal.h"
#include "fs/tree_lock.h"

/* One imported node and the place it is. */
struct found {
	uint32_t parent;
	mode_t mode;
	const char *name;
	uint64_t size;
	const struct disc_run *runs;
	uint32_t n_runs;
	struct dentry *place;
	struct inode *inode;
};

struct rebase {
	struct snapshot *s;
	struct arena arena;
	struct found *v; /* by import id */
	uint32_t n;
	struct why *why;
};

static void rebase_free(struct rebase *r)
{
	if (!r)
		return;
	free(r->v);
	arena_release(&r->arena);
	free(r);
}

void snapshot_drop_import(struct snapshot *s)
{
	rebase_free(s->rebase);
	s->rebase = NULL;
}

static int visit(void *arg, const struct import_node *node)
{
	struct rebase *r = arg;
	struct found *f = array_append(&r->v, &r->n, sizeof *f);

	if (!f || node->id != r->n - 1)
		return -ENOMEM;
	*f = (struct found){
		.parent = node->parent_id,
		.mode = node->attr.mode,
		.name = arena_strdup(&r->arena, node->name),
		.size = node->size,
		.n_runs = node->n_runs,
	};
	if (node->n_runs) {
		f->runs = arena_copy(&r->arena, node->runs,
				     node->n_runs * sizeof *node->runs);
		if (!f->runs)
			return -ENOMEM;
	}
	return f->name ? 0 : -ENOMEM;
}

/* ---- is it the tree that was to be burned? ---- */

static struct dentry *find_frozen(struct tree *t, struct inode *parent,
				  const char *name)
{
	struct dentry *d;

	/* Of the places with this name one at most is in the frozen view. */
	for (d = dentry_first(t, parent, name); d;
	     d = dentry_next_same(d, parent, name))
		if (in_frozen(d))
			return d;
	return NULL;
}

static uint64_t frozen_size(const struct inode *inode)
{
	const struct inode_delta *delta = inode->delta;

	if (delta && delta->frozen)
		return delta->frozen->size;
	if (delta && delta->base)
		return delta->base->size;
	return inode->size;
}

/* Kept from the base as it is: the records tell the size of what is encoded. */
static bool is_encoded(const struct inode *inode)
{
	const struct inode_delta *delta = inode->delta;

	if (delta && delta->frozen && delta->frozen->content)
		return false;
	return delta && delta->base ? delta->base->filtered
				    : inode->flags & I_FILTERED;
}

static int differs(struct rebase *r, uint32_t id, const char *how)
{
	return why_set(r->why, -EBADMSG,
		       "the new session read back is not the tree that was "
		       "burned: \"%s\" %s",
		       r->v[id].name, how);
}

static int match(struct rebase *r)
{
	struct tree *t = r->s->t;

	r->v[0].inode = t->root;
	for (uint32_t id = 1; id < r->n; id++) {
		struct found *f = &r->v[id];
		struct inode *parent;

		parent = f->parent < id ? r->v[f->parent].inode : NULL;
		if (!parent || !S_ISDIR(parent->mode))
			return differs(r, id, "is in no folder");
		f->place = find_frozen(t, parent, f->name);
		if (!f->place)
			return differs(r, id, "should not be there");
		f->inode = f->place->inode;
		if ((f->inode->mode ^ f->mode) & S_IFMT)
			return differs(r, id, "is of another kind");
		if (S_ISREG(f->mode) && !is_encoded(f->inode) &&
		    frozen_size(f->inode) != f->size)
			return differs(r, id, "has another size");
	}
	if (r->n - 1 != r->s->places)
		return why_set(r->why, -EBADMSG,
			       "the new session read back has %u names, %llu "
			       "were burned",
			       (unsigned)(r->n - 1),
			       (unsigned long long)r->s->places);
	return 0;
}

/* ---- burned content now comes from the disc ---- */

static int map_of_runs(const struct found *f, struct extent_map *ret)
{
	struct extent_list none = {0};
	uint64_t off = 0;
	int err = 0;

	*ret = (struct extent_map){0};
	for (uint32_t i = 0; !err && i < f->n_runs && off < f->size; i++) {
		uint64_t len = f->runs[i].len_bytes;
		struct extent e = {
			.off = off,
			.len = len < f->size - off ? len : f->size - off,
			.pos = f->runs[i].lba * DISC_BLOCK,
			.source = EXTENT_DISC,
		};

		if (e.len)
			err = extent_map_put(ret, &e, &none);
		off += e.len;
	}
	return err;
}

/*
 * The map of a file that was written to while it was burned: bytes that are
 * still those of the snapshot come from the disc now.
 */
static int merge(const struct extent_map *live, const struct extent_map *frozen,
		 const struct extent_map *burned, struct extent_map *ret)
{
	struct extent_list none = {0};
	struct extent_cursor c = {0};
	const struct extent *e;
	int err = extent_map_copy(live, ret);

	while (!err && (e = extent_map_next(live, &c))) {
		uint64_t off = e->off, end = off + e->len;

		while (!err && off < end) {
			struct extent was, is;
			bool same;

			extent_map_at(frozen, off, end - off, &was);
			same = was.source == e->source &&
			       e->source == EXTENT_DATA &&
			       was.pos == e->pos + (off - e->off);
			extent_map_at(burned, off, was.len, &is);
			if (same && is.source == EXTENT_DISC)
				err = extent_map_put(ret, &is, &none);
			extent_list_release(&none);
			off += same ? is.len : was.len;
		}
	}
	return err;
}

/* The new contents of one frozen file, made ready before anything is switched. */
struct content {
	struct inode *inode;
	struct extent_map burned; /* as the base has it */
	struct extent_map live;
	bool plain;               /* live is one run and all of the file */
};

struct contents {
	struct content *v;
	uint32_t n;
};

static bool as_frozen(const struct inode *inode, const struct frozen_inode *f)
{
	struct extent_map tmp;

	return inode->size == f->size &&
	       extent_map_equal(inode_map(inode, &tmp), &f->map);
}

static int prepare_content(struct contents *c, const struct found *f)
{
	const struct frozen_inode *frozen = f->inode->delta->frozen;
	struct content *e = array_append(&c->v, &c->n, sizeof *e);
	struct extent_map *own, tmp;
	int err;

	if (!e)
		return -ENOMEM;
	*e = (struct content){.inode = f->inode};
	err = map_of_runs(f, &e->burned);
	if (err)
		return err;
	if (as_frozen(f->inode, frozen) && e->burned.n <= 1) {
		e->plain = true;
		return 0;
	}
	err = inode_own_map(f->inode, &own);
	if (err)
		return err;
	if (as_frozen(f->inode, frozen))
		return extent_map_copy(&e->burned, &e->live);
	return merge(inode_map(f->inode, &tmp), &frozen->map, &e->burned,
		     &e->live);
}

static int prepare_contents(struct rebase *r, struct contents *c)
{
	struct ptrmap seen = {0};
	int err = 0;

	for (uint32_t id = 1; !err && id < r->n; id++) {
		const struct found *f = &r->v[id];
		const struct inode_delta *delta = f->inode->delta;
		uint64_t ignored;

		if (!delta || !delta->frozen || !delta->frozen->content ||
		    ptrmap_get(&seen, ptrmap_key(f->inode), &ignored))
			continue;
		err = ptrmap_put(&seen, ptrmap_key(f->inode), 1);
		if (!err)
			err = prepare_content(c, f);
	}
	ptrmap_release(&seen);
	return err;
}

/* Exchange the live map; the bytes in the stage lose their references. */
static void install(struct tree *t, struct content *c)
{
	struct inode *inode = c->inode;
	struct extent_cursor live = {0}, gone = {0}, burned = {0};
	struct extent_map old = {0};
	const struct extent *e;

	/* References that the new map keeps are taken before the old go. */
	while (!c->plain && (e = extent_map_next(&c->live, &live)))
		if (e->source == EXTENT_DATA)
			stage_data_ref(t->data, e->pos, e->len);
	if (!(inode->flags & I_PLAIN) && inode->map) {
		old = *inode->map;
		*inode->map = (struct extent_map){0};
	}
	while ((e = extent_map_next(&old, &gone)))
		if (e->source == EXTENT_DATA)
			stage_data_unref(t->data, e->pos, e->len);
	extent_map_release(&old);
	if (c->plain) {
		if (!(inode->flags & I_PLAIN))
			free(inode->map);
		inode->flags |= I_PLAIN;
		e = extent_map_next(&c->burned, &burned);
		inode->lba = e ? e->pos / DISC_BLOCK : 0;
	} else {
		assert(!(inode->flags & I_PLAIN) && inode->map);
		*inode->map = c->live;
		c->live = (struct extent_map){0};
	}
}

/* ---- the switch ---- */

static void switch_places(struct tree *t)
{
	for (size_t i = 0; i < t->changed.n; i++) {
		struct dentry *d = t->changed.v[i];

		if (d->flags & D_FROZEN_ADD) {
			d->flags |= D_BASE;
			t->base_places++;
		} else if (d->flags & D_FROZEN_GONE) {
			d->flags &= (uint8_t)~D_BASE;
			d->base_id = NO_BASE_ID;
			t->base_places--;
		}
		/* The stage's rows are all written anew after this. */
		d->flags &= (uint8_t)~(D_FROZEN_ADD | D_FROZEN_GONE |
				       D_ROW_LINK | D_ROW_GONE);
	}
}

/* What a frozen inode was becomes what the base says of it. */
static void switch_inode(struct frozen_inode *f)
{
	struct inode_delta *delta = f->inode->delta;
	struct inode_base *base = delta->base;

	f->inode->flags |= I_BASE;
	delta->frozen = NULL;
	if (!base) {
		base = f->base;
		f->base = NULL;
		delta->base = base;
	} else {
		free(base->xattrs);
	}
	base->attr = f->attr;
	base->xattrs = f->xattrs;
	f->xattrs = NULL;
	base->size = f->size;
	base->filtered = base->filtered && !f->content;
}

/* An inode that the base lost, or that is as the base has it. */
static void drop_void_deltas(struct tree *t)
{
	struct list *l, *next;

	for (l = t->deltas.next; l != &t->deltas; l = next) {
		struct inode *inode =
			list_entry(l, struct inode_delta, link)->inode;

		next = l->next;
		if (!inode_place(inode, D_BASE) && inode != t->root)
			inode->flags &= (uint16_t)~I_BASE;
		if (!(inode->flags & I_BASE)) {
			/* Removed from the base, and held open at most. */
			inode_base_free(inode->delta->base);
			inode->delta->base = NULL;
			tree_recharge(t, inode);
			continue;
		}
		if (!(inode_changes(inode) & CHANGE_CONTENT))
			inode->delta->content_touched = false;
		if (inode_changes(inode))
			tree_recharge(t, inode);
		else
			inode_delta_free(t, inode);
	}
}

static void set_base_ids(struct rebase *r)
{
	for (uint32_t id = 1; id < r->n; id++)
		r->v[id].place->base_id = id;
}

/* Memory that the switch needs: a base for each inode that is new. */
static int prepare_bases(struct snapshot *s)
{
	for (uint32_t i = 0; i < s->n_frozen; i++) {
		struct frozen_inode *f = s->frozen[i];

		if (!f->inode->delta->base) {
			f->base = calloc(1, sizeof *f->base);
			if (!f->base)
				return -ENOMEM;
		}
	}
	return 0;
}

static void switch_base(struct rebase *r, struct contents *c)
{
	struct snapshot *s = r->s;
	struct tree *t = s->t;

	switch_places(t);
	set_base_ids(r);
	for (uint32_t i = 0; i < s->n_frozen; i++)
		switch_inode(s->frozen[i]);
	for (uint32_t i = 0; i < c->n; i++) {
		struct content *e = &c->v[i];
		struct inode_base *base = e->inode->delta->base;

		install(t, e);
		extent_map_release(&base->map);
		base->map = e->burned;
		base->filtered = false;
		e->burned = (struct extent_map){0};
	}
	drop_void_deltas(t);
	for (uint32_t i = 0; i < s->n_frozen; i++)
		inode_put(t, s->frozen[i]->inode);
	s->switched = true;
	tree_sweep_all(t);
	t->frozen = false;
	stage_data_thaw(t->data);
}

int snapshot_import(struct snapshot *s, const struct import_opts *opts,
		    struct import_info *ret, struct why *why)
{
	struct rebase *r = calloc(1, sizeof *r);
	int err;

	if (!r)
		return why_set(why, -ENOMEM, "out of memory");
	snapshot_drop_import(s);
	s->rebase = r;
	r->s = s;
	r->why = why;
	err = import_names(s->disc, opts, visit, r, ret, why);
	if (!err) {
		READ_LOCK(s->t);
		err = match(r);
	}
	r->why = NULL;
	if (err == -ENOMEM)
		why_set(why, err, "out of memory");
	return err;
}

int snapshot_switch(struct snapshot *s, struct why *why)
{
	struct contents c = {0};
	struct tree *t = s->t;
	int err;

	{
		WRITE_LOCK(t);
		err = prepare_contents(s->rebase, &c);
		if (!err)
			err = prepare_bases(s);
		if (!err)
			switch_base(s->rebase, &c);
	}
	if (err)
		why_set(why, err, "out of memory");
	for (uint32_t i = 0; i < c.n; i++) {
		extent_map_release(&c.v[i].burned);
		extent_map_release(&c.v[i].live);
	}
	free(c.v);
	return err;
}
