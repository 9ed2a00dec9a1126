/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_TREE_H
#define FS_TREE_H

/*
 * The merged tree: the base and what was changed since, in one set of
 * objects.  A place (dentry) is in the base, in the live tree, or in both;
 * an inode is as in the base, or carries a delta.  tree_internal.h has the
 * structures; this header is what the mount uses.
 *
 * Everything is by inode number (TREE_ROOT is the root folder).  Numbers stay
 * for the life of the mount; one that is free again comes back with another
 * generation.  Every function takes the tree lock itself (readers in
 * parallel), does no I/O under it, and returns 0 or -errno in the words of the
 * system call that it serves:  -ESTALE for a number that is unknown, -EROFS for
 * one from TREE_OTHERS on.
 *
 * Permission checks are the kernel's (default_permissions); what it cannot
 * know is done here: set-id bits, sticky renames across folders are the
 * kernel's, ownership and inherited group of new nodes are ours.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "burner/import.h"
#include "common/attr.h"
#include "common/why.h"
#include "fs/stage_data.h"

#define TREE_ROOT 1u
/* Numbers from here on are not the tree's but older sessions' (past.h). */
#define TREE_OTHERS ((uint64_t)1 << 32)
#define TREE_NAME_MAX 255u

struct tree;

/* Who asks. */
struct cred {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	mode_t umask;
};

/* An inode as the kernel is told of it. */
struct tree_entry {
	uint64_t ino;
	uint64_t generation;
	bool uncounted; /* listed, but not looked up (past.h) */
	struct stat st;
};

/*
 * tree_new - an empty tree (a root folder of @root_attr), for a base to be
 * imported into.  @data is where content of changed files goes (NULL: a tree
 * that is only looked at); not owned.
 */
int tree_new(const struct attr *root_attr, struct stage_data *data,
	     struct tree **ret);
void tree_free(struct tree *t);
/* tree_attach_data - the data file, once the stage is there. */
void tree_attach_data(struct tree *t, struct stage_data *data);

/*
 * tree_set_readonly - from now on every change is -EROFS (a disc that cannot
 * be written, or an unmount that is committing).
 */
void tree_set_readonly(struct tree *t, bool readonly);

/* ---- import (tree_import.c) ---- */

/*
 * tree_import - fill an empty tree by importing @opts' session of @disc.
 * @present: how uid, gid and modes are shown (-1: as on the disc).
 */
struct tree_present {
	int64_t uid, gid, mode, dmode, umask;
};
int tree_import(struct tree *t, struct disc *disc,
		const struct import_opts *opts,
		const struct tree_present *present, struct import_info *ret,
		struct why *why);

/* ---- names ---- */

/*
 * tree_lookup - also counts one reference of the kernel to the inode.
 * "." is the node @parent itself, whatever it is, and ".." the folder above a
 * folder (of the root: the root): so the kernel opens a file handle whose node
 * it has forgotten.  -ESTALE for what is not there, or has no name any more.
 */
int tree_lookup(struct tree *t, uint64_t parent, const char *name,
		struct tree_entry *ret);
/* tree_forget - the kernel drops @n references. */
void tree_forget(struct tree *t, uint64_t ino, uint64_t n);

/* The makers also count one reference. */
int tree_mknod(struct tree *t, const struct cred *cred, uint64_t parent,
	       const char *name, mode_t mode, dev_t rdev,
	       struct tree_entry *ret);
int tree_mkdir(struct tree *t, const struct cred *cred, uint64_t parent,
	       const char *name, mode_t mode, struct tree_entry *ret);
int tree_symlink(struct tree *t, const struct cred *cred, uint64_t parent,
		 const char *name, const char *target, struct tree_entry *ret);
int tree_link(struct tree *t, const struct cred *cred, uint64_t ino,
	      uint64_t parent, const char *name, struct tree_entry *ret);
int tree_unlink(struct tree *t, const struct cred *cred, uint64_t parent,
		const char *name);
int tree_rmdir(struct tree *t, const struct cred *cred, uint64_t parent,
	       const char *name);
/* @flags: RENAME_NOREPLACE, RENAME_EXCHANGE; others are -EINVAL. */
int tree_rename(struct tree *t, const struct cred *cred, uint64_t parent,
		const char *name, uint64_t new_parent, const char *new_name,
		unsigned flags);

/* ---- attributes ---- */

int tree_getattr(struct tree *t, uint64_t ino, struct stat *ret);

enum tree_set {
	TREE_SET_MODE = 1 << 0,
	TREE_SET_UID = 1 << 1,
	TREE_SET_GID = 1 << 2,
	TREE_SET_SIZE = 1 << 3,
	TREE_SET_ATIME = 1 << 4,
	TREE_SET_MTIME = 1 << 5,
	TREE_SET_CTIME = 1 << 6,
	TREE_SET_ATIME_NOW = 1 << 7,
	TREE_SET_MTIME_NOW = 1 << 8,
	/* clear set-uid and set-gid as a write by an ordinary user does
	 * (FUSE_HANDLE_KILLPRIV_V2) */
	TREE_SET_KILL_SUIDGID = 1 << 9,
	/* set-gid as well where the group may not execute */
	TREE_SET_KILL_SGID = 1 << 10,
};
int tree_setattr(struct tree *t, const struct cred *cred, uint64_t ino,
		 unsigned set, const struct stat *st, struct stat *ret);

/* tree_readlink - the target into @buf, NUL-terminated (size 4096). */
int tree_readlink(struct tree *t, uint64_t ino, char *buf, size_t size);

/*
 * As in xattr(7): with @size 0 the length is returned; -ERANGE.  Names outside
 * user, trusted, security and the two of ACLs: -EOPNOTSUPP.
 */
ssize_t tree_getxattr(struct tree *t, uint64_t ino, const char *name,
		      void *buf, size_t size);
ssize_t tree_listxattr(struct tree *t, const struct cred *cred, uint64_t ino,
		       char *buf, size_t size);
/* @flags: XATTR_CREATE, XATTR_REPLACE, and TREE_KILL_SGID: an access ACL takes
 * the set-group-id bit away, as chmod by one who is not in the group does. */
enum { TREE_KILL_SGID = 1 << 8 };
int tree_setxattr(struct tree *t, const struct cred *cred, uint64_t ino,
		  const char *name, const void *value, size_t size, int flags);
int tree_removexattr(struct tree *t, const struct cred *cred, uint64_t ino,
		     const char *name);

/* ---- folders ---- */

/*
 * tree_readdir - call @emit for the entries behind @cookie (0: from the
 * beginning; "." and ".." first) until it returns non-zero.  Cookies are
 * stable: entries that are made, renamed or removed meanwhile make no other one
 * come twice or never.  What is new, or moved into the folder, since the listing
 * was begun is not in what is left of it, so it ends; what is renamed within the
 * folder, or over a name that is there, stands where that name stood.
 * @plus: each entry that @emit took is counted as looked up (but "." and "..").
 * @emit is called with the tree lock held: it copies and returns.
 */
typedef int (*tree_emit)(void *arg, const char *name, uint64_t cookie,
			 const struct tree_entry *entry);
int tree_readdir(struct tree *t, uint64_t ino, uint64_t cookie, bool plus,
		 tree_emit emit, void *arg);

/* ---- space ---- */

struct tree_space {
	uint64_t files, folders;    /* live */
	uint64_t data_blocks;       /* of changed and new files, to be burned */
	uint64_t session_blocks;    /* upper bound of a commit now, all included */
	uint64_t limit_blocks;      /* what the disc can take */
	uint64_t free_blocks;       /* of new content, that a commit can take yet */
};
/*
 * tree_set_limit - @blocks that a session may have; @shared_blocks that a
 * session and what is staged may have together (image and stage on one file
 * system; TREE_NO_LIMIT else); whether the session gets a Joliet tree.
 */
#define TREE_NO_LIMIT (UINT64_MAX / 4)
void tree_set_limit(struct tree *t, uint64_t blocks, uint64_t shared_blocks,
		    bool joliet);
void tree_space(struct tree *t, struct tree_space *ret);

/* ---- activity ---- */

/*
 * tree_changed_by - whether the process of thread @pid has changed anything in
 * the mount: then its fsync of the root burns nothing.
 */
bool tree_changed_by(struct tree *t, pid_t pid);


#endif
