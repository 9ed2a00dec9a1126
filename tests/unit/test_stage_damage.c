/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/stage_tools.h"

/* Space, crashes, and stages that somebody changed. */

static const struct {
	const char *sql;
	int err;
} tampered[] = {
	{"UPDATE node SET base_path = x'612f2f62' WHERE id = 7", -EBADMSG},
	{"UPDATE node SET base_path = x'2f61' WHERE id = 7", -EBADMSG},
	{"UPDATE node SET base_path = x'612f2e2e' WHERE id = 7", -EBADMSG},
	{"UPDATE node SET base_path = x'610062' WHERE id = 7", -EBADMSG},
	{"UPDATE node SET base_path = 'text' WHERE id = 7", -EBADMSG},
	{"UPDATE node SET base_path = zeroblob(300) WHERE id = 7", -EBADMSG},
	{"UPDATE node SET base_path = CAST(printf('%.256c', 'a') AS BLOB) "
	 "WHERE id = 7",
	 -EBADMSG},
	{"UPDATE node SET flags = 8 WHERE id = 7", -EBADMSG},
	{"UPDATE node SET flags = 'x' WHERE id = 7", -EBADMSG},
	{"UPDATE node SET mode = 0 WHERE id = 7", -EBADMSG},
	{"UPDATE node SET mode = mode | 65536 * 4 WHERE id = 7", -EBADMSG},
	{"UPDATE node SET mode = NULL WHERE id = 1", -EBADMSG},
	{"UPDATE node SET uid = -1 WHERE id = 1", -EBADMSG},
	{"UPDATE node SET gid = 4294967296 WHERE id = 1", -EBADMSG},
	{"UPDATE node SET mtime_ns = 1000000000 WHERE id = 1", -EBADMSG},
	{"UPDATE node SET atime = 1.5 WHERE id = 1", -EBADMSG},
	{"UPDATE node SET xattr_count = 1 WHERE id = 2", -EBADMSG},
	{"UPDATE node SET xattr_count = 3 WHERE id = 1", -EBADMSG},
	{"UPDATE node SET xattrs = x'ff' WHERE id = 2", -EBADMSG},
	{"UPDATE node SET xattrs = x'0100ffffffff61' WHERE id = 2", -EBADMSG},
	{"UPDATE node SET xattrs = x'' WHERE id = 2", -EBADMSG},
	{"UPDATE node SET target = NULL WHERE id = 3", -EBADMSG},
	{"UPDATE node SET target = x'' WHERE id = 3", -EBADMSG},
	{"UPDATE node SET target = x'6100' WHERE id = 3", -EBADMSG},
	{"UPDATE node SET target = zeroblob(5000) WHERE id = 3", -EBADMSG},
	{"UPDATE node SET target = x'61' WHERE id = 5", -EBADMSG},
	{"UPDATE node SET size = -1 WHERE id = 2", -EBADMSG},
	{"UPDATE node SET size = 8000 WHERE id = 9", -EBADMSG},
	{"UPDATE node SET flags = 0 WHERE id = 9", -EBADMSG},
	/* Extents: too short, out of order, empty, of no known source, longer
	 * than the data file, and with sums that overflow. */
	{"UPDATE node SET extents = x'00' WHERE id = 9", -EBADMSG},
	{"UPDATE node SET extents = x'' WHERE id = 9", -EBADMSG},
	{"UPDATE node SET extents = substr(extents, 26) || "
	 "substr(extents, 1, 25) WHERE id = 9",
	 -EBADMSG},
	{"UPDATE node SET extents = CAST(substr(extents, 26) || "
	 "substr(extents, 1, 25) AS BLOB) WHERE id = 9",
	 -EBADMSG},
	{"UPDATE node SET extents = zeroblob(25) WHERE id = 9", -EBADMSG},
	{"UPDATE node SET extents = CAST(substr(extents, 1, 24) || x'03' "
	 "AS BLOB) WHERE id = 9",
	 -EBADMSG},
	{"UPDATE node SET extents = CAST(substr(extents, 1, 24) || x'02' "
	 "AS BLOB) WHERE id = 9",
	 -EBADMSG},
	{"UPDATE node SET extents = CAST(x'0000000000000000' || "
	 "x'ffffffffffffffff' || substr(extents, 17) AS BLOB) WHERE id = 9",
	 -EBADMSG},
	{"UPDATE node SET extents = CAST(substr(extents, 1, 16) || "
	 "x'ffffffffffffff7f' || x'01' AS BLOB) WHERE id = 9",
	 -EBADMSG},
	{"UPDATE node SET id = -4 WHERE id = 4", -EBADMSG},
	{"UPDATE node SET id = 10 WHERE id = 4", -EBADMSG},
	{"DELETE FROM node WHERE id = 4", -EBADMSG},
	{"DELETE FROM node WHERE id = 5", -EBADMSG},
	{"INSERT INTO gone VALUES (x'')", -EBADMSG},
	{"INSERT INTO gone VALUES (x'2e')", -EBADMSG},
	{"INSERT INTO gone VALUES (17)", -EBADMSG},
	{"UPDATE link SET name = x'612f62' WHERE name = x'62'", -EBADMSG},
	{"UPDATE link SET name = x'2e2e' WHERE name = x'62'", -EBADMSG},
	{"UPDATE link SET name = x'' WHERE name = x'62'", -EBADMSG},
	{"UPDATE link SET name = x'6100' WHERE name = x'62'", -EBADMSG},
	{"UPDATE link SET name = 'b' WHERE name = x'62'", -EBADMSG},
	{"UPDATE link SET node = 'x' WHERE name = x'62'", -EBADMSG},
	{"DELETE FROM binding", -EBADMSG},
	{"UPDATE binding SET digest = x'00'", -EBADMSG},
	{"UPDATE binding SET path = x'61'", -EBADMSG},
	{"UPDATE binding SET path = x''", -EBADMSG},
	{"UPDATE binding SET path = x'2f00'", -EBADMSG},
	{"UPDATE binding SET serial = zeroblob(63)", -EBADMSG},
	{"UPDATE binding SET serial = CAST(printf('%.64c', 'a') AS BLOB)",
	 -EBADMSG},
	{"UPDATE binding SET blank = 2", -EBADMSG},
	{"UPDATE binding SET base_lba = -1", -EBADMSG},
	{"INSERT INTO intent VALUES (1, 1, 1, x'', 1, NULL, NULL, 0)",
	 -EBADMSG},
	{"INSERT INTO intent VALUES (1, 1, 1, x'', 0, x'00', NULL, 0)",
	 -EBADMSG},
	{"INSERT INTO intent VALUES (1, 1, 1, zeroblob(16), 0, NULL, NULL, 0)",
	 -EBADMSG},
	{"INSERT INTO intent VALUES (1, 1, 1, x'', 0, NULL, NULL, 2)",
	 -EBADMSG},
	{"INSERT INTO loan VALUES (1, x'61', 0, 0)", -EBADMSG},
	{"INSERT INTO loan VALUES (1, 'text', 0, 0)", -EBADMSG},
	{"INSERT INTO loan VALUES (1, NULL, 'x', 0)", -EBADMSG},
	{"INSERT INTO loan VALUES (1, NULL, 0, 2)", -EBADMSG},
	{"UPDATE state SET result = 5", -EBADMSG},
	{"UPDATE state SET next_id = 3", -EBADMSG},
	{"UPDATE state SET next_id = -1", -EBADMSG},
	{"INSERT INTO state VALUES (2, 100, x'')", -EBADMSG},
	{"DELETE FROM state", -EBADMSG},
	{"DROP TABLE link", -EBADMSG},
	{"CREATE TABLE more (x)", -EBADMSG},
	{"CREATE TRIGGER t AFTER INSERT ON node BEGIN DELETE FROM gone; END",
	 -EBADMSG},
	{"ALTER TABLE gone RENAME COLUMN base_path TO p", -EBADMSG},
	{"DROP TABLE gone; CREATE VIEW gone AS SELECT x'61' AS base_path",
	 -EBADMSG},
	{"PRAGMA application_id = 5", -EBADMSG},
	{"PRAGMA user_version = 0", -EBADMSG},
	{"PRAGMA user_version = 3", -EPROTO},
	{"PRAGMA user_version = -7", -EBADMSG},
};
static char file_of_another[] = "/images/another.iso";

enum { TAMPERED = sizeof tampered / sizeof tampered[0] };

/* Open, read all there is, close: the first error. */
static int read_everything(const char *id, bool readonly)
{
	static struct dump d;
	struct stage_binding b;
	struct stage_intent i;
	char buf[100];
	int err = stage_open(root, id, readonly, &st, &why);

	if (err < 0) {
		st = NULL;
		return err;
	}
	err = load(&d);
	if (err == 0 && (err = stage_get_binding(st, &b, &why)) == 0)
		stage_binding_release(&b);
	if (err == 0) {
		err = stage_get_intent(st, &i, &why);
		if (err == 1) {
			stage_intent_release(&i);
			err = 0;
		}
	}
	if (err == 0)
		err = stage_get_result(st, buf, sizeof buf, &why);
	stage_close(st, false);
	st = NULL;
	return err;
}

START_TEST(tampered_rows_are_refused)
{
	char id[64], path[400];
	sqlite3 *db;
	char *msg = NULL;

	write_all_kinds();
	strcpy(id, stage_id(st));
	strcpy(path, file("stage.db"));
	stage_close(st, false);
	ck_assert_int_eq(read_everything(id, true), 0);
	ck_assert_int_eq(read_everything(id, false), 0);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, tampered[_i].sql, NULL, NULL, &msg) ==
			      SQLITE_OK,
		      "%s: %s", tampered[_i].sql, msg);
	/* A statement that hit no row would prove nothing. */
	if (strncmp(tampered[_i].sql, "UPDATE", 6) == 0 ||
	    strncmp(tampered[_i].sql, "DELETE", 6) == 0)
		ck_assert_int_eq(sqlite3_changes(db), 1);
	sqlite3_close(db);
	ck_assert_msg(read_everything(id, false) == tampered[_i].err, "%s",
		      tampered[_i].sql);
	ck_assert_msg(strstr(why.text, id) != NULL, "%s", why.text);
	ck_assert_msg(read_everything(id, true) == tampered[_i].err, "%s",
		      tampered[_i].sql);
}
END_TEST

/* st is closed, and is as format 1 was. */
static void make_older(char id[64])
{
	char path[400];
	sqlite3 *db;

	strcpy(id, stage_id(st));
	strcpy(path, file("stage.db"));
	stage_close(st, false);
	st = NULL;
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db,
				      "DROP TABLE loan; "
				      "PRAGMA user_version = 1",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
}

static void ck_says_it_is_old(const char *id)
{
	char text[512];

	ck_assert_msg(strstr(why.text, id) != NULL, "%s", why.text);
	ck_assert_msg(strstr(why.text, "older build") != NULL, "%s", why.text);
	snprintf(text, sizeof text, "\"discfs stage export --stage '%s' %.8s DIR\"",
		 root, id);
	ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
	snprintf(text, sizeof text, "\"discfs stage drop --stage '%s' %.8s\"", root,
		 id);
	ck_assert_msg(strstr(why.text, text) != NULL, "%s", why.text);
	ck_assert_ptr_null(strstr(why.text, "wrote to it"));
	ck_assert_uint_lt(strlen(why.text), sizeof why.text - 1);
}

/*
 * The digest of format 1 was made in another way: that it differs says nothing
 * of the disc.  What is in such a stage can be read all the same.
 */
START_TEST(older_stage_is_refused_with_the_truth)
{
	struct stage_binding now = binding;
	char id[64], *found = NULL;
	bool recover;

	write_all_kinds();
	make_older(id);
	ck_assert_int_eq(read_everything(id, true), 0);
	ck_assert_int_eq(read_everything(id, false), -EPROTO);
	ck_says_it_is_old(id);
	/* The same image, with a digest of today; by its path alone too. */
	memset(now.digest, 0x77, sizeof now.digest);
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why),
			 -ESTALE);
	ck_says_it_is_old(id);
	ck_assert_str_eq(found, id);
	free(found);
	found = NULL;
	now.image_ino--;
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why),
			 -ESTALE);
	free(found);
	found = NULL;
	/* Another image, and a disc in a drive, are not its business. */
	now.path = file_of_another;
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 0);
	now.image_dev = now.image_ino = 0;
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 0);
	ok(stage_remove(root, id, &why));
}
END_TEST

/* In a drive: a disc of its kind and size that is written just so far. */
START_TEST(older_stage_of_a_disc_in_a_drive)
{
	struct stage_binding now;
	char id[64], *found = NULL;
	bool recover;

	write_all_kinds();
	binding.image_dev = binding.image_ino = 0;
	binding.tip_lba = 500;
	ok(stage_set_binding(st, &binding, &why));
	make_older(id);
	now = binding;
	now.path = file_of_another;
	strcpy(now.serial, "another drive");
	memset(now.digest, 0x77, sizeof now.digest);
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why),
			 -ESTALE);
	ck_says_it_is_old(id);
	free(found);
	found = NULL;
	now.nwa++;
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 0);
	now.nwa--;
	now.capacity_blocks++;
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 0);
	now.capacity_blocks--;
	now.blank = true;
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 0);
}
END_TEST

START_TEST(strange_files_are_refused)
{
	static const char *const names[] = {"stage.db", "data", "stage.db-wal",
					    "stage.db-shm", "lock"};
	char id[64], path[400];

	write_all_kinds();
	strcpy(id, stage_id(st));
	ck_assert_int_eq(truncate(file("data"), DATA_BYTES - 1), 0);
	strcpy(path, file(names[_i]));
	stage_close(st, false);
	ck_assert_int_eq(read_everything(id, true), -EBADMSG);
	ck_assert_int_eq(read_everything(id, false), -EBADMSG);
	unlink(path);
	if (_i < 2) {
		ck_assert_int_eq(read_everything(id, true), -EBADMSG);
		ck_assert_int_eq(read_everything(id, false), -EBADMSG);
	}
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(read_everything(id, true), -EBADMSG);
	ck_assert_int_eq(read_everything(id, false), -EBADMSG);
	unlink(path);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_lt(read_everything(id, true), 0);
	ck_assert_int_lt(read_everything(id, false), 0);
}
END_TEST

static void put_file(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

/* A writer was killed when it had written the log's header and no more. */
START_TEST(just_begun_log_is_empty)
{
	static const char index[32768];
	char id[64], wal[400], shm[400], header[32];
	FILE *f;

	write_all_kinds();
	strcpy(id, stage_id(st));
	strcpy(wal, file("stage.db-wal"));
	strcpy(shm, file("stage.db-shm"));
	f = fopen(wal, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(header, 1, sizeof header, f), sizeof header);
	fclose(f);
	stage_close(st, false);
	put_file(wal, header, sizeof header);
	put_file(shm, index, sizeof index);
	ck_assert_msg(read_everything(id, true) == 0, "%s", why.text);
	ck_assert_msg(read_everything(id, false) == 0, "%s", why.text);
}
END_TEST

/* Bytes of the database changed at random: an error or not, never worse. */
START_TEST(random_damage_is_survived)
{
	unsigned seed = 42 + (unsigned)_i, n, refused = 0, k;
	char id[64], path[400];
	unsigned char *whole;
	struct stat s;
	int fd;

	write_all_kinds();
	strcpy(id, stage_id(st));
	strcpy(path, file("stage.db"));
	stage_close(st, false);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &s), 0);
	whole = malloc((size_t)s.st_size);
	ck_assert_int_eq(pread(fd, whole, (size_t)s.st_size, 0), s.st_size);
	for (n = 0; n < 150; n++) {
		for (k = (unsigned)rand_r(&seed) % 40 + 1; k; k--) {
			off_t at = rand_r(&seed) % s.st_size;
			char c = (char)rand_r(&seed);

			ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
		}
		refused += read_everything(id, n % 2) < 0;
		ck_assert_int_eq(ftruncate(fd, s.st_size), 0);
		ck_assert_int_eq(pwrite(fd, whole, (size_t)s.st_size, 0),
				 s.st_size);
		strcpy(strrchr(path, '/'), "/stage.db-wal");
		unlink(path);
	}
	close(fd);
	free(whole);
	ck_assert_uint_gt(refused, 20);
	ck_assert_int_eq(read_everything(id, false), 0);
}
END_TEST

/*
 * Space and crashes
 */

static void fill_up(char *path, size_t size)
{
	static char buf[4096];
	int fd;

	snprintf(path, size, "%s/filler", root);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, buf, sizeof buf) > 0)
		;
	close(fd);
}

START_TEST(full_file_system_loses_nothing)
{
	struct stage *other;
	char filler[400], long_path[200] = "";
	struct stage_node n = {.id = 1, .base_path = long_path};
	struct stage_batch b = {.nodes = &n, .n_nodes = 1};
	static unsigned char heads[65536];
	struct stage_intent i = {
		.overwritable = true, .old_head = heads, .new_head = heads};
	uint64_t rows;
	unsigned k;
	int err = 0;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0) {
		printf("skipped: mounting a small tmpfs needs root\n");
		return;
	}
	ck_assert_int_eq(mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL),
			 0);
	stage_close(st, true);
	st = NULL;
	ck_assert_int_eq(mount("none", root, "tmpfs", 0, "size=1m"), 0);
	fill_up(filler, sizeof filler);
	ck_assert_int_eq(stage_create(root, &binding, &st, &why), -ENOSPC);
	ck_assert_uint_eq(stages(), 0);
	ck_assert_int_eq(truncate(filler, 512 << 10), 0);
	ok(stage_create(root, &binding, &st, &why));
	for (k = 0; k < 100000 && err == 0; k++) {
		n.id = k + 1;
		snprintf(long_path, sizeof long_path, "%0150u", k);
		err = stage_write(st, &b, &why);
	}
	ck_assert_int_eq(err, -ENOSPC);
	ck_assert_ptr_nonnull(strstr(why.text, "full"));
	rows = stage_rows(st);
	ck_assert_uint_eq(rows, k - 1);
	ck_assert_uint_gt(rows, 10);
	ck_assert_int_eq(stage_set_intent(st, &i, &why), -ENOSPC);
	ck_assert_int_eq(stage_create(root, &binding, &other, &why), -ENOSPC);
	ck_assert_uint_eq(strlen(loaded()) > 0, 1);
	/* With room again it goes on, from where it was. */
	ck_assert_int_eq(unlink(filler), 0);
	ok(stage_write(st, &b, &why));
	ck_assert_uint_eq(stage_rows(st), rows + 1);
	reopen(false);
	ck_assert_uint_eq(stage_rows(st), rows + 1);
	ck_assert_uint_gt(strlen(loaded()), 0);
	stage_close(st, false);
	st = NULL;
	umount2(root, MNT_DETACH);
}
END_TEST

enum { BATCH_ROWS = 20 };

/* Write batches for ever; tell of each one that is durable. */
static void write_batches(const char *id, int tell)
{
	struct stage_node n[BATCH_ROWS];
	uint32_t k;
	struct stage_batch b = {.nodes = n, .n_nodes = BATCH_ROWS};

	if (stage_open(root, id, false, &st, &why) < 0)
		_exit(1);
	for (k = (uint32_t)(stage_next_id(st) / BATCH_ROWS);; k++) {
		uint32_t i;

		for (i = 0; i < BATCH_ROWS; i++)
			n[i] = (struct stage_node){
				.id = (uint64_t)k * BATCH_ROWS + i + 1,
				.attr = {.mode = S_IFREG, .uid = k}};
		if (stage_write(st, &b, &why) < 0 ||
		    write(tell, &k, sizeof k) != sizeof k)
			_exit(1);
	}
}

struct batches {
	uint32_t seen; /* rows */
	bool torn;
};

static int on_batch_node(void *arg, const struct stage_node *n)
{
	struct batches *b = arg;

	b->torn |= n->id != b->seen + 1u || n->attr.uid != b->seen / BATCH_ROWS;
	b->seen++;
	return 0;
}

START_TEST(killed_writer_leaves_whole_batches)
{
	unsigned seed = 7, round;
	uint32_t acked = 0;
	char id[64];

	strcpy(id, stage_id(st));
	stage_close(st, false);
	st = NULL;
	for (round = 0; round < 25; round++) {
		struct timespec t = {.tv_nsec = rand_r(&seed) % 60000000};
		struct batches got = {0};
		struct stage_reader r = {.node = on_batch_node, .arg = &got};
		int tell[2], status;
		uint32_t k;
		pid_t pid;

		ck_assert_int_eq(pipe(tell), 0);
		pid = fork();
		if (pid == 0) {
			close(tell[0]);
			write_batches(id, tell[1]);
		}
		close(tell[1]);
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		while (read(tell[0], &k, sizeof k) == sizeof k)
			acked = (k + 1) * BATCH_ROWS;
		close(tell[0]);
		/* Readers and owners find the same. */
		ok(stage_open(root, id, round % 2, &st, &why));
		ok(stage_load(st, &r, &why));
		ck_assert(!got.torn);
		ck_assert_uint_eq(got.seen % BATCH_ROWS, 0);
		ck_assert_uint_ge(got.seen, acked);
		ck_assert_uint_eq(stage_rows(st), got.seen);
		stage_close(st, false);
		st = NULL;
	}
	ck_assert_uint_gt(acked, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage_damage");
	TCase *t = tcase_create("stage_damage");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, tampered_rows_are_refused, 0, TAMPERED);
	tcase_add_test(t, older_stage_is_refused_with_the_truth);
	tcase_add_test(t, older_stage_of_a_disc_in_a_drive);
	tcase_add_loop_test(t, strange_files_are_refused, 0, 5);
	tcase_add_test(t, just_begun_log_is_empty);
	tcase_add_loop_test(t, random_damage_is_survived, 0, 3);
	tcase_add_test(t, full_file_system_loses_nothing);
	tcase_add_test(t, killed_writer_leaves_whole_batches);
	suite_add_tcase(s, t);
	return run_suite(s);
}
