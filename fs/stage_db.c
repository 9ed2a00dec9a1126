/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"
#include "fs/stage_way.h"

enum {
	APPLICATION_ID = 0x64697366, /* "disf" */
	BUSY_TIMEOUT_MS = 5000,
	LOG_KEEP_BYTES = 4 << 20,
	/* Less is not worth the syncs. */
	SHRINK_PAGES = 64,
	SHRINK_LOG_BYTES = 256 << 10,
};

/*
 * A tampered schema could make harmless statements run foreign ones, so each
 * text in the database must be the one it was made with.
 */
static const struct {
	const char *name;
	int since; /* the first version that has it */
	const char *sql;
} tables[] = {
	{"binding", 1,
	 "CREATE TABLE binding (one INTEGER PRIMARY KEY, "
	 "digest BLOB, blank INTEGER, base_lba INTEGER, "
	 "tip_lba INTEGER, nwa INTEGER, image_dev INTEGER, "
	 "image_ino INTEGER, path BLOB, serial BLOB, "
	 "media_type BLOB, capacity_blocks INTEGER, "
	 "created INTEGER, import_flags INTEGER)"},
	{"gone", 1,
	 "CREATE TABLE gone (base_path BLOB PRIMARY KEY) "
	 "WITHOUT ROWID"},
	{"intent", 1,
	 "CREATE TABLE intent (one INTEGER PRIMARY KEY, "
	 "nwa INTEGER, blocks INTEGER, volume_uuid BLOB, "
	 "overwritable INTEGER, old_head BLOB, new_head BLOB, "
	 "exact INTEGER)"},
	{"link", 1,
	 "CREATE TABLE link (parent INTEGER, name BLOB, "
	 "node INTEGER, PRIMARY KEY (parent, name)) WITHOUT ROWID"},
	{"loan", 2,
	 "CREATE TABLE loan (one INTEGER PRIMARY KEY, lender BLOB, "
	 "missing INTEGER, lent INTEGER)"},
	{"node", 1,
	 "CREATE TABLE node (id INTEGER PRIMARY KEY, "
	 "base_path BLOB UNIQUE, flags INTEGER, mode INTEGER, "
	 "uid INTEGER, gid INTEGER, rdev INTEGER, atime INTEGER, "
	 "atime_ns INTEGER, mtime INTEGER, mtime_ns INTEGER, "
	 "ctime INTEGER, ctime_ns INTEGER, xattr_count INTEGER, "
	 "xattrs BLOB, target BLOB, size INTEGER, extents BLOB)"},
	{"state", 1,
	 "CREATE TABLE state (one INTEGER PRIMARY KEY, "
	 "next_id INTEGER, result BLOB)"},
};
enum { TABLES = sizeof tables / sizeof tables[0] };

static const char *const statements[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_PUT_NODE] =
		"INSERT INTO node VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,"
		"?12,?13,?14,?15,?16,?17,?18) ON CONFLICT (id) DO UPDATE SET "
		"base_path=?2, flags=?3, mode=?4, uid=?5, gid=?6, rdev=?7, "
		"atime=?8, atime_ns=?9, mtime=?10, mtime_ns=?11, ctime=?12, "
		"ctime_ns=?13, xattr_count=?14, xattrs=?15, target=?16, "
		"size=?17, extents=?18 WHERE (base_path, flags, mode, uid, "
		"gid, rdev, atime, atime_ns, mtime, mtime_ns, ctime, "
		"ctime_ns, xattr_count, xattrs, target, size, extents) IS NOT "
		"(?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,"
		"?18)",
	[STMT_DROP_NODE] = "DELETE FROM node WHERE id = ?1",
	[STMT_PUT_GONE] = "INSERT OR IGNORE INTO gone VALUES (?1)",
	[STMT_DROP_GONE] = "DELETE FROM gone WHERE base_path = ?1",
	[STMT_PUT_LINK] = "INSERT OR IGNORE INTO link VALUES (?1,?2,?3)",
	[STMT_MOVE_LINK] = "UPDATE link SET node = ?3 "
			   "WHERE parent = ?1 AND name = ?2 AND "
			   "node <> ?3",
	[STMT_DROP_LINK] = "DELETE FROM link WHERE parent = ?1 AND name = ?2",
	[STMT_EACH_NODE] = "SELECT id FROM node ORDER BY id",
	[STMT_EACH_GONE] = "SELECT base_path FROM gone ORDER BY base_path",
	[STMT_EACH_LINK] = "SELECT parent, name FROM link "
			   "ORDER BY parent, name",
	[STMT_CLEAR_NODES] = "DELETE FROM node",
	[STMT_CLEAR_GONE] = "DELETE FROM gone",
	[STMT_CLEAR_LINKS] = "DELETE FROM link",
	[STMT_PUT_NEXT_ID] = "UPDATE state SET next_id = ?1",
	[STMT_GET_BINDING] =
		"SELECT digest, blank, base_lba, tip_lba, nwa, image_dev, "
		"image_ino, path, serial, media_type, capacity_blocks, "
		"created, import_flags FROM binding",
	[STMT_PUT_BINDING] =
		"INSERT OR REPLACE INTO binding VALUES (1,?1,?2,?3,?4,?5,?6,"
		"?7,?8,?9,?10,?11,ifnull(nullif(?12,0),"
		"(SELECT created FROM binding)),?13)",
	[STMT_GET_INTENT] = "SELECT nwa, blocks, volume_uuid, overwritable, "
			    "old_head, new_head, exact FROM intent",
	[STMT_PUT_INTENT] =
		"INSERT OR REPLACE INTO intent VALUES (1,?1,?2,?3,?4,?5,?6,"
		"?7)",
	[STMT_CLEAR_INTENT] = "DELETE FROM intent",
	[STMT_LATER_INTENT] = "UPDATE intent SET exact = 0",
	[STMT_GET_LOAN] = "SELECT lender, missing, lent FROM loan",
	[STMT_PUT_LOAN] = "INSERT INTO loan VALUES (1, ?1, ?2, 0)",
	[STMT_MARK_LENT] = "INSERT INTO loan VALUES (1, NULL, 0, 1) "
			   "ON CONFLICT (one) DO UPDATE SET lent = 1",
	[STMT_NOT_LENT] = "UPDATE loan SET lent = 0",
	[STMT_GET_RESULT] = "SELECT result FROM state",
	[STMT_PUT_RESULT] = "UPDATE state SET result = ?1",
};

static int code_to_errno(sqlite3 *db, int code)
{
	int os = sqlite3_system_errno(db);

	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
		if (os == EFBIG)
			return -EFBIG;
		return os == ENOSPC || os == EDQUOT ? -ENOSPC : -EIO;
	case SQLITE_CANTOPEN:
		return os ? -os : -EIO;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR: /* our texts are right: the schema is not ours */
	case SQLITE_MISMATCH:
		return -EBADMSG;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int stage_db_error(struct stage *st, const char *what, struct why *why)
{
	int err = code_to_errno(st->db, sqlite3_extended_errcode(st->db));

	return why_set(why, err, "stage %s: %s: %s%s%s", st->id, what,
		       sqlite3_errmsg(st->db), err == -ENOSPC ? "; " : "",
		       err == -ENOSPC ? "its file system is full" : "");
}

int stage_db_bad(const struct stage *st, struct why *why, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return why_set(why, -EBADMSG, "stage %s is damaged: %s", st->id, text);
}

sqlite3_stmt *stage_db_stmt(struct stage *st, enum stage_stmt which)
{
	if (!st->stmts[which])
		sqlite3_prepare_v3(st->db, statements[which], -1,
				   SQLITE_PREPARE_PERSISTENT, &st->stmts[which],
				   NULL);
	return st->stmts[which];
}

void stage_db_done(sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

int stage_db_step(struct stage *st, sqlite3_stmt *s, struct why *why)
{
	int rc = sqlite3_step(s), err = 0;

	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		err = stage_db_error(st, "cannot write", why);
	stage_db_done(s);
	return err;
}

int stage_db_run(struct stage *st, enum stage_stmt which, struct why *why)
{
	sqlite3_stmt *s = stage_db_stmt(st, which);

	if (!s)
		return stage_db_error(st, "cannot write", why);
	return stage_db_step(st, s, why);
}

int stage_db_begin(struct stage *st, struct why *why)
{
	int err;

	if (st->readonly)
		return why_set(why, -EROFS, "stage %s is open for reading only",
			       st->id);
	err = stage_check_place(st, why);
	/* SQLite takes a lock that the system refuses for another's, and waits
	 * for that at each step. */
	if (err == 0 && st->lockfd >= 0)
		err = stage_lock_step(st->lockfd, F_WRLCK);
	if (err == -ENOLCK)
		return why_set(why, err, "stage %s: no lock is to be had: %s",
			       st->id, strerror(-err));
	return err ? err : stage_db_run(st, STMT_BEGIN, why);
}

int stage_db_end(struct stage *st, int err, struct why *why)
{
	if (err == 0)
		err = stage_db_run(st, STMT_COMMIT, why);
	/* Some failures have rolled back by themselves. */
	if (err < 0 && !sqlite3_get_autocommit(st->db))
		stage_db_run(st, STMT_ROLLBACK, NULL);
	/* What was written to a folder that is gone meanwhile is nowhere. */
	return err ? err : stage_check_place(st, why);
}

bool stage_column_int(sqlite3_stmt *s, int col, int64_t min, int64_t max,
		      int64_t *ret)
{
	int64_t v;

	if (sqlite3_column_type(s, col) != SQLITE_INTEGER)
		return false;
	v = sqlite3_column_int64(s, col);
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}

bool stage_column_u64(sqlite3_stmt *s, int col, uint64_t *ret)
{
	int64_t v;

	if (!stage_column_int(s, col, INT64_MIN, INT64_MAX, &v))
		return false;
	*ret = (uint64_t)v;
	return true;
}

bool stage_column_u32(sqlite3_stmt *s, int col, uint32_t *ret)
{
	int64_t v;

	if (!stage_column_int(s, col, 0, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool stage_column_blob(sqlite3_stmt *s, int col, size_t min, size_t max,
		       const void **ret, size_t *ret_len)
{
	const void *p;
	size_t len;

	if (sqlite3_column_type(s, col) != SQLITE_BLOB)
		return false;
	p = sqlite3_column_blob(s, col);
	len = (size_t)sqlite3_column_bytes(s, col);
	/* SQLite has NULL for no bytes, and for no memory. */
	if (len < min || len > max || (len && !p))
		return false;
	*ret = p ? p : "";
	*ret_len = len;
	return true;
}

/* "file:" and the path with what has a meaning in a URI written as %XX. */
static char *make_uri(const char *path, enum stage_db_mode mode)
{
	static const char *const options[] = {
		[STAGE_DB_CREATE] = "mode=rwc",
		[STAGE_DB_WRITE] = "mode=rw",
		[STAGE_DB_READ_SHM] = "mode=ro&readonly_shm=1",
		[STAGE_DB_READ_WAL] = "mode=ro",
		[STAGE_DB_READ_ALONE] = "mode=ro&immutable=1",
	};
	size_t size = strlen(path) * 3 + 64, at;
	char *uri = malloc(size);

	if (!uri)
		return NULL;
	at = (size_t)snprintf(uri, size, "file:");
	for (; *path; path++) {
		if (strchr("?#%&", *path))
			at += (size_t)snprintf(uri + at, size - at, "%%%02X",
					       (unsigned char)*path);
		else
			uri[at++] = *path;
	}
	snprintf(uri + at, size - at, "/stage.db?%s", options[mode]);
	return uri;
}

static int run(struct stage *st, const char *sql, struct why *why)
{
	if (sqlite3_exec(st->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return stage_db_error(st, "cannot open", why);
	return 0;
}

/* The first value of the first row as a number. */
static int ask(struct stage *st, const char *sql, int64_t *ret, struct why *why)
{
	sqlite3_stmt *s = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(st->db, sql, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		err = stage_db_error(st, "cannot open", why);
	else
		*ret = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return err;
}

static int make_tables(struct stage *st, struct why *why)
{
	char sql[256];
	unsigned i;
	int err = run(st,
		      "PRAGMA auto_vacuum = INCREMENTAL; "
		      "PRAGMA journal_mode = WAL; BEGIN",
		      why);

	for (i = 0; i < TABLES && err == 0; i++)
		err = run(st, tables[i].sql, why);
	snprintf(sql, sizeof sql,
		 "INSERT INTO state VALUES (1, 1, x''); "
		 "PRAGMA application_id = %d; PRAGMA user_version = %d; "
		 "COMMIT",
		 APPLICATION_ID, STAGE_SCHEMA_VERSION);
	return err == 0 ? run(st, sql, why) : err;
}

static int check_tables(struct stage *st, struct why *why)
{
	sqlite3_stmt *s = NULL;
	unsigned i = 0;
	int rc, err = 0;

	rc = sqlite3_prepare_v2(st->db,
				"SELECT name, sql FROM sqlite_schema "
				"WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
				"ORDER BY name",
				-1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	for (; rc == SQLITE_ROW && err == 0; i++) {
		const unsigned char *name = sqlite3_column_text(s, 0);
		const unsigned char *sql = sqlite3_column_text(s, 1);

		while (i < TABLES && st->version < tables[i].since)
			i++;
		if (i >= TABLES || !name || !sql ||
		    strcmp((const char *)name, tables[i].name) != 0 ||
		    strcmp((const char *)sql, tables[i].sql) != 0)
			err = stage_db_bad(st, why,
					   "its tables are not those of a "
					   "stage");
		rc = sqlite3_step(s);
	}
	if (err == 0 && rc != SQLITE_DONE)
		err = stage_db_error(st, "cannot open", why);
	else if (err == 0 && i != TABLES)
		err = stage_db_bad(st, why, "a table is missing");
	sqlite3_finalize(s);
	return err;
}

int stage_check_age(const struct stage *st, struct why *why)
{
	struct stage_way export, drop;

	if (st->version == STAGE_SCHEMA_VERSION)
		return 0;
	return why_set(
		why, -EPROTO,
		"stage %s was made by an older build of discfs (format "
		"%d, this one has %d), which told discs apart in "
		"another way: -o nostage leaves it alone; burn it with that "
		"one, or save its files with \"%s\" and discard it with "
		"\"%s\"",
		st->id, st->version, STAGE_SCHEMA_VERSION,
		stage_way(&export, st->root, "export", st->id),
		stage_way(&drop, st->root, "drop", st->id));
}

static int check(struct stage *st, struct why *why)
{
	int64_t version = 0, id = 0, rows = 0, next_id = 0, largest = 0;
	int64_t states = 0, intents = 0;
	int err = ask(st, "PRAGMA application_id", &id, why);

	if (err == 0)
		err = ask(st, "PRAGMA user_version", &version, why);
	if (err < 0)
		return err;
	if (id != APPLICATION_ID || version < 1)
		return stage_db_bad(st, why, "stage.db is no stage's database");
	if (version > STAGE_SCHEMA_VERSION)
		return why_set(why, -EPROTO,
			       "stage %s has format %lld, this discfs knows "
			       "formats up to %d: use a newer discfs",
			       st->id, (long long)version,
			       STAGE_SCHEMA_VERSION);
	st->version = (int)version;
	err = st->readonly ? 0 : stage_check_age(st, why);
	if (err == 0)
		err = check_tables(st, why);
	if (err == 0)
		err = ask(st,
			  "SELECT (SELECT count(*) FROM node) + "
			  "(SELECT count(*) FROM gone) + "
			  "(SELECT count(*) FROM link)",
			  &rows, why);
	if (err == 0)
		err = ask(st, "SELECT count(*) FROM state", &states, why);
	if (err == 0)
		err = ask(st, "SELECT ifnull(max(next_id), 0) FROM state",
			  &next_id, why);
	if (err == 0)
		err = ask(st, "SELECT ifnull(max(id), 0) FROM node", &largest,
			  why);
	if (err == 0)
		err = ask(st, "SELECT count(*) FROM intent", &intents, why);
	if (err < 0)
		return err;
	if (states != 1 || next_id < 1 || largest >= next_id)
		return stage_db_bad(st, why, "its next id is %lld",
				    (long long)next_id);
	st->rows = (uint64_t)rows;
	st->next_id = (uint64_t)next_id;
	st->has_intent = intents > 0;
	return stage_loan_read(st, why);
}

static int configure(struct stage *st, enum stage_db_mode mode, struct why *why)
{
	bool writes = mode == STAGE_DB_CREATE || mode == STAGE_DB_WRITE;
	sqlite3 *db = st->db;
	char sql[128];
	int err;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	snprintf(sql, sizeof sql,
		 "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; "
		 "PRAGMA temp_store = MEMORY");
	err = run(st, sql, why);
	if (err < 0 || !writes)
		return err;
	/*
	 * While it is made it is nothing yet: the maker syncs all of it.  To
	 * overwrite what is deleted would take room in the log, as much as what
	 * is deleted: on a full file system nothing could be.
	 */
	snprintf(sql, sizeof sql,
		 "PRAGMA synchronous = %s; PRAGMA journal_size_limit = %d; "
		 "PRAGMA secure_delete = OFF",
		 mode == STAGE_DB_CREATE ? "OFF" : "FULL", LOG_KEEP_BYTES);
	return run(st, sql, why);
}

static int open_checked(struct stage *st, enum stage_db_mode mode,
			struct why *why)
{
	int flags =
		SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	AUTO_FREE char *uri = make_uri(st->path, mode);
	int err;

	if (!uri)
		return why_set(why, -ENOMEM, "out of memory");
	if (mode == STAGE_DB_CREATE)
		flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	else if (mode == STAGE_DB_WRITE)
		flags |= SQLITE_OPEN_READWRITE;
	else
		flags |= SQLITE_OPEN_READONLY;
	if (sqlite3_open_v2(uri, &st->db, flags, NULL) != SQLITE_OK)
		return stage_db_error(st, "cannot open", why);
	err = configure(st, mode, why);
	if (err == 0 && mode == STAGE_DB_CREATE)
		err = make_tables(st, why);
	if (err == 0)
		err = check(st, why);
	/* A database in another mode would not be read beside its writer. */
	if (err == 0 && mode == STAGE_DB_WRITE)
		err = run(st, "PRAGMA journal_mode = WAL", why);
	return err;
}

static off_t log_size(const struct stage *st)
{
	char path[PATH_MAX];
	struct stat s;

	if (snprintf(path, sizeof path, "%s/stage.db-wal", st->path) >=
		    (int)sizeof path ||
	    stat(path, &s) < 0)
		return 0;
	return s.st_size;
}

bool stage_db_shrink(struct stage *st)
{
	int64_t free_pages = 0;

	/* First the log: else it would have to take what is moved, too. */
	if (log_size(st) >= SHRINK_LOG_BYTES)
		run(st, "PRAGMA wal_checkpoint(TRUNCATE)", NULL);
	else if (ask(st, "PRAGMA freelist_count", &free_pages, NULL) < 0 ||
		 free_pages < SHRINK_PAGES)
		return false;
	if (ask(st, "PRAGMA freelist_count", &free_pages, NULL) == 0 &&
	    free_pages >= SHRINK_PAGES &&
	    run(st, "PRAGMA incremental_vacuum", NULL) == 0)
		run(st, "PRAGMA wal_checkpoint(TRUNCATE)", NULL);
	return true;
}

int stage_db_open(struct stage *st, enum stage_db_mode mode, struct why *why)
{
	int err = open_checked(st, mode, why);

	if (err < 0)
		stage_db_close(st);
	return err;
}

void stage_db_close(struct stage *st)
{
	unsigned i;

	for (i = 0; i < STMT_COUNT; i++) {
		sqlite3_finalize(st->stmts[i]);
		st->stmts[i] = NULL;
	}
	sqlite3_close(st->db);
	st->db = NULL;
}
