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

static int add(struct collector *c, enum diff_kind kind, const struct dentry *d,
	       unsigned view, const struct dentry *old)
{
	struct diff_entry *e = array_append(&c->v, &c->n, sizeof *e);

	if (!e)
		return -ENOMEM;
	*e = (struct diff_entry){.kind = kind};
	e->path = d ? dentry_path(d, view) : strdup("");
	if (!e->path)
		return -ENOMEM;
	if (old) {
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

static int add_new_place(struct collector *c, const struct dentry *d)
{
	struct dentry *from = NULL;
	enum diff_kind kind = DIFF_ADDED;

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
	return add(c, kind, d, D_LIVE, kind == DIFF_MOVED ? from : NULL);
}

static int collect_places(struct collector *c)
{
	const struct dentry_array *changed = &c->t->changed;
	int err = 0;

	for (size_t i = 0; !err && i < changed->n; i++) {
		const struct dentry *d = changed->v[i];

		if ((d->flags & (D_BASE | D_LIVE)) == D_LIVE)
			err = add_new_place(c, d);
	}
	for (size_t i = 0; !err && i < changed->n; i++) {
		const struct dentry *d = changed->v[i];

		if ((d->flags & (D_BASE | D_LIVE)) == D_BASE && !is_told(c, d))
			err = add(c, DIFF_REMOVED, d, D_BASE, NULL);
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
		const struct dentry *d;

		if (!inode->nlink ||
		    !(changes & (CHANGE_CONTENT | CHANGE_ATTR)))
			continue;
		if (inode == t->root)
			err = add(c, kind, NULL, D_LIVE, NULL);
		for (d = inode->places; !err && d; d = d->place_next)
			if (d->flags & D_LIVE)
				err = add(c, kind, d, D_LIVE, NULL);
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
	struct collector c = {.t = t};
	int err;

	{
		READ_LOCK(t);
		err = collect_places(&c);
		if (!err)
			err = collect_inodes(&c);
	}
	ptrmap_release(&c.told);
	ptrmap_release(&c.search);
	if (err) {
		diff_free(c.v, c.n);
		return err;
	}
	diff_sort(c.v, c.n);
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
