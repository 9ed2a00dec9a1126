/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"

enum {
	TARGET_MAX = 4095, /* PATH_MAX without its NUL */
	ALL_FLAGS = STAGE_ATTR | STAGE_CONTENT | STAGE_TOUCHED,
};

/* What a row that is handed out points to. */
struct row {
	char *base_path, *target;
	struct xattrs *xattrs;
	struct extent *extents;
};

static void row_release(struct row *r)
{
	free(r->base_path);
	free(r->target);
	free(r->xattrs);
	free(r->extents);
	*r = (struct row){0};
}

/* A string: 1 if there is one, 0 for NULL, or -errno. */
static int get_string(sqlite3_stmt *s, int col, size_t min, size_t max,
		      char **ret)
{
	const void *p;
	size_t len;
	char *text;

	if (sqlite3_column_type(s, col) == SQLITE_NULL)
		return 0;
	if (!stage_column_blob(s, col, min, max, &p, &len) || memchr(p, 0, len))
		return -EBADMSG;
	text = malloc(len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, p, len);
	text[len] = '\0';
	*ret = text;
	return 1;
}

static bool get_time(sqlite3_stmt *s, int col, struct timespec *ret)
{
	int64_t sec, nsec;

	if (!stage_column_int(s, col, INT64_MIN, INT64_MAX, &sec) ||
	    !stage_column_int(s, col + 1, 0, 999999999, &nsec))
		return false;
	ret->tv_sec = sec;
	ret->tv_nsec = nsec;
	return true;
}

static bool get_attr(sqlite3_stmt *s, struct attr *a)
{
	uint32_t mode, uid, gid;
	uint64_t rdev;

	if (!stage_column_u32(s, COL_MODE, &mode) ||
	    !stage_column_u32(s, COL_UID, &uid) ||
	    !stage_column_u32(s, COL_GID, &gid) ||
	    !stage_column_u64(s, COL_RDEV, &rdev) ||
	    !get_time(s, COL_ATIME, &a->atime) ||
	    !get_time(s, COL_MTIME, &a->mtime) ||
	    !get_time(s, COL_CTIME, &a->ctime))
		return false;
	a->mode = mode;
	a->uid = uid;
	a->gid = gid;
	a->rdev = rdev;
	return (mode & ~(uint32_t)(S_IFMT | 07777)) == 0;
}

static bool known_type(mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) ||
	       S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) ||
	       S_ISSOCK(mode);
}

static int get_xattrs(sqlite3_stmt *s, struct row *r)
{
	uint32_t count;
	const void *p;
	size_t len;

	if (!stage_column_u32(s, COL_XATTR_COUNT, &count))
		return -EBADMSG;
	if (sqlite3_column_type(s, COL_XATTRS) == SQLITE_NULL)
		return count ? -EBADMSG : 0;
	if (!stage_column_blob(s, COL_XATTRS, 1, INT32_MAX, &p, &len))
		return -EBADMSG;
	return stage_decode_xattrs(p, len, count, &r->xattrs);
}

static int get_extents(sqlite3_stmt *s, struct stage_node *n, struct row *r,
		       uint64_t data_size)
{
	const void *p;
	size_t len;

	if (!stage_column_u64(s, COL_SIZE, &n->size) || n->size > INT64_MAX)
		return -EBADMSG;
	if (sqlite3_column_type(s, COL_EXTENTS) == SQLITE_NULL)
		return 0;
	/* Only what has a content of its own names bytes. */
	if (n->base_path ? !(n->flags & STAGE_CONTENT) : !S_ISREG(n->attr.mode))
		return -EBADMSG;
	if (!stage_column_blob(s, COL_EXTENTS, 1, INT32_MAX, &p, &len))
		return -EBADMSG;
	return stage_decode_extents(p, len, n->size, data_size, &r->extents,
				    &n->n_extents);
}

/* Which part of a node row is bad, or NULL; *@ret_err is set then. */
static const char *get_node(sqlite3_stmt *s, struct stage_node *n,
			    struct row *r, uint64_t data_size, int *ret_err)
{
	int64_t flags;
	int err;

	*ret_err = -EBADMSG;
	if (!stage_column_u64(s, COL_ID, &n->id) || n->id < 1 ||
	    n->id > INT64_MAX)
		return "id";
	err = get_string(s, COL_BASE_PATH, 0, INT32_MAX, &r->base_path);
	if (err == 1 && !stage_path_ok(r->base_path, strlen(r->base_path)))
		err = -EBADMSG;
	if (err < 0) {
		*ret_err = err;
		return "path";
	}
	n->base_path = r->base_path;
	if (!stage_column_int(s, COL_FLAGS, 0, ALL_FLAGS, &flags))
		return "flags";
	n->flags = (unsigned)flags;
	if (!get_attr(s, &n->attr) ||
	    ((!n->base_path || (n->flags & STAGE_ATTR)) &&
	     !known_type(n->attr.mode)))
		return "attributes";
	err = get_string(s, COL_TARGET, 1, TARGET_MAX, &r->target);
	if (err == 1 ? !S_ISLNK(n->attr.mode)
		     : !n->base_path && S_ISLNK(n->attr.mode))
		err = -EBADMSG;
	if (err < 0) {
		*ret_err = err;
		return "symbolic link";
	}
	n->target = r->target;
	*ret_err = get_xattrs(s, r);
	if (*ret_err < 0)
		return "extended attributes";
	n->xattrs = r->xattrs;
	*ret_err = get_extents(s, n, r, data_size);
	if (*ret_err < 0)
		return "size and extents";
	n->extents = r->extents;
	return NULL;
}

static int bad_row(struct stage *st, int err, const char *kind, uint64_t id,
		   const char *part, struct why *why)
{
	if (err != -EBADMSG)
		return why_set(why, err, "stage %s: %s", st->id,
			       strerror(-err));
	return stage_db_bad(st, why, "%s %llu has a bad %s", kind,
			    (unsigned long long)id, part);
}

static int load_nodes(struct stage *st, sqlite3_stmt *s,
		      const struct stage_reader *reader, struct why *why)
{
	struct row row = {0};
	struct stat data;
	int rc, err = 0;

	if (fstat(stage_data_fd(st->data), &data) < 0)
		return why_set(why, -errno, "stage %s: %s", st->id,
			       strerror(errno));
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct stage_node n = {0};
		const char *bad =
			get_node(s, &n, &row, (uint64_t)data.st_size, &err);

		if (bad)
			err = bad_row(st, err, "node", n.id, bad, why);
		else if (reader->node)
			err = reader->node(reader->arg, &n);
		row_release(&row);
		if (err < 0)
			return err;
	}
	return rc == SQLITE_DONE ? 0 : stage_db_error(st, "cannot read", why);
}

static int load_gone(struct stage *st, sqlite3_stmt *s,
		     const struct stage_reader *reader, struct why *why)
{
	uint64_t row = 0;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		AUTO_FREE char *path = NULL;
		int err = get_string(s, 0, 1, INT32_MAX, &path);

		row++;
		if (err == 0 || (path && !stage_path_ok(path, strlen(path))))
			err = -EBADMSG;
		if (err < 0)
			return bad_row(st, err, "removal", row, "path", why);
		if (reader->gone)
			err = reader->gone(reader->arg, path);
		if (err < 0)
			return err;
	}
	return rc == SQLITE_DONE ? 0 : stage_db_error(st, "cannot read", why);
}

static int load_links(struct stage *st, sqlite3_stmt *s,
		      const struct stage_reader *reader, struct why *why)
{
	struct stage_link l;
	uint64_t row = 0;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		AUTO_FREE char *name = NULL;
		int err;

		row++;
		/* The last two columns: the nodes are there. */
		if (!stage_column_u64(s, 0, &l.parent) ||
		    !stage_column_u64(s, 2, &l.node) ||
		    sqlite3_column_type(s, 3) == SQLITE_NULL ||
		    sqlite3_column_type(s, 4) == SQLITE_NULL)
			return bad_row(st, -EBADMSG, "link", row, "node", why);
		err = get_string(s, 1, 1, 255, &name);
		if (err == 0 || (name && !stage_name_ok(name, strlen(name))))
			err = -EBADMSG;
		if (err < 0)
			return bad_row(st, err, "link", row, "name", why);
		l.name = name;
		if (reader->link)
			err = reader->link(reader->arg, &l);
		if (err < 0)
			return err;
	}
	return rc == SQLITE_DONE ? 0 : stage_db_error(st, "cannot read", why);
}

typedef int load_fn(struct stage *st, sqlite3_stmt *s,
		    const struct stage_reader *reader, struct why *why);

static int load(struct stage *st, const char *sql, load_fn *fn,
		const struct stage_reader *reader, struct why *why)
{
	sqlite3_stmt *s = NULL;
	int err;

	if (sqlite3_prepare_v2(st->db, sql, -1, &s, NULL) != SQLITE_OK)
		err = stage_db_error(st, "cannot read", why);
	else
		err = fn(st, s, reader, why);
	sqlite3_finalize(s);
	return err;
}

static int load_check(struct stage *st, sqlite3_stmt *s,
		      const struct stage_reader *reader, struct why *why)
{
	const unsigned char *text;

	(void)reader;
	if (sqlite3_step(s) != SQLITE_ROW)
		return stage_db_error(st, "cannot read", why);
	text = sqlite3_column_text(s, 0);
	if (!text || strcmp((const char *)text, "ok") != 0)
		return stage_db_bad(st, why, "%s",
				    text ? (const char *)text : "unreadable");
	return 0;
}

int stage_load(struct stage *st, const struct stage_reader *r, struct why *why)
{
	int err;
	LOCK_GUARD(&st->lock);

	/* One read transaction: beside a living owner, one state of it. */
	if (sqlite3_exec(st->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return stage_db_error(st, "cannot read", why);
	err = load(st, "PRAGMA quick_check(1)", load_check, r, why);
	if (err == 0)
		err = load(st, "SELECT * FROM node ORDER BY id", load_nodes, r,
			   why);
	if (err == 0)
		err = load(st, "SELECT base_path FROM gone ORDER BY base_path",
			   load_gone, r, why);
	if (err == 0)
		err = load(st,
			   "SELECT parent, name, node, "
			   "(SELECT 1 FROM node WHERE id = parent), "
			   "(SELECT 1 FROM node WHERE id = link.node) "
			   "FROM link ORDER BY parent, name",
			   load_links, r, why);
	sqlite3_exec(st->db, "COMMIT", NULL, NULL, NULL);
	return err;
}
