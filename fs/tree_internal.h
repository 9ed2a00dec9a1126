/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_TREE_INTERNAL_H
#define FS_TREE_INTERNAL_H

/*
 * The structures of the tree, for the files that are part of it: tree*.c
 * (names, attributes), file.c (content), record.c (to and from the stage's
 * rows), snapshot.c and rebase.c (commit), diff.c.
 *
 * Two views over one set of objects.  A *place* (dentry) says that an inode
 * stands under a name in a folder: in the base (D_BASE), in the live tree
 * (D_LIVE), or in both.  So
 *	D_BASE only	the place was removed, or given to another inode
 *	D_LIVE only	a new place: made, linked or moved to
 * and an inode whose attributes or content differ from the base keeps what
 * they were (inode_delta.base).  Deltas are derived from this and stored nowhere
 * else; undoing a change leaves nothing behind.
 *
 * Between a commit's snapshot and its end there is a third view, the frozen
 * tree: D_FROZEN_ADD marks places that it has and the base does not,
 * D_FROZEN_GONE those that the base has and it does not (rebase.c).
 *
 * Invariants (tree_check asserts them in the unit tests):
 *  1. every place is in the hash unless it is dead (none of BASE, LIVE, FROZEN_ADD);
 *  2. at most one D_LIVE and one D_BASE place with the same parent and name;
 *  3. a folder has at most one D_LIVE and one D_BASE place;
 *  4. inode.nlink counts D_LIVE places of files; a folder has 2 + its live
 *     subfolders, or 0 once it is removed;
 *  5. an inode lives as long as it has a place that is not dead, the kernel
 *     refers to it, or a snapshot does;
 *  6. space sums equal what a walk over all live places would add up.
 *
 * Lock: tree.lock guards everything here.  Order: stage flush lock ->
 * tree.lock -> the data file's lock (a leaf).
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "burner/import.h"
#include "common/attr.h"
#include "common/list.h"
#include "common/pool.h"
#include "common/ptrmap.h"
#include "fs/changers.h"
#include "fs/extent.h"
#include "fs/stage.h"
#include "fs/stage_data.h"
#include "fs/tree.h"

#define NO_BASE_ID UINT32_MAX

enum {
	/* Of all attributes of one node: AAIP holds more, but each sits in the
	 * tree that every session writes anew. */
	XATTRS_MAX_BYTES = 128 * 1024,
	LINK_MAX_COUNT = 65000, /* as ext4 */
};
/* A file of more needs more than 2^31 blocks, which no medium has. */
#define FILE_MAX_BYTES ((uint64_t)4 << 40)

struct inode;

enum dentry_flags {
	D_BASE = 1 << 0,
	D_LIVE = 1 << 1,
	D_FROZEN_ADD = 1 << 2,
	D_FROZEN_GONE = 1 << 3,
	D_LISTED = 1 << 4,   /* in tree.changed */
	D_DIRTY = 1 << 5,    /* in tree.dirty */
	D_ROW_LINK = 1 << 6, /* the stage has a link row of it */
	D_ROW_GONE = 1 << 7, /* the stage has a gone row of it */
};
#define D_ANY_VIEW (D_BASE | D_LIVE | D_FROZEN_ADD)

struct dentry {
	struct inode *parent, *inode;
	struct dentry *hash_next;
	struct dentry *place_next, *place_prev; /* of the same inode */
	uint32_t base_id;          /* import_node.id while D_BASE */
	uint32_t cookie;           /* struct dir; while D_LIVE */
	uint8_t flags;
	uint8_t name_len;
	char name[];
};

/*
 * The live entries of a folder in order of their cookies, which is that of their
 * coming: a new one gets the next cookie.  One that takes another's place in the
 * folder, by a rename, gets that one's, and a name that is made again its own.
 *
 * A listing has first those that came since the folder was first listed, the
 * newest first; then the old ones, as they came.  So what comes into the folder
 * stands before all the scans of it that are under way, and none of them meets
 * it: each ends, whatever is made or renamed meanwhile.
 */
struct dir {
	union dir_slot {
		struct dentry *dentry;
		uint64_t
			gone; /* lowest bit set: removed, above it the cookie */
	} * slots;
	uint32_t n, room;
	uint32_t live;
	uint32_t next_cookie; /* from DIR_FIRST_COOKIE on: 1 is ".", 2 is ".." */
	uint32_t old_end;     /* cookies below are old ones'; 0: never listed */
	uint32_t refs;        /* places that have this folder as their parent */
};
/* All places in a listing (tree_readdir) have 31 bits: programs of 32 bits that
 * know of no large files can list folders. */
enum {
	DIR_FIRST_COOKIE = 3,
	DIR_MIDDLE = 1 << 30, /* the new ones before it, the old ones behind */
	DIR_LAST_COOKIE = DIR_MIDDLE - DIR_FIRST_COOKIE - 1,
};

/* What an inode of the base was before it was changed. */
struct inode_base {
	struct attr attr;
	struct xattrs *xattrs;
	uint64_t size;
	struct extent_map map;
	bool filtered; /* I_FILTERED */
};

/* What a snapshot took of an inode (snapshot.c). */
struct frozen_inode {
	struct inode *inode;
	struct attr attr;
	struct xattrs *xattrs;
	uint64_t size;
	struct extent_map map;
	bool content; /* is written anew by the commit */
	uint64_t spool_pos; /* snapshot_spool.c: where its bytes are copied */
	/* While the snapshot is taken: among the inode's places. */
	struct dentry *search, *base_place;
	struct inode_base *base; /* rebase.c: for an inode that had none */
};

/* An inode that is new or was changed, or that the stage has a row of. */
struct inode_delta {
	struct inode *inode;
	struct list link;          /* tree.deltas */
	struct list dirty;         /* tree.dirty_inodes, or in no list */
	uint64_t stage_id;         /* of its row; 0: never had one */
	struct inode_base *base;   /* NULL: new, or attributes and content as in the base */
	bool mtime_set;            /* by utimensat: of a folder, the only mtime that counts */
	bool content_touched;      /* regular: content was written or cut */
	bool in_stage;             /* the row is there */
	uint64_t charged_blocks;   /* in tree.data_blocks */
	uint64_t reserve_off, reserve_pos, reserve_len; /* addresses for appending */
	struct frozen_inode *frozen;
};

enum inode_flags {
	I_BASE = 1 << 0,    /* the base has it */
	I_PLAIN = 1 << 1,   /* regular: all content is one run on the disc at lba */
	I_BOOTCAT = 1 << 2, /* El Torito's catalog: content is not the user's */
	I_FILTERED = 1 << 3, /* zisofs: content on the disc is encoded */
};

/* A million of them are in memory: no holes, and times are packed (stamp). */
struct inode {
	uint32_t ino;
	uint32_t generation;
	uint16_t flags;
	uint16_t mode;
	uid_t uid;
	gid_t gid;
	uint32_t nlink;
	int64_t atime, mtime, ctime;
	uint64_t size;      /* regular: bytes; symbolic link: length */
	uint64_t lookups;   /* references of the kernel */
	union {
		uint64_t lba;           /* I_PLAIN */
		struct extent_map *map; /* other regular files; NULL: all holes */
		struct dir *dir;
		char *target;
		dev_t rdev;
	};
	struct xattrs *xattrs;
	struct dentry *places; /* all of them, live or not */
	struct inode_delta *delta;
};

/*
 * A number's inode, or, where the lowest bit is set, what is known of a free
 * one: the next free number above, the generation below.
 */
struct inode_slot {
	union {
		struct inode *inode;
		uint64_t free;
	};
};

/*
 * Times in 64 bits: seconds above, 30 bits of nanoseconds below.  That reaches
 * from 1698 to 2242 (ISO 9660 from 1900 to 2155); beyond, the nearest.
 */
enum { STAMP_BITS = 30 };
static inline int64_t stamp(const struct timespec *ts)
{
	const int64_t max = ((int64_t)1 << (63 - STAMP_BITS)) - 1;
	int64_t s = ts->tv_sec;

	s = s > max ? max : s < -max ? -max : s;
	return (int64_t)((uint64_t)s << STAMP_BITS | (uint64_t)ts->tv_nsec);
}

static inline struct timespec stamp_time(int64_t stamp)
{
	return (struct timespec){.tv_sec = stamp >> STAMP_BITS,
				 .tv_nsec = stamp & ((1 << STAMP_BITS) - 1)};
}

struct dentry_array {
	struct dentry **v;
	size_t n, room;
};

struct id_array {
	uint64_t *v;
	size_t n, room;
};

struct tree {
	pthread_rwlock_t lock;

	struct pool pool; /* of inodes and dentries */

	struct dentry **buckets; /* room is a power of two */
	size_t n_buckets, n_dentries;
	struct inode_slot *inodes; /* by ino */
	uint32_t n_inodes, room_inodes, free_inode;
	struct inode *root;
	bool readonly;

	struct list deltas;       /* inode_delta.link */
	struct list dirty_inodes; /* inode_delta.dirty */
	struct dentry_array changed; /* D_LISTED: may be a delta */
	size_t changed_dead;      /* of these, dead ones */
	struct dentry_array dirty; /* D_DIRTY */
	struct id_array drop_rows; /* stage ids whose rows are to be deleted */
	uint64_t next_stage_id;
	uint64_t flushes;  /* cuts so far */
	bool rows_unknown; /* a flush failed: the next one tells everything */

	uint64_t base_places; /* D_BASE places but the root's */
	bool frozen;          /* a snapshot is held */

	/* space */
	uint64_t live_files, live_dirs;
	uint64_t tree_bytes;  /* space.h: of all live places */
	uint64_t data_blocks; /* of content that a commit writes */
	uint64_t reserved_blocks; /* by writes in flight */
	uint64_t limit_blocks;
	uint64_t shared_limit_blocks; /* of session and staged bytes together */
	bool joliet;

	struct stage_data *data;
	struct changers changers;
};

/* ---- inodes (tree_inode.c) and their deltas (tree_delta.c) ---- */

/* tree_inode - by number, NULL if there is none; tree_missing - the error then. */
struct inode *tree_inode(struct tree *t, uint64_t ino);
static inline int tree_missing(uint64_t ino)
{
	return ino < TREE_OTHERS ? -ESTALE : -EROFS;
}

/*
 * inode_new - an inode without places, in the table.  NULL: out of memory.
 * inode_put - free it if invariant 5 says so.
 */
struct inode *inode_new(struct tree *t, const struct attr *attr);
/* inode_release - its memory; tree_expect - @n nodes are about to come. */
void inode_release(struct tree *t, struct inode *inode);
int tree_expect(struct tree *t, uint32_t n);
void inode_put(struct tree *t, struct inode *inode);

void inode_get_attr(const struct inode *inode, struct attr *ret);
void inode_set_attr(struct inode *inode, const struct attr *attr);
void inode_stat(const struct inode *inode, struct stat *ret);
void inode_entry(const struct inode *inode, struct tree_entry *ret);
void inode_touch(struct inode *inode, bool mtime, bool ctime);

/* inode_map - the extents of a regular file; @tmp is used for plain ones. */
const struct extent_map *inode_map(const struct inode *inode,
				   struct extent_map *tmp);
/* inode_own_map - its map, to be changed: never plain afterwards. */
int inode_own_map(struct inode *inode, struct extent_map **ret);

/*
 * inode_delta_get - its delta, made if it has none.  NULL: out of memory.
 * inode_will_change - before attributes or content of an inode change: keeps
 * what the base had, marks it dirty.  0 or -ENOMEM.
 * inode_mark_dirty - its row is to be written at the next flush.
 */
struct inode_delta *inode_delta_get(struct tree *t, struct inode *inode);
int inode_will_change(struct tree *t, struct inode *inode);
void inode_mark_dirty(struct tree *t, struct inode *inode);
void inode_base_free(struct inode_base *b);
/* inode_delta_free - forget that it differs; its reserve is given back. */
void inode_delta_free(struct tree *t, struct inode *inode);
/* tree_release_extents - drop the references of the extents in @l, and @l. */
void tree_release_extents(struct tree *t, struct extent_list *l);
/* inode_kill_suidgid - set-id bits and capabilities go; inode_will_change was
 * called. */
void inode_kill_suidgid(struct tree *t, struct inode *inode);
/* inode_truncate - set the size of a regular file; inode_will_change was called. */
int inode_truncate(struct tree *t, struct inode *inode, uint64_t size);
/* dir_touch - its entries changed: times, and what the base had is kept. */
int dir_touch(struct tree *t, struct inode *dir);

enum inode_change {
	CHANGE_ATTR = 1 << 0,
	CHANGE_CONTENT = 1 << 1,
	CHANGE_TOUCHED = 1 << 2, /* a folder's mtime, by its entries only: not a delta */
};
/* inode_changes - how a base inode differs from the base; 0 for new ones. */
unsigned inode_changes(const struct inode *inode);

/*
 * Places and folders: tree_place.c.
 *
 * dentry_find - the place @name in @parent that has one of the flags in @views.
 * dentry_prepare - a place for @inode at @name in @parent, not live yet: a dead
 * one that is the same is taken up again.  All memory that dentry_enter needs
 * is there when it returns; one that is never entered does no harm.
 * dentry_enter - it is live (the caller has checked that no other one is).
 * dentry_leave - a live place, noted by dentry_note, is not any more; the
 * caller then calls inode_put.
 * dentry_succeed - both at once, for two places in one folder: @d gets the place
 * of @old in its listing.
 * They cannot fail, and keep counts, space and nlink.
 */
struct dentry *dentry_find(struct tree *t, const struct inode *parent,
			   const char *name, unsigned views);
/* dentry_first, dentry_next_same - all places with this parent and name. */
struct dentry *dentry_first(struct tree *t, const struct inode *parent,
			    const char *name);
struct dentry *dentry_next_same(const struct dentry *d,
				const struct inode *parent, const char *name);
struct dentry *dentry_prepare(struct tree *t, struct inode *parent,
			      const char *name, struct inode *inode);
void dentry_enter(struct tree *t, struct dentry *d);
void dentry_leave(struct tree *t, struct dentry *d);
void dentry_succeed(struct tree *t, struct dentry *old, struct dentry *d);
/* tree_sweep - now and then: drop what is no delta from tree.changed;
 * tree_sweep_all: now. */
void tree_sweep(struct tree *t);
void tree_sweep_all(struct tree *t);
/* dentry_new - a place without any flag, in the hash. */
struct dentry *dentry_new(struct tree *t, struct inode *parent,
			  const char *name, struct inode *inode);
/* dentry_release - its memory. */
void dentry_release(struct tree *t, struct dentry *d);
/* dentry_expect - room in the hash for @n. */
int dentry_expect(struct tree *t, size_t n);
/* dentry_put - free it if no view and no list has it. */
void dentry_put(struct tree *t, struct dentry *d);
/* dentry_note - put it into tree.changed and tree.dirty.  0 or -ENOMEM. */
int dentry_note(struct tree *t, struct dentry *d);
static inline bool dentry_is_delta(const struct dentry *d)
{
	return !(d->flags & D_BASE) != !(d->flags & D_LIVE);
}

/* The place of @inode that has one of the flags in @views, or NULL. */
struct dentry *inode_place(const struct inode *inode, unsigned views);

/* dentry_path - "a/b/c" along places of @view (D_BASE or D_LIVE), heap; NULL:
 * out of memory, or it hangs on nothing (a removed folder). */
char *dentry_path(const struct dentry *d, unsigned view);

/* dir_slot_gone - of one that was removed.
 * dir_slot_dentry - NULL: removed; dir_slot_cookie - of either. */
static inline uint64_t dir_slot_gone(uint32_t cookie)
{
	return (uint64_t)cookie << 1 | 1;
}

static inline struct dentry *dir_slot_dentry(union dir_slot slot)
{
	return slot.gone & 1 ? NULL : slot.dentry;
}

static inline uint32_t dir_slot_cookie(union dir_slot slot)
{
	return slot.gone & 1 ? (uint32_t)(slot.gone >> 1) : slot.dentry->cookie;
}

/* ---- folders: tree_dir.c ---- */

/*
 * dir_reserve - room for two more; dir_insert then cannot fail.  dir_expect -
 * for @n more.
 * dir_insert - with the next cookie, or, if not 0, @cookie, which is vacant.
 * dir_find - the first slot whose cookie is @cookie or greater; dir->n: none.
 * dir_is_vacant - whether there is a slot of @cookie, and nothing in it.
 * dir_replace - @d gets the cookie of @old, which is there no more.
 */
int dir_reserve(struct dir *dir);
int dir_expect(struct dir *dir, uint32_t n);
uint32_t dir_find(const struct dir *dir, uint64_t cookie);
bool dir_is_vacant(const struct dir *dir, uint32_t cookie);
void dir_insert(struct dir *dir, struct dentry *d, uint32_t cookie);
void dir_remove(struct dir *dir, const struct dentry *d);
void dir_replace(struct dir *dir, const struct dentry *old, struct dentry *d);
/* tree_folder - a live folder by number.  0, -ESTALE, -EROFS, -ENOTDIR. */
int tree_folder(struct tree *t, uint64_t ino, struct inode **ret);

/* ---- tree_acl.c ---- */

bool acl_is_name(const char *name);
/*
 * acl_check - @value (NULL: removal) is to become an ACL of @inode: whether it
 * may, the mode that goes with it, and whether it says more than the mode.
 * acl_chmod - the mode was set: the access ACL follows.
 * acl_inherit - what a new node in @dir gets from its default ACL, or else the
 * umask.
 */
int acl_check(const struct inode *inode, const char *name, const void *value,
	      size_t size, mode_t *ret_mode, bool *ret_keep);
int acl_chmod(struct inode *inode, mode_t mode);
int acl_inherit(const struct inode *dir, struct inode *inode, mode_t umask);

/* ---- room: tree_delta.c ---- */

/* tree_count - add (@sign 1) or take away (-1) what the live places of @inode
 * cost: around any change of its xattrs, target or size. */
void tree_count(struct tree *t, const struct inode *inode, int sign);
/* tree_entry_bytes - of one place of @inode under a name of @name_len. */
uint64_t tree_entry_bytes(const struct tree *t, const struct inode *inode,
			  size_t name_len);
/* tree_recharge - bring inode's part of data_blocks up to date. */
void tree_recharge(struct tree *t, struct inode *inode);
/* tree_free_blocks - of content that may still be added. */
uint64_t tree_free_blocks(const struct tree *t);
/* tree_has_room - whether @blocks of data and @bytes of tree more would fit. */
bool tree_has_room(const struct tree *t, uint64_t blocks, uint64_t bytes);

#endif
