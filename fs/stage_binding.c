/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"

enum {
	HEAD_BYTES = 65536, /* DISC_HEAD_BYTES */
	PATH_BYTES_MAX = 65536,
	RESULT_BYTES_MAX = 4096,
};

void stage_binding_release(struct stage_binding *b)
{
	if (!b)
		return;
	free(b->path);
	b->path = NULL;
}

void stage_intent_release(struct stage_intent *i)
{
	if (!i)
		return;
	free(i->old_head);
	free(i->new_head);
	i->old_head = i->new_head = NULL;
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
	sqlite3_bind_blob64(s, i, text, strlen(text), SQLITE_STATIC);
}

int stage_put_binding(struct stage *st, const struct stage_binding *b,
		      struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(st, STMT_PUT_BINDING);

	if (!s)
		return stage_db_error(st, "cannot write", why);
	sqlite3_bind_blob(s, 1, b->digest, sizeof b->digest, SQLITE_STATIC);
	sqlite3_bind_int(s, 2, b->blank);
	sqlite3_bind_int64(s, 3, b->base_lba);
	sqlite3_bind_int64(s, 4, b->tip_lba);
	sqlite3_bind_int64(s, 5, (int64_t)b->nwa);
	sqlite3_bind_int64(s, 6, (int64_t)b->image_dev);
	sqlite3_bind_int64(s, 7, (int64_t)b->image_ino);
	bind_text(s, 8, b->path ? b->path : "");
	bind_text(s, 9, b->serial);
	bind_text(s, 10, b->media_type);
	sqlite3_bind_int64(s, 11, (int64_t)b->capacity_blocks);
	sqlite3_bind_int64(s, 12, b->created);
	sqlite3_bind_int64(s, 13, b->import_flags);
	return stage_db_step(st, s, why);
}

/* A string without NUL into a buffer of @size bytes. */
static bool get_text(sqlite3_stmt *s, int col, char *buf, size_t size)
{
	const void *p;
	size_t len;

	if (!stage_column_blob(s, col, 0, size - 1, &p, &len) ||
	    memchr(p, 0, len))
		return false;
	memcpy(buf, p, len);
	buf[len] = '\0';
	return true;
}

static bool get_binding(sqlite3_stmt *s, struct stage_binding *b)
{
	const void *p;
	size_t len;
	int64_t blank;

	if (!stage_column_blob(s, 0, sizeof b->digest, sizeof b->digest, &p,
			       &len))
		return false;
	memcpy(b->digest, p, sizeof b->digest);
	if (!stage_column_int(s, 1, 0, 1, &blank) ||
	    !stage_column_u32(s, 2, &b->base_lba) ||
	    !stage_column_u32(s, 3, &b->tip_lba) ||
	    !stage_column_u64(s, 4, &b->nwa) ||
	    !stage_column_u64(s, 5, &b->image_dev) ||
	    !stage_column_u64(s, 6, &b->image_ino) ||
	    !get_text(s, 8, b->serial, sizeof b->serial) ||
	    !get_text(s, 9, b->media_type, sizeof b->media_type) ||
	    !stage_column_u64(s, 10, &b->capacity_blocks) ||
	    !stage_column_int(s, 11, INT64_MIN, INT64_MAX, &b->created) ||
	    !stage_column_u32(s, 12, &b->import_flags))
		return false;
	b->blank = blank;
	return stage_column_blob(s, 7, 1, PATH_BYTES_MAX, &p, &len) &&
	       *(const char *)p == '/' && !memchr(p, 0, len);
}

int stage_get_binding(struct stage *st, struct stage_binding *ret,
		      struct why *why)
{
	struct stage_binding b = {0};
	sqlite3_stmt *s;
	int rc, err = 0;
	LOCK_GUARD(&st->lock);

	s = stage_db_stmt(st, STMT_GET_BINDING);
	if (!s)
		return stage_db_error(st, "cannot read", why);
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		err = stage_db_bad(st, why, "it is bound to no disc");
	else if (rc != SQLITE_ROW)
		err = stage_db_error(st, "cannot read", why);
	else if (!get_binding(s, &b))
		err = stage_db_bad(st, why, "its binding");
	if (err == 0) {
		b.path = strndup(sqlite3_column_blob(s, 7),
				 (size_t)sqlite3_column_bytes(s, 7));
		if (b.path)
			*ret = b;
		else
			err = why_set(why, -ENOMEM, "out of memory");
	}
	stage_db_done(s);
	return err;
}

static int rebind_once(struct stage *st, const struct stage_binding *b,
		       bool move, struct why *why)
{
	int err = stage_db_begin(st, why);

	if (err < 0)
		return err;
	err = stage_put_binding(st, b, why);
	/* Its disc is here. */
	if (err == 0 && st->lent)
		err = stage_db_run(st, STMT_NOT_LENT, why);
	if (err == 0 && move)
		err = stage_db_run(st, STMT_CLEAR_INTENT, why);
	err = stage_db_end(st, err, why);
	if (err == 0)
		st->lent = false;
	if (err == 0 && move)
		st->has_intent = false;
	return err;
}

static int rebind(struct stage *st, const struct stage_binding *b, bool move,
		  struct why *why)
{
	LOCK_GUARD(&st->lock);
	unsigned tries = 0;
	int err;

	do
		err = rebind_once(st, b, move, why);
	while (err == -ENOSPC && stage_reserve_give(st, &tries));
	if (err == 0)
		stage_label_write(st, b);
	return err;
}

int stage_set_binding(struct stage *st, const struct stage_binding *b,
		      struct why *why)
{
	return rebind(st, b, false, why);
}

int stage_move(struct stage *st, const struct stage_binding *b, struct why *why)
{
	return rebind(st, b, true, why);
}

static void bind_head(sqlite3_stmt *s, int i, const unsigned char *head)
{
	if (head)
		sqlite3_bind_blob(s, i, head, HEAD_BYTES, SQLITE_STATIC);
}

static int put_intent(struct stage *st, const struct stage_intent *i,
		      struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(st, STMT_PUT_INTENT);

	if (!s)
		return stage_db_error(st, "cannot write", why);
	sqlite3_bind_int64(s, 1, (int64_t)i->nwa);
	sqlite3_bind_int64(s, 2, (int64_t)i->blocks);
	bind_text(s, 3, i->volume_uuid);
	sqlite3_bind_int(s, 4, i->overwritable);
	bind_head(s, 5, i->old_head);
	bind_head(s, 6, i->new_head);
	sqlite3_bind_int(s, 7, i->exact);
	return stage_db_step(st, s, why);
}

static int set_intent_once(struct stage *st, const struct stage_intent *intent,
			   struct why *why)
{
	int err = stage_db_begin(st, why);

	if (err < 0)
		return err;
	if (intent)
		err = put_intent(st, intent, why);
	else
		err = stage_db_run(st, STMT_CLEAR_INTENT, why);
	err = stage_db_end(st, err, why);
	if (err == 0)
		st->has_intent = intent != NULL;
	return err;
}

int stage_set_intent(struct stage *st, const struct stage_intent *intent,
		     struct why *why)
{
	LOCK_GUARD(&st->lock);
	unsigned tries = 0;
	int err;

	do
		err = set_intent_once(st, intent, why);
	while (err == -ENOSPC && stage_reserve_give(st, &tries));
	return err;
}

/* A head: -EBADMSG where it is there and of another size. */
static int get_head(sqlite3_stmt *s, int col, unsigned char **ret)
{
	const void *p;
	size_t len;

	if (sqlite3_column_type(s, col) == SQLITE_NULL)
		return 0;
	if (!stage_column_blob(s, col, HEAD_BYTES, HEAD_BYTES, &p, &len))
		return -EBADMSG;
	*ret = malloc(HEAD_BYTES);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, p, HEAD_BYTES);
	return 0;
}

static int get_intent(sqlite3_stmt *s, struct stage_intent *i)
{
	int64_t overwritable, exact;
	int err;

	if (!stage_column_u64(s, 0, &i->nwa) ||
	    !stage_column_u64(s, 1, &i->blocks) ||
	    !get_text(s, 2, i->volume_uuid, sizeof i->volume_uuid) ||
	    !stage_column_int(s, 3, 0, 1, &overwritable) ||
	    !stage_column_int(s, 6, 0, 1, &exact))
		return -EBADMSG;
	i->overwritable = overwritable;
	i->exact = exact;
	err = get_head(s, 4, &i->old_head);
	if (err == 0)
		err = get_head(s, 5, &i->new_head);
	/* Without them nothing could be told or undone. */
	if (err == 0 && i->overwritable && (!i->old_head || !i->new_head))
		err = -EBADMSG;
	return err;
}

int stage_get_intent(struct stage *st, struct stage_intent *ret,
		     struct why *why)
{
	struct stage_intent i = {0};
	sqlite3_stmt *s;
	int rc, err = 0;
	LOCK_GUARD(&st->lock);

	s = stage_db_stmt(st, STMT_GET_INTENT);
	if (!s)
		return stage_db_error(st, "cannot read", why);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		err = get_intent(s, &i);
	else if (rc != SQLITE_DONE)
		err = stage_db_error(st, "cannot read", why);
	stage_db_done(s);
	if (rc == SQLITE_ROW && err == -EBADMSG)
		stage_db_bad(st, why, "its note of an unfinished burn");
	else if (rc == SQLITE_ROW && err < 0)
		why_set(why, err, "stage %s: %s", st->id, strerror(-err));
	if (err < 0) {
		stage_intent_release(&i);
		return err;
	}
	if (rc == SQLITE_DONE)
		return 0;
	*ret = i;
	return 1;
}

static int set_result_once(struct stage *st, const char *text, struct why *why)
{
	sqlite3_stmt *s;
	int err = stage_db_begin(st, why);

	if (err < 0)
		return err;
	s = stage_db_stmt(st, STMT_PUT_RESULT);
	if (s) {
		sqlite3_bind_blob64(s, 1, text, strnlen(text, RESULT_BYTES_MAX),
				    SQLITE_STATIC);
		err = stage_db_step(st, s, why);
	} else {
		err = stage_db_error(st, "cannot write", why);
	}
	return stage_db_end(st, err, why);
}

int stage_set_result(struct stage *st, const char *text, struct why *why)
{
	LOCK_GUARD(&st->lock);
	unsigned tries = 0;
	int err;

	do
		err = set_result_once(st, text, why);
	while (err == -ENOSPC && stage_reserve_give(st, &tries));
	return err;
}

int stage_get_result(struct stage *st, char *buf, size_t size, struct why *why)
{
	sqlite3_stmt *s;
	const void *p = "";
	size_t len = 0;
	int rc, err = 0;
	LOCK_GUARD(&st->lock);

	s = stage_db_stmt(st, STMT_GET_RESULT);
	if (!s)
		return stage_db_error(st, "cannot read", why);
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = stage_db_error(st, "cannot read", why);
	else if (rc == SQLITE_DONE ||
		 !stage_column_blob(s, 0, 0, RESULT_BYTES_MAX, &p, &len) ||
		 memchr(p, 0, len))
		err = stage_db_bad(st, why, "the last commit's result");
	if (err == 0 && size) {
		if (len > size - 1)
			len = size - 1;
		memcpy(buf, p, len);
		buf[len] = '\0';
	}
	stage_db_done(s);
	return err;
}

static int rebase_once(struct stage *st, const struct stage_binding *binding,
		       const struct stage_batch *batch, struct why *why)
{
	uint64_t rows = st->rows, next_id = st->next_id;
	int err = stage_db_begin(st, why);

	if (err < 0)
		return err;
	err = stage_clear_rows(st, why);
	if (err == 0)
		err = stage_write_rows(st, batch, why);
	if (err == 0)
		err = stage_put_binding(st, binding, why);
	if (err == 0)
		err = stage_db_run(st, STMT_CLEAR_INTENT, why);
	err = stage_db_end(st, err, why);
	if (err < 0) {
		st->rows = rows;
		st->next_id = next_id;
	} else {
		st->has_intent = false;
	}
	return err;
}

int stage_rebase(struct stage *st, const struct stage_binding *binding,
		 const struct stage_batch *batch, struct why *why)
{
	int err = stage_data_sync(st->data);
	unsigned tries = 0;
	LOCK_GUARD(&st->lock);

	if (err < 0)
		return why_set(why, err,
			       "stage %s: cannot write its data file: %s",
			       st->id, strerror(-err));
	do
		err = rebase_once(st, binding, batch, why);
	while (err == -ENOSPC && stage_reserve_give(st, &tries));
	if (err == 0)
		stage_label_write(st, binding);
	return err;
}
