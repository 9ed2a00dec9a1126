/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading a stage's rows onto the base.  Rows come from a file: whatever they
 * say must end in a tree or in an error.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/ptrmap.h"
#include "fs/record.h"
#include "fs/stage_loan.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

struct loader {
	struct tree *t;
	struct ptrmap by_id; /* row id -> inode */
	struct inode **nodes; /* all of them */
	size_t n_nodes, room_nodes;
	struct why *why;
};

static int bad(struct loader *l, const char *what, const char *path)
{
	return why_set(l->why, -EBADMSG,
		       "the stage does not fit the disc: %s \"%s\"", what, path);
}

/* A place of the base by path ("a/b/c"), with all places still as imported. */
static struct dentry *base_place(struct tree *t, const char *path)
{
	struct inode *dir = t->root;
	struct dentry *d = NULL;

	while (*path) {
		size_t len = strcspn(path, "/");
		char name[TREE_NAME_MAX + 1];

		if (!len || len > TREE_NAME_MAX || !S_ISDIR(dir->mode))
			return NULL;
		memcpy(name, path, len);
		name[len] = 0;
		d = dentry_find(t, dir, name, D_BASE);
		if (!d)
			return NULL;
		dir = d->inode;
		path += len;
		path += *path == '/';
	}
	return d;
}

static int remember(struct loader *l, const struct stage_node *n,
		    struct inode *inode)
{
	struct inode_delta *delta = inode_delta_get(l->t, inode);

	if (l->n_nodes == l->room_nodes) {
		size_t room = l->room_nodes ? l->room_nodes * 2 : 64;
		struct inode **v = realloc(l->nodes, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		l->nodes = v;
		l->room_nodes = room;
	}
	if (!delta)
		return -ENOMEM;
	if (delta->stage_id)
		return bad(l, "two rows for", n->base_path ? n->base_path : "?");
	delta->stage_id = n->id;
	delta->in_stage = true;
	l->nodes[l->n_nodes++] = inode;
	return ptrmap_put(&l->by_id, n->id, ptrmap_key(inode));
}

static int load_content(struct loader *l, struct inode *inode,
			const struct stage_node *n)
{
	struct extent_list dropped = {0};
	struct extent_map *map;
	int err = inode_own_map(inode, &map);

	if (err)
		return err;
	err = extent_map_cut(map, 0, &dropped);
	extent_list_release(&dropped);
	for (uint32_t i = 0; !err && i < n->n_extents; i++) {
		struct extent e = n->extents[i];

		e.gen = 0;
		e.shared = false;
		if (e.source == EXTENT_DATA)
			err = stage_data_claim(l->t->data, e.pos, e.len);
		if (err)
			return bad(l, "bytes that are not in the data file for",
				   n->base_path ? n->base_path : "a new file");
		err = extent_map_put(map, &e, &dropped);
		extent_list_release(&dropped);
	}
	inode->size = n->size;
	inode->delta->content_touched = true;
	inode->flags &= ~(uint32_t)I_FILTERED;
	return err;
}

static int load_attr(struct inode *inode, const struct stage_node *n)
{
	struct xattrs *xattrs;
	int err = xattrs_dup(n->xattrs, &xattrs);

	if (err)
		return err;
	free(inode->xattrs);
	inode->xattrs = xattrs;
	inode_set_attr(inode, &n->attr);
	return 0;
}

static int load_new(struct loader *l, const struct stage_node *n)
{
	struct inode *inode = inode_new(l->t, &n->attr);
	int err;

	if (!inode)
		return -ENOMEM;
	/* Until a link row gives it a place. */
	inode->lookups = 1;
	err = remember(l, n, inode);
	if (!err)
		err = load_attr(inode, n);
	if (err)
		return err;
	if (S_ISLNK(inode->mode)) {
		inode->target = strdup(n->target ? n->target : "");
		if (!inode->target)
			return -ENOMEM;
		inode->size = strlen(inode->target);
	} else if (S_ISREG(inode->mode)) {
		return load_content(l, inode, n);
	}
	return 0;
}

static int load_changed(struct loader *l, const struct stage_node *n)
{
	struct inode *inode = l->t->root;
	int err;

	if (*n->base_path) {
		struct dentry *d = base_place(l->t, n->base_path);

		if (!d)
			return bad(l, "nothing there at", n->base_path);
		inode = d->inode;
	}
	inode->lookups++;
	err = remember(l, n, inode);
	if (err || !n->flags)
		return err;
	if ((n->attr.mode ^ inode->mode) & S_IFMT)
		return bad(l, "another kind of file at", n->base_path);
	err = inode_will_change(l->t, inode);
	list_remove(&inode->delta->dirty);
	tree_count(l->t, inode, -1);
	if (!err && (n->flags & STAGE_ATTR)) {
		err = load_attr(inode, n);
		inode->delta->mtime_set = true;
	} else if (!err && (n->flags & STAGE_TOUCHED)) {
		inode->mtime = stamp(&n->attr.mtime);
		inode->ctime = stamp(&n->attr.ctime);
	}
	if (!err && (n->flags & STAGE_CONTENT)) {
		if (!S_ISREG(inode->mode))
			err = bad(l, "content for a folder at", n->base_path);
		else
			err = load_content(l, inode, n);
	}
	tree_count(l->t, inode, 1);
	return err;
}

static int load_node(void *arg, const struct stage_node *n)
{
	struct loader *l = arg;

	return n->base_path ? load_changed(l, n) : load_new(l, n);
}

static int load_gone(void *arg, const char *path)
{
	struct loader *l = arg;
	struct dentry *d = base_place(l->t, path);

	if (!d || !(d->flags & D_LIVE))
		return bad(l, "nothing to remove at", path);
	if (dentry_note(l->t, d) < 0)
		return -ENOMEM;
	dentry_leave(l->t, d);
	d->flags |= D_ROW_GONE;
	return 0;
}

static int load_link(void *arg, const struct stage_link *link)
{
	struct loader *l = arg;
	uint64_t parent_key, node_key;
	struct inode *parent, *inode;
	struct dentry *d;

	if (!ptrmap_get(&l->by_id, link->parent, &parent_key) ||
	    !ptrmap_get(&l->by_id, link->node, &node_key))
		return bad(l, "no row for the node at", link->name);
	parent = (struct inode *)(uintptr_t)parent_key;
	inode = (struct inode *)(uintptr_t)node_key;
	if (!S_ISDIR(parent->mode) || inode == l->t->root ||
	    (S_ISDIR(inode->mode) && inode_place(inode, D_LIVE)) ||
	    dentry_find(l->t, parent, link->name, D_LIVE))
		return bad(l, "two places, or none, for", link->name);
	d = dentry_prepare(l->t, parent, link->name, inode);
	if (!d)
		return -ENOMEM;
	/* The same file at its old place again is no row of ours. */
	if (d->flags & (D_LIVE | D_BASE))
		return bad(l, "a new place that is an old one:", link->name);
	dentry_enter(l->t, d);
	d->flags |= D_ROW_LINK;
	return 0;
}

/* Every live place must lead to the root: loops and removed folders are refused. */
static int check_reachable(struct loader *l)
{
	struct tree *t = l->t;

	for (size_t i = 0; i < t->changed.n; i++) {
		const struct dentry *d = t->changed.v[i];
		uint32_t steps = 0;

		if (!(d->flags & D_LIVE))
			continue;
		while (d && d->parent != t->root && steps++ < t->n_inodes)
			d = inode_place(d->parent, D_LIVE);
		if (!d || d->parent != t->root)
			return bad(l, "a place that is in no folder:",
				   t->changed.v[i]->name);
	}
	return 0;
}

/* Whether @e overlaps one of the ranges, which are sorted and apart. */
static bool overlaps(const struct extent *e, const struct data_range *v,
		     uint32_t n)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v[mid].pos + v[mid].len <= e->pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo].pos < e->pos + e->len;
}

/* Extents that share bytes with another file's are not written in place. */
static int mark_shared(struct tree *t, const struct data_range *ranges,
		       uint32_t n)
{
	struct list *l;

	for (l = t->deltas.next; n && l != &t->deltas; l = l->next) {
		struct inode *inode =
			list_entry(l, struct inode_delta, link)->inode;
		struct extent e;
		uint64_t off;

		if (!S_ISREG(inode->mode) || (inode->flags & I_PLAIN) ||
		    !inode->map)
			continue;
		for (off = 0; off < inode->size; off += e.len) {
			extent_map_at(inode->map, off, inode->size - off, &e);
			if (e.source == EXTENT_DATA && !e.shared &&
			    overlaps(&e, ranges, n) &&
			    extent_map_share(inode->map, e.off, e.len) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/*
 * A folder that stands nowhere any more has no links.  Not known before all
 * places are: one that moved keeps those that its subfolders give it.
 */
static void unlink_folders(struct tree *t)
{
	for (size_t i = 0; i < t->changed.n; i++) {
		struct inode *inode = t->changed.v[i]->inode;

		if (S_ISDIR(inode->mode) && !inode_place(inode, D_LIVE))
			inode->nlink = 0;
	}
}

/* Ends of loading: shared ranges, charges, nodes that stand nowhere. */
static int settle(struct loader *l)
{
	struct tree *t = l->t;
	AUTO_FREE struct data_range *shared = NULL;
	uint32_t n_shared;
	int err = stage_data_claimed(t->data, &shared, &n_shared);

	if (!err)
		err = mark_shared(t, shared, n_shared);
	unlink_folders(t);
	for (size_t i = 0; i < t->dirty.n; i++)
		t->dirty.v[i]->flags &= (uint8_t)~D_DIRTY;
	t->dirty.n = 0;
	return err;
}

static void release_nodes(struct loader *l)
{
	for (size_t i = 0; i < l->n_nodes; i++) {
		struct inode *inode = l->nodes[i];

		tree_recharge(l->t, inode);
		inode->lookups--;
		inode_put(l->t, inode);
	}
	free(l->nodes);
	ptrmap_release(&l->by_id);
}

int record_load(struct tree *t, struct stage *st, struct why *why)
{
	struct loader l = {.t = t, .why = why};
	struct stage_reader reader = {.node = load_node,
				      .gone = load_gone,
				      .link = load_link,
				      .arg = &l};
	int err;

	WRITE_LOCK(t);
	t->next_stage_id = stage_next_id(st);
	err = stage_load(st, &reader, why);
	if (!err)
		err = check_reachable(&l);
	/* What another stage's rows name in the same file is in use too. */
	if (!err)
		err = stage_loan_claim(st, why);
	if (!err)
		err = settle(&l);
	/* References were not all counted: none may be given back. */
	if (err)
		t->data = NULL;
	release_nodes(&l);
	if (err == -ENOMEM)
		why_set(why, err, "out of memory");
	return err;
}
