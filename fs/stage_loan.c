/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/stage_loan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/stage_internal.h"
#include "fs/stage_way.h"

/* ---- what stands in the database ---- */

static int take_loan(struct stage *st, sqlite3_stmt *s)
{
	uint64_t missing;
	int64_t lent;
	const void *p;
	size_t len;

	if (!stage_column_u64(s, 1, &missing) ||
	    !stage_column_int(s, 2, 0, 1, &lent))
		return -EBADMSG;
	st->missing = missing;
	st->lent = lent;
	if (sqlite3_column_type(s, 0) == SQLITE_NULL)
		return 0;
	if (!stage_column_blob(s, 0, 1, 64, &p, &len))
		return -EBADMSG;
	st->lender = strndup(p, len);
	if (!st->lender)
		return -ENOMEM;
	return strlen(st->lender) == len && stage_id_ok(st->lender) ? 0
								    : -EBADMSG;
}

int stage_loan_read(struct stage *st, struct why *why)
{
	sqlite3_stmt *s;
	int rc, err = 0;

	free(st->lender);
	st->lender = NULL;
	st->missing = 0;
	st->lent = false;
	if (st->version < 2)
		return 0;
	s = stage_db_stmt(st, STMT_GET_LOAN);
	if (!s)
		return stage_db_error(st, "cannot read", why);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		err = take_loan(st, s);
	else if (rc != SQLITE_DONE)
		err = stage_db_error(st, "cannot read", why);
	stage_db_done(s);
	if (err == -EBADMSG)
		return stage_db_bad(st, why, "its note of a loan");
	return err == -ENOMEM ? why_set(why, err, "out of memory") : err;
}

int stage_loan_write(struct stage *st, const struct stage_loan *loan,
		     struct why *why)
{
	const char *lender = loan->lender->id;
	sqlite3_stmt *s = stage_db_stmt(st, STMT_PUT_LOAN);
	int err;

	if (!s)
		return stage_db_error(st, "cannot write", why);
	sqlite3_bind_blob64(s, 1, lender, strlen(lender), SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, (int64_t)loan->missing);
	err = stage_db_step(st, s, why);
	if (err == 0)
		err = stage_db_begin(st, why);
	if (err < 0)
		return err;
	err = stage_write_rows(st, loan->rows, why);
	return stage_db_end(st, err, why);
}

static int mark(struct stage *lender, bool lent, struct why *why)
{
	LOCK_GUARD(&lender->lock);
	int err = stage_db_begin(lender, why);

	if (err < 0)
		return err;
	err = stage_db_run(lender, lent ? STMT_MARK_LENT : STMT_NOT_LENT, why);
	err = stage_db_end(lender, err, why);
	if (err == 0)
		lender->lent = lent;
	return err;
}

const char *stage_lender(const struct stage *st, uint64_t *ret_missing)
{
	if (ret_missing)
		*ret_missing = st->missing;
	return st->lender;
}

bool stage_is_lent(const struct stage *st)
{
	return st->lent;
}

/* ---- who has the same data file ---- */

struct search {
	int rootfd;
	const char *id;
	const char *lender; /* of the stage itself: not its borrower */
	struct stat data;
	char *found;
};

static int look(void *arg, const char *id)
{
	struct search *f = arg;
	char path[64];
	struct stat s;

	snprintf(path, sizeof path, "%s/data", id);
	if (!strcmp(id, f->id) || (f->lender && !strcmp(id, f->lender)) ||
	    fstatat(f->rootfd, path, &s, AT_SYMLINK_NOFOLLOW) < 0 ||
	    s.st_dev != f->data.st_dev || s.st_ino != f->data.st_ino)
		return 0;
	f->found = strdup(id);
	return f->found ? 1 : -ENOMEM;
}

/* The stage that borrows from @st: 1 with its id, 0 or -errno. */
static int find_borrower(const struct stage *st, char **ret_id)
{
	struct search f = {
		.rootfd = st->rootfd, .id = st->id, .lender = st->lender};
	int err;

	if (fstatat(st->dirfd, "data", &f.data, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (f.data.st_nlink < 2)
		return 0;
	err = stage_each(st->root, look, &f, NULL);
	if (err == 1)
		*ret_id = f.found;
	return err;
}

int stage_borrower(const char *root, const char *id, char **ret_id)
{
	struct stage *st;
	int err = stage_open(root, id, true, &st, NULL);

	if (err < 0)
		return err;
	err = find_borrower(st, ret_id);
	stage_close(st, false);
	return err;
}

static int is_lending(const struct stage *st, const char *borrower,
		      struct why *why)
{
	struct stage_binding b = {0};
	struct stage *other;
	char disc[100] = "another disc";
	struct stage_way drop;

	if (stage_open(st->root, borrower, true, &other, NULL) == 0) {
		if (stage_get_binding(other, &b, NULL) == 0)
			stage_printable(b.path, disc, sizeof disc);
		stage_binding_release(&b);
		stage_close(other, false);
	}
	return why_set(why, -EBUSY,
		       "the changes in stage %s wait to be burned to %s, as "
		       "stage %s: -o nostage leaves both alone; mount that one "
		       "and unmount it, or give it up with \"%s\"",
		       st->id, disc, borrower,
		       stage_way(&drop, st->root, "drop", borrower));
}

int stage_loan_check(struct stage *st, struct why *why)
{
	AUTO_FREE char *borrower = NULL;
	struct stat s;
	int err;

	if (fstat(stage_data_fd(st->data), &s) < 0)
		return why_set(why, -errno, "stage %s: %s", st->id,
			       strerror(errno));
	if (s.st_nlink < 2)
		return 0;
	/* The other name may be in a borrower that was never finished. */
	flock(st->rootfd, LOCK_EX);
	stage_sweep(st->rootfd);
	flock(st->rootfd, LOCK_UN);
	err = find_borrower(st, &borrower);
	if (err < 0)
		return why_set(why, err, "stage %s: %s", st->id,
			       strerror(-err));
	return err ? is_lending(st, borrower, why) : 0;
}

/* ---- lending ---- */

/* The root is locked: nobody else makes a link now. */
int stage_loan_give(const struct stage *lender, int dirfd, struct why *why)
{
	struct stage_way export;
	struct stat s;
	int err;

	stage_way(&export, lender->root, "export", lender->id);

	if (fstatat(lender->dirfd, "data", &s, AT_SYMLINK_NOFOLLOW) < 0)
		return why_set(why, -errno, "stage %s: %s", lender->id,
			       strerror(errno));
	if (s.st_nlink > 1)
		return why_set(why, -EBUSY,
			       "the data file of stage %s has another name "
			       "already (a hard link): it cannot be burned to "
			       "another disc; \"%s\" saves its files",
			       lender->id, export.text);
	if (linkat(lender->dirfd, "data", dirfd, "data", 0) == 0)
		return 0;
	err = errno == EPERM || errno == ENOSYS ? -EOPNOTSUPP : -errno;
	return why_set(why, err,
		       "stage %s cannot be burned to another disc, since %s "
		       "makes no hard links (%s): \"%s\" saves its files",
		       lender->id, lender->root, strerror(-err), export.text);
}

int stage_lend(struct stage *lender, const struct stage_binding *b,
	       const struct stage_batch *rows, uint64_t missing,
	       struct stage **ret, struct why *why)
{
	struct stage_loan loan = {lender, rows, missing};
	struct why unmarked = {""};
	bool before = lender->lent;
	int err;

	/* First: a mark without a borrower harms nobody. */
	err = mark(lender, true, why);
	if (err < 0)
		return err;
	err = stage_make(lender->root, b, &loan, ret, why);
	if (err < 0 && !before && mark(lender, false, &unmarked) < 0)
		log_warning("%s", why_text(&unmarked, -EIO));
	return err;
}

/* ---- the borrower's loading ---- */

static int claim_node(void *arg, const struct stage_node *n)
{
	struct stage_data *data = arg;
	int err = 0;

	for (uint32_t i = 0; i < n->n_extents && err == 0; i++)
		if (n->extents[i].source == EXTENT_DATA)
			err = stage_data_claim(data, n->extents[i].pos,
					       n->extents[i].len);
	return err;
}

int stage_loan_claim(struct stage *st, struct why *why)
{
	struct stage_reader reader = {.node = claim_node, .arg = st->data};
	struct why detail = {""};
	struct stage_way drop;
	struct stage *lender;
	struct stat ours, theirs;
	int err;

	if (!st->lender)
		return 0;
	err = stage_open(st->root, st->lender, true, &lender, &detail);
	/* Its bytes are this stage's alone. */
	if (err == -ENOENT)
		return 0;
	if (err == 0) {
		if (fstat(stage_data_fd(st->data), &ours) < 0 ||
		    fstat(stage_data_fd(lender->data), &theirs) < 0)
			err = -errno;
		/* Else one of them was copied from elsewhere. */
		else if (ours.st_dev == theirs.st_dev &&
			 ours.st_ino == theirs.st_ino)
			err = stage_load(lender, &reader, &detail);
		stage_close(lender, false);
	}
	if (err < 0)
		return why_set(why, err,
			       "stage %s has its bytes from stage %s, which "
			       "cannot be read (%.200s): \"%s\" discards that "
			       "one",
			       st->id, st->lender, why_text(&detail, err),
			       stage_way(&drop, st->root, "drop", st->lender));
	return 0;
}
