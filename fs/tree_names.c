/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in the tree: looking up, making, linking, removing, renaming.
 *
 * A change first gets all the memory that it will need and checks all that can
 * refuse it; then it is carried out by steps that cannot fail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/session.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

static int check_name(const char *name)
{
	size_t len = strlen(name);

	if (len > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	if (!len || strchr(name, '/') || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return -EINVAL;
	return 0;
}

/* A folder in which something is to be changed. */
static int get_dir_to_change(struct tree *t, uint64_t ino, const char *name,
			     struct inode **ret)
{
	int err = tree_folder(t, ino, ret);

	if (err)
		return err;
	err = check_name(name);
	if (err)
		return err;
	if (t->readonly)
		return -EROFS;
	/* Removed while somebody is in it. */
	if ((*ret)->nlink == 0)
		return -ENOENT;
	return 0;
}

/* Readers run in parallel; writers exclude them. */
static void found(struct inode *inode, struct tree_entry *ret)
{
	__atomic_fetch_add(&inode->lookups, 1, __ATOMIC_RELAXED);
	inode_entry(inode, ret);
}

/* A node by its number, or the folder above it. */
static int lookup_number(struct tree *t, uint64_t ino, bool above,
			 struct tree_entry *ret)
{
	struct inode *inode = tree_inode(t, ino);
	const struct dentry *place;

	if (!inode)
		return tree_missing(ino);
	/* One that the kernel holds it does not ask for. */
	if (!inode->nlink)
		return -ESTALE;
	if (above && !S_ISDIR(inode->mode))
		return -ENOTDIR;
	place = above ? inode_place(inode, D_LIVE) : NULL;
	found(place ? place->parent : inode, ret);
	return 0;
}

int tree_lookup(struct tree *t, uint64_t parent, const char *name,
		struct tree_entry *ret)
{
	struct inode *dir;
	struct dentry *d;
	int err;

	if (strlen(name) > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	READ_LOCK(t);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return lookup_number(t, parent, name[1], ret);
	err = tree_folder(t, parent, &dir);
	if (err)
		return err;
	d = dentry_find(t, dir, name, D_LIVE);
	if (!d)
		return -ENOENT;
	found(d->inode, ret);
	return 0;
}

void tree_forget(struct tree *t, uint64_t ino, uint64_t n)
{
	struct inode *inode;

	WRITE_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return;
	inode->lookups -= n < inode->lookups ? n : inode->lookups;
	inode_put(t, inode);
}

/* ---- making ---- */

static void owner_of_new(const struct inode *dir, const struct cred *cred,
			 mode_t mode, struct attr *ret)
{
	*ret = (struct attr){.mode = mode, .uid = cred->uid, .gid = cred->gid};
	/* inode(7): a set-group-id folder passes its group on. */
	if (dir->mode & S_ISGID) {
		ret->gid = dir->gid;
		if (S_ISDIR(mode))
			ret->mode |= S_ISGID;
	}
	clock_gettime(CLOCK_REALTIME, &ret->mtime);
	ret->atime = ret->ctime = ret->mtime;
}

/*
 * A new inode at a place that is free.  @target for symbolic links.
 */
static int make(struct tree *t, const struct cred *cred, uint64_t parent,
		const char *name, mode_t mode, dev_t rdev, const char *target,
		struct tree_entry *ret)
{
	struct inode *dir, *inode;
	struct dentry *d;
	struct attr attr;
	int err;

	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	err = get_dir_to_change(t, parent, name, &dir);
	if (err)
		return err;
	if (dentry_find(t, dir, name, D_LIVE))
		return -EEXIST;
	owner_of_new(dir, cred, mode, &attr);
	attr.rdev = rdev;
	inode = inode_new(t, &attr);
	if (!inode)
		return -ENOMEM;
	if (target) {
		inode->target = strdup(target);
		inode->size = strlen(target);
	}
	err = -ENOMEM;
	if ((target && !inode->target) || !inode_delta_get(t, inode))
		goto fail;
	err = acl_inherit(dir, inode, cred->umask);
	if (err)
		goto fail;
	err = -ENOSPC;
	if (!tree_has_room(t, 0, tree_entry_bytes(t, inode, strlen(name))))
		goto fail;
	err = dir_touch(t, dir);
	if (err)
		goto fail;
	err = -ENOMEM;
	d = dentry_prepare(t, dir, name, inode);
	if (!d)
		goto fail;
	dentry_enter(t, d);
	inode_mark_dirty(t, inode);
	inode->lookups++;
	inode_entry(inode, ret);
	tree_sweep(t);
	return 0;
fail:
	inode_put(t, inode);
	return err;
}

int tree_mknod(struct tree *t, const struct cred *cred, uint64_t parent,
	       const char *name, mode_t mode, dev_t rdev,
	       struct tree_entry *ret)
{
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) &&
	    !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	return make(t, cred, parent, name, mode,
		    S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0, NULL, ret);
}

int tree_mkdir(struct tree *t, const struct cred *cred, uint64_t parent,
	       const char *name, mode_t mode, struct tree_entry *ret)
{
	mode = (mode & 07777) | S_IFDIR;
	return make(t, cred, parent, name, mode, 0, NULL, ret);
}

int tree_symlink(struct tree *t, const struct cred *cred, uint64_t parent,
		 const char *name, const char *target, struct tree_entry *ret)
{
	if (!*target)
		return -ENOENT;
	if (strlen(target) > SESSION_TARGET_MAX)
		return -ENAMETOOLONG;
	return make(t, cred, parent, name, S_IFLNK | 0777, 0, target, ret);
}

int tree_link(struct tree *t, const struct cred *cred, uint64_t ino,
	      uint64_t parent, const char *name, struct tree_entry *ret)
{
	struct inode *dir, *inode;
	struct dentry *d;
	int err;

	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	inode = tree_inode(t, ino);
	if (!inode)
		return tree_missing(ino);
	if (S_ISDIR(inode->mode))
		return -EPERM;
	if (inode->nlink == 0)
		return -ENOENT;
	if (inode->nlink >= LINK_MAX_COUNT)
		return -EMLINK;
	err = get_dir_to_change(t, parent, name, &dir);
	if (err)
		return err;
	if (dentry_find(t, dir, name, D_LIVE))
		return -EEXIST;
	if (inode->flags & (I_BOOTCAT | I_FILTERED))
		return -EPERM;
	if (!tree_has_room(t, 0, tree_entry_bytes(t, inode, strlen(name))))
		return -ENOSPC;
	err = dir_touch(t, dir);
	if (err)
		return err;
	if (!inode_delta_get(t, inode))
		return -ENOMEM;
	d = dentry_prepare(t, dir, name, inode);
	if (!d)
		return -ENOMEM;
	dentry_enter(t, d);
	inode_mark_dirty(t, inode);
	inode_touch(inode, false, true);
	inode->lookups++;
	inode_entry(inode, ret);
	tree_sweep(t);
	return 0;
}

/* ---- removing ---- */

/* The place was left for good; its inode may be gone afterwards. */
static void left(struct tree *t, struct dentry *d)
{
	struct inode *inode = d->inode;

	if (S_ISDIR(inode->mode))
		inode->nlink = 0;
	inode_touch(inode, false, true);
	if (inode->delta)
		inode_mark_dirty(t, inode);
	if (!(d->flags & D_ANY_VIEW))
		t->changed_dead++;
	inode_put(t, inode);
}

static int remove_entry(struct tree *t, const struct cred *cred,
			uint64_t parent, const char *name, bool folder)
{
	struct inode *dir;
	struct dentry *d;
	int err;

	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	err = get_dir_to_change(t, parent, name, &dir);
	if (err)
		return err;
	d = dentry_find(t, dir, name, D_LIVE);
	if (!d)
		return -ENOENT;
	if (folder) {
		if (!S_ISDIR(d->inode->mode))
			return -ENOTDIR;
		if (d->inode->dir->live)
			return -ENOTEMPTY;
	} else if (S_ISDIR(d->inode->mode)) {
		return -EISDIR;
	}
	if (dentry_note(t, d) < 0)
		return -ENOMEM;
	err = dir_touch(t, dir);
	if (err)
		return err;
	dentry_leave(t, d);
	left(t, d);
	tree_sweep(t);
	return 0;
}

int tree_unlink(struct tree *t, const struct cred *cred, uint64_t parent,
		const char *name)
{
	return remove_entry(t, cred, parent, name, false);
}

int tree_rmdir(struct tree *t, const struct cred *cred, uint64_t parent,
	       const char *name)
{
	if (strcmp(name, ".") == 0)
		return -EINVAL;
	if (strcmp(name, "..") == 0)
		return -ENOTEMPTY;
	return remove_entry(t, cred, parent, name, true);
}

/* ---- renaming ---- */

/* Whether @inode is @dir or a folder above it. */
static bool is_above(const struct inode *inode, const struct inode *dir)
{
	while (dir != inode) {
		const struct dentry *d = inode_place(dir, D_LIVE);

		if (!d)
			return false;
		dir = d->parent;
	}
	return true;
}

static int check_rename(struct tree *t, const struct dentry *from,
			const struct inode *to_dir, const struct dentry *to,
			const char *to_name, unsigned flags)
{
	const struct inode *inode = from->inode;
	size_t len = strlen(to_name);

	if (S_ISDIR(inode->mode) && is_above(inode, to_dir))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE) {
		if (!to)
			return -ENOENT;
		if (S_ISDIR(to->inode->mode) && is_above(to->inode, from->parent))
			return -EINVAL;
	} else if (to) {
		if (flags & RENAME_NOREPLACE)
			return -EEXIST;
		if (S_ISDIR(inode->mode) && !S_ISDIR(to->inode->mode))
			return -ENOTDIR;
		if (!S_ISDIR(inode->mode) && S_ISDIR(to->inode->mode))
			return -EISDIR;
		if (S_ISDIR(to->inode->mode) && to->inode->dir->live)
			return -ENOTEMPTY;
	} else if (len > from->name_len) {
		uint64_t more = tree_entry_bytes(t, inode, len) -
				tree_entry_bytes(t, inode, from->name_len);

		if (!tree_has_room(t, 0, more))
			return -ENOSPC;
	}
	return 0;
}

/* Everything that @from, @to and both folders need to be changed. */
static int prepare_rename(struct tree *t, struct dentry *from,
			  struct inode *to_dir, struct dentry *to)
{
	int err = dir_touch(t, from->parent);

	if (!err)
		err = dir_touch(t, to_dir);
	if (!err)
		err = dentry_note(t, from);
	if (!err && to)
		err = dentry_note(t, to);
	if (!err && !inode_delta_get(t, from->inode))
		err = -ENOMEM;
	if (!err && to && !inode_delta_get(t, to->inode))
		err = -ENOMEM;
	return err;
}

/* The two places change their inodes, and keep where they are listed. */
static void exchange(struct tree *t, struct dentry *from, struct dentry *to,
		     struct dentry *new_from, struct dentry *new_to)
{
	dentry_succeed(t, to, new_from);
	dentry_succeed(t, from, new_to);
	inode_touch(new_to->inode, false, true);
	inode_mark_dirty(t, new_to->inode);
}

/*
 * @from becomes @new_from, over @to or NULL.  A name that has another inode now
 * stands where it stood in the listing, and so does what got another name in
 * its folder: who has listed it does not meet it again, and who has not does.
 */
static void move(struct tree *t, struct dentry *from, struct dentry *to,
		 struct dentry *new_from)
{
	if (!to && from->parent == new_from->parent) {
		dentry_succeed(t, from, new_from);
		return;
	}
	if (to) {
		dentry_succeed(t, to, new_from);
		left(t, to);
		dentry_leave(t, from);
	} else {
		dentry_leave(t, from);
		dentry_enter(t, new_from);
	}
}

int tree_rename(struct tree *t, const struct cred *cred, uint64_t parent,
		const char *name, uint64_t new_parent, const char *new_name,
		unsigned flags)
{
	struct dentry *from, *to, *new_from, *new_to = NULL;
	struct inode *dir, *to_dir, *inode;
	int err;

	if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	err = get_dir_to_change(t, parent, name, &dir);
	if (!err)
		err = get_dir_to_change(t, new_parent, new_name, &to_dir);
	if (err)
		return err;
	from = dentry_find(t, dir, name, D_LIVE);
	if (!from)
		return -ENOENT;
	to = dentry_find(t, to_dir, new_name, D_LIVE);
	inode = from->inode;
	err = check_rename(t, from, to_dir, to, new_name, flags);
	if (err)
		return err;
	/* rename(2): two names of one file, nothing is done. */
	if (to && to->inode == inode)
		return 0;
	err = prepare_rename(t, from, to_dir, to);
	if (err)
		return err;
	new_from = dentry_prepare(t, to_dir, new_name, inode);
	if (!new_from)
		return -ENOMEM;
	if (flags & RENAME_EXCHANGE) {
		new_to = dentry_prepare(t, dir, name, to->inode);
		if (!new_to)
			return -ENOMEM;
	}

	/* From here on nothing fails. */
	if (new_to)
		exchange(t, from, to, new_from, new_to);
	else
		move(t, from, to, new_from);
	t->changed_dead += !(from->flags & D_ANY_VIEW);
	inode_touch(inode, false, true);
	inode_mark_dirty(t, inode);
	tree_sweep(t);
	return 0;
}
