/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deltas are chosen, the tree as it will be is checked, all memory is taken;
 * then the change is made by steps that cannot fail.
 */
#include "fs/revert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/cleanup.h"
#include "common/ptrmap.h"
#include "fs/space.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

/* An inode that becomes what the base says of it. */
struct restored {
	struct inode *inode;
	struct xattrs *xattrs;
	struct extent_map *map; /* NULL: the content is the base's */
};

enum fate { STAYS, LEAVES, ENTERS };

struct reverter {
	struct tree *t;
	struct why *why;
	struct diff_entry *v; /* all deltas */
	uint32_t n;
	bool *chosen;
	struct ptrmap named;   /* places, and folders in which all deltas go */
	struct ptrmap as_base; /* inodes that are restored */
	struct ptrmap fates;   /* places: enum fate */
	struct ptrmap parents; /* folders: how many entries come, plus one */
	struct ptrmap busy;    /* folders with deltas that stay */
	struct restored *restored;
	uint32_t n_restored;
	struct stale stale;
};

static int out_of_memory(struct reverter *r)
{
	return why_set(r->why, -ENOMEM, "out of memory");
}

static bool has(const struct ptrmap *m, const void *p)
{
	uint64_t ignored;

	return ptrmap_get(m, ptrmap_key(p), &ignored);
}

static uint64_t get(const struct ptrmap *m, const void *p)
{
	uint64_t value = 0;

	ptrmap_get(m, ptrmap_key(p), &value);
	return value;
}

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
	return err ? out_of_memory(r) : 0;
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
			       ? out_of_memory(r)
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

static int name_path(struct reverter *r, const char *path)
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
		if (has(&r->named, d) || has(&r->named, d->inode) ||
		    has(&r->named, d->parent))
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
		if (has(&r->as_base, e->inode) || has(&r->named, e->inode))
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
	return err ? out_of_memory(r) : 0;
}

static int choose_all(struct reverter *r)
{
	bool more = true;
	int err = 0;

	r->chosen = calloc(r->n + 1, sizeof *r->chosen);
	if (!r->chosen)
		return out_of_memory(r);
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

/* ---- whether it can be done ---- */

static enum fate fate_of(const struct reverter *r, const struct dentry *d)
{
	return (enum fate)get(&r->fates, d);
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

	if (!base || get(&r->as_base, inode) != 1)
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
	uint64_t n = get(&r->parents, d->parent);

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
	return err ? out_of_memory(r) : 0;
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

	for (uint32_t i = 0; old && i < old->n; i++) {
		const struct extent *e = &extent_map_array(old)[i];

		if (e->source == EXTENT_DATA && t->data)
			stage_data_unref(t->data, e->pos, e->len);
	}
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
	if (base && !dir->delta->mtime_set && !has(&r->busy, dir))
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
		err = name_path(r, paths[i]);
	if (err)
		return err;
	if (diff_collect_locked(t, &r->v, &r->n) < 0)
		return out_of_memory(r);
	err = choose_all(r);
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
