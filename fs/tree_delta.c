/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How inodes differ from the base, and the room that their differences take.
 */
#include "fs/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/space.h"

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
	base->filtered = inode->flags & I_FILTERED;
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
	if (base->attr.mtime.tv_sec != stamp_time(inode->mtime).tv_sec)
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

/* ---- space ---- */

uint64_t tree_entry_bytes(const struct tree *t, const struct inode *inode,
			  size_t name_len)
{
	/* What says which names of a link or special file are one: counted
	 * always, so that the sums do not depend on nlink. */
	enum { LINK_MARK = 64, LINK_LIST = 264 /* burner/place.c */ };
	size_t attrs = inode->xattrs ? inode->xattrs->size_bytes : 0;

	if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
		attrs += LINK_MARK;
	if (S_ISLNK(inode->mode))
		attrs += LINK_LIST;
	return space_entry_bytes(
		name_len, S_ISDIR(inode->mode), attrs,
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
