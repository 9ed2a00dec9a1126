/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which deltas are at and below the paths that were named.
 */
#include "fs/revert_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is named ---- */

/* The next component of a path into @name (TREE_NAME_MAX + 1 bytes): 1, 0 at
 * the end, -ENOENT for one that cannot be. */
static int next_component(const char **path, char *name)
{
	size_t len;

	for (;;) {
		*path += strspn(*path, "/");
		len = strcspn(*path, "/");
		if (len != 1 || **path != '.')
			break;
		*path += len;
	}
	if (!len)
		return 0;
	if (len > TREE_NAME_MAX)
		return -ENOENT;
	memcpy(name, *path, len);
	name[len] = '\0';
	*path += len;
	return 1;
}

static int name_place(struct reverter *r, const struct dentry *d)
{
	int err = ptrmap_put(&r->named, ptrmap_key(d), 1);

	if (!err && S_ISDIR(d->inode->mode))
		err = ptrmap_put(&r->named, ptrmap_key(d->inode), 1);
	return err ? revert_no_memory(r) : 0;
}

/* Name what stands at @path in @view, and what the base had in the folder that
 * is there now.  1 where there was anything. */
static int name_in_view(struct reverter *r, const char *path, unsigned view)
{
	struct inode *dir = r->t->root;
	struct dentry *d = NULL, *old;
	char name[TREE_NAME_MAX + 1];
	int more = next_component(&path, name), err = 0;

	if (!more)
		return ptrmap_put(&r->named, ptrmap_key(dir), 1)
			       ? revert_no_memory(r)
			       : 1;
	while (more > 0) {
		if (!S_ISDIR(dir->mode))
			return 0;
		d = dentry_find(r->t, dir, name, view);
		old = dentry_find(r->t, dir, name, D_BASE);
		more = next_component(&path, name);
		if (more < 0)
			return 0;
		if (!more && old)
			err = name_place(r, old);
		if (!more && d && !err)
			err = name_place(r, d);
		if (err)
			return err;
		if (!d)
			return !more && old;
		dir = d->inode;
	}
	return more < 0 ? 0 : 1;
}

int revert_name(struct reverter *r, const char *path)
{
	int live = name_in_view(r, path, D_LIVE), base;

	if (live < 0)
		return live;
	base = name_in_view(r, path, D_BASE);
	if (base < 0)
		return base;
	if (!live && !base)
		return why_set(r->why, -ENOENT,
			       "%s: there is no such file, here or on the disc",
			       path);
	return 0;
}

/* ---- what is chosen ---- */

static bool is_below(const struct reverter *r, const struct dentry *d,
		     unsigned view)
{
	while (d) {
		if (revert_has(&r->named, d) ||
		    revert_has(&r->named, d->inode) ||
		    revert_has(&r->named, d->parent))
			return true;
		d = inode_place(d->parent, view);
	}
	return false;
}

/* A delta of content or attributes: its path is any live name. */
static bool changes_inode(const struct diff_entry *e)
{
	return !e->old_place && e->kind != DIFF_ADDED;
}

static bool is_wanted(const struct reverter *r, const struct diff_entry *e)
{
	const struct dentry *d;

	if (changes_inode(e)) {
		if (revert_has(&r->as_base, e->inode) ||
		    revert_has(&r->named, e->inode))
			return true;
		for (d = e->inode->places; d; d = d->place_next)
			if ((d->flags & D_LIVE) && is_below(r, d, D_LIVE))
				return true;
		return false;
	}
	return (e->place && is_below(r, e->place, D_LIVE)) ||
	       (e->old_place && is_below(r, e->old_place, D_BASE));
}

static int choose(struct reverter *r, const struct diff_entry *e)
{
	const struct inode *inode =
		e->old_place ? e->old_place->inode : e->inode;
	int err = 0;

	if (e->kind != DIFF_ADDED)
		err = ptrmap_put(&r->as_base, ptrmap_key(inode), 1);
	/* What was done in a folder that was moved goes with the move. */
	if (!err && e->kind == DIFF_MOVED && S_ISDIR(inode->mode))
		err = ptrmap_put(&r->named, ptrmap_key(inode), 1);
	if (!err && e->place)
		err = ptrmap_put(&r->fates, ptrmap_key(e->place), LEAVES);
	if (!err && e->old_place)
		err = ptrmap_put(&r->fates, ptrmap_key(e->old_place), ENTERS);
	return err ? revert_no_memory(r) : 0;
}

int revert_choose(struct reverter *r)
{
	bool more = true;
	int err = 0;

	r->chosen = calloc(r->n + 1, sizeof *r->chosen);
	if (!r->chosen)
		return revert_no_memory(r);
	/* What is chosen may make others so: until nothing is added. */
	while (more && !err) {
		more = false;
		for (uint32_t i = 0; !err && i < r->n; i++) {
			if (r->chosen[i] || !is_wanted(r, &r->v[i]))
				continue;
			r->chosen[i] = more = true;
			err = choose(r, &r->v[i]);
		}
	}
	return err;
}
