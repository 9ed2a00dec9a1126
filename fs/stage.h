/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_H
#define FS_STAGE_H

/*
 * One stage: the durable store of a disc's deltas, in a folder of its own
 * (mode 0700, named by a UUID) with "stage.db" (SQLite, WAL, synchronous=FULL),
 * "data" (stage_data.h) and "lock".  docs/stage-format.md describes it.
 *
 * This module stores and loads rows; what they mean for a tree is record.h's
 * business.  Calls are serialized by a lock inside; it is never held together
 * with the tree lock (rows are copies).
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/attr.h"
#include "common/why.h"
#include "fs/extent.h"
#include "fs/stage_data.h"

/*
 * 1: the digest was over the first 64 KiB, the tree's blocks and the MD5 tag.
 * 2: it is what burner/import.h says now; there is a table of loans
 *    (stage_loan.h).
 */
#define STAGE_SCHEMA_VERSION 2

struct stage;

enum { STAGE_NO_ROCK_RIDGE = 1, STAGE_NO_JOLIET = 2 };

/* What ties a stage to its disc. */
struct stage_binding {
	unsigned char digest[16]; /* import_info.digest; zeros: the disc was blank */
	bool blank;
	uint32_t base_lba;
	uint32_t tip_lba;         /* last session */
	uint64_t nwa;
	uint64_t image_dev, image_ino; /* of an image file, else 0 */
	char *path;               /* absolute, of the image or drive; heap */
	char serial[64];          /* of the drive, "" for an image */
	char media_type[32];
	uint64_t capacity_blocks;
	int64_t created;          /* when the stage was made; 0: now, and in
				   * a later binding: as it was */
	uint32_t import_flags;    /* STAGE_NO_..., how the base was read */
};
void stage_binding_release(struct stage_binding *b);

/* A session that was being burned (session_intent in burner/session.h). */
struct stage_intent {
	uint64_t nwa, blocks;
	char volume_uuid[17];
	bool overwritable;
	/* The rows are just what is burned: nothing was written after the
	 * snapshot.  stage_write with after_snapshot clears it. */
	bool exact;
	unsigned char *old_head, *new_head; /* heap, 64 KiB each, or NULL */
};
void stage_intent_release(struct stage_intent *i);

/*
 * Rows.  A node row describes one inode that differs from the base, or that
 * other rows need to name: base folders with changed children are "anchors"
 * (no STAGE_* flag set).
 */
enum stage_node_flags {
	STAGE_ATTR = 1 << 0,    /* attr and xattrs differ from the base */
	STAGE_CONTENT = 1 << 1, /* size and extents differ (regular files) */
	STAGE_TOUCHED = 1 << 2, /* a folder whose times moved by its entries */
};

struct stage_node {
	uint64_t id;           /* > 0, unique in the stage, never used again */
	const char *base_path; /* "" is the root, "a/b" below; NULL: a new node */
	unsigned flags;
	struct attr attr;      /* new nodes, STAGE_ATTR */
	const struct xattrs *xattrs;
	const char *target;    /* new symbolic links */
	uint64_t size;         /* new regular files, STAGE_CONTENT */
	const struct extent *extents; /* DISC positions hold for this base only */
	uint32_t n_extents;
};

/* The node stands at this place, and nothing did in the base, or another. */
struct stage_link {
	uint64_t parent; /* node ids */
	const char *name;
	uint64_t node;
};

/*
 * One flush: what to delete and what to write.  Deletions are carried out
 * first.  All arrays and strings belong to the caller.
 */
struct stage_batch {
	const struct stage_node *nodes; /* insert or replace */
	uint32_t n_nodes;
	const uint64_t *drop_nodes;     /* ids */
	uint32_t n_drop_nodes;
	const struct stage_link *links; /* insert or replace */
	uint32_t n_links;
	const struct stage_link *drop_links; /* by parent and name */
	uint32_t n_drop_links;
	const char *const *gone;        /* base paths whose place is empty or another's */
	uint32_t n_gone;
	const char *const *drop_gone;
	uint32_t n_drop_gone;
	/* Written while a session is burned from an older cut: an intent that
	 * is there is not exact from now on. */
	bool after_snapshot;
};

/*
 * stage_write - fdatasync the data file, then one SQLite transaction with
 * @batch: when it returns 0, both are durable.
 * An empty batch makes the data file durable only.  Each node that a link
 * names, as parent or as node, must be a row after the batch.
 * Returns 0, -ENOSPC, -EIO; on failure the stage is as before.
 */
int stage_write(struct stage *st, const struct stage_batch *batch,
		struct why *why);

/*
 * stage_load - hand out all rows: nodes in order of id, then gone paths, then
 * links in order of (parent, name).  A callback's error (a -errno) ends it; one
 * that is NULL is not called.
 * Rows are checked: a stage that was tampered with gives -EBADMSG with words.
 * Extents come with gen 0 and not shared (stage_data_claimed tells which are);
 * those of EXTENT_DATA lie inside the data file.  The callbacks must not call
 * what takes a struct stage; stage_data.h they may.
 */
struct stage_reader {
	int (*node)(void *arg, const struct stage_node *n);
	int (*gone)(void *arg, const char *base_path);
	int (*link)(void *arg, const struct stage_link *l);
	void *arg;
};
int stage_load(struct stage *st, const struct stage_reader *r,
	       struct why *why);

/* stage_replace - as stage_write, but all rows that were there are deleted
 * first. */
int stage_replace(struct stage *st, const struct stage_batch *batch,
		  struct why *why);

/* stage_next_id - the smallest id that no row ever had. */
uint64_t stage_next_id(struct stage *st);

/*
 * stage_rebase - after a commit, one transaction: clear all rows, write those
 * of @batch (deltas against the new base), switch the binding, clear the
 * intent.  The result's text stays: stage_set_result.  Returns as stage_write.
 */
int stage_rebase(struct stage *st, const struct stage_binding *binding,
		 const struct stage_batch *batch, struct why *why);

/* The intent: NULL clears.  Durable on return. */
int stage_set_intent(struct stage *st, const struct stage_intent *intent,
		     struct why *why);
/* Returns 1 and fills @ret if there is one, 0 if none, or -errno. */
int stage_get_intent(struct stage *st, struct stage_intent *ret,
		     struct why *why);

int stage_get_binding(struct stage *st, struct stage_binding *ret,
		      struct why *why);
int stage_set_binding(struct stage *st, const struct stage_binding *b,
		      struct why *why);

/* stage_move - bind it to another disc, on which nothing was begun: a burn that
 * was, of which there is an intent, is not known any more. */
int stage_move(struct stage *st, const struct stage_binding *b,
	       struct why *why);

/* The last commit's outcome, a line for "status" ("" for none yet). */
int stage_set_result(struct stage *st, const char *text, struct why *why);
int stage_get_result(struct stage *st, char *buf, size_t size,
		     struct why *why);

/* Rows in all (0: nothing is pending and the stage may be dropped). */
uint64_t stage_rows(struct stage *st);

/* stage_is_empty - whether nothing would be lost with it: no rows, no burn that
 * was begun, nothing that another stage was lent. */
bool stage_is_empty(struct stage *st);

/*
 * stage_is_lost - whether its folder is not there any more, or another one is:
 * no write to it succeeds, and what it has is gone with its owner.
 * stage_trouble - 0, or what a person must know of it: -EIO where it is lost,
 * -ENOSPC where its file system is full, with @why.
 * stage_reserve_fill - where there is room, take some that the database alone
 * can use when there is none (stage_reserve.c).
 */
bool stage_is_lost(const struct stage *st);
int stage_trouble(const struct stage *st, struct why *why);
void stage_reserve_fill(struct stage *st);

/*
 * stage_in_use - of a stage that is open read-only: whether an owner has it,
 * now; its process id in *@ret_pid, or 0 where that is not known.  While it is
 * open and had no owner when it was opened, none can come.
 */
bool stage_in_use(const struct stage *st, long *ret_pid);

/*
 * stage_check_age - whether the binding's digest is one that this program
 * makes.  Of a stage that an older one made the rows mean what they say, but it
 * cannot be told which disc they are for.
 * Returns 0, or -EPROTO with a line that says so and what can be done.
 */
int stage_check_age(const struct stage *st, struct why *why);

struct stage_data *stage_data(struct stage *st);
const char *stage_id(const struct stage *st);   /* the folder's UUID */
const char *stage_path(const struct stage *st); /* its absolute path */

/*
 * stage_create - a new stage folder below @root (made with its parents, 0700,
 * if it is not there), locked.
 * stage_open - the one named @id below @root: locked (-EBUSY with the pid that
 * holds it where /proc/locks tells), unless @readonly.
 * A schema version that is newer: -EPROTO with words; older: the same, unless
 * @readonly (stage_check_age).
 * stage_close - releases; with @drop the folder is removed first (for a stage
 * without rows and without intent; asserts so).  A stage must not be open over
 * a fork: open it in the process that uses it.
 * stage_remove - remove the one named @id with all that it holds, readable or
 * not; -EBUSY as stage_open.
 */
int stage_create(const char *root, const struct stage_binding *b,
		 struct stage **ret, struct why *why);
int stage_open(const char *root, const char *id, bool readonly,
	       struct stage **ret, struct why *why);
void stage_close(struct stage *st, bool drop);
int stage_remove(const char *root, const char *id, struct why *why);

/*
 * stage_root - the folder that stages are in: @option (-o stage=) if given,
 * else /var/lib/discfs for root, $XDG_STATE_HOME/discfs or
 * ~/.local/state/discfs for others.  Heap; NULL: no home, @why.
 */
char *stage_root(const char *option, struct why *why);

/*
 * stage_each - call @fn with the id of every stage folder below @root, in
 * order of name.  A missing root is an empty one.
 */
int stage_each(const char *root, int (*fn)(void *arg, const char *id),
	       void *arg, struct why *why);

/*
 * stage_find - the stage for a disc that is in state @now (fresh binding
 * facts, path included).
 * Returns 1 with *@ret_id (heap) when exactly one stage belongs to it, 0 when
 * none does, -ESTALE when there is one that must not be used, with the reason
 * and the ways out in @why and its id in *@ret_id (docs/stage-format.md, Which
 * stage belongs to a disc).  One that holds nothing is never refused.
 * A stage with an intent matches also when only the tip or the head moved by
 * the burn that it tells of: *@ret_recover is set, and the caller runs
 * session_recover and asks again.
 * One that cannot be opened and is, or may be, the disc's: another -errno, for
 * which stage_is_broken, with its id and @why alike.
 */
int stage_find(const char *root, const struct stage_binding *now,
	       char **ret_id, bool *ret_recover, struct why *why);

/*
 * stage_say_broken - the ways out where stage @id, which belongs to the disc at
 * hand, cannot be opened or read for @err with @detail: into @why.  Returns
 * @err.
 * stage_is_broken - whether it is such an error: the stage must be left as it
 * is, and nothing be burned beside it.
 */
int stage_say_broken(const char *root, const char *id, int err,
		     const struct why *detail, struct why *why);
bool stage_is_broken(int err);

/* stage_label_path - the path of the disc that stage @id is for, where that can
 * be told without its database; heap, or NULL. */
char *stage_label_path(const char *root, const char *id);

/* stage_say_grown - what stage_find says of a stage that is bound to an older
 * state of the disc at @source: -ESTALE with @why. */
int stage_say_grown(const char *root, const char *id,
		    const struct stage_binding *b, const char *source,
		    struct why *why);

/*
 * stage_same_blank - whether two bindings of discs in drives that are or were
 * blank are the same disc, as far as can be told: by the drive and the size.
 */
bool stage_same_blank(const struct stage_binding *a,
		      const struct stage_binding *b);

/* stage_printable - @path fit for one line: its end, in @buf, which it returns. */
const char *stage_printable(const char *path, char *buf, size_t size);

/*
 * stage_find_path - the stage whose bound path is @path, for the message when
 * an image is gone.  Returns 1 with *@ret_id (heap), 0 or -errno.
 */
int stage_find_path(const char *root, const char *path, char **ret_id);

#endif
