/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree's objects: inodes, their deltas, places and folders.
 */
#include "fs/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/space.h"

/* ---- inodes ---- */

struct inode *tree_inode(struct tree *t, uint64_t ino)
{
	return ino < t->n_inodes ? t->inodes[ino].inode : NULL;
}

static int grow_inodes(struct tree *t)
{
	uint32_t room = t->room_inodes ? t->room_inodes * 2 : 256;
	struct inode_slot *v;

	if (t->room_inodes > UINT32_MAX / 4)
		return -ENOSPC;
	v = realloc(t->inodes, room * sizeof *v);
	if (!v)
		return -ENOMEM;
	t->inodes = v;
	t->room_inodes = room;
	return 0;
}

struct inode *inode_new(struct tree *t, const struct attr *attr)
{
	struct inode *inode = calloc(1, sizeof *inode);
	uint32_t ino = t->free_inode;

	if (!inode)
		return NULL;
	if (S_ISDIR(attr->mode)) {
		inode->dir = calloc(1, sizeof *inode->dir);
		if (!inode->dir)
			goto fail;
		inode->dir->next_cookie = DIR_FIRST_COOKIE;
		inode->nlink = 2;
	}
	if (ino) {
		t->free_inode = t->inodes[ino].next_free;
	} else {
		if (t->n_inodes == t->room_inodes && grow_inodes(t) < 0)
			goto fail;
		ino = t->n_inodes++;
		t->inodes[ino].generation = 0;
	}
	t->inodes[ino].inode = inode;
	inode->ino = ino;
	inode->generation = ++t->inodes[ino].generation;
	inode_set_attr(inode, attr);
	return inode;

fail:
	if (S_ISDIR(attr->mode))
		free(inode->dir);
	free(inode);
	return NULL;
}

static bool inode_is_needed(const struct inode *inode)
{
	return inode->lookups || inode->places ||
	       (inode->delta && inode->delta->frozen) ||
	       (S_ISDIR(inode->mode) && inode->dir->refs) ||
	       inode->ino == TREE_ROOT;
}

static void inode_free_content(struct tree *t, struct inode *inode)
{
	if (S_ISDIR(inode->mode)) {
		free(inode->dir->slots);
		free(inode->dir);
	} else if (S_ISLNK(inode->mode)) {
		free(inode->target);
	} else if (S_ISREG(inode->mode) && !(inode->flags & I_PLAIN) &&
		   inode->map) {
		struct extent_list dropped = {0};

		/* Cutting to nothing cannot fail: it needs no room in the map;
		 * without memory for the list the bytes stay until the next
		 * mount finds nothing that names them. */
		if (extent_map_cut(inode->map, 0, &dropped) == 0)
			tree_release_extents(t, &dropped);
		extent_map_release(inode->map);
		free(inode->map);
	}
}

static int push_id(struct id_array *a, uint64_t id)
{
	if (a->n == a->room) {
		size_t room = a->room ? a->room * 2 : 64;
		uint64_t *v = realloc(a->v, room * sizeof *v);

		if (!v)
			return -ENOMEM;
		a->v = v;
		a->room = room;
	}
	a->v[a->n++] = id;
	return 0;
}

void inode_put(struct tree *t, struct inode *inode)
{
	if (inode_is_needed(inode))
		return;
	if (inode->delta) {
		/* Without memory the row stays; the next load finds a node that
		 * stands nowhere and drops it. */
		if (inode->delta->in_stage)
			(void)push_id(&t->drop_rows, inode->delta->stage_id);
		inode_delta_free(t, inode);
	}
	inode_free_content(t, inode);
	free(inode->xattrs);
	t->inodes[inode->ino].inode = NULL;
	t->inodes[inode->ino].next_free = t->free_inode;
	t->free_inode = inode->ino;
	free(inode);
}

void inode_get_attr(const struct inode *inode, struct attr *ret)
{
	*ret = (struct attr){
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.atime = {.tv_sec = inode->atime, .tv_nsec = inode->atime_ns},
		.mtime = {.tv_sec = inode->mtime, .tv_nsec = inode->mtime_ns},
		.ctime = {.tv_sec = inode->ctime, .tv_nsec = inode->ctime_ns},
	};
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		ret->rdev = inode->rdev;
}

void inode_set_attr(struct inode *inode, const struct attr *attr)
{
	inode->mode = attr->mode;
	inode->uid = attr->uid;
	inode->gid = attr->gid;
	inode->atime = attr->atime.tv_sec;
	inode->atime_ns = (uint32_t)attr->atime.tv_nsec;
	inode->mtime = attr->mtime.tv_sec;
	inode->mtime_ns = (uint32_t)attr->mtime.tv_nsec;
	inode->ctime = attr->ctime.tv_sec;
	inode->ctime_ns = (uint32_t)attr->ctime.tv_nsec;
	if (S_ISCHR(attr->mode) || S_ISBLK(attr->mode))
		inode->rdev = attr->rdev;
}

void inode_stat(const struct inode *inode, struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = inode->ino,
		.st_mode = inode->mode,
		.st_nlink = inode->nlink,
		.st_uid = inode->uid,
		.st_gid = inode->gid,
		.st_size = (off_t)inode->size,
		.st_blksize = DISC_BLOCK,
		.st_atim = {.tv_sec = inode->atime, .tv_nsec = inode->atime_ns},
		.st_mtim = {.tv_sec = inode->mtime, .tv_nsec = inode->mtime_ns},
		.st_ctim = {.tv_sec = inode->ctime, .tv_nsec = inode->ctime_ns},
	};
	if (S_ISDIR(inode->mode)) {
		ret->st_size = DISC_BLOCK;
		ret->st_blocks = DISC_BLOCK / 512;
	} else if (S_ISREG(inode->mode)) {
		struct extent_map tmp;
		const struct extent_map *map = inode_map(inode, &tmp);
		uint64_t bytes = extent_map_bytes(map, EXTENT_DISC) +
				 extent_map_bytes(map, EXTENT_DATA);

		ret->st_blocks = (blkcnt_t)(space_data_blocks(bytes) *
					    (DISC_BLOCK / 512));
	} else if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
		ret->st_rdev = inode->rdev;
	}
}

void inode_touch(struct inode *inode, bool mtime, bool ctime)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (mtime) {
		inode->mtime = now.tv_sec;
		inode->mtime_ns = (uint32_t)now.tv_nsec;
	}
	if (ctime) {
		inode->ctime = now.tv_sec;
		inode->ctime_ns = (uint32_t)now.tv_nsec;
	}
}

const struct extent_map *inode_map(const struct inode *inode,
				   struct extent_map *tmp)
{
	*tmp = (struct extent_map){0};
	if (!(inode->flags & I_PLAIN))
		return inode->map ? inode->map : tmp;
	if (inode->size) {
		tmp->n = 1;
		tmp->one = (struct extent){
			.len = inode->size,
			.pos = inode->lba * DISC_BLOCK,
			.source = EXTENT_DISC,
		};
	}
	return tmp;
}

int inode_own_map(struct inode *inode, struct extent_map **ret)
{
	if (inode->flags & I_PLAIN) {
		struct extent_map *map = malloc(sizeof *map);

		if (!map)
			return -ENOMEM;
		inode_map(inode, map);
		inode->map = map;
		inode->flags &= ~(uint32_t)I_PLAIN;
	} else if (!inode->map) {
		inode->map = calloc(1, sizeof *inode->map);
		if (!inode->map)
			return -ENOMEM;
	}
	*ret = inode->map;
	return 0;
}

/* ---- deltas of inodes ---- */

struct inode_delta *inode_delta_get(struct tree *t, struct inode *inode)
{
	struct inode_delta *delta = inode->delta;

	if (delta)
		return delta;
	delta = calloc(1, sizeof *delta);
	if (!delta)
		return NULL;
	delta->inode = inode;
	list_init(&delta->dirty);
	list_append(&t->deltas, &delta->link);
	inode->delta = delta;
	return delta;
}

void inode_base_free(struct inode_base *b)
{
	if (!b)
		return;
	free(b->xattrs);
	extent_map_release(&b->map);
	free(b);
}

void inode_delta_free(struct tree *t, struct inode *inode)
{
	struct inode_delta *delta = inode->delta;

	if (!delta)
		return;
	assert(!delta->frozen);
	if (delta->reserve_len && t->data)
		stage_data_unref(t->data, delta->reserve_pos,
				 delta->reserve_len);
	t->data_blocks -= delta->charged_blocks;
	list_remove(&delta->link);
	list_remove(&delta->dirty);
	inode_base_free(delta->base);
	free(delta);
	inode->delta = NULL;
}

static struct inode_base *base_of(const struct inode *inode)
{
	struct inode_base *base = calloc(1, sizeof *base);
	struct extent_map tmp;

	if (!base)
		return NULL;
	inode_get_attr(inode, &base->attr);
	base->size = inode->size;
	if (xattrs_dup(inode->xattrs, &base->xattrs) < 0)
		goto fail;
	if (S_ISREG(inode->mode) &&
	    extent_map_copy(inode_map(inode, &tmp), &base->map) < 0)
		goto fail;
	return base;
fail:
	inode_base_free(base);
	return NULL;
}

int inode_will_change(struct tree *t, struct inode *inode)
{
	struct inode_delta *delta = inode_delta_get(t, inode);

	if (!delta)
		return -ENOMEM;
	if ((inode->flags & I_BASE) && !delta->base) {
		delta->base = base_of(inode);
		if (!delta->base)
			return -ENOMEM;
	}
	inode_mark_dirty(t, inode);
	return 0;
}

int dir_touch(struct tree *t, struct inode *dir)
{
	int err = inode_will_change(t, dir);

	if (err)
		return err;
	dir->delta->mtime_set = false;
	inode_touch(dir, true, true);
	return 0;
}

void inode_mark_dirty(struct tree *t, struct inode *inode)
{
	if (list_empty(&inode->delta->dirty))
		list_append(&t->dirty_inodes, &inode->delta->dirty);
}

void tree_release_extents(struct tree *t, struct extent_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].source == EXTENT_DATA && t->data)
			stage_data_unref(t->data, l->v[i].pos, l->v[i].len);
	extent_list_release(l);
}

unsigned inode_changes(const struct inode *inode)
{
	const struct inode_base *base =
		inode->delta ? inode->delta->base : NULL;
	struct extent_map tmp;
	unsigned changes = 0;

	if (!base)
		return 0;
	/* A disc keeps whole seconds; atime and ctime alone are no delta. */
	if (base->attr.mtime.tv_sec != inode->mtime)
		changes |= S_ISDIR(inode->mode) && !inode->delta->mtime_set
				   ? CHANGE_TOUCHED
				   : CHANGE_ATTR;
	if (base->attr.mode != inode->mode || base->attr.uid != inode->uid ||
	    base->attr.gid != inode->gid ||
	    !xattrs_equal(base->xattrs, inode->xattrs))
		changes |= CHANGE_ATTR;
	if (S_ISREG(inode->mode) && inode->delta->content_touched &&
	    (base->size != inode->size ||
	     !extent_map_equal(&base->map, inode_map(inode, &tmp))))
		changes |= CHANGE_CONTENT;
	return changes;
}

/* ---- places ---- */

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

static int grow_hash(struct tree *t)
{
	size_t old_n = t->n_buckets, n = old_n ? old_n * 2 : 256;
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
	if (t->n_dentries >= t->n_buckets && grow_hash(t) < 0 && !t->n_buckets)
		return NULL;
	d = malloc(sizeof *d + len + 1);
	if (!d)
		return NULL;
	*d = (struct dentry){
		.parent = parent,
		.inode = inode,
		.place_next = inode->places,
		.base_id = NO_BASE_ID,
		.name_len = (uint8_t)len,
	};
	memcpy(d->name, name, len + 1);
	inode->places = d;
	parent->dir->refs++;
	b = bucket(t, parent, name, len);
	d->hash_next = *b;
	*b = d;
	t->n_dentries++;
	return d;
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
	struct dentry **p = &d->inode->places;

	while (*p != d)
		p = &(*p)->place_next;
	*p = d->place_next;
}

void dentry_put(struct tree *t, struct dentry *d)
{
	struct inode *parent = d->parent, *inode = d->inode;

	if (d->flags & (D_ANY_VIEW | D_LISTED | D_DIRTY))
		return;
	unhash(t, d);
	unplace(d);
	free(d);
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

/* Drop from tree.changed what is no delta any more; frozen views need theirs. */
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
static struct dentry *find_dead(const struct inode *parent, const char *name,
				const struct inode *inode)
{
	struct dentry *d;

	for (d = inode->places; d; d = d->place_next)
		if (d->parent == parent && strcmp(d->name, name) == 0)
			return d;
	return NULL;
}

struct dentry *dentry_prepare(struct tree *t, struct inode *parent,
			      const char *name, struct inode *inode)
{
	struct dentry *d = find_dead(parent, name, inode);

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

void dentry_enter(struct tree *t, struct dentry *d)
{
	struct inode *inode = d->inode;

	assert(!(d->flags & D_LIVE));
	dir_insert(d->parent->dir, d);
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

void dentry_leave(struct tree *t, struct dentry *d)
{
	struct inode *inode = d->inode;

	assert(d->flags & D_LIVE && d->flags & D_LISTED);
	t->tree_bytes -= tree_entry_bytes(t, inode, d->name_len);
	dir_remove(d->parent->dir, d);
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

/* ---- folders ---- */

static void dir_compact(struct dir *dir)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < dir->n; i++)
		if (dir->slots[i].dentry)
			dir->slots[n++] = dir->slots[i];
	dir->n = n;
}

static void dir_renumber(struct dir *dir)
{
	dir_compact(dir);
	for (uint32_t i = 0; i < dir->n; i++) {
		dir->slots[i].cookie = i + DIR_FIRST_COOKIE;
		dir->slots[i].dentry->cookie = dir->slots[i].cookie;
	}
	dir->next_cookie = dir->n + DIR_FIRST_COOKIE;
}

int dir_reserve(struct dir *dir)
{
	enum { SPARE = 2 }; /* an exchange within one folder needs two */
	uint32_t room = dir->room ? dir->room * 2 : 4;
	struct dir_slot *v;

	if (dir->n + SPARE <= dir->room)
		return 0;
	if (dir->n > UINT32_MAX / 4)
		return -ENOSPC;
	v = realloc(dir->slots, room * sizeof *v);
	if (!v)
		return -ENOMEM;
	dir->slots = v;
	dir->room = room;
	return 0;
}

void dir_insert(struct dir *dir, struct dentry *d)
{
	assert(dir->n < dir->room);
	/* After four thousand million new names in one folder. */
	if (dir->next_cookie == UINT32_MAX)
		dir_renumber(dir);
	d->cookie = dir->next_cookie++;
	dir->slots[dir->n++] =
		(struct dir_slot){.cookie = d->cookie, .dentry = d};
	dir->live++;
}

void dir_remove(struct dir *dir, const struct dentry *d)
{
	uint32_t lo = 0, hi = dir->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (dir->slots[mid].cookie < d->cookie)
			lo = mid + 1;
		else
			hi = mid;
	}
	assert(lo < dir->n && dir->slots[lo].dentry == d);
	dir->slots[lo].dentry = NULL;
	dir->live--;
	if (dir->n > 64 && dir->live < dir->n / 2)
		dir_compact(dir);
}

/* ---- space ---- */

uint64_t tree_entry_bytes(const struct tree *t, const struct inode *inode,
			  size_t name_len)
{
	return space_entry_bytes(
		name_len, S_ISDIR(inode->mode),
		inode->xattrs ? inode->xattrs->size_bytes : 0,
		S_ISLNK(inode->mode) ? inode->size : 0,
		S_ISREG(inode->mode) ? inode->size : 0, t->joliet);
}

void tree_count(struct tree *t, const struct inode *inode, int sign)
{
	const struct dentry *d;

	for (d = inode->places; d; d = d->place_next) {
		uint64_t bytes;

		if (!(d->flags & D_LIVE))
			continue;
		bytes = tree_entry_bytes(t, inode, d->name_len);
		t->tree_bytes += sign > 0 ? bytes : -bytes;
	}
}

void tree_recharge(struct tree *t, struct inode *inode)
{
	struct inode_delta *delta = inode->delta;
	uint64_t blocks = 0;

	if (!S_ISREG(inode->mode) || !delta)
		return;
	if (inode->nlink &&
	    (!(inode->flags & I_BASE) || delta->content_touched))
		blocks = space_data_blocks(inode->size);
	t->data_blocks += blocks - delta->charged_blocks;
	delta->charged_blocks = blocks;
}

uint64_t tree_free_blocks(const struct tree *t)
{
	uint64_t session = space_session_blocks(
		t->tree_bytes, t->data_blocks + t->reserved_blocks);
	uint64_t free_blocks = session < t->limit_blocks
				       ? t->limit_blocks - session
				       : 0;
	uint64_t both = session + t->reserved_blocks;

	if (t->shared_limit_blocks >= TREE_NO_LIMIT || !t->data)
		return free_blocks;
	/* The stage's rows take about what the tree does; and each new block
	 * is there twice until the commit is over. */
	both += space_data_blocks(stage_data_used(t->data)) +
		space_data_blocks(t->tree_bytes);
	if (both >= t->shared_limit_blocks)
		return 0;
	both = (t->shared_limit_blocks - both) / 2;
	return both < free_blocks ? both : free_blocks;
}

bool tree_has_room(const struct tree *t, uint64_t blocks, uint64_t bytes)
{
	return blocks + space_data_blocks(bytes) <= tree_free_blocks(t);
}
