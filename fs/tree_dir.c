/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folders of the tree: their entries in order, and the listing of them.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

static void dir_compact(struct dir *dir)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < dir->n; i++)
		if (dir_slot_dentry(dir->slots[i]))
			dir->slots[n++] = dir->slots[i];
	dir->n = n;
}

static void reverse(union dir_slot *v, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		union dir_slot slot = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = slot;
	}
}

/* The listing stays as it is, but all are old ones now. */
static void dir_renumber(struct dir *dir)
{
	uint32_t old;

	dir_compact(dir);
	if (dir->old_end) {
		old = dir_find(dir, dir->old_end);
		reverse(dir->slots, dir->n);
		reverse(dir->slots + (dir->n - old), old);
	}
	for (uint32_t i = 0; i < dir->n; i++)
		dir->slots[i].dentry->cookie = i + DIR_FIRST_COOKIE;
	dir->next_cookie = dir->n + DIR_FIRST_COOKIE;
	if (dir->old_end)
		dir->old_end = dir->next_cookie;
}

int dir_reserve(struct dir *dir)
{
	enum { SPARE = 2 }; /* an exchange within one folder needs two */

	return dir_expect(dir, SPARE);
}

int dir_expect(struct dir *dir, uint32_t n)
{
	uint32_t room = dir->room ? dir->room * 2 : 4;
	union dir_slot *v;

	if (n <= dir->room && dir->n <= dir->room - n)
		return 0;
	if (dir->n > DIR_LAST_COOKIE / 2 || n > DIR_LAST_COOKIE / 4)
		return -ENOSPC;
	if (room < dir->n + n)
		room = dir->n + n;
	v = realloc(dir->slots, room * sizeof *v);
	if (!v)
		return -ENOMEM;
	dir->slots = v;
	dir->room = room;
	return 0;
}

bool dir_is_vacant(const struct dir *dir, uint32_t cookie)
{
	uint32_t i = dir_find(dir, cookie);

	return i < dir->n && dir->slots[i].gone == dir_slot_gone(cookie);
}

void dir_insert(struct dir *dir, struct dentry *d, uint32_t cookie)
{
	dir->live++;
	if (cookie) {
		d->cookie = cookie;
		dir->slots[dir_find(dir, cookie)].dentry = d;
		return;
	}
	assert(dir->n < dir->room);
	/* After a thousand million new names in one folder; scans that are
	 * under way may then miss some, or meet some again. */
	if (dir->next_cookie > DIR_LAST_COOKIE)
		dir_renumber(dir);
	d->cookie = dir->next_cookie++;
	dir->slots[dir->n++].dentry = d;
}

uint32_t dir_find(const struct dir *dir, uint64_t cookie)
{
	uint32_t lo = 0, hi = dir->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (dir_slot_cookie(dir->slots[mid]) < cookie)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static union dir_slot *slot_of(struct dir *dir, const struct dentry *d)
{
	uint32_t i = dir_find(dir, d->cookie);

	assert(i < dir->n && dir_slot_dentry(dir->slots[i]) == d);
	return &dir->slots[i];
}

void dir_remove(struct dir *dir, const struct dentry *d)
{
	slot_of(dir, d)->gone = dir_slot_gone(d->cookie);
	dir->live--;
	if (dir->n > 64 && dir->live < dir->n / 2)
		dir_compact(dir);
}

void dir_replace(struct dir *dir, const struct dentry *old, struct dentry *d)
{
	slot_of(dir, old)->dentry = d;
	d->cookie = old->cookie;
}

/* ---- listing ---- */

int tree_folder(struct tree *t, uint64_t ino, struct inode **ret)
{
	struct inode *inode = tree_inode(t, ino);

	if (!inode)
		return tree_missing(ino);
	if (!S_ISDIR(inode->mode))
		return -ENOTDIR;
	*ret = inode;
	return 0;
}

struct lister {
	tree_emit emit;
	void *arg;
	bool plus;
};

/* Readers may come here at once, with the same value; writers are shut out. */
static uint32_t begin_listing(struct dir *dir)
{
	uint32_t old_end = __atomic_load_n(&dir->old_end, __ATOMIC_RELAXED);

	if (!old_end) {
		old_end = dir->next_cookie;
		__atomic_store_n(&dir->old_end, old_end, __ATOMIC_RELAXED);
	}
	return old_end;
}

/* Of the slot's entry, if it has one; @pos: its place in the listing. */
static int list_slot(const struct lister *l, union dir_slot slot, uint64_t pos)
{
	const struct dentry *d = dir_slot_dentry(slot);
	struct tree_entry e;

	if (!d)
		return 0;
	inode_entry(d->inode, &e);
	if (l->emit(l->arg, d->name, pos, &e))
		return 1;
	if (l->plus)
		__atomic_fetch_add(&d->inode->lookups, 1, __ATOMIC_RELAXED);
	return 0;
}

/* What is listed behind @pos, but "." and "..". */
static void list_entries(const struct lister *l, struct dir *dir, uint64_t pos)
{
	uint32_t old = dir_find(dir, begin_listing(dir)), i = 0;

	if (pos >= DIR_MIDDLE) {
		i = dir_find(dir, pos - DIR_MIDDLE + 1);
	} else {
		uint32_t left = dir->n;

		if (pos >= DIR_FIRST_COOKIE)
			left = dir_find(dir, DIR_MIDDLE - pos);
		while (left > old) {
			union dir_slot slot = dir->slots[--left];

			if (list_slot(l, slot,
				      DIR_MIDDLE - dir_slot_cookie(slot)))
				return;
		}
	}
	for (; i < old; i++)
		if (list_slot(l, dir->slots[i],
			      DIR_MIDDLE + dir_slot_cookie(dir->slots[i])))
			return;
}

int tree_readdir(struct tree *t, uint64_t ino, uint64_t cookie, bool plus,
		 tree_emit emit, void *arg)
{
	const struct lister l = {.emit = emit, .arg = arg, .plus = plus};
	const struct dentry *place;
	struct tree_entry e;
	struct inode *dir;
	int err;

	READ_LOCK(t);
	err = tree_folder(t, ino, &dir);
	if (err)
		return err;
	if (cookie < 1) {
		inode_entry(dir, &e);
		if (emit(arg, ".", 1, &e))
			return 0;
	}
	if (cookie < 2) {
		place = inode_place(dir, D_LIVE);
		inode_entry(place ? place->parent : dir, &e);
		if (emit(arg, "..", 2, &e))
			return 0;
	}
	list_entries(&l, dir->dir, cookie);
	return 0;
}
