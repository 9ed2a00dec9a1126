/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree_check.h"

#include <check.h>
#include <string.h>

#include "fs/space.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

/*
 * As ck_assert, which writes a few bytes to Check's own process also where all
 * is well: most of the time of a test that looks at a whole tree again and
 * again.
 */
#define holds(condition)                                \
	do {                                            \
		if (!(condition))                       \
			ck_abort_msg("%s", #condition); \
	} while (0)

#define holds_eq(a, b)                                             \
	do {                                                       \
		if ((a) != (b))                                    \
			ck_abort_msg("%s is %llu, %s is %llu", #a, \
				     (unsigned long long)(a), #b,  \
				     (unsigned long long)(b));     \
	} while (0)

static void check_twins(struct tree *t, struct dentry *d, unsigned view)
{
	const struct dentry *o;

	if (!(d->flags & view))
		return;
	for (o = dentry_first(t, d->parent, d->name); o;
	     o = dentry_next_same(o, d->parent, d->name))
		if (o != d && (o->flags & view))
			ck_abort_msg("two places in view %u for %s", view,
				     d->name);
}

static bool is_place_of(const struct dentry *d)
{
	const struct dentry *p;

	for (p = d->inode->places; p; p = p->place_next)
		if (p == d)
			return true;
	return false;
}

struct sums {
	uint64_t tree_bytes, files, dirs, base;
};

static void check_dentry(struct tree *t, struct dentry *d, struct sums *sums)
{
	if (!(d->flags & (D_ANY_VIEW | D_LISTED | D_DIRTY)))
		ck_abort_msg("a dead place of %s is kept", d->name);
	holds(S_ISDIR(d->parent->mode));
	holds(is_place_of(d));
	holds(tree_inode(t, d->inode->ino) == d->inode);
	check_twins(t, d, D_LIVE);
	check_twins(t, d, D_BASE);
	if (dentry_is_delta(d) && !(d->flags & D_LISTED))
		ck_abort_msg("%s is a delta not listed", d->name);
	if (d->flags & D_BASE)
		sums->base++;
	if (!(d->flags & D_LIVE))
		return;
	sums->tree_bytes += tree_entry_bytes(t, d->inode, d->name_len);
	if (S_ISDIR(d->inode->mode))
		sums->dirs++;
	else
		sums->files++;
}

static void check_dir(const struct inode *inode)
{
	const struct dir *dir = inode->dir;
	uint32_t live = 0, subdirs = 0, last = 0;

	for (uint32_t i = 0; i < dir->n; i++) {
		const struct dentry *d = dir_slot_dentry(dir->slots[i]);

		holds(dir_slot_cookie(dir->slots[i]) > last);
		last = dir_slot_cookie(dir->slots[i]);
		if (!d)
			continue;
		live++;
		subdirs += S_ISDIR(d->inode->mode) ? 1 : 0;
		holds(d->flags & D_LIVE);
		holds(d->parent == inode);
		holds_eq(d->cookie, dir_slot_cookie(dir->slots[i]));
	}
	holds_eq(live, dir->live);
	if (inode->nlink)
		holds_eq(inode->nlink, subdirs + 2);
	else
		holds_eq(live, 0);
}

static void check_inode(const struct inode *inode)
{
	const struct dentry *d;
	unsigned live = 0, base = 0;

	for (d = inode->places; d; d = d->place_next) {
		live += d->flags & D_LIVE ? 1 : 0;
		base += d->flags & D_BASE ? 1 : 0;
	}
	if (S_ISDIR(inode->mode)) {
		holds(live <= 1);
		holds(base <= 1);
		check_dir(inode);
	} else {
		holds_eq(inode->nlink, live);
	}
	if (inode->ino != TREE_ROOT)
		holds_eq(base > 0, (inode->flags & I_BASE) != 0);
	if (inode->delta)
		holds(inode->delta->inode == inode);
}

void tree_check(struct tree *t)
{
	struct sums sums = {0};
	uint64_t data_blocks = 0, n = 0;

	READ_LOCK(t);
	for (size_t i = 0; i < t->n_buckets; i++)
		for (struct dentry *d = t->buckets[i]; d; d = d->hash_next) {
			check_dentry(t, d, &sums);
			n++;
		}
	ck_assert_uint_eq(n, t->n_dentries);
	for (uint32_t i = 1; i < t->n_inodes; i++) {
		const struct inode *inode = tree_inode(t, i);

		if (!inode)
			continue;
		check_inode(inode);
		if (inode->delta)
			data_blocks += inode->delta->charged_blocks;
	}
	ck_assert_uint_eq(sums.base, t->base_places);
	ck_assert_uint_eq(sums.files, t->live_files);
	ck_assert_uint_eq(sums.dirs + 1, t->live_dirs);
	ck_assert_uint_eq(sums.tree_bytes + tree_entry_bytes(t, t->root, 1),
			  t->tree_bytes);
	ck_assert_uint_eq(data_blocks, t->data_blocks);
	ck_assert_uint_eq(t->reserved_blocks, 0);
}
