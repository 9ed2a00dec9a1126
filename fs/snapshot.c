/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/array.h"
#include "fs/snapshot_internal.h"
#include "fs/tree_lock.h"

/* ---- the skeleton of the new tree ---- */

static int add_node(struct snapshot *s, const struct dentry *d, uint32_t parent,
		    uint32_t *ret)
{
	struct session_node *n =
		array_append(&s->nodes, &s->n_nodes, sizeof *n);
	int err;

	if (!n)
		return -ENOMEM;
	*n = (struct session_node){
		.parent = parent,
		.base_id = SESSION_NEW,
		.link_base = SESSION_NEW,
		.name = arena_strdup(&s->arena, d ? d->name : ""),
	};
	if (!n->name)
		return -ENOMEM;
	*ret = s->n_nodes - 1;
	if (!d) {
		n->base_id = IMPORT_ROOT;
		n->base_name = n->name;
		return 0;
	}
	err = ptrmap_put(&s->index, ptrmap_key(d), *ret);
	if (!err && (d->flags & D_BASE)) {
		n->base_id = d->base_id;
		n->base_name = n->name;
	} else {
		n->flags |= SESSION_PLACE;
	}
	return err;
}

/*
 * The index of a live place; the folders above it are added first.  Goes up to
 * the first one that is there and down again, without recursion: trees can be
 * deep.
 */
static int place_index(struct snapshot *s, const struct dentry *d,
		       uint32_t *ret)
{
	uint64_t parent = 0;
	int err = 0;

	if (ptrmap_get(&s->index, ptrmap_key(d), &parent)) {
		*ret = (uint32_t)parent;
		return 0;
	}
	while (!ptrmap_get(&s->index, ptrmap_key(d), &parent)) {
		const struct dentry *top = d, *up;

		parent = 0;
		while (top->parent != s->t->root) {
			up = inode_place(top->parent, D_LIVE);
			assert(up);
			if (ptrmap_get(&s->index, ptrmap_key(up), &parent))
				break;
			top = up;
		}
		err = add_node(s, top, (uint32_t)parent, ret);
		if (err)
			return err;
	}
	*ret = (uint32_t)parent;
	return 0;
}

/*
 * A place of the base that @inode has left and no new place begins at yet.  An
 * inode can have 65,000 places: the search goes on where it ended before.
 */
static struct dentry *unclaimed(const struct snapshot *s,
				const struct inode *inode,
				struct frozen_inode *f)
{
	struct dentry *d = f ? f->search : inode->places;
	uint64_t ignored;

	if (!(inode->flags & I_BASE))
		return NULL;
	while (d && ((d->flags & (D_BASE | D_LIVE)) != D_BASE ||
		     ptrmap_get(&s->claimed, ptrmap_key(d), &ignored)))
		d = d->place_next;
	if (f)
		f->search = d;
	return d;
}

/* Some place of the base. */
static struct dentry *base_place(const struct inode *inode,
				 struct frozen_inode *f)
{
	struct dentry *d =
		f && f->base_place ? f->base_place : inode_place(inode, D_BASE);

	if (f)
		f->base_place = d;
	return d;
}

static int describe(struct session_node *n, const struct frozen_inode *f,
		    struct snapshot *s)
{
	n->attr = f->attr;
	n->xattrs = f->xattrs;
	if (S_ISLNK(f->attr.mode)) {
		n->target = arena_strdup(&s->arena, f->inode->target);
		if (!n->target)
			return -ENOMEM;
	}
	return 0;
}

/* Where a place that the base does not have comes from. */
static int set_origin(struct snapshot *s, uint32_t index,
		      const struct dentry *d)
{
	struct session_node *n = &s->nodes[index];
	struct frozen_inode *f =
		d->inode->delta ? d->inode->delta->frozen : NULL;
	struct dentry *from = unclaimed(s, d->inode, f);

	if (from) {
		n->base_id = from->base_id;
		n->base_name = arena_strdup(&s->arena, from->name);
		if (!n->base_name)
			return -ENOMEM;
		return ptrmap_put(&s->claimed, ptrmap_key(from), 1);
	}
	/* Only content is worth sharing: a new link of another kind of node is
	 * one more node. */
	if ((d->inode->flags & I_BASE) && S_ISREG(d->inode->mode)) {
		from = base_place(d->inode, f);
		assert(from);
		n->link_base = from->base_id;
	}
	return 0;
}

/* The node of one live place of an inode that is new, changed, or moved. */
static int add_place(struct snapshot *s, const struct dentry *d,
		     unsigned changes)
{
	const struct inode *inode = d->inode;
	const struct frozen_inode *f =
		inode->delta ? inode->delta->frozen : NULL;
	struct session_node *n;
	uint64_t seen;
	uint32_t index;
	int err = 0;

	if (inode->nlink > 1 && !S_ISDIR(inode->mode) &&
	    ptrmap_get(&s->index, ptrmap_key(d), &seen) &&
	    s->nodes[seen].link_id)
		return 0;
	err = place_index(s, d, &index);
	if (err)
		return err;
	n = &s->nodes[index];
	if ((n->flags & SESSION_PLACE) && n->base_id == SESSION_NEW &&
	    n->link_base == SESSION_NEW)
		err = set_origin(s, index, d);
	if (err)
		return err;
	if (inode->nlink > 1 && !S_ISDIR(inode->mode))
		n->link_id = inode->ino;
	if (!f)
		return 0;
	if (changes || n->base_id == SESSION_NEW) {
		err = describe(n, f, s);
		n->flags |= SESSION_ATTR;
	}
	if (f->content) {
		n->flags |= SESSION_CONTENT;
		n->size = f->size;
		n->content = inode->delta->frozen;
		n->link_base = SESSION_NEW;
	}
	return err;
}

/* ---- freezing ---- */

void frozen_inode_free(struct frozen_inode *f)
{
	if (!f)
		return;
	free(f->xattrs);
	free(f->base);
	extent_map_release(&f->map);
	free(f);
}

static int freeze_inode(struct snapshot *s, struct inode *inode,
			unsigned changes)
{
	struct frozen_inode **slot, *f = calloc(1, sizeof *f);
	struct extent_map tmp;

	if (!f)
		return -ENOMEM;
	f->inode = inode;
	f->size = inode->size;
	f->search = inode->places;
	inode_get_attr(inode, &f->attr);
	f->content = S_ISREG(inode->mode) &&
		     (!(inode->flags & I_BASE) || (changes & CHANGE_CONTENT));
	slot = array_append(&s->frozen, &s->n_frozen, sizeof(*slot));
	if (!slot)
		goto fail;
	*slot = f;
	inode->delta->frozen = f;
	if (xattrs_dup(inode->xattrs, &f->xattrs) < 0)
		return -ENOMEM;
	if (f->content && extent_map_copy(inode_map(inode, &tmp), &f->map) < 0)
		return -ENOMEM;
	return 0;
fail:
	free(f);
	return -ENOMEM;
}

static int freeze_inodes(struct snapshot *s)
{
	struct tree *t = s->t;
	struct list *l;
	int err = 0;

	for (l = t->deltas.next; !err && l != &t->deltas; l = l->next) {
		struct inode *inode =
			list_entry(l, struct inode_delta, link)->inode;
		unsigned changes = inode_changes(inode);
		const struct dentry *d;
		bool linked = false;

		if (!inode->nlink)
			continue;
		/* Names are links of one inode only if all of them are told
		 * with the same attributes, ctime included. */
		for (d = inode->places; d; d = d->place_next)
			linked |= (d->flags & (D_LIVE | D_BASE)) == D_LIVE;
		if ((inode->flags & I_BASE) && !changes && !linked)
			continue;
		err = freeze_inode(s, inode, changes);
		if (changes & (CHANGE_ATTR | CHANGE_CONTENT))
			s->deltas++; /* new places count for themselves */
		if (linked)
			changes |= CHANGE_ATTR;
		for (d = inode->places; !err && d; d = d->place_next)
			if (d->flags & D_LIVE)
				err = add_place(s, d, changes);
	}
	return err;
}

static int add_removed(struct snapshot *s, const struct dentry *d)
{
	uint32_t *id = array_append(&s->removed, &s->n_removed, sizeof *id);
	const char **name = array_append(&s->removed_names, &s->n_removed_names,
					 sizeof *name);

	if (!id || !name)
		return -ENOMEM;
	*id = d->base_id;
	*name = arena_strdup(&s->arena, d->name);
	return *name ? 0 : -ENOMEM;
}

static int freeze_places(struct snapshot *s)
{
	struct tree *t = s->t;
	uint64_t claimed;
	int err = 0;

	s->places = t->base_places;
	for (size_t i = 0; !err && i < t->changed.n; i++) {
		struct dentry *d = t->changed.v[i];

		if (!dentry_is_delta(d))
			continue;
		s->deltas++;
		if (d->flags & D_LIVE) {
			err = add_place(s, d, 0);
			s->places++;
		} else {
			s->places--;
		}
	}
	for (size_t i = 0; !err && i < t->changed.n; i++) {
		struct dentry *d = t->changed.v[i];

		if (!dentry_is_delta(d))
			continue;
		d->flags |= d->flags & D_LIVE ? D_FROZEN_ADD : D_FROZEN_GONE;
		if (!(d->flags & D_LIVE) &&
		    !ptrmap_get(&s->claimed, ptrmap_key(d), &claimed))
			err = add_removed(s, d);
	}
	return err;
}

/* The root is always told: of a blank disc nobody else knows its attributes. */
static int describe_root(struct snapshot *s)
{
	const struct inode *root = s->t->root;
	struct session_node *n = &s->nodes[0];

	inode_get_attr(root, &n->attr);
	n->flags |= SESSION_ATTR;
	if (!root->xattrs)
		return 0;
	n->xattrs = arena_copy(&s->arena, root->xattrs,
			       sizeof *root->xattrs + root->xattrs->size_bytes);
	return n->xattrs ? 0 : -ENOMEM;
}

static bool has_links(struct tree *t)
{
	for (uint32_t i = 1; i < t->n_inodes; i++) {
		const struct inode *inode = tree_inode(t, i);

		if (inode && inode->nlink > 1 && !S_ISDIR(inode->mode))
			return true;
	}
	return false;
}

/* Tree lock held, in the same hold as the cut of the flush. */
static int take_locked(struct tree *t, void *arg)
{
	struct snapshot *s = arg;
	uint32_t root;
	int err;

	assert(!t->frozen);
	t->frozen = true;
	if (t->data)
		stage_data_freeze(t->data);
	s->flushes = t->flushes;
	s->no_links = !has_links(t);
	err = add_node(s, NULL, 0, &root);
	if (!err)
		err = describe_root(s);
	if (!err)
		err = freeze_inodes(s);
	if (!err)
		err = freeze_places(s);
	ptrmap_release(&s->index);
	ptrmap_release(&s->claimed);
	s->taken = !err;
	return err;
}

static struct snapshot *new_snapshot(struct tree *t, struct disc *disc)
{
	struct snapshot *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->t = t;
	s->disc = disc;
	s->spool_fd = -1;
	return s;
}

int snapshot_take(struct tree *t, struct stage *st, struct disc *disc,
		  struct snapshot **ret, int *ret_unflushed, struct why *why)
{
	struct snapshot *s = new_snapshot(t, disc);
	int err, failed = 0;

	if (!s)
		return why_set(why, -ENOMEM, "out of memory");
	err = record_flush_with(t, st, take_locked, s, why);
	/* Bytes that the data file may have lost are not burned. */
	if (err && ret_unflushed && s->taken &&
	    (err == -ENOSPC || stage_is_lost(st)) &&
	    !stage_data_sync(stage_data(st))) {
		s->unflushed = true;
		failed = err;
		err = 0;
	}
	if (err) {
		snapshot_free(s);
		return err;
	}
	if (ret_unflushed)
		*ret_unflushed = failed;
	stage_data_drain(t->data);
	*ret = s;
	return 0;
}

int snapshot_look(struct tree *t, struct disc *disc, struct snapshot **ret,
		  struct why *why)
{
	struct snapshot *s = new_snapshot(t, disc);
	int err;

	if (!s)
		return why_set(why, -ENOMEM, "out of memory");
	{
		WRITE_LOCK(t);
		err = take_locked(t, s);
	}
	if (err) {
		snapshot_free(s);
		return why_set(why, err, "out of memory");
	}
	if (t->data)
		stage_data_drain(t->data);
	*ret = s;
	return 0;
}

uint64_t snapshot_deltas(const struct snapshot *s)
{
	return s->deltas;
}

bool snapshot_exact(const struct snapshot *s)
{
	READ_LOCK(s->t);
	/* A flush that failed left the rows as they were. */
	return s->unflushed ? s->t->rows_unknown : s->flushes == s->t->flushes;
}

/* session_plan.read: bytes of a frozen file. */
static int read_frozen(void *arg, void *content, void *buf, size_t len,
		       uint64_t off)
{
	struct snapshot *s = arg;
	const struct frozen_inode *f = content;
	unsigned char *p = buf;
	int err = 0;

	while (!err && len) {
		struct extent e;

		extent_map_at(&f->map, off, len, &e);
		if (e.source == EXTENT_HOLE)
			memset(p, 0, e.len);
		else if (e.source == EXTENT_DISC && s->spool_fd >= 0)
			err = snapshot_read_spool(s, f, p, e.len, off);
		else if (e.source == EXTENT_DISC)
			err = disc_read(s->disc, p, e.len, e.pos);
		else
			err = stage_data_read(s->t->data, p, e.len, e.pos);
		p += e.len;
		off += e.len;
		len -= e.len;
	}
	return err;
}

void snapshot_plan(struct snapshot *s, struct session_plan *plan)
{
	plan->nodes = s->nodes;
	plan->n_nodes = s->n_nodes;
	plan->removed = s->removed;
	plan->removed_names = s->removed_names;
	plan->n_removed = s->n_removed;
	plan->no_links = s->no_links;
	plan->read = read_frozen;
	plan->arg = s;
}

/* Drop the frozen view; after a rebase there is nothing left of it. */
static void thaw(struct snapshot *s)
{
	struct tree *t = s->t;

	WRITE_LOCK(t);
	if (!t->frozen || s->switched)
		return;
	for (uint32_t i = 0; i < s->n_frozen; i++) {
		struct frozen_inode *f = s->frozen[i];

		f->inode->delta->frozen = NULL;
		inode_put(t, f->inode);
	}
	for (size_t i = 0; i < t->changed.n; i++)
		t->changed.v[i]->flags &=
			(uint8_t) ~(D_FROZEN_ADD | D_FROZEN_GONE);
	tree_sweep_all(t);
	t->frozen = false;
	if (t->data)
		stage_data_thaw(t->data);
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	thaw(s);
	snapshot_drop_import(s);
	for (uint32_t i = 0; i < s->n_frozen; i++)
		frozen_inode_free(s->frozen[i]);
	if (s->spool_fd >= 0)
		close(s->spool_fd);
	arena_release(&s->arena);
	ptrmap_release(&s->index);
	ptrmap_release(&s->claimed);
	free(s->nodes);
	free(s->removed);
	free(s->removed_names);
	free(s->frozen);
	free(s);
}
