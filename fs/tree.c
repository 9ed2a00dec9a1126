/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree as a whole, and the attributes of its inodes.
 */
#include "fs/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "common/cleanup.h"
#include "fs/facts.h"
#include "fs/space.h"
#include "fs/tree_lock.h"

int tree_new(const struct attr *root_attr, struct stage_data *data,
	     struct tree **ret)
{
	struct tree *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	assert(S_ISDIR(root_attr->mode));
	pthread_rwlock_init(&t->lock, NULL);
	changers_init(&t->changers);
	list_init(&t->deltas);
	list_init(&t->dirty_inodes);
	t->data = data;
	t->next_stage_id = 1;
	t->limit_blocks = t->shared_limit_blocks = TREE_NO_LIMIT;
	t->joliet = true;
	/* Number 0 is nobody's; TREE_ROOT comes next. */
	t->inodes = calloc(64, sizeof *t->inodes);
	if (!t->inodes)
		goto fail;
	t->room_inodes = 64;
	t->n_inodes = 1;
	t->root = inode_new(t, root_attr);
	if (!t->root)
		goto fail;
	assert(t->root->ino == TREE_ROOT);
	t->root->flags |= I_BASE;
	t->live_dirs = 1;
	t->tree_bytes = tree_entry_bytes(t, t->root, 1);
	*ret = t;
	return 0;
fail:
	tree_free(t);
	return -ENOMEM;
}

static void inode_destroy(struct tree *t, struct inode *inode)
{
	struct extent_map *map;

	if (inode->delta) {
		inode->delta->frozen = NULL;
		inode->delta->reserve_len = 0;
		inode_delta_free(t, inode);
	}
	if (S_ISDIR(inode->mode)) {
		free(inode->dir->slots);
		free(inode->dir);
	} else if (S_ISLNK(inode->mode)) {
		free(inode->target);
	} else if (S_ISREG(inode->mode) && !(inode->flags & I_PLAIN)) {
		map = inode->map;
		if (map)
			extent_map_release(map);
		free(map);
	}
	free(inode->xattrs);
	inode_release(t, inode);
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_buckets; i++) {
		struct dentry *d = t->buckets[i], *next;

		for (; d; d = next) {
			next = d->hash_next;
			dentry_release(t, d);
		}
	}
	for (uint32_t i = 1; t->inodes && i < t->n_inodes; i++)
		if (tree_inode(t, i))
			inode_destroy(t, tree_inode(t, i));
	pool_release(&t->pool);
	free(t->buckets);
	free(t->inodes);
	free(t->changed.v);
	free(t->dirty.v);
	free(t->drop_rows.v);
	changers_release(&t->changers);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

void tree_attach_data(struct tree *t, struct stage_data *data)
{
	WRITE_LOCK(t);
	t->data = data;
}

void tree_set_readonly(struct tree *t, bool readonly)
{
	WRITE_LOCK(t);
	t->readonly = readonly;
}

void tree_set_limit(struct tree *t, uint64_t blocks, uint64_t shared_blocks,
		    bool joliet)
{
	WRITE_LOCK(t);
	t->limit_blocks = blocks;
	t->shared_limit_blocks = shared_blocks;
	if (t->joliet == joliet)
		return;
	t->joliet = joliet;
	t->tree_bytes = tree_entry_bytes(t, t->root, 1);
	for (uint32_t i = 1; i < t->n_inodes; i++)
		if (tree_inode(t, i))
			tree_count(t, tree_inode(t, i), 1);
}

void tree_space(struct tree *t, struct tree_space *ret)
{
	READ_LOCK(t);
	*ret = (struct tree_space){
		.files = t->live_files,
		.folders = t->live_dirs,
		.data_blocks = t->data_blocks,
		.session_blocks = space_session_blocks(
			t->tree_bytes, t->data_blocks + t->reserved_blocks),
		.limit_blocks = t->limit_blocks,
		.free_blocks = tree_free_blocks(t),
	};
}

bool tree_changed_by(struct tree *t, pid_t pid)
{
	return changers_has(&t->changers, pid);
}

/* ---- attributes ---- */

int tree_getattr(struct tree *t, uint64_t ino, struct stat *ret)
{
	const struct inode *inode;

	READ_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return tree_missing(ino);
	inode_stat(inode, ret);
	return 0;
}

static void set_times(struct inode *inode, unsigned set, const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (set & (TREE_SET_ATIME | TREE_SET_ATIME_NOW)) {
		const struct timespec *ts =
			set & TREE_SET_ATIME_NOW ? &now : &st->st_atim;

		inode->atime = stamp(ts);
	}
	if (set & (TREE_SET_MTIME | TREE_SET_MTIME_NOW)) {
		const struct timespec *ts =
			set & TREE_SET_MTIME_NOW ? &now : &st->st_mtim;

		inode->mtime = stamp(ts);
		inode->delta->mtime_set = true;
	}
	if (set & TREE_SET_CTIME) {
		inode->ctime = stamp(&st->st_ctim);
	} else {
		inode->ctime = stamp(&now);
	}
}

/* What a write or truncation by somebody without CAP_FSETID takes away. */
void inode_kill_suidgid(struct tree *t, struct inode *inode)
{
	struct xattrs *without;

	if (S_ISDIR(inode->mode))
		return;
	inode->mode &= ~(mode_t)S_ISUID;
	if (inode->mode & S_IXGRP)
		inode->mode &= ~(mode_t)S_ISGID;
	if (xattrs_set(inode->xattrs, "security.capability", NULL, 0,
		       &without) == 0) {
		tree_count(t, inode, -1);
		free(inode->xattrs);
		inode->xattrs = without;
		tree_count(t, inode, 1);
	}
}

int inode_truncate(struct tree *t, struct inode *inode, uint64_t size)
{
	uint64_t blocks = space_data_blocks(size);
	struct extent_list dropped = {0};
	struct extent_map *map;
	int err;

	if (!S_ISREG(inode->mode))
		return S_ISDIR(inode->mode) ? -EISDIR : -EINVAL;
	if (inode->flags & I_BOOTCAT)
		return -EPERM;
	if ((inode->flags & I_FILTERED) && size)
		return -EIO;
	if (size > FILE_MAX_BYTES)
		return -EFBIG;
	if (size == inode->size)
		return 0;
	/* A file that is cut is burned anew as well, and may need room. */
	if (inode->nlink && blocks > inode->delta->charged_blocks &&
	    !tree_has_room(t, blocks - inode->delta->charged_blocks, 0))
		return -ENOSPC;
	err = inode_own_map(inode, &map);
	if (err)
		return err;
	if (size < inode->size) {
		err = extent_map_cut(map, size, &dropped);
		if (err)
			return err;
	}
	tree_release_extents(t, &dropped);
	inode->delta->content_touched = true;
	tree_count(t, inode, -1);
	inode->size = size;
	if (size == 0)
		inode->flags &= ~(uint32_t)I_FILTERED;
	tree_count(t, inode, 1);
	tree_recharge(t, inode);
	return 0;
}

int tree_setattr(struct tree *t, const struct cred *cred, uint64_t ino,
		 unsigned set, const struct stat *st, struct stat *ret)
{
	struct inode *inode;
	int err;

	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return tree_missing(ino);
	if (t->readonly)
		return -EROFS;
	err = inode_will_change(t, inode);
	if (err)
		return err;
	if (set & TREE_SET_SIZE) {
		if (st->st_size < 0)
			return -EINVAL;
		err = inode_truncate(t, inode, (uint64_t)st->st_size);
		if (err)
			return err;
		if (!(set & (TREE_SET_MTIME | TREE_SET_MTIME_NOW)))
			set |= TREE_SET_MTIME_NOW;
	}
	if (set & TREE_SET_MODE) {
		err = acl_chmod(inode, st->st_mode);
		if (err)
			return err;
		inode->mode = (inode->mode & S_IFMT) | (st->st_mode & 07777);
	}
	if (set & TREE_SET_UID)
		inode->uid = st->st_uid;
	if (set & TREE_SET_GID)
		inode->gid = st->st_gid;
	if (set & TREE_SET_KILL_SUIDGID)
		inode_kill_suidgid(t, inode);
	if ((set & TREE_SET_KILL_SGID) && !S_ISDIR(inode->mode))
		inode->mode &= ~(mode_t)S_ISGID;
	set_times(inode, set, st);
	inode_stat(inode, ret);
	return 0;
}

int tree_readlink(struct tree *t, uint64_t ino, char *buf, size_t size)
{
	const struct inode *inode;

	READ_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return tree_missing(ino);
	if (!S_ISLNK(inode->mode))
		return -EINVAL;
	if (inode->size >= size)
		return -ENAMETOOLONG;
	memcpy(buf, inode->target, inode->size + 1);
	return 0;
}

/* ---- extended attributes ---- */

static ssize_t give(const void *value, size_t len, void *buf, size_t size)
{
	if (!size)
		return (ssize_t)len;
	if (len > size)
		return -ERANGE;
	memcpy(buf, value, len);
	return (ssize_t)len;
}

static bool begins(const char *name, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(name, with, n) == 0;
}

/* xattr(7): the names that there are.  Who may use them is the kernel's. */
static int check_xattr_name(const char *name)
{
	static const char *const spaces[] = {"user.", "trusted.", "security."};
	size_t len = strlen(name);

	if (acl_is_name(name))
		return 0;
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		if (begins(name, len, spaces[i]))
			return name[strlen(spaces[i])] ? 0 : -EINVAL;
	return -EOPNOTSUPP;
}

ssize_t tree_getxattr(struct tree *t, uint64_t ino, const char *name,
		      void *buf, size_t size)
{
	const struct inode *inode;
	const void *value;
	int len, err;

	err = check_xattr_name(name);
	if (err)
		return err;
	READ_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return tree_missing(ino);
	len = xattrs_get(inode->xattrs, name, &value);
	return len < 0 ? len : give(value, (size_t)len, buf, size);
}

/* An attribute of the disc by a name that is answered otherwise. */
static bool is_fact(const char *name, size_t len)
{
	char text[TREE_NAME_MAX + 1];

	if (!begins(name, len, "user.discfs.") || len >= sizeof text)
		return false;
	memcpy(text, name, len);
	text[len] = '\0';
	return facts_is_name(text);
}

ssize_t tree_listxattr(struct tree *t, const struct cred *cred, uint64_t ino,
		       char *buf, size_t size)
{
	const struct inode *inode;
	size_t name_len, value_len, sum = 0;
	const char *name;
	const void *value;
	uint32_t cursor = 0;

	READ_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return tree_missing(ino);
	while (xattrs_next(inode->xattrs, &cursor, &name, &name_len, &value,
			   &value_len)) {
		/* xattr(7): to others they do not exist. */
		if (cred->uid != 0 && begins(name, name_len, "trusted."))
			continue;
		if (is_fact(name, name_len))
			continue;
		if (size) {
			if (sum + name_len + 1 > size)
				return -ERANGE;
			memcpy(buf + sum, name, name_len);
			buf[sum + name_len] = 0;
		}
		sum += name_len + 1;
	}
	return (ssize_t)sum;
}

/* xattr_change - one attribute, and the mode where it is an ACL. */
static int xattr_change(struct tree *t, const struct cred *cred, uint64_t ino,
			const char *name, const void *value, size_t size,
			int flags)
{
	struct xattrs *changed;
	struct inode *inode;
	bool keep = true;
	const void *old;
	int there, err;
	mode_t mode;

	err = check_xattr_name(name);
	if (!err && facts_is_name(name))
		err = -EPERM;
	if (err)
		return err;
	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return tree_missing(ino);
	if (t->readonly)
		return -EROFS;
	mode = inode->mode;
	if (acl_is_name(name)) {
		err = acl_check(inode, name, value, size, &mode, &keep);
		if (err)
			return err;
		if (value && (flags & TREE_KILL_SGID) &&
		    !strcmp(name, "system.posix_acl_access"))
			mode &= ~(mode_t)S_ISGID;
	}
	there = xattrs_get(inode->xattrs, name, &old) >= 0;
	if (there && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!there && (!value || (flags & XATTR_REPLACE)))
		return -ENODATA;
	/* An ACL that the mode can say is the mode. */
	if (!keep && !there) {
		err = inode_will_change(t, inode);
		inode->mode = mode;
		inode_touch(inode, false, true);
		return err;
	}
	if (!keep)
		value = NULL;
	/* Twice: a block of attributes may change its rounding. */
	if (value && !tree_has_room(t, 0, 2 * (size + strlen(name))))
		return -ENOSPC;
	err = xattrs_set(inode->xattrs, name, value, size, &changed);
	if (err)
		return err;
	if (changed && changed->size_bytes > XATTRS_MAX_BYTES) {
		free(changed);
		return -ENOSPC;
	}
	err = inode_will_change(t, inode);
	if (err) {
		free(changed);
		return err;
	}
	tree_count(t, inode, -1);
	free(inode->xattrs);
	inode->xattrs = changed;
	inode->mode = mode;
	tree_count(t, inode, 1);
	inode_touch(inode, false, true);
	return 0;
}

int tree_setxattr(struct tree *t, const struct cred *cred, uint64_t ino,
		  const char *name, const void *value, size_t size, int flags)
{
	return xattr_change(t, cred, ino, name, value ? value : "", size,
			    flags);
}

int tree_removexattr(struct tree *t, const struct cred *cred, uint64_t ino,
		     const char *name)
{
	return xattr_change(t, cred, ino, name, NULL, 0, 0);
}
