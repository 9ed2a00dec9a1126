/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "fs/stage_internal.h"

enum {
	ID_LEN = 36,
	LOG_HEADER_BYTES = 32, /* of SQLite's WAL format */
};

/* Folders being made or removed: never seen as a stage.  An id follows. */
static const char new_prefix[] = ".new-";
static const char old_prefix[] = ".old-";
enum { PREFIX_LEN = sizeof new_prefix - 1 };

/* All that a stage folder may hold, and first what it must. */
static const char *const file_names[] = {
	"stage.db",	"data",		"lock",
	"stage.db-wal", "stage.db-shm", "stage.db-journal", "reserve",
	"disc",		"disc.new",
};
enum { FILES = sizeof file_names / sizeof file_names[0], FILES_NEEDED = 2 };

static int fail(struct why *why, const char *what, const char *path)
{
	int err = -errno;

	return why_set(why, err, "cannot %s %s: %s", what, path,
		       strerror(-err));
}

bool stage_id_ok(const char *id)
{
	size_t i;

	for (i = 0; i < ID_LEN; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (id[i] != '-')
				return false;
		} else if (!id[i] || !strchr("0123456789abcdef", id[i])) {
			return false;
		}
	}
	return id[ID_LEN] == '\0';
}

/* A random UUID (RFC 4122 4.4). */
static int make_id(char ret[ID_LEN + 1])
{
	unsigned char b[16];

	if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
		return -errno;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(ret, ID_LEN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
		 b[10], b[11], b[12], b[13], b[14], b[15]);
	return 0;
}

/*
 * Folders
 */

static int sync_folder(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Make @path and what is missing above it, durably. */
static int make_folders(const char *path, struct why *why)
{
	AUTO_FREE char *p = strdup(path);
	char *slash = p;

	if (!p)
		return why_set(why, -ENOMEM, "out of memory");
	while (slash) {
		char *last;

		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(p, 0700) == 0) {
			last = strrchr(p, '/');
			if (last)
				*last = '\0';
			sync_folder(last == p ? "/" : last ? p : ".");
			if (last)
				*last = '/';
		} else if (errno != EEXIST) {
			int err = -errno;

			/* What cannot be made may be there all the same, below
			 * a read-only file system's root. */
			if (access(p, F_OK) < 0)
				return why_set(why, err, "cannot make %s: %s",
					       p, strerror(-err));
		}
		if (slash)
			*slash = '/';
	}
	return 0;
}

/* Remove a folder that nobody uses; what is not ours in it keeps it. */
static int remove_folder(int rootfd, const char *name)
{
	AUTO_FD int fd = openat(
		rootfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	unsigned i;

	if (fd < 0)
		return -errno;
	for (i = 0; i < FILES; i++)
		if (unlinkat(fd, file_names[i], 0) < 0 && errno != ENOENT)
			return -errno;
	if (unlinkat(rootfd, name, AT_REMOVEDIR) < 0 || fsync(rootfd) < 0)
		return -errno;
	return 0;
}

void stage_sweep(int rootfd)
{
	int fd = openat(rootfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(dir)))
		if ((strncmp(e->d_name, new_prefix, PREFIX_LEN) == 0 ||
		     strncmp(e->d_name, old_prefix, PREFIX_LEN) == 0) &&
		    stage_id_ok(e->d_name + PREFIX_LEN))
			remove_folder(rootfd, e->d_name);
	closedir(dir);
}

/*
 * Opening
 */

static int stage_new(const char *root, const char *name, struct stage **ret,
		     struct why *why)
{
	struct stage *st = calloc(1, sizeof *st);

	if (!st)
		return why_set(why, -ENOMEM, "out of memory");
	st->rootfd = st->dirfd = st->lockfd = st->reservefd = -1;
	pthread_mutex_init(&st->lock, NULL);
	st->id = strdup(name);
	st->root = realpath(root, NULL);
	if (!st->root) {
		int err = fail(why, "open the folder of stages", root);

		stage_close(st, false);
		return err;
	}
	if (!st->id || asprintf(&st->path, "%s/%s", st->root, name) < 0) {
		st->path = NULL;
		stage_close(st, false);
		return why_set(why, -ENOMEM, "out of memory");
	}
	st->rootfd = open(st->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st->rootfd < 0) {
		int err = fail(why, "open the folder of stages", st->root);

		stage_close(st, false);
		return err;
	}
	if (stage_check_root(st->rootfd, st->root, why)) {
		stage_close(st, false);
		return -EPERM;
	}
	*ret = st;
	return 0;
}

static int open_folder(struct stage *st, const char *name, struct why *why)
{
	st->dirfd = openat(st->rootfd, name,
			   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (st->dirfd >= 0)
		return stage_check_folder(st->dirfd, st->path, why);
	if (errno == ENOENT)
		return why_set(why, -ENOENT, "there is no stage %s in %s",
			       st->id, st->root);
	return fail(why, "open stage", st->id);
}

/* SQLite opens by path: nothing but regular files may stand there. */
static int check_files(const struct stage *st, struct why *why)
{
	struct stat s;
	unsigned i;

	for (i = 0; i < FILES; i++) {
		if (fstatat(st->dirfd, file_names[i], &s, AT_SYMLINK_NOFOLLOW) <
		    0) {
			if (errno != ENOENT)
				return fail(why, "look at stage", st->id);
			if (i < FILES_NEEDED)
				return stage_db_bad(st, why, "%s is missing",
						    file_names[i]);
		} else if (!S_ISREG(s.st_mode)) {
			return stage_db_bad(st, why, "%s is no regular file",
					    file_names[i]);
		}
	}
	return 0;
}

/* The database where its name is, with what it needs on a full file system. */
static int open_db(struct stage *st, struct why *why)
{
	unsigned tries = 0;
	int err;

	stage_reserve_open(st);
	do
		err = stage_db_open(st, STAGE_DB_WRITE, why);
	while (err == -ENOSPC && stage_reserve_give(st, &tries));
	if (err < 0)
		return err;
	stage_place_note(st);
	stage_reserve_fill_locked(st);
	return 0;
}

static int open_owned(struct stage *st, struct why *why)
{
	struct stat ours, there;
	int err = stage_lock_take(st->dirfd, st->id, &st->lockfd, why);
	AUTO_FREE char *lock_path = NULL;

	if (err < 0)
		return err;
	/* Removed while we waited? */
	if (asprintf(&lock_path, "%s/lock", st->path) < 0) {
		lock_path = NULL;
		return why_set(why, -ENOMEM, "out of memory");
	}
	if (fstat(st->lockfd, &ours) < 0 || stat(lock_path, &there) < 0 ||
	    ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
		return why_set(why, -ENOENT, "there is no stage %s in %s",
			       st->id, st->root);
	err = check_files(st, why);
	if (err == 0)
		err = stage_wal_check(st, why);
	if (err == 0)
		err = stage_data_open(st->dirfd, false, &st->data, why);
	if (err < 0)
		return err;
	err = open_db(st, why);
	return err ? err : stage_loan_check(st, why);
}

static bool has_file(const struct stage *st, const char *name, off_t *ret_size)
{
	struct stat s;

	if (fstatat(st->dirfd, name, &s, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (ret_size)
		*ret_size = s.st_size;
	return true;
}

/*
 * How to read without writing a byte.  Beside a living owner its index of the
 * log ("-shm") is used.  Without an owner, who is kept away by a read lock,
 * SQLite builds an index in memory where there is a log with an index of its
 * dead writer, and needs none where there is no log.  A log without an index
 * (a stage that was copied by hand) is the one case where SQLite makes a file,
 * which it removes again.
 */
static int open_looking(struct stage *st, struct why *why)
{
	int ms, err = check_files(st, why);

	if (err == 0)
		err = stage_data_open(st->dirfd, true, &st->data, why);
	for (ms = 0; err == 0; ms += STAGE_STEP_MS) {
		enum stage_db_mode mode = STAGE_DB_READ_SHM;
		bool owned = false;
		off_t log_size = 0;

		if (st->lockfd < 0)
			st->lockfd = openat(st->dirfd, "lock",
					    O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
						    O_CLOEXEC);
		if (st->lockfd >= 0)
			owned = stage_lock_step(st->lockfd, F_RDLCK) < 0;
		err = check_files(st, why);
		if (err == 0 && !owned)
			err = stage_wal_check(st, why);
		if (err < 0)
			break;
		if (!has_file(st, "stage.db-wal", &log_size))
			log_size = 0;
		/* One that was just begun: SQLite would wait for its end. */
		if (!owned && log_size <= LOG_HEADER_BYTES)
			mode = STAGE_DB_READ_ALONE;
		else if (!owned && !has_file(st, "stage.db-shm", NULL))
			mode = STAGE_DB_READ_WAL;
		err = stage_db_open(st, mode, why);
		/* The owner may just have come or gone. */
		if (err == 0 || !owned || err == -EBADMSG || err == -EPROTO ||
		    ms >= STAGE_PATIENCE_MS)
			break;
		err = 0;
		stage_nap();
	}
	return err;
}

int stage_open(const char *root, const char *id, bool readonly,
	       struct stage **ret, struct why *why)
{
	struct stage *st = NULL;
	int err;

	if (!stage_id_ok(id))
		return why_set(why, -EINVAL, "\"%.60s\" is no stage's name",
			       id);
	err = stage_new(root, id, &st, why);
	if (!st)
		return err;
	st->readonly = readonly;
	err = open_folder(st, id, why);
	if (err == 0)
		err = readonly ? open_looking(st, why) : open_owned(st, why);
	if (err < 0) {
		stage_close(st, false);
		return err;
	}
	*ret = st;
	return 0;
}

/*
 * What SQLite wrote without a sync is durable before the folder gets its name.
 * All of it is in the database @db_fd: a log that is left was not taken up.
 */
static int settle(struct stage *st, int db_fd, struct why *why)
{
	if (has_file(st, "stage.db-wal", NULL))
		return why_set(why, -EIO,
			       "cannot make a stage in %s: its database could "
			       "not be written whole",
			       st->root);
	if (fsync(db_fd) < 0 || fsync(st->dirfd) < 0)
		return fail(why, "make a stage in", st->root);
	return 0;
}

/* All of a stage's files, in a folder that is not yet seen as one. */
static int build(struct stage *st, const char *name,
		 const struct stage_binding *b, const struct stage_loan *loan,
		 struct why *why)
{
	struct stage_binding dated = *b;
	AUTO_FD int fd = -1;
	int err;

	if (mkdirat(st->rootfd, name, 0700) < 0)
		return fail(why, "make a stage in", st->root);
	err = open_folder(st, name, why);
	if (err == 0)
		err = stage_lock_take(st->dirfd, st->id, &st->lockfd, why);
	if (err < 0)
		return err;
	fd = openat(st->dirfd, "stage.db",
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(why, "make a stage in", st->root);
	err = loan ? stage_loan_give(loan->lender, st->dirfd, why) : 0;
	if (err == 0)
		err = stage_data_open(st->dirfd, false, &st->data, why);
	if (err == 0)
		err = stage_db_open(st, STAGE_DB_CREATE, why);
	if (err < 0)
		return err;
	if (dated.created == 0)
		dated.created = time(NULL);
	err = stage_put_binding(st, &dated, why);
	if (err == 0 && loan)
		err = stage_loan_write(st, loan, why);
	/* The connection knows its files by their path: it is opened again
	 * at the place where they will be. */
	stage_db_close(st);
	if (err == 0)
		stage_label_write(st, &dated);
	return err < 0 ? err : settle(st, fd, why);
}

int stage_make(const char *root, const struct stage_binding *b,
	       const struct stage_loan *loan, struct stage **ret,
	       struct why *why)
{
	char id[ID_LEN + 1], name[PREFIX_LEN + ID_LEN + 1];
	AUTO_FREE char *final_path = NULL;
	struct stage *st = NULL;
	int err;

	err = make_folders(root, why);
	if (err < 0)
		return err;
	stage_drop_empty(root, b);
	err = make_id(id);
	if (err < 0)
		return why_set(why, err, "no random numbers: %s",
			       strerror(-err));
	snprintf(name, sizeof name, "%s%s", new_prefix, id);
	err = stage_new(root, id, &st, why);
	if (!st)
		return err;
	final_path = STEAL_PTR(st->path);
	if (asprintf(&st->path, "%s/%s", st->root, name) < 0) {
		st->path = NULL;
		stage_close(st, false);
		return why_set(why, -ENOMEM, "out of memory");
	}
	flock(st->rootfd, LOCK_EX);
	stage_sweep(st->rootfd);
	err = build(st, name, b, loan, why);
	if (err == 0 && renameat(st->rootfd, name, st->rootfd, id) < 0)
		err = fail(why, "make a stage in", st->root);
	if (err < 0)
		remove_folder(st->rootfd, name);
	else if (fsync(st->rootfd) < 0)
		err = fail(why, "make a stage in", st->root);
	flock(st->rootfd, LOCK_UN);
	free(st->path);
	st->path = STEAL_PTR(final_path);
	if (err == 0)
		err = open_db(st, why);
	if (err < 0) {
		stage_close(st, false);
		return err;
	}
	*ret = st;
	return 0;
}

int stage_create(const char *root, const struct stage_binding *b,
		 struct stage **ret, struct why *why)
{
	return stage_make(root, b, NULL, ret, why);
}

/*
 * Closing
 */

/* Out of sight first: a crash leaves no half stage. */
static int unmake(int rootfd, const char *id)
{
	char name[PREFIX_LEN + ID_LEN + 1];
	int err = 0;

	snprintf(name, sizeof name, "%s%s", old_prefix, id);
	flock(rootfd, LOCK_EX);
	if (renameat(rootfd, id, rootfd, name) < 0 || fsync(rootfd) < 0)
		err = -errno;
	else
		remove_folder(rootfd, name);
	flock(rootfd, LOCK_UN);
	return err;
}

void stage_close(struct stage *st, bool drop)
{
	if (!st)
		return;
	assert(!drop || (st->rows == 0 && !st->has_intent && !st->readonly));
	/* What stands in its place now is not ours. */
	drop = drop && !stage_is_lost(st);
	if (st->db)
		stage_db_close(st);
	stage_data_free(st->data);
	if (drop)
		unmake(st->rootfd, st->id);
	if (st->reservefd >= 0)
		close(st->reservefd);
	if (st->lockfd >= 0)
		close(st->lockfd);
	if (st->dirfd >= 0)
		close(st->dirfd);
	if (st->rootfd >= 0)
		close(st->rootfd);
	pthread_mutex_destroy(&st->lock);
	free(st->scratch);
	free(st->lender);
	free(st->id);
	free(st->root);
	free(st->path);
	free(st);
}

int stage_remove(const char *root, const char *id, struct why *why)
{
	struct stage *st = NULL;
	int err;

	if (!stage_id_ok(id))
		return why_set(why, -EINVAL, "\"%.60s\" is no stage's name",
			       id);
	err = stage_new(root, id, &st, why);
	if (!st)
		return err;
	err = open_folder(st, id, why);
	if (err == 0)
		err = stage_lock_take(st->dirfd, id, &st->lockfd, why);
	if (err == 0) {
		err = unmake(st->rootfd, id);
		if (err < 0)
			why_set(why, err, "cannot remove stage %s: %s", id,
				strerror(-err));
	}
	stage_close(st, false);
	return err;
}

struct stage_data *stage_data(struct stage *st)
{
	return st->data;
}

const char *stage_id(const struct stage *st)
{
	return st->id;
}

const char *stage_path(const struct stage *st)
{
	return st->path;
}
