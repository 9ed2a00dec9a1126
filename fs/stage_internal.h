/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_INTERNAL_H
#define FS_STAGE_INTERNAL_H

/*
 * Between the files of the stage: stage.c (folders and locks), stage_db.c (the
 * connection), stage_rows.c (writing rows), stage_load.c (reading them),
 * stage_codec.c (blobs), stage_binding.c (binding, intent, result, rebase),
 * stage_find.c (which stage belongs to a disc).  For no other file.
 */

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/stage.h"

/* Kept prepared statements; their texts stand in stage_db.c. */
enum stage_stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_PUT_NODE,
	STMT_DROP_NODE,
	STMT_PUT_GONE,
	STMT_DROP_GONE,
	STMT_PUT_LINK,
	STMT_MOVE_LINK,
	STMT_DROP_LINK,
	STMT_EACH_NODE,
	STMT_EACH_GONE,
	STMT_EACH_LINK,
	STMT_CLEAR_NODES,
	STMT_CLEAR_GONE,
	STMT_CLEAR_LINKS,
	STMT_PUT_NEXT_ID,
	STMT_GET_BINDING,
	STMT_PUT_BINDING,
	STMT_GET_INTENT,
	STMT_PUT_INTENT,
	STMT_CLEAR_INTENT,
	STMT_LATER_INTENT,
	STMT_GET_LOAN,
	STMT_PUT_LOAN,
	STMT_MARK_LENT,
	STMT_NOT_LENT,
	STMT_GET_RESULT,
	STMT_PUT_RESULT,
	STMT_COUNT,
};

/* Columns of a node, in their order in the table. */
enum {
	COL_ID,
	COL_BASE_PATH,
	COL_FLAGS,
	COL_MODE,
	COL_UID,
	COL_GID,
	COL_RDEV,
	COL_ATIME,
	COL_MTIME = COL_ATIME + 2,
	COL_CTIME = COL_MTIME + 2,
	COL_XATTR_COUNT = COL_CTIME + 2,
	COL_XATTRS,
	COL_TARGET,
	COL_SIZE,
	COL_EXTENTS,
};

struct stage {
	char *id;
	char *root; /* real path of the folder that stages are in */
	char *path; /* root/id */
	int rootfd, dirfd;
	int lockfd; /* holds the OFD lock; -1: read beside a living owner */
	bool readonly;
	int version;	  /* of the schema it was made with */
	char *lender;	  /* the stage whose data file this one's is, or NULL */
	uint64_t missing; /* how many of the lender's files are not in it */
	bool lent;	  /* its changes were taken to another disc */
	struct stage_data *data;
	bool placed; /* it has its name, and its database is this inode: */
	dev_t db_dev;
	ino_t db_ino;

	pthread_mutex_t lock;
	/* Under the lock. */
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_COUNT];
	uint64_t rows, next_id;
	bool has_intent;
	int reservefd;	  /* -1: there is none */
	uint64_t reserve; /* so much room is held by it */
	unsigned char *scratch; /* for encoding */
	size_t scratch_size;
};

enum stage_db_mode {
	STAGE_DB_CREATE, /* make the tables */
	STAGE_DB_WRITE,
	STAGE_DB_READ_SHM,   /* with the index of a living or dead owner */
	STAGE_DB_READ_WAL,   /* there is a log, but no index */
	STAGE_DB_READ_ALONE, /* no log: stage.db is all, and nobody writes */
};

/*
 * stage_db_open - open "stage.db" in st->path and check that it is a stage;
 * sets db, rows, next_id, has_intent.  On failure nothing is left open.
 */
int stage_db_open(struct stage *st, enum stage_db_mode mode, struct why *why);
void stage_db_close(struct stage *st);

/* stage_db_shrink - give back the room of what is free in the database, and of
 * its log, as far as it is worth it; outside of a transaction.  Returns whether
 * it was. */
bool stage_db_shrink(struct stage *st);

/* stage_db_error - the -errno of SQLite's last failure, with @why filled. */
int stage_db_error(struct stage *st, const char *what, struct why *why);

/* stage_db_bad - -EBADMSG for what the database says. */
int stage_db_bad(const struct stage *st, struct why *why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * stage_db_stmt - a kept statement, ready for binding; NULL: stage_db_error.
 * stage_db_step - run it once and make it ready again: 0 or -errno.  For
 * statements that return no rows.
 * stage_db_done - end with a statement whose rows were read.
 */
sqlite3_stmt *stage_db_stmt(struct stage *st, enum stage_stmt which);
int stage_db_step(struct stage *st, sqlite3_stmt *s, struct why *why);
void stage_db_done(sqlite3_stmt *s);

/* stage_db_run - a kept statement without parameters. */
int stage_db_run(struct stage *st, enum stage_stmt which, struct why *why);

/*
 * stage_db_begin, stage_db_end - a transaction; with @err < 0 it is rolled
 * back and @err returned, else committed, durably.
 */
int stage_db_begin(struct stage *st, struct why *why);
int stage_db_end(struct stage *st, int err, struct why *why);

/* stage_write_rows - the rows of @b, within a transaction. */
int stage_write_rows(struct stage *st, const struct stage_batch *b,
		     struct why *why);
int stage_clear_rows(struct stage *st, struct why *why);

/* stage_drop_others - within a transaction: drop the rows that @b does not put
 * in (stage_prune.c). */
int stage_drop_others(struct stage *st, const struct stage_batch *b,
		      struct why *why);

/* stage_put_binding - within a transaction or alone. */
int stage_put_binding(struct stage *st, const struct stage_binding *b,
		      struct why *why);

/*
 * Values of a row.  The integer ones return false for another type or a value
 * outside of the limits.  Unsigned 64-bit values are stored as the signed ones
 * with the same bits.
 */
bool stage_column_int(sqlite3_stmt *s, int col, int64_t min, int64_t max,
		      int64_t *ret);
bool stage_column_u64(sqlite3_stmt *s, int col, uint64_t *ret);
bool stage_column_u32(sqlite3_stmt *s, int col, uint32_t *ret);
/* A blob of @min..@max bytes; *@ret is valid until the next step. */
bool stage_column_blob(sqlite3_stmt *s, int col, size_t min, size_t max,
		       const void **ret, size_t *ret_len);

/*
 * Blobs (docs/stage-format.md).  The encoders write into st->scratch, grown
 * as needed, and return the length or -ENOMEM.  The decoders take foreign
 * bytes: 0 with a heap block in *@ret, -EBADMSG or -ENOMEM.
 */
enum { STAGE_EXTENT_BYTES = 25 };
int64_t stage_encode_extents(struct stage *st, const struct extent *v,
			     uint32_t n);
int stage_decode_extents(const void *blob, size_t len, uint64_t size,
			 uint64_t data_size, struct extent **ret,
			 uint32_t *ret_n);
int64_t stage_encode_xattrs(struct stage *st, const struct xattrs *x);
int stage_decode_xattrs(const void *blob, size_t len, uint32_t count,
			struct xattrs **ret);

/* stage_path_ok - a path in the base: "" or names parted by single slashes.
 * stage_name_ok - one name.  Both for bytes from the database. */
bool stage_name_ok(const char *name, size_t len);
bool stage_path_ok(const char *path, size_t len);

/* stage_drop_empty - remove the stages of the image @now that hold nothing: no
 * stage of @now was found, so they are of what it was before. */
void stage_drop_empty(const char *root, const struct stage_binding *now);

/*
 * stage_make - stage_create, and with @loan a stage of these rows whose data
 * file is the lender's.
 */
struct stage_loan {
	struct stage *lender;
	const struct stage_batch *rows;
	uint64_t missing;
};
int stage_make(const char *root, const struct stage_binding *b,
	       const struct stage_loan *loan, struct stage **ret,
	       struct why *why);

/* stage_sweep - remove what a crash left half made or half removed below the
 * folder @rootfd, which the caller has locked. */
void stage_sweep(int rootfd);

/*
 * stage_loan.c.  stage_loan_read - what the database says of a loan;
 * stage_loan_give - link the lender's data file into @dirfd;
 * stage_loan_write - the loan and its rows into the new stage @st;
 * stage_loan_check - that a stage that gets an owner lends nothing: -EBUSY
 * with the way out in @why.
 */
int stage_loan_read(struct stage *st, struct why *why);
int stage_loan_give(const struct stage *lender, int dirfd, struct why *why);
int stage_loan_write(struct stage *st, const struct stage_loan *loan,
		     struct why *why);
int stage_loan_check(struct stage *st, struct why *why);

/*
 * stage_reserve.c.  stage_reserve_open - the file, made where it is missing;
 * stage_reserve_fill_locked - have it hold what it should, where there is room
 * enough; stage_reserve_give - give up half of what it holds, or the last of
 * it, and at the first of the @tries, which begin at 0, what the log takes:
 * false where there is nothing.  After -ENOSPC what was tried is tried again as
 * long as it is true.  The caller has st->lock, or is alone; there is no
 * transaction.
 */
void stage_reserve_open(struct stage *st);
void stage_reserve_fill_locked(struct stage *st);
bool stage_reserve_give(struct stage *st, unsigned *tries);

/*
 * stage_label.c.  stage_label_write - which disc the stage is for, beside the
 * database; where it cannot be written there is none.
 * stage_label_read - that of the stage in @dirfd, path included, for the caller
 * to release: 0, -ENOENT, -EBADMSG, -errno.
 */
void stage_label_write(const struct stage *st, const struct stage_binding *b);
int stage_label_read(int dirfd, struct stage_binding *ret);

/*
 * stage_broken.c: a stage that cannot be opened.
 * stage_broken_label - what its label says: STAGE_BROKEN_LABEL with *@ret, for
 * the caller to release; _UNKNOWN: nothing; _EMPTY: nothing, and it holds
 * nothing that could be lost; -ENOMEM.
 * stage_broken_may_be - whether a disc may be the one of @label.
 * stage_broken_say - why nothing is written to a disc that it may be of, and the
 * ways out.
 */
enum { STAGE_BROKEN_LABEL, STAGE_BROKEN_UNKNOWN, STAGE_BROKEN_EMPTY };
int stage_broken_label(const char *root, const char *id,
		       struct stage_binding *ret);
bool stage_broken_may_be(const struct stage_binding *label,
			 const struct stage_binding *now);
void stage_broken_say(const char *root, const char *id, int err,
		      const struct why *detail, bool any, struct why *why);

/* stage_wal.c.  stage_wal_check - of a stage without an owner: 0, or -EBADMSG
 * where its log lost changes that were durable. */
int stage_wal_check(const struct stage *st, struct why *why);

/*
 * stage_place.c.  stage_place_note - the database was opened where it will be;
 * stage_check_place - 0, or -EIO with @why where the stage is not there any
 * more.
 */
void stage_place_note(struct stage *st);
int stage_check_place(const struct stage *st, struct why *why);

/*
 * stage_lock.c.  stage_lock_take - the lock of stage @id's owner, in its folder
 * @dirfd: the descriptor that holds it in *@ret, for the caller to close, or
 * -EBUSY with who has it; -errno.
 * stage_lock_step - ask once for the lock on @fd: F_WRLCK, F_RDLCK.  0, or
 * -EAGAIN, -EACCES: another has it; -errno.
 * stage_nap - wait a moment, STAGE_STEP_MS, for a reader to end or an owner to
 * come or go; give up after STAGE_PATIENCE_MS.
 */
enum { STAGE_PATIENCE_MS = 3000, STAGE_STEP_MS = 20 };
int stage_lock_take(int dirfd, const char *id, int *ret, struct why *why);
int stage_lock_step(int fd, short type);
void stage_nap(void);

/* stage_id_ok - whether @id is the name of a stage folder (a UUID). */
bool stage_id_ok(const char *id);

/* stage_owner.c */

/*
 * stage_check_root, stage_check_folder - whether nobody but this user (and root)
 * can put something into the folder of stages, the folder of one; @path is for
 * the words.  0, or -EPERM with what to do in @why.
 */
int stage_check_root(int fd, const char *path, struct why *why);
int stage_check_folder(int fd, const char *path, struct why *why);

#endif
