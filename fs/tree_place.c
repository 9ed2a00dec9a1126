/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places (dentries) of the tree.
 */
#include "fs/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Names in a bucket, at most on average: the table is 4 to 8 bytes of each. */
enum { PER_BUCKET = 2 };

static uint64_t hash_name(uint32_t parent, const char *name, size_t len)
{
	/* FNV-1a, seeded by the folder. */
	uint64_t h = 0xcbf29ce484222325ULL ^ parent * 0x9e3779b97f4a7c15ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3ULL;
	return h ^ h >> 29;
}

static struct dentry **bucket(struct tree *t, const struct inode *parent,
			      const char *name, size_t len)
{
	return &t->buckets[hash_name(parent->ino, name, len) &
			   (t->n_buckets - 1)];
}

static int resize_hash(struct tree *t, size_t n)
{
	size_t old_n = t->n_buckets;
	struct dentry **old = t->buckets, **v = calloc(n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	t->buckets = v;
	t->n_buckets = n;
	for (size_t i = 0; i < old_n; i++) {
		struct dentry *d = old[i], *next;

		for (; d; d = next) {
			struct dentry **b =
				bucket(t, d->parent, d->name, d->name_len);

			next = d->hash_next;
			d->hash_next = *b;
			*b = d;
		}
	}
	free(old);
	return 0;
}

static int grow_hash(struct tree *t)
{
	return resize_hash(t, t->n_buckets ? t->n_buckets * 2 : 256);
}

int dentry_expect(struct tree *t, size_t n)
{
	size_t room = t->n_buckets ? t->n_buckets : 256;

	while (room * PER_BUCKET < n)
		room *= 2;
	return room > t->n_buckets ? resize_hash(t, room) : 0;
}

static size_t dentry_size(size_t name_len)
{
	return offsetof(struct dentry, name) + name_len + 1;
}

static struct dentry *next_same(struct dentry *d, const struct inode *parent,
				const char *name, size_t len)
{
	for (; d; d = d->hash_next)
		if (d->parent == parent && d->name_len == len &&
		    memcmp(d->name, name, len) == 0)
			return d;
	return NULL;
}

struct dentry *dentry_first(struct tree *t, const struct inode *parent,
			    const char *name)
{
	size_t len = strlen(name);

	if (!t->n_buckets)
		return NULL;
	return next_same(*bucket(t, parent, name, len), parent, name, len);
}

struct dentry *dentry_next_same(const struct dentry *d,
				const struct inode *parent, const char *name)
{
	return next_same(d->hash_next, parent, name, strlen(name));
}

struct dentry *dentry_find(struct tree *t, const struct inode *parent,
			   const char *name, unsigned views)
{
	struct dentry *d = dentry_first(t, parent, name);

	while (d && !(d->flags & views))
		d = dentry_next_same(d, parent, name);
	return d;
}

struct dentry *dentry_new(struct tree *t, struct inode *parent,
			  const char *name, struct inode *inode)
{
	size_t len = strlen(name);
	struct dentry *d, **b;

	assert(len > 0 && len <= TREE_NAME_MAX);
	if (t->n_dentries >= t->n_buckets * PER_BUCKET && grow_hash(t) < 0 &&
	    !t->n_buckets)
		return NULL;
	d = pool_get(&t->pool, dentry_size(len));
	if (!d)
		return NULL;
	/* Not the whole struct, which may be larger than a short name needs. */
	memset(d, 0, offsetof(struct dentry, name));
	d->parent = parent;
	d->inode = inode;
	d->place_next = inode->places;
	if (inode->places)
		inode->places->place_prev = d;
	d->base_id = NO_BASE_ID;
	d->name_len = (uint8_t)len;
	memcpy(d->name, name, len + 1);
	inode->places = d;
	parent->dir->refs++;
	b = bucket(t, parent, name, len);
	d->hash_next = *b;
	*b = d;
	t->n_dentries++;
	return d;
}

void dentry_release(struct tree *t, struct dentry *d)
{
	pool_put(&t->pool, d, dentry_size(d->name_len));
}

static void unhash(struct tree *t, struct dentry *d)
{
	struct dentry **p = bucket(t, d->parent, d->name, d->name_len);

	while (*p != d)
		p = &(*p)->hash_next;
	*p = d->hash_next;
	t->n_dentries--;
}

static void unplace(struct dentry *d)
{
	if (d->place_next)
		d->place_next->place_prev = d->place_prev;
	if (d->place_prev)
		d->place_prev->place_next = d->place_next;
	else
		d->inode->places = d->place_next;
}

void dentry_put(struct tree *t, struct dentry *d)
{
	struct inode *parent = d->parent, *inode = d->inode;

	if (d->flags & (D_ANY_VIEW | D_LISTED | D_DIRTY))
		return;
	unhash(t, d);
	unplace(d);
	dentry_release(t, d);
	parent->dir->refs--;
	inode_put(t, inode);
	/* The parent is another object: nothing stands in itself. */
	inode_put(t, parent);
}

static int push_dentry(struct dentry_array *a, struct dentry *d)
{
	if (a->n == a->room) {
		size_t room = a->room ? a->room * 2 : 64;
		struct dentry **v = realloc(a->v, room * sizeof *v);

		if (!v)
			return -ENOMEM;
		a->v = v;
		a->room = room;
	}
	a->v[a->n++] = d;
	return 0;
}

/* Drop from tree.changed what is no delta any more; frozen views need theirs.
 */
static void sweep_changed(struct tree *t)
{
	struct dentry_array old = t->changed;

	t->changed = (struct dentry_array){0};
	for (size_t i = 0; i < old.n; i++) {
		struct dentry *d = old.v[i];

		if (dentry_is_delta(d) ||
		    (d->flags & (D_FROZEN_ADD | D_FROZEN_GONE))) {
			old.v[t->changed.n++] = d;
		} else {
			d->flags &= (uint8_t)~D_LISTED;
			dentry_put(t, d);
		}
	}
	t->changed.v = old.v;
	t->changed.room = old.room;
	t->changed_dead = 0;
}

int dentry_note(struct tree *t, struct dentry *d)
{
	if (!(d->flags & D_LISTED)) {
		if (push_dentry(&t->changed, d) < 0)
			return -ENOMEM;
		d->flags |= D_LISTED;
	}
	if (!(d->flags & D_DIRTY)) {
		if (push_dentry(&t->dirty, d) < 0)
			return -ENOMEM;
		d->flags |= D_DIRTY;
	}
	return 0;
}

/* A place of the base, or of a frozen tree, that can be taken up again. */
static struct dentry *find_dead(struct tree *t, const struct inode *parent,
				const char *name, const struct inode *inode)
{
	struct dentry *d = dentry_first(t, parent, name);

	/* By name: an inode may have many places. */
	while (d && d->inode != inode)
		d = dentry_next_same(d, parent, name);
	return d;
}

struct dentry *dentry_prepare(struct tree *t, struct inode *parent,
			      const char *name, struct inode *inode)
{
	struct dentry *d = find_dead(t, parent, name, inode);

	if (!d)
		d = dentry_new(t, parent, name, inode);
	if (!d)
		return NULL;
	if (dentry_note(t, d) < 0 || dir_reserve(parent->dir) < 0) {
		dentry_put(t, d);
		return NULL;
	}
	return d;
}

/* @d is in its folder: what goes with that. */
static void count_in(struct tree *t, struct dentry *d)
{
	struct inode *inode = d->inode;

	d->flags |= D_LIVE;
	if (S_ISDIR(inode->mode)) {
		/* A removed folder that comes back has its two links again. */
		if (inode->nlink == 0)
			inode->nlink = 2;
		d->parent->nlink++;
		t->live_dirs++;
	} else {
		inode->nlink++;
		t->live_files++;
	}
	t->tree_bytes += tree_entry_bytes(t, inode, d->name_len);
	tree_recharge(t, inode);
}

static void count_out(struct tree *t, struct dentry *d)
{
	struct inode *inode = d->inode;

	t->tree_bytes -= tree_entry_bytes(t, inode, d->name_len);
	d->flags &= (uint8_t)~D_LIVE;
	if (S_ISDIR(inode->mode)) {
		d->parent->nlink--;
		t->live_dirs--;
	} else {
		inode->nlink--;
		t->live_files--;
	}
	tree_recharge(t, inode);
}

/*
 * Where the name of @d stood in its folder before it was removed; 0: nowhere,
 * or it is forgotten.  So a program that saves by removing and making a file
 * leaves it where it was in the listing.
 */
static uint32_t former_cookie(struct tree *t, const struct dentry *d)
{
	const struct dir *dir = d->parent->dir;
	const struct dentry *p = NULL;

	if (dir->live < dir->n)
		p = dentry_first(t, d->parent, d->name);
	for (; p; p = dentry_next_same(p, d->parent, d->name))
		if (dir_is_vacant(dir, p->cookie))
			return p->cookie;
	return 0;
}

void dentry_enter(struct tree *t, struct dentry *d)
{
	assert(!(d->flags & D_LIVE));
	dir_insert(d->parent->dir, d, former_cookie(t, d));
	count_in(t, d);
}

void dentry_leave(struct tree *t, struct dentry *d)
{
	assert(d->flags & D_LIVE && d->flags & D_LISTED);
	dir_remove(d->parent->dir, d);
	count_out(t, d);
}

void dentry_succeed(struct tree *t, struct dentry *old, struct dentry *d)
{
	assert(!(d->flags & D_LIVE) && d->parent == old->parent);
	assert(old->flags & D_LIVE && old->flags & D_LISTED);
	dir_replace(d->parent->dir, old, d);
	/* In this order: what moves within the folder is never without a
	 * link. */
	count_in(t, d);
	count_out(t, old);
}

void tree_sweep_all(struct tree *t)
{
	sweep_changed(t);
}

void tree_sweep(struct tree *t)
{
	if (t->changed_dead > 1024 + t->changed.n / 2)
		sweep_changed(t);
}

struct dentry *inode_place(const struct inode *inode, unsigned views)
{
	struct dentry *d;

	for (d = inode->places; d; d = d->place_next)
		if (d->flags & views)
			return d;
	return NULL;
}

char *dentry_path(const struct dentry *d, unsigned view)
{
	const struct dentry *p = d;
	size_t len = 0;
	char *path;

	for (;;) {
		len += (size_t)p->name_len + 1;
		if (p->parent->ino == TREE_ROOT)
			break;
		p = inode_place(p->parent, view);
		if (!p)
			return NULL;
	}
	path = malloc(len);
	if (!path)
		return NULL;
	path[--len] = 0;
	for (p = d;; p = inode_place(p->parent, view)) {
		len -= p->name_len;
		memcpy(path + len, p->name, p->name_len);
		if (!len)
			return path;
		path[--len] = '/';
	}
}
