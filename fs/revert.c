/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deltas are chosen, the tree as it will be is checked, all memory is taken;
 * then the change is made by steps that cannot fail.
 */
#include "fs/revert_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "fs/space.h"
#include "fs/tree_lock.h"

/* ---- whether it can be done ---- */

static enum fate fate_of(const struct reverter *r, const struct dentry *d)
{
	return (enum fate)revert_get(&r->fates, d);
}

/* Where a folder will stand; NULL: nowhere. */
static const struct dentry *place_after(const struct reverter *r,
					const struct inode *dir)
{
	const struct dentry *d;

	for (d = dir->places; d; d = d->place_next)
		if (((d->flags & D_LIVE) && fate_of(r, d) == STAYS) ||
		    fate_of(r, d) == ENTERS)
			return d;
	return NULL;
}

/* Its path, for a message; heap. */
static char *path_of(const struct dentry *d, unsigned view)
{
	char *path = d ? dentry_path(d, view) : NULL;

	return path ? path : strdup(d ? d->name : "its folder");
}

/* Whether @inode will be above itself. */
static bool loops(const struct reverter *r, const struct inode *inode)
{
	const struct dentry *d = place_after(r, inode);
	uint64_t steps = r->t->live_dirs + r->n + 1;

	while (d && d->parent != r->t->root) {
		if (d->parent == inode || !steps--)
			return true;
		d = place_after(r, d->parent);
	}
	return false;
}

static int check_enters(const struct reverter *r, const struct dentry *d)
{
	AUTO_FREE char *path = path_of(d, D_BASE), *other = NULL;
	const struct dentry *taken;

	if (d->parent != r->t->root && !place_after(r, d->parent)) {
		other = path_of(inode_place(d->parent, D_BASE), D_BASE);
		return why_set(r->why, -ENOTDIR,
			       "%s: its folder is removed: revert %s", path,
			       other);
	}
	taken = dentry_find(r->t, d->parent, d->name, D_LIVE);
	if (taken && fate_of(r, taken) == STAYS) {
		other = path_of(taken, D_LIVE);
		return why_set(r->why, -EEXIST,
			       "%s: the name is taken by something else: "
			       "revert, move or remove %s",
			       path, other);
	}
	if (S_ISDIR(d->inode->mode) && loops(r, d->inode))
		return why_set(r->why, -ELOOP,
			       "%s: it would be inside of itself: revert what "
			       "is above it as well",
			       path);
	if (!S_ISDIR(d->inode->mode) && d->inode->nlink >= LINK_MAX_COUNT)
		return why_set(r->why, -EMLINK, "%s: too many links", path);
	return 0;
}

/* A folder that goes is empty then. */
static int check_leaves(const struct reverter *r, const struct dentry *d)
{
	AUTO_FREE char *path = NULL;
	const struct dir *dir = d->inode->dir;

	if (!S_ISDIR(d->inode->mode) || place_after(r, d->inode))
		return 0;
	for (uint32_t i = 0; i < dir->n; i++) {
		const struct dentry *in = dir_slot_dentry(dir->slots[i]);

		if (!in || fate_of(r, in) == LEAVES)
			continue;
		path = path_of(in, D_LIVE);
		return why_set(r->why, -ENOTEMPTY,
			       "%s: its folder would go: revert or move it as "
			       "well",
			       path);
	}
	return 0;
}

static int check(const struct reverter *r)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < r->n; i++) {
		if (!r->chosen[i])
			continue;
		if (r->v[i].old_place)
			err = check_enters(r, r->v[i].old_place);
		if (!err && r->v[i].place)
			err = check_leaves(r, r->v[i].place);
	}
	return err;
}

/* ---- memory for it ---- */

static int prepare_inode(struct reverter *r, struct inode *inode)
{
	const struct inode_base *base =
		inode->delta ? inode->delta->base : NULL;
	struct restored *s;
	int err;

	if (!base || revert_get(&r->as_base, inode) != 1)
		return 0;
	s = array_append(&r->restored, &r->n_restored, sizeof *s);
	if (!s)
		return -ENOMEM;
	*s = (struct restored){.inode = inode};
	err = xattrs_dup(base->xattrs, &s->xattrs);
	if (!err && S_ISREG(inode->mode) && inode->delta->content_touched) {
		s->map = calloc(1, sizeof *s->map);
		err = s->map ? extent_map_copy(&base->map, s->map) : -ENOMEM;
	}
	/* Once only, whatever its number of names. */
	return err ? err : ptrmap_put(&r->as_base, ptrmap_key(inode), 2);
}

static int prepare_parent(struct reverter *r, struct dentry *d, bool enters)
{
	uint64_t n = revert_get(&r->parents, d->parent);

	n = (n ? n : 1) + (enters ? 1 : 0);
	if (inode_will_change(r->t, d->parent) < 0 ||
	    ptrmap_put(&r->parents, ptrmap_key(d->parent), n) < 0)
		return -ENOMEM;
	return enters ? dir_expect(d->parent->dir, (uint32_t)(n - 1)) : 0;
}

static int add_stale_name(struct reverter *r, const struct dentry *d)
{
	struct stale_name *n =
		array_append(&r->stale.names, &r->stale.n_names, sizeof *n);

	if (!n)
		return -ENOMEM;
	*n = (struct stale_name){d->parent->ino, strdup(d->name)};
	return n->name ? 0 : -ENOMEM;
}

static int add_stale_node(struct reverter *r, const struct inode *inode,
			  bool content)
{
	struct stale_node *n =
		array_append(&r->stale.nodes, &r->stale.n_nodes, sizeof *n);

	if (!n)
		return -ENOMEM;
	*n = (struct stale_node){inode->ino, content};
	return 0;
}

static int prepare_place(struct reverter *r, struct dentry *d, bool enters)
{
	int err = dentry_note(r->t, d);

	if (!err && !inode_delta_get(r->t, d->inode))
		err = -ENOMEM;
	if (!err)
		err = prepare_parent(r, d, enters);
	if (!err)
		err = add_stale_name(r, d);
	if (!err)
		err = add_stale_node(r, d->inode, false);
	if (!err)
		err = add_stale_node(r, d->parent, false);
	return err;
}

static int prepare(struct reverter *r)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < r->n; i++) {
		const struct diff_entry *e = &r->v[i];
		struct dentry *const places[] = {e->place, e->old_place};

		for (int j = 0; !err && j < 2; j++) {
			if (!places[j])
				continue;
			err = r->chosen[i]
				      ? prepare_place(r, places[j], j == 1)
				      : ptrmap_put(
						&r->busy,
						ptrmap_key(places[j]->parent),
						1);
		}
		if (!err && r->chosen[i])
			err = prepare_inode(r, e->old_place
						       ? e->old_place->inode
						       : e->inode);
	}
	for (uint32_t i = 0; !err && i < r->n_restored; i++)
		err = add_stale_node(r, r->restored[i].inode,
				     r->restored[i].map != NULL);
	return err ? revert_no_memory(r) : 0;
}

/* Once it is known which inodes are restored. */
static int check_room(const struct reverter *r)
{
	uint64_t more = 0, less = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct diff_entry *e = &r->v[i];

		if (!r->chosen[i])
			continue;
		if (e->old_place)
			more += tree_entry_bytes(r->t, e->old_place->inode,
						 e->old_place->name_len);
		if (!e->place)
			continue;
		less += tree_entry_bytes(r->t, e->inode, e->place->name_len);
		if (!(e->inode->flags & I_BASE) && e->inode->nlink == 1)
			less += e->inode->delta->charged_blocks * DISC_BLOCK;
	}
	for (uint32_t i = 0; i < r->n_restored; i++) {
		const struct restored *s = &r->restored[i];

		less += s->inode->delta->charged_blocks * DISC_BLOCK;
		if (s->xattrs)
			more += s->xattrs->size_bytes *
				((uint64_t)s->inode->nlink + 1);
	}
	if (more > less && !tree_has_room(r->t, 0, more - less))
		return why_set(r->why, -ENOSPC,
			       "the session would not fit the disc any more");
	return 0;
}

/* ---- carrying it out: nothing fails from here on ---- */

static void restore_content(struct tree *t, struct restored *s)
{
	struct inode *inode = s->inode;
	struct extent_map *old = inode->flags & I_PLAIN ? NULL : inode->map;
	struct extent_cursor c = {0};
	const struct extent *e;

	while (old && (e = extent_map_next(old, &c)))
		if (e->source == EXTENT_DATA && t->data)
			stage_data_unref(t->data, e->pos, e->len);
	if (old)
		extent_map_release(old);
	free(old);
	inode->map = s->map;
	s->map = NULL;
	inode->flags &= (uint16_t) ~(I_PLAIN | I_FILTERED);
	if (inode->delta->base->filtered)
		inode->flags |= I_FILTERED;
	inode->size = inode->delta->base->size;
}

static void restore(struct tree *t, struct restored *s)
{
	struct inode *inode = s->inode;

	tree_count(t, inode, -1);
	inode_set_attr(inode, &inode->delta->base->attr);
	free(inode->xattrs);
	inode->xattrs = s->xattrs;
	s->xattrs = NULL;
	if (s->map)
		restore_content(t, s);
	inode->delta->content_touched = false;
	inode->delta->mtime_set = false;
	tree_count(t, inode, 1);
	tree_recharge(t, inode);
	inode_touch(inode, false, true);
	inode_mark_dirty(t, inode);
}

static void enter(struct tree *t, struct dentry *d)
{
	/* Before its first subfolder is counted. */
	if (S_ISDIR(d->inode->mode) && !d->inode->nlink)
		d->inode->nlink = 2;
	dentry_enter(t, d);
	inode_touch(d->inode, false, true);
	inode_mark_dirty(t, d->inode);
}

/* The modification time of a folder is the base's again where no delta is left
 * in it; one that was set is a delta by itself. */
static void settle_parent(const struct reverter *r, struct inode *dir)
{
	const struct inode_base *base = dir->delta->base;

	inode_touch(dir, !base || !dir->delta->mtime_set, true);
	if (base && !dir->delta->mtime_set && !revert_has(&r->busy, dir))
		dir->mtime = stamp(&base->attr.mtime);
	inode_mark_dirty(r->t, dir);
}

static void carry_out(struct reverter *r)
{
	struct tree *t = r->t;

	for (uint32_t i = 0; i < r->n_restored; i++)
		restore(t, &r->restored[i]);
	for (uint32_t i = 0; i < r->n; i++)
		if (r->chosen[i] && r->v[i].place)
			dentry_leave(t, r->v[i].place);
	/* The folders of all, before any entry of theirs. */
	for (uint32_t i = 0; i < r->n; i++)
		if (r->chosen[i] && r->v[i].old_place &&
		    S_ISDIR(r->v[i].old_place->inode->mode) &&
		    !r->v[i].old_place->inode->nlink)
			r->v[i].old_place->inode->nlink = 2;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->chosen[i] && r->v[i].old_place)
			enter(t, r->v[i].old_place);
	for (uint32_t i = 0; i < r->n; i++) {
		struct inode *inode = r->v[i].inode;

		if (!r->chosen[i] || !r->v[i].place)
			continue;
		if (S_ISDIR(inode->mode) && !inode_place(inode, D_LIVE))
			inode->nlink = 0;
		inode_touch(inode, false, true);
		inode_mark_dirty(t, inode);
		t->changed_dead += !(r->v[i].place->flags & D_ANY_VIEW);
	}
	for (uint32_t i = 0; i < r->n; i++) {
		if (!r->chosen[i])
			continue;
		if (r->v[i].place)
			settle_parent(r, r->v[i].place->parent);
		if (r->v[i].old_place)
			settle_parent(r, r->v[i].old_place->parent);
	}
}

/* ---- all of it ---- */

static int revert_locked(struct reverter *r, const char *const *paths, size_t n)
{
	struct tree *t = r->t;
	int err = 0;

	if (t->readonly)
		return why_set(r->why, -EROFS,
			       "mounted read-only, or an unmount is burning");
	if (t->frozen)
		return why_set(r->why, -EBUSY,
			       "a burn is running: what it holds is no change "
			       "any more once it is over");
	for (size_t i = 0; !err && i < n; i++)
		err = revert_name(r, paths[i]);
	if (err)
		return err;
	if (diff_collect_locked(t, &r->v, &r->n) < 0)
		return revert_no_memory(r);
	err = revert_choose(r);
	if (!err)
		err = check(r);
	if (!err)
		err = prepare(r);
	if (!err)
		err = check_room(r);
	if (!err)
		carry_out(r);
	return err;
}

/* The entries that were chosen, for the caller; the others are freed. */
static void take_entries(struct reverter *r, struct revert *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		struct diff_entry *e = &r->v[i];

		e->place = e->old_place = NULL;
		e->inode = NULL;
		if (r->chosen[i]) {
			r->v[n++] = *e;
		} else {
			free(e->path);
			free(e->old_path);
		}
	}
	diff_sort(r->v, n);
	*ret = (struct revert){.entries = r->v, .n = n, .stale = r->stale};
	r->v = NULL;
	r->n = 0;
	r->stale = (struct stale){0};
}

static void stale_release(struct stale *s)
{
	for (uint32_t i = 0; i < s->n_names; i++)
		free(s->names[i].name);
	free(s->names);
	free(s->nodes);
	*s = (struct stale){0};
}

int revert_paths(struct tree *t, const char *const *paths, size_t n,
		 struct revert *ret, struct why *why)
{
	struct reverter r = {.t = t, .why = why};
	int err;

	*ret = (struct revert){0};
	{
		WRITE_LOCK(t);
		err = revert_locked(&r, paths, n);
		if (!err)
			tree_sweep(t);
	}
	if (!err)
		take_entries(&r, ret);
	for (uint32_t i = 0; i < r.n_restored; i++) {
		free(r.restored[i].xattrs);
		if (r.restored[i].map)
			extent_map_release(r.restored[i].map);
		free(r.restored[i].map);
	}
	free(r.restored);
	free(r.chosen);
	ptrmap_release(&r.named);
	ptrmap_release(&r.as_base);
	ptrmap_release(&r.fates);
	ptrmap_release(&r.parents);
	ptrmap_release(&r.busy);
	stale_release(&r.stale);
	diff_free(r.v, r.n);
	return err;
}

void revert_release(struct revert *r)
{
	diff_free(r->entries, r->n);
	stale_release(&r->stale);
	*r = (struct revert){0};
}
