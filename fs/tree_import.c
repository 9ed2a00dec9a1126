/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The base into an empty tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/heap.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

struct importer {
	struct tree *t;
	const struct tree_present *present;
	struct inode **by_id;
	uint32_t n, room;
	struct ptrmap links; /* link_id -> inode */
};

/* uid=, gid=, mode=, dmode=, umask= as mount(8) has them for iso9660 and udf. */
static void present_attr(const struct tree_present *p, struct attr *attr)
{
	int64_t mode = S_ISDIR(attr->mode) ? p->dmode : p->mode;

	if (p->uid >= 0)
		attr->uid = (uid_t)p->uid;
	if (p->gid >= 0)
		attr->gid = (gid_t)p->gid;
	if (mode >= 0 && !S_ISLNK(attr->mode))
		attr->mode = (attr->mode & S_IFMT) | ((mode_t)mode & 07777);
	if (p->umask >= 0 && !S_ISLNK(attr->mode))
		attr->mode &= ~((mode_t)p->umask & 0777);
}

static int set_content(struct inode *inode, const struct import_node *node)
{
	struct extent_list none = {0};
	struct extent_map *map;
	uint64_t off = 0;
	int err;

	inode->size = node->size;
	if (node->n_runs <= 1) {
		inode->flags |= I_PLAIN;
		inode->lba = node->n_runs ? node->runs[0].lba : 0;
		return 0;
	}
	err = inode_own_map(inode, &map);
	for (unsigned i = 0; !err && i < node->n_runs; i++) {
		struct extent e = {
			.off = off,
			.len = node->runs[i].len_bytes,
			.pos = node->runs[i].lba * DISC_BLOCK,
			.source = EXTENT_DISC,
		};

		off += e.len;
		if (e.len)
			err = extent_map_put(map, &e, &none);
	}
	return err;
}

static int new_inode(struct importer *im, const struct import_node *node,
		     struct inode **ret)
{
	struct attr attr = node->attr;
	struct inode *inode;
	int err = 0;

	present_attr(im->present, &attr);
	inode = inode_new(im->t, &attr);
	if (!inode)
		return -ENOMEM;
	inode->flags |= I_BASE | (node->boot_catalog ? I_BOOTCAT : 0u) |
			(node->filtered ? I_FILTERED : 0u);
	if (S_ISREG(attr.mode)) {
		err = set_content(inode, node);
	} else if (S_ISLNK(attr.mode)) {
		inode->target = strdup(node->target ? node->target : "");
		if (!inode->target)
			return -ENOMEM;
		inode->size = strlen(inode->target);
	}
	if (!err)
		err = xattrs_dup(node->xattrs, &inode->xattrs);
	*ret = inode;
	return err;
}

static int visit_root(struct importer *im, const struct import_node *node)
{
	struct inode *root = im->t->root;
	struct attr attr = node->attr;
	int err;

	err = tree_expect(im->t, node->count);
	if (err)
		return err;
	im->by_id = calloc(node->count, sizeof(struct inode *));
	if (!im->by_id)
		return -ENOMEM;
	im->room = node->count;

	attr.mode = (attr.mode & 07777) | S_IFDIR;
	present_attr(im->present, &attr);
	inode_set_attr(root, &attr);
	free(root->xattrs);
	if (xattrs_dup(node->xattrs, &root->xattrs) < 0)
		return -ENOMEM;
	im->by_id[im->n++] = root;
	return 0;
}

static int visit(void *arg, const struct import_node *node)
{
	struct importer *im = arg;
	struct inode *parent, *inode = NULL;
	struct dentry *d;
	uint64_t known;
	int err = 0;

	if (node->id == IMPORT_ROOT)
		return visit_root(im, node);
	if (node->id != im->n || node->parent_id >= im->n || im->n == im->room)
		return -EIO;
	parent = im->by_id[node->parent_id];
	if (!S_ISDIR(parent->mode) || !*node->name ||
	    strlen(node->name) > TREE_NAME_MAX)
		return -EIO;
	if (node->link_id && ptrmap_get(&im->links, node->link_id, &known))
		inode = (struct inode *)(uintptr_t)known;
	/* Hard links of one file agree about its kind and size. */
	if (inode && (((inode->mode ^ node->attr.mode) & S_IFMT) ||
		      S_ISDIR(inode->mode) ||
		      (S_ISREG(inode->mode) && inode->size != node->size)))
		inode = NULL;
	if (!inode) {
		err = new_inode(im, node, &inode);
		if (!err && node->link_id)
			err = ptrmap_put(&im->links, node->link_id,
					 ptrmap_key(inode));
	}
	if (err)
		return err;
	im->by_id[im->n++] = inode;
	d = dentry_new(im->t, parent, node->name, inode);
	if (!d || dir_reserve(parent->dir) < 0)
		return -ENOMEM;
	d->flags |= D_BASE;
	d->base_id = node->id;
	im->t->base_places++;
	dentry_enter(im->t, d);
	return 0;
}

/* Folders were given what the reading order needed: no more than they hold. */
static void trim(struct tree *t)
{
	for (uint32_t i = 1; i < t->n_inodes; i++) {
		struct inode *inode = tree_inode(t, i);
		union dir_slot *v;
		struct dir *dir;

		if (!inode || !S_ISDIR(inode->mode))
			continue;
		dir = inode->dir;
		if (!dir->n || dir->n == dir->room)
			continue;
		v = realloc(dir->slots, dir->n * sizeof *v);
		if (v) {
			dir->slots = v;
			dir->room = dir->n;
		}
	}
}

int tree_import(struct tree *t, struct disc *disc,
		const struct import_opts *opts,
		const struct tree_present *present, struct import_info *ret,
		struct why *why)
{
	struct importer im = {.t = t, .present = present};
	int err;

	WRITE_LOCK(t);
	err = import_session(disc, opts, visit, &im, ret, why);
	if (!err)
		trim(t);
	if (err == -ENOMEM)
		why_set(why, err, "out of memory");
	free(im.by_id);
	ptrmap_release(&im.links);
	/* What trim and the map left behind. */
	heap_release(im.n);
	return err;
}
