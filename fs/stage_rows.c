/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"

static void bind_string(sqlite3_stmt *s, int i, const char *text)
{
	if (text)
		sqlite3_bind_blob64(s, i, text, strlen(text), SQLITE_STATIC);
}

static void bind_time(sqlite3_stmt *s, int i, const struct timespec *t)
{
	sqlite3_bind_int64(s, i, t->tv_sec);
	sqlite3_bind_int64(s, i + 1, t->tv_nsec);
}

/* The scratch is used twice for one row: copied by SQLite. */
static int bind_blobs(struct stage *st, sqlite3_stmt *s,
		      const struct stage_node *n)
{
	int64_t len;

	if (n->xattrs) {
		len = stage_encode_xattrs(st, n->xattrs);
		if (len < 0 ||
		    sqlite3_bind_blob64(s, COL_XATTRS + 1, st->scratch,
					(uint64_t)len,
					SQLITE_TRANSIENT) != SQLITE_OK)
			return -ENOMEM;
	}
	if (n->n_extents) {
		len = stage_encode_extents(st, n->extents, n->n_extents);
		if (len < 0 || sqlite3_bind_blob64(s, COL_EXTENTS + 1,
						   st->scratch, (uint64_t)len,
						   SQLITE_STATIC) != SQLITE_OK)
			return -ENOMEM;
	}
	return 0;
}

static int put_node(struct stage *st, const struct stage_node *n,
		    struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(st, STMT_PUT_NODE);
	int err;

	if (!s)
		return stage_db_error(st, "cannot write", why);
	sqlite3_bind_int64(s, COL_ID + 1, (int64_t)n->id);
	bind_string(s, COL_BASE_PATH + 1, n->base_path);
	sqlite3_bind_int64(s, COL_FLAGS + 1, n->flags);
	sqlite3_bind_int64(s, COL_MODE + 1, n->attr.mode);
	sqlite3_bind_int64(s, COL_UID + 1, n->attr.uid);
	sqlite3_bind_int64(s, COL_GID + 1, n->attr.gid);
	sqlite3_bind_int64(s, COL_RDEV + 1, (int64_t)n->attr.rdev);
	bind_time(s, COL_ATIME + 1, &n->attr.atime);
	bind_time(s, COL_MTIME + 1, &n->attr.mtime);
	bind_time(s, COL_CTIME + 1, &n->attr.ctime);
	sqlite3_bind_int64(s, COL_XATTR_COUNT + 1,
			   n->xattrs ? n->xattrs->count : 0);
	bind_string(s, COL_TARGET + 1, n->target);
	sqlite3_bind_int64(s, COL_SIZE + 1, (int64_t)n->size);
	err = bind_blobs(st, s, n);
	if (err < 0) {
		stage_db_done(s);
		return why_set(why, err, "out of memory");
	}
	/* An update leaves the last inserted row's id as it is. */
	sqlite3_set_last_insert_rowid(st->db, 0);
	err = stage_db_step(st, s, why);
	if (err == 0 && sqlite3_last_insert_rowid(st->db) != 0)
		st->rows++;
	if (err == 0 && n->id >= st->next_id)
		st->next_id = n->id + 1;
	return err;
}

/* Run @s, whose changes are of rows that are no more, or are new. */
static int step_counted(struct stage *st, sqlite3_stmt *s, int sign,
			struct why *why)
{
	int err = stage_db_step(st, s, why);

	if (err == 0)
		st->rows += (uint64_t)(sign * sqlite3_changes(st->db));
	return err;
}

static int drop_node(struct stage *st, uint64_t id, struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(st, STMT_DROP_NODE);

	if (!s)
		return stage_db_error(st, "cannot write", why);
	sqlite3_bind_int64(s, 1, (int64_t)id);
	return step_counted(st, s, -1, why);
}

static int change_gone(struct stage *st, enum stage_stmt which,
		       const char *path, struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(st, which);

	if (!s)
		return stage_db_error(st, "cannot write", why);
	bind_string(s, 1, path);
	return step_counted(st, s, which == STMT_PUT_GONE ? 1 : -1, why);
}

static sqlite3_stmt *bind_link(struct stage *st, enum stage_stmt which,
			       const struct stage_link *l)
{
	sqlite3_stmt *s = stage_db_stmt(st, which);

	if (s) {
		sqlite3_bind_int64(s, 1, (int64_t)l->parent);
		bind_string(s, 2, l->name);
		if (which != STMT_DROP_LINK)
			sqlite3_bind_int64(s, 3, (int64_t)l->node);
	}
	return s;
}

static int drop_link(struct stage *st, const struct stage_link *l,
		     struct why *why)
{
	sqlite3_stmt *s = bind_link(st, STMT_DROP_LINK, l);

	if (!s)
		return stage_db_error(st, "cannot write", why);
	return step_counted(st, s, -1, why);
}

static int put_link(struct stage *st, const struct stage_link *l,
		    struct why *why)
{
	sqlite3_stmt *s = bind_link(st, STMT_PUT_LINK, l);
	int err;

	if (!s)
		return stage_db_error(st, "cannot write", why);
	err = step_counted(st, s, 1, why);
	if (err < 0 || sqlite3_changes(st->db) > 0)
		return err;
	s = bind_link(st, STMT_MOVE_LINK, l);
	if (!s)
		return stage_db_error(st, "cannot write", why);
	return stage_db_step(st, s, why);
}

static int put_next_id(struct stage *st, struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(st, STMT_PUT_NEXT_ID);

	if (!s)
		return stage_db_error(st, "cannot write", why);
	sqlite3_bind_int64(s, 1, (int64_t)st->next_id);
	return stage_db_step(st, s, why);
}

int stage_write_rows(struct stage *st, const struct stage_batch *b,
		     struct why *why)
{
	uint64_t next_id = st->next_id;
	uint32_t i;
	int err = 0;

	for (i = 0; i < b->n_drop_links && err == 0; i++)
		err = drop_link(st, &b->drop_links[i], why);
	for (i = 0; i < b->n_drop_gone && err == 0; i++)
		err = change_gone(st, STMT_DROP_GONE, b->drop_gone[i], why);
	for (i = 0; i < b->n_drop_nodes && err == 0; i++)
		err = drop_node(st, b->drop_nodes[i], why);
	for (i = 0; i < b->n_nodes && err == 0; i++)
		err = put_node(st, &b->nodes[i], why);
	for (i = 0; i < b->n_gone && err == 0; i++)
		err = change_gone(st, STMT_PUT_GONE, b->gone[i], why);
	for (i = 0; i < b->n_links && err == 0; i++)
		err = put_link(st, &b->links[i], why);
	if (err == 0 && st->next_id != next_id)
		err = put_next_id(st, why);
	return err;
}

int stage_clear_rows(struct stage *st, struct why *why)
{
	int err = stage_db_run(st, STMT_CLEAR_NODES, why);

	if (err == 0)
		err = stage_db_run(st, STMT_CLEAR_GONE, why);
	if (err == 0)
		err = stage_db_run(st, STMT_CLEAR_LINKS, why);
	if (err == 0)
		st->rows = 0;
	return err;
}

/* An intent that is there tells of other rows now. */
static int note_later(struct stage *st, struct why *why)
{
	return st->has_intent ? stage_db_run(st, STMT_LATER_INTENT, why) : 0;
}

static int write_once(struct stage *st, const struct stage_batch *b,
		      bool replace, struct why *why)
{
	uint64_t rows = st->rows, next_id = st->next_id;
	int err = stage_db_begin(st, why);

	if (err < 0)
		return err;
	/* Rows that are the same stay, and take no room in the log. */
	if (replace)
		err = stage_drop_others(st, b, why);
	if (!err)
		err = stage_write_rows(st, b, why);
	if (!err && b->after_snapshot)
		err = note_later(st, why);
	err = stage_db_end(st, err, why);
	if (err < 0) {
		st->rows = rows;
		st->next_id = next_id;
	}
	return err;
}

static int write_batch(struct stage *st, const struct stage_batch *b,
		       bool replace, struct why *why)
{
	int err = stage_data_sync(st->data);
	unsigned tries = 0;
	LOCK_GUARD(&st->lock);

	if (err < 0)
		return why_set(why, err,
			       "stage %s: cannot write its data file: %s",
			       st->id, strerror(-err));
	if (!replace && b->n_nodes == 0 && b->n_drop_nodes == 0 &&
	    b->n_links == 0 && b->n_drop_links == 0 && b->n_gone == 0 &&
	    b->n_drop_gone == 0)
		return stage_check_place(st, why);
	do
		err = write_once(st, b, replace, why);
	while (err == -ENOSPC && stage_reserve_give(st, &tries));
	return err;
}

int stage_write(struct stage *st, const struct stage_batch *b, struct why *why)
{
	return write_batch(st, b, false, why);
}

int stage_replace(struct stage *st, const struct stage_batch *b,
		  struct why *why)
{
	return write_batch(st, b, true, why);
}

uint64_t stage_next_id(struct stage *st)
{
	LOCK_GUARD(&st->lock);

	return st->next_id;
}

uint64_t stage_rows(struct stage *st)
{
	LOCK_GUARD(&st->lock);

	return st->rows;
}

bool stage_is_empty(struct stage *st)
{
	LOCK_GUARD(&st->lock);

	return st->rows == 0 && !st->has_intent && !st->lent;
}
