/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/run_suite.h"
#include "tests/unit/stage_tools.h"

/* Linked with --wrap: what the next fdatasync of ours fails with. */
static int sync_error;
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
	if (sync_error) {
		errno = sync_error;
		return -1;
	}
	return __real_fdatasync(fd);
}

START_TEST(new_stage_is_private)
{
	struct stat s;

	ck_assert_int_eq(stat(stage_path(st), &s), 0);
	ck_assert_uint_eq(s.st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(stat(root, &s), 0);
	ck_assert_uint_eq(s.st_mode, S_IFDIR | 0700);
	ck_assert_int_eq(stat(file("stage.db"), &s), 0);
	ck_assert_uint_eq(s.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(stat(file("data"), &s), 0);
	ck_assert_uint_eq(s.st_mode, S_IFREG | 0600);
	ck_assert_uint_eq(strlen(stage_id(st)), 36);
	ck_assert_uint_eq(stage_rows(st), 0);
	ck_assert_uint_eq(stage_next_id(st), 1);
	ck_assert_str_eq(loaded(), "");
}
END_TEST

START_TEST(rows_round_trip)
{
	write_all_kinds();
	ck_assert_str_eq(loaded(), all_kinds);
	reopen(false);
	ck_assert_str_eq(loaded(), all_kinds);
	ck_assert_uint_eq(stage_next_id(st), 10);
	reopen(true);
	ck_assert_str_eq(loaded(), all_kinds);
}
END_TEST

START_TEST(drops_come_before_inserts)
{
	struct stage_node again[] = {
		{.id = 9, .base_path = "other"}, /* replaced */
		{.id = 11, .base_path = "c"},	 /* the path that 9 had */
		{.id = 4, .attr = {.mode = S_IFIFO | 0600}},
	};
	uint64_t drop_nodes[] = {4, 3, 8};
	struct stage_link put[] = {{1, "new", 2}, {5, "b", 5}};
	struct stage_link drop[] = {{5, "b", 0}, {5, "c", 0}, {5, "no", 0}};
	const char *put_gone[] = {"a", "b", "a"};
	const char *drop_gone[] = {"a", "a/b", "no"};
	struct stage_batch b = {
		.nodes = again,
		.n_nodes = 3,
		.drop_nodes = drop_nodes,
		.n_drop_nodes = 3,
		.links = put,
		.n_links = 2,
		.drop_links = drop,
		.n_drop_links = 3,
		.gone = put_gone,
		.n_gone = 3,
		.drop_gone = drop_gone,
		.n_drop_gone = 3,
	};

	write_all_kinds();
	ok(stage_write(st, &b, &why));
	ck_assert_ptr_nonnull(strstr(
		loaded(), "\nnode 4 '-' 0 10600 0:0 0 0.0 0.0 0.0 '-' 0\n"));
	ck_assert_ptr_null(strstr(loaded(), "\nnode 3"));
	ck_assert_ptr_nonnull(strstr(
		loaded(), "\nnode 9 'other' 0 0 0:0 0 0.0 0.0 0.0 '-' 0\n"
			  "node 11 'c' 0 0 0:0 0 0.0 0.0 0.0 '-' 0\n"
			  "gone 'a'\ngone 'b'\ngone 'z\n'\n"
			  "link 1 '\x01 first' 2\nlink 1 'new' 2\n"
			  "link 5 'b' 5\n"));
	/* 7 nodes, 3 gone, 3 links */
	ck_assert_uint_eq(stage_rows(st), 13);
	ck_assert_uint_eq(stage_next_id(st), 12);
	b = (struct stage_batch){.drop_nodes = (uint64_t[]){11},
				 .n_drop_nodes = 1};
	ok(stage_write(st, &b, &why));
	reopen(false);
	ck_assert_uint_eq(stage_rows(st), 12);
	ck_assert_uint_eq(stage_next_id(st), 12); /* never used again */
}
END_TEST

START_TEST(failed_batch_leaves_nothing)
{
	struct stage_node twice[] = {
		{.id = 20, .base_path = "x"},
		{.id = 21, .base_path = "x"},
	};
	struct stage_batch b = {.nodes = twice, .n_nodes = 2};

	write_all_kinds();
	ck_assert_int_eq(stage_write(st, &b, &why), -EINVAL);
	ck_assert_str_eq(loaded(), all_kinds);
	ck_assert_uint_eq(stage_next_id(st), 10);
	b.n_nodes = 1;
	ok(stage_write(st, &b, &why));
	ck_assert_uint_eq(stage_rows(st), 15);
}
END_TEST

START_TEST(rows_name_only_durable_bytes)
{
	struct stage_node n = {.id = 20, .base_path = "x"};
	struct stage_batch b = {.nodes = &n, .n_nodes = 1}, none = {0};

	write_all_kinds();
	sync_error = EIO;
	ck_assert_int_eq(stage_write(st, &b, &why), -EIO);
	ck_assert_int_eq(stage_write(st, &none, &why), -EIO);
	ck_assert_int_eq(stage_rebase(st, &binding, &b, &why), -EIO);
	sync_error = 0;
	/* The kernel has forgotten the error: the stage has not. */
	ck_assert_int_eq(stage_write(st, &b, &why), -EIO);
	ck_assert_ptr_nonnull(strstr(why.text, stage_id(st)));
	ck_assert_str_eq(loaded(), all_kinds);
	reopen(false);
	ok(stage_write(st, &b, &why));
}
END_TEST

static void ck_binding(const struct stage_binding *a,
		       const struct stage_binding *b)
{
	ck_assert_mem_eq(a->digest, b->digest, sizeof a->digest);
	ck_assert_int_eq(a->blank, b->blank);
	ck_assert_uint_eq(a->base_lba, b->base_lba);
	ck_assert_uint_eq(a->tip_lba, b->tip_lba);
	ck_assert_uint_eq(a->nwa, b->nwa);
	ck_assert_uint_eq(a->image_dev, b->image_dev);
	ck_assert_uint_eq(a->image_ino, b->image_ino);
	ck_assert_str_eq(a->path, b->path);
	ck_assert_str_eq(a->serial, b->serial);
	ck_assert_str_eq(a->media_type, b->media_type);
	ck_assert_uint_eq(a->capacity_blocks, b->capacity_blocks);
	ck_assert_uint_eq(a->import_flags, b->import_flags);
}

START_TEST(binding_round_trip)
{
	struct stage_binding got, other = {.blank = true};
	static char path[] = "/dev/sr0";
	int64_t created;

	ok(stage_get_binding(st, &got, &why));
	ck_binding(&got, &binding);
	created = got.created;
	ck_assert_int_ge(created, time(NULL) - 60);
	ck_assert_int_le(created, time(NULL));
	stage_binding_release(&got);
	other.path = path;
	memset(other.serial, 's', sizeof other.serial - 1);
	ok(stage_set_binding(st, &other, &why));
	reopen(false);
	ok(stage_get_binding(st, &got, &why));
	ck_binding(&got, &other);
	ck_assert_int_eq(got.created, created);
	stage_binding_release(&got);
}
END_TEST

static struct stage_intent make_intent(void)
{
	static unsigned char heads[2][65536];
	struct stage_intent i = {.nwa = 64,
				 .blocks = UINT64_MAX,
				 .volume_uuid = "2026112214500000",
				 .overwritable = true,
				 .exact = true,
				 .old_head = heads[0],
				 .new_head = heads[1]};

	memset(heads[0], 1, sizeof heads[0]);
	memset(heads[1], 2, sizeof heads[1]);
	return i;
}

START_TEST(intent_round_trip)
{
	struct stage_intent i = make_intent(), got = {0};

	ck_assert_int_eq(stage_get_intent(st, &got, &why), 0);
	ok(stage_set_intent(st, &i, &why));
	reopen(false);
	ck_assert_int_eq(stage_get_intent(st, &got, &why), 1);
	ck_assert_uint_eq(got.nwa, 64);
	ck_assert_uint_eq(got.blocks, UINT64_MAX);
	ck_assert_str_eq(got.volume_uuid, i.volume_uuid);
	ck_assert(got.overwritable);
	ck_assert(got.exact);
	ck_assert_mem_eq(got.old_head, i.old_head, 65536);
	ck_assert_mem_eq(got.new_head, i.new_head, 65536);
	stage_intent_release(&got);
	i.overwritable = false;
	i.old_head = i.new_head = NULL;
	ok(stage_set_intent(st, &i, &why));
	ck_assert_int_eq(stage_get_intent(st, &got, &why), 1);
	ck_assert_ptr_null(got.old_head);
	ck_assert(!got.overwritable);
	ok(stage_set_intent(st, NULL, &why));
	ck_assert_int_eq(stage_get_intent(st, &got, &why), 0);
}
END_TEST

/* 1 or 0: what the intent says; -1 without one. */
static int exact(void)
{
	struct stage_intent got = {0};
	int ret = stage_get_intent(st, &got, &why);

	ck_assert_int_ge(ret, 0);
	stage_intent_release(&got);
	return ret ? got.exact : -1;
}

START_TEST(later_rows_make_the_intent_inexact)
{
	struct stage_node n = {.id = 20, .base_path = "x"};
	struct stage_batch b = {.nodes = &n, .n_nodes = 1};
	struct stage_batch none = {.after_snapshot = true};
	struct stage_intent i = make_intent();

	ok(stage_set_intent(st, &i, &why));
	ok(stage_write(st, &b, &why));
	ok(stage_write(st, &none, &why));
	ck_assert_int_eq(exact(), 1);
	b.after_snapshot = true;
	ok(stage_write(st, &b, &why));
	ck_assert_int_eq(exact(), 0);
	reopen(false);
	ck_assert_int_eq(exact(), 0);
	ok(stage_set_intent(st, &i, &why));
	ck_assert_int_eq(exact(), 1);
	/* By an owner that found it, too. */
	reopen(false);
	ok(stage_replace(st, &b, &why));
	ck_assert_int_eq(exact(), 0);
	ok(stage_set_intent(st, NULL, &why));
	ok(stage_write(st, &b, &why));
	ck_assert_int_eq(exact(), -1);
}
END_TEST

START_TEST(replacing_is_all_or_nothing)
{
	struct stage_node n[] = {{.id = 20, .base_path = "x"},
				 {.id = 21, .base_path = "x"}};
	struct stage_batch b = {.nodes = n, .n_nodes = 2}, none = {0};

	write_all_kinds();
	ck_assert_int_eq(stage_replace(st, &b, &why), -EINVAL);
	ck_assert_str_eq(loaded(), all_kinds);
	b.n_nodes = 1;
	ok(stage_replace(st, &b, &why));
	ck_assert_str_eq(loaded(), "node 20 'x' 0 0 0:0 0 0.0 0.0 0.0 '-' 0\n");
	ok(stage_replace(st, &none, &why));
	ck_assert_str_eq(loaded(), "");
	reopen(false);
	ck_assert_uint_eq(stage_rows(st), 0);
	ck_assert_uint_eq(stage_next_id(st), 21);
}
END_TEST

START_TEST(result_is_kept)
{
	char buf[64];

	ok(stage_get_result(st, buf, sizeof buf, &why));
	ck_assert_str_eq(buf, "");
	ok(stage_set_result(st, "burned, verified", &why));
	reopen(true);
	ok(stage_get_result(st, buf, sizeof buf, &why));
	ck_assert_str_eq(buf, "burned, verified");
	ok(stage_get_result(st, buf, 7, &why));
	ck_assert_str_eq(buf, "burned");
}
END_TEST

START_TEST(rebase_switches_all_at_once)
{
	struct stage_node twice[] = {{.id = 30, .base_path = "later"},
				     {.id = 31, .base_path = "later"}};
	struct stage_batch b = {.nodes = twice, .n_nodes = 2};
	struct stage_binding next = binding, got;
	struct stage_intent i = make_intent(), none = {0};

	write_all_kinds();
	ok(stage_set_intent(st, &i, &why));
	next.nwa = 999;
	next.digest[0] = 1;
	/* It fails as a whole, too. */
	ck_assert_int_eq(stage_rebase(st, &next, &b, &why), -EINVAL);
	ck_assert_str_eq(loaded(), all_kinds);
	ck_assert_int_eq(stage_get_intent(st, &none, &why), 1);
	stage_intent_release(&none);
	ok(stage_get_binding(st, &got, &why));
	ck_binding(&got, &binding);
	stage_binding_release(&got);
	b.n_nodes = 1;
	ok(stage_rebase(st, &next, &b, &why));
	reopen(false);
	ck_assert_str_eq(loaded(), "node 30 'later' 0 0 0:0 0 0.0 0.0 0.0 "
				   "'-' 0\n");
	ck_assert_uint_eq(stage_next_id(st), 31);
	ck_assert_int_eq(stage_get_intent(st, &none, &why), 0);
	ok(stage_get_binding(st, &got, &why));
	ck_binding(&got, &next);
	stage_binding_release(&got);
}
END_TEST

static int fail_at_link(void *arg, const struct stage_link *l)
{
	unsigned *left = arg;

	(void)l;
	return --*left ? 0 : -ESTALE;
}

START_TEST(callback_ends_the_loading)
{
	unsigned left = 2;
	struct stage_reader r = {.link = fail_at_link, .arg = &left};

	write_all_kinds();
	ck_assert_int_eq(stage_load(st, &r, &why), -ESTALE);
	ck_assert_uint_eq(left, 0);
	ck_assert_str_eq(loaded(), all_kinds);
}
END_TEST

START_TEST(ten_thousand_rows_are_quick)
{
	enum { N = 10000 };
	struct stage_node *n = calloc(N, sizeof *n);
	char(*paths)[32] = calloc(N, sizeof *paths);
	struct stage_batch b = {.nodes = n, .n_nodes = N};
	struct timespec from, to;
	unsigned i;

	for (i = 0; i < N; i++) {
		snprintf(paths[i], sizeof paths[i], "folder/file%u", i);
		n[i] = (struct stage_node){.id = i + 1,
					   .base_path = paths[i],
					   .flags = STAGE_CONTENT,
					   .size = 9000};
		n[i].extents = two_extents;
		n[i].n_extents = 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	ok(stage_write(st, &b, &why));
	clock_gettime(CLOCK_MONOTONIC, &to);
	ck_assert_uint_eq(stage_rows(st), N);
	/* 0.1 s; under valgrind and its like that says nothing. */
	if (!getenv("TEST_SLOW"))
		ck_assert_int_lt(to.tv_sec - from.tv_sec, 2);
	free(n);
	free(paths);
}
END_TEST

/*
 * Locks and readers
 */

/* A process that holds the stage, has written a batch, and waits. */
static pid_t start_owner(const char *id, int *ret_stop)
{
	int ready[2], stop[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(stop), 0);
	pid = fork();
	if (pid == 0) {
		close(stop[1]);
		if (stage_open(root, id, false, &st, &why) < 0)
			_exit(1);
		write_all_kinds();
		if (write(ready[1], "r", 1) != 1 || read(stop[0], &c, 1) < 0)
			_exit(1);
		stage_close(st, false);
		_exit(0);
	}
	close(ready[1]);
	close(stop[0]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_stop = stop[1];
	return pid;
}

/* Names, sizes, times and bytes of all that is in the stage. */
static char *folder_state(const char *path)
{
	struct dirent **list;
	int i, n = scandir(path, &list, NULL, alphasort);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_int_gt(n, 2);
	for (i = 0; i < n; i++) {
		char name[512], buf[4096];
		struct stat s;
		size_t got, k;
		uint64_t sum = 0;
		FILE *in;

		snprintf(name, sizeof name, "%s/%s", path, list[i]->d_name);
		ck_assert_int_eq(stat(name, &s), 0);
		in = S_ISREG(s.st_mode) ? fopen(name, "r") : NULL;
		while (in && (got = fread(buf, 1, sizeof buf, in)) > 0)
			for (k = 0; k < got; k++)
				sum = sum * 31 + (unsigned char)buf[k];
		if (in)
			fclose(in);
		fprintf(out, "%s %o %lld %lld.%09ld %llx\n", list[i]->d_name,
			s.st_mode, (long long)s.st_size,
			(long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
			(unsigned long long)sum);
		free(list[i]);
	}
	free(list);
	fclose(out);
	return text;
}

START_TEST(owner_is_alone)
{
	struct stage *other;
	char id[64], pid_text[32];
	int stop, status;
	pid_t pid;

	strcpy(id, stage_id(st));
	ck_assert_int_eq(stage_open(root, id, false, &other, &why), -EBUSY);
	stage_close(st, false);
	st = NULL;
	pid = start_owner(id, &stop);
	ck_assert_int_eq(stage_open(root, id, false, &other, &why), -EBUSY);
	snprintf(pid_text, sizeof pid_text, "process %d", (int)pid);
	ck_assert_msg(strstr(why.text, pid_text) != NULL, "%s", why.text);
	ck_assert_int_eq(stage_remove(root, id, &why), -EBUSY);
	close(stop);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ok(stage_open(root, id, false, &st, &why));
	ck_assert_str_eq(loaded(), all_kinds);
}
END_TEST

/* How the owner is when somebody looks: gone, alive, killed, and killed with
 * its log's index lost. */
enum { GONE, ALIVE, KILLED, HALF_COPIED, OWNERS };

START_TEST(reader_writes_nothing)
{
	char id[64], path[300], *before, *after;
	struct stage_batch none = {0};
	int stop, status;
	pid_t pid;

	strcpy(id, stage_id(st));
	strcpy(path, stage_path(st));
	stage_close(st, false);
	st = NULL;
	pid = start_owner(id, &stop);
	if (_i == GONE)
		close(stop);
	else if (_i != ALIVE)
		kill(pid, SIGKILL);
	if (_i != ALIVE)
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (_i == HALF_COPIED) {
		strcat(path, "/stage.db-shm");
		ck_assert_int_eq(unlink(path), 0);
		*strrchr(path, '/') = '\0';
	}
	before = folder_state(path);
	ck_assert_int_eq(strstr(before, "db-wal") != NULL, _i != GONE);
	ok(stage_open(root, id, true, &st, &why));
	ck_assert_str_eq(loaded(), all_kinds);
	ck_assert_int_eq(stage_set_result(st, "x", &why), -EROFS);
	ck_assert_int_eq(stage_set_intent(st, NULL, &why), -EROFS);
	ck_assert_int_eq(stage_write(st, &none, &why), 0);
	stage_close(st, false);
	after = folder_state(path);
	/* The exception that docs/stage-format.md tells of. */
	if (_i != HALF_COPIED)
		ck_assert_str_eq(before, after);
	free(before);
	free(after);
	if (_i == ALIVE) {
		close(stop);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	ok(stage_open(root, id, false, &st, &why));
	ck_assert_str_eq(loaded(), all_kinds);
}
END_TEST

/* An owner waits for a reader that is about to end, and not for ever. */
START_TEST(reader_holds_owner_up_shortly)
{
	struct timespec soon = {.tv_nsec = 200000000};
	char id[64];
	pid_t pid;
	int status, ready[2];
	char c;

	strcpy(id, stage_id(st));
	stage_close(st, false);
	st = NULL;
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		if (stage_open(root, id, true, &st, &why) < 0 ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		nanosleep(&soon, NULL);
		stage_close(st, false);
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ok(stage_open(root, id, false, &st, &why));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/*
 * The life of a folder
 */

START_TEST(dropped_stage_is_gone)
{
	char id[64], path[300];
	struct stat s;

	strcpy(id, stage_id(st));
	strcpy(path, stage_path(st));
	ck_assert_uint_eq(stages(), 1);
	stage_close(st, true);
	st = NULL;
	ck_assert_uint_eq(stages(), 0);
	ck_assert_int_lt(stat(path, &s), 0);
	ck_assert_int_eq(stage_open(root, id, false, &st, &why), -ENOENT);
	ck_assert_int_eq(stage_open(root, "../../etc", true, &st, &why),
			 -EINVAL);
	ok(stage_create(root, &binding, &st, &why));
	ck_assert_str_ne(stage_id(st), id);
	ck_assert_uint_eq(stages(), 1);
}
END_TEST

START_TEST(broken_stage_can_be_removed)
{
	char id[64], text[] = "no database";
	FILE *f;

	write_all_kinds();
	strcpy(id, stage_id(st));
	f = fopen(file("stage.db"), "w");
	ck_assert_ptr_nonnull(f);
	fwrite(text, 1, sizeof text, f);
	fclose(f);
	stage_close(st, false);
	st = NULL;
	ok(stage_remove(root, id, &why));
	ck_assert_uint_eq(stages(), 0);
	ck_assert_int_eq(stage_remove(root, id, &why), -ENOENT);
	ck_assert_int_eq(stage_remove(root, "x", &why), -EINVAL);
}
END_TEST

START_TEST(leftovers_of_a_crash_are_swept)
{
	char path[400];
	struct stage *other;
	struct stat s;

	snprintf(path, sizeof path, "%s/.new-%s", root, stage_id(st));
	ck_assert_int_eq(mkdir(path, 0700), 0);
	strcat(path, "/data");
	ck_assert_int_eq(mknod(path, S_IFREG | 0600, 0), 0);
	ck_assert_uint_eq(stages(), 1);
	ok(stage_create(root, &binding, &other, &why));
	ck_assert_uint_eq(stages(), 2);
	*strrchr(path, '/') = '\0';
	ck_assert_int_lt(stat(path, &s), 0);
	stage_close(other, false);
}
END_TEST

static int never(void *arg, const char *id)
{
	(void)arg;
	ck_abort_msg("%s", id);
}

START_TEST(missing_root_has_no_stages)
{
	ok(stage_each("/nonexistent/discfs", never, NULL, &why));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage");
	TCase *t = tcase_create("stage");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, new_stage_is_private);
	tcase_add_test(t, rows_round_trip);
	tcase_add_test(t, drops_come_before_inserts);
	tcase_add_test(t, failed_batch_leaves_nothing);
	tcase_add_test(t, rows_name_only_durable_bytes);
	tcase_add_test(t, binding_round_trip);
	tcase_add_test(t, intent_round_trip);
	tcase_add_test(t, later_rows_make_the_intent_inexact);
	tcase_add_test(t, replacing_is_all_or_nothing);
	tcase_add_test(t, result_is_kept);
	tcase_add_test(t, rebase_switches_all_at_once);
	tcase_add_test(t, callback_ends_the_loading);
	tcase_add_test(t, ten_thousand_rows_are_quick);
	tcase_add_test(t, owner_is_alone);
	tcase_add_loop_test(t, reader_writes_nothing, 0, OWNERS);
	tcase_add_test(t, reader_holds_owner_up_shortly);
	tcase_add_test(t, dropped_stage_is_gone);
	tcase_add_test(t, broken_stage_can_be_removed);
	tcase_add_test(t, leftovers_of_a_crash_are_swept);
	tcase_add_test(t, missing_root_has_no_stages);
	suite_add_tcase(s, t);
	return run_suite(s);
}
