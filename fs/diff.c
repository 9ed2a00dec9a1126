/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/ptrmap.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

struct collector {
	struct tree *t;
	struct diff_entry *v;
	uint32_t n;
	/* Places of the base that are told of by another entry. */
	struct ptrmap told;
	struct ptrmap search; /* by inode: where moved_from goes on */
};

/* @place is in the live tree, @old is what the base has instead; NULL for both:
 * the root. */
static int add(struct collector *c, enum diff_kind kind, struct dentry *place,
	       struct dentry *old)
{
	struct diff_entry *e = array_append(&c->v, &c->n, sizeof *e);
	const struct dentry *d = place ? place : old;

	if (!e)
		return -ENOMEM;
	*e = (struct diff_entry){.kind = kind, .old_place = old};
	e->inode = d ? d->inode : c->t->root;
	e->path = d ? dentry_path(d, place ? D_LIVE : D_BASE) : strdup("");
	if (!e->path)
		return -ENOMEM;
	if (kind == DIFF_MOVED) {
		e->old_path = dentry_path(old, D_BASE);
		if (!e->old_path)
			return -ENOMEM;
	}
	if (d && S_ISREG(d->inode->mode) && kind != DIFF_REMOVED)
		e->size = d->inode->size;
	return 0;
}

static bool is_told(const struct collector *c, const struct dentry *d)
{
	uint64_t ignored;

	return ptrmap_get(&c->told, ptrmap_key(d), &ignored);
}

/*
 * The place that @d was moved from: one that its inode left and no other took.
 * An inode can have 65,000 places: the search goes on where it ended before.
 */
static struct dentry *moved_from(struct collector *c, const struct dentry *d)
{
	uint64_t key = ptrmap_key(d->inode), at;
	struct dentry *p = d->inode->places;

	if (ptrmap_get(&c->search, key, &at))
		p = (struct dentry *)(uintptr_t)at;
	while (p && ((p->flags & (D_BASE | D_LIVE)) != D_BASE || is_told(c, p)))
		p = p->place_next;
	/* Without memory for it the next search takes longer. */
	if (d->inode->nlink > 1)
		ptrmap_put(&c->search, key, ptrmap_key(p));
	return p;
}

/*
 * A file that another one took the place of, as editors save: for who looks
 * at the path, its content changed.
 */
static struct dentry *replaced(const struct collector *c,
			       const struct dentry *d)
{
	struct dentry *p = dentry_find(c->t, d->parent, d->name, D_BASE);

	if (!p || (p->flags & D_LIVE) || is_told(c, p) ||
	    !S_ISREG(p->inode->mode) || !S_ISREG(d->inode->mode) ||
	    inode_place(p->inode, D_LIVE))
		return NULL;
	return p;
}

static int add_new_place(struct collector *c, struct dentry *d)
{
	struct dentry *from = NULL;
	enum diff_kind kind = DIFF_ADDED;
	int err;

	if (d->inode->flags & I_BASE) {
		from = moved_from(c, d);
		if (from)
			kind = DIFF_MOVED;
	} else {
		from = replaced(c, d);
		if (from)
			kind = DIFF_CONTENT;
	}
	if (from && ptrmap_put(&c->told, ptrmap_key(from), 1) < 0)
		return -ENOMEM;
	err = add(c, kind, d, from);
	if (!err)
		c->v[c->n - 1].place = d;
	return err;
}

static int collect_places(struct collector *c)
{
	const struct dentry_array *changed = &c->t->changed;
	int err = 0;

	for (size_t i = 0; !err && i < changed->n; i++) {
		struct dentry *d = changed->v[i];

		if ((d->flags & (D_BASE | D_LIVE)) == D_LIVE)
			err = add_new_place(c, d);
	}
	for (size_t i = 0; !err && i < changed->n; i++) {
		struct dentry *d = changed->v[i];

		if ((d->flags & (D_BASE | D_LIVE)) == D_BASE && !is_told(c, d))
			err = add(c, DIFF_REMOVED, NULL, d);
	}
	return err;
}

static int collect_inodes(struct collector *c)
{
	struct tree *t = c->t;
	struct list *l;
	int err = 0;

	for (l = t->deltas.next; !err && l != &t->deltas; l = l->next) {
		const struct inode *inode =
			list_entry(l, struct inode_delta, link)->inode;
		unsigned changes = inode_changes(inode);
		enum diff_kind kind =
			changes & CHANGE_CONTENT ? DIFF_CONTENT : DIFF_ATTR;
		struct dentry *d;

		if (!inode->nlink ||
		    !(changes & (CHANGE_CONTENT | CHANGE_ATTR)))
			continue;
		if (inode == t->root)
			err = add(c, kind, NULL, NULL);
		for (d = inode->places; !err && d; d = d->place_next)
			if (d->flags & D_LIVE)
				err = add(c, kind, d, NULL);
	}
	return err;
}

static int by_path(const void *a, const void *b)
{
	const struct diff_entry *x = a, *y = b;
	int c = strcmp(x->path, y->path);

	return c ? c : (int)x->kind - (int)y->kind;
}

void diff_sort(struct diff_entry *v, uint32_t n)
{
	if (n)
		qsort(v, n, sizeof *v, by_path);
}

int diff_collect(struct tree *t, struct diff_entry **ret, uint32_t *ret_n)
{
	int err;

	{
		READ_LOCK(t);
		err = diff_collect_locked(t, ret, ret_n);
	}
	if (!err)
		diff_sort(*ret, *ret_n);
	return err;
}

int diff_collect_locked(struct tree *t, struct diff_entry **ret,
			uint32_t *ret_n)
{
	struct collector c = {.t = t};
	int err = collect_places(&c);

	if (!err)
		err = collect_inodes(&c);
	ptrmap_release(&c.told);
	ptrmap_release(&c.search);
	if (err) {
		diff_free(c.v, c.n);
		return err;
	}
	*ret = c.v;
	*ret_n = c.n;
	return 0;
}

void diff_free(struct diff_entry *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].old_path);
	}
	free(v);
}
