/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes of the tree: their life, attributes and content map.
 */
#include "fs/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/space.h"

struct inode *tree_inode(struct tree *t, uint64_t ino)
{
	if (ino >= t->n_inodes || (t->inodes[ino].free & 1))
		return NULL;
	return t->inodes[ino].inode;
}

static int set_inode_room(struct tree *t, uint32_t room)
{
	struct inode_slot *v;

	if (room > UINT32_MAX / 2)
		return -ENOSPC;
	v = realloc(t->inodes, room * sizeof *v);
	if (!v)
		return -ENOMEM;
	t->inodes = v;
	t->room_inodes = room;
	return 0;
}

int tree_expect(struct tree *t, uint32_t n)
{
	uint64_t room = (uint64_t)t->n_inodes + n;
	int err = dentry_expect(t, t->n_dentries + n);

	if (err || room <= t->room_inodes)
		return err;
	return room > UINT32_MAX ? -ENOSPC : set_inode_room(t, (uint32_t)room);
}

static int grow_inodes(struct tree *t)
{
	return set_inode_room(t, t->room_inodes ? t->room_inodes * 2 : 256);
}

void inode_release(struct tree *t, struct inode *inode)
{
	pool_put(&t->pool, inode, sizeof *inode);
}

struct inode *inode_new(struct tree *t, const struct attr *attr)
{
	struct inode *inode = pool_get(&t->pool, sizeof *inode);
	uint32_t ino = t->free_inode, generation = 1;

	if (!inode)
		return NULL;
	*inode = (struct inode){0};
	if (S_ISDIR(attr->mode)) {
		inode->dir = calloc(1, sizeof *inode->dir);
		if (!inode->dir)
			goto fail;
		inode->dir->next_cookie = DIR_FIRST_COOKIE;
		inode->nlink = 2;
	}
	if (ino) {
		uint64_t slot = t->inodes[ino].free;

		generation = ((uint32_t)slot >> 1) + 1;
		t->free_inode = (uint32_t)(slot >> 32);
	} else {
		if (t->n_inodes == t->room_inodes && grow_inodes(t) < 0)
			goto fail;
		ino = t->n_inodes++;
	}
	t->inodes[ino].inode = inode;
	inode->ino = ino;
	inode->generation = generation & INT32_MAX;
	inode_set_attr(inode, attr);
	return inode;

fail:
	if (S_ISDIR(attr->mode))
		free(inode->dir);
	inode_release(t, inode);
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
	t->inodes[inode->ino].free = (uint64_t)t->free_inode << 32 |
				     (uint64_t)inode->generation << 1 | 1;
	t->free_inode = inode->ino;
	inode_release(t, inode);
}

void inode_get_attr(const struct inode *inode, struct attr *ret)
{
	*ret = (struct attr){
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.atime = stamp_time(inode->atime),
		.mtime = stamp_time(inode->mtime),
		.ctime = stamp_time(inode->ctime),
	};
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		ret->rdev = inode->rdev;
}

void inode_set_attr(struct inode *inode, const struct attr *attr)
{
	inode->mode = (uint16_t)attr->mode;
	inode->uid = attr->uid;
	inode->gid = attr->gid;
	inode->atime = stamp(&attr->atime);
	inode->mtime = stamp(&attr->mtime);
	inode->ctime = stamp(&attr->ctime);
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
		.st_atim = stamp_time(inode->atime),
		.st_mtim = stamp_time(inode->mtime),
		.st_ctim = stamp_time(inode->ctime),
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

void inode_entry(const struct inode *inode, struct tree_entry *ret)
{
	ret->ino = inode->ino;
	ret->generation = inode->generation;
	ret->uncounted = false;
	inode_stat(inode, &ret->st);
}

void inode_touch(struct inode *inode, bool mtime, bool ctime)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (mtime)
		inode->mtime = stamp(&now);
	if (ctime)
		inode->ctime = stamp(&now);
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
		inode->flags &= (uint16_t)~I_PLAIN;
	} else if (!inode->map) {
		inode->map = calloc(1, sizeof *inode->map);
		if (!inode->map)
			return -ENOMEM;
	}
	*ret = inode->map;
	return 0;
}
