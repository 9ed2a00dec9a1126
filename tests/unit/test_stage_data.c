/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/stage_data.h"
#include "fs/stage_ranges.h"
#include "fs/stage_refs.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/temp_folder.h"

#define must(cond) ((cond) ? (void)0 : ck_abort_msg("%s", #cond))

enum { BLOCK = 4096 };

/* Linked with --wrap: while set, there is no memory. */
static atomic_bool no_memory;
void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return no_memory ? NULL : __real_realloc(p, size);
}

static char dir[TEMP_FOLDER];
static int dirfd_;
static struct stage_data *d;

static void open_data(bool readonly)
{
	struct why why = {""};
	int err = stage_data_open(dirfd_, readonly, &d, &why);

	ck_assert_msg(err == 0, "%s", why.text);
}

static void setup(void)
{
	temp_folder_make(dir);
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dirfd_, 0);
	open_data(false);
}

static void teardown(void)
{
	stage_data_free(d);
	close(dirfd_);
	temp_folder_remove(dir);
}

/* A new range, full of @c. */
static uint64_t fill(uint64_t len, uint64_t off, char c)
{
	char *buf = malloc(len);
	uint64_t pos;

	must(stage_data_alloc(d, len, off, &pos) == 0);
	memset(buf, c, len);
	must(pwrite(stage_data_fd(d), buf, len, (off_t)pos) == (ssize_t)len);
	free(buf);
	return pos;
}

/* Whether all of the range is @c. */
static bool is(uint64_t pos, uint64_t len, char c)
{
	char *buf = malloc(len);
	bool same =
		pread(stage_data_fd(d), buf, len, (off_t)pos) == (ssize_t)len;
	uint64_t i;

	for (i = 0; i < len && same; i++)
		same = buf[i] == c;
	free(buf);
	return same;
}

static void transaction(bool durable)
{
	stage_data_cut(d);
	stage_data_cut_done(d, durable);
}

static off_t file_size(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(stage_data_fd(d), &st), 0);
	return st.st_size;
}

START_TEST(ranges_are_new_and_aligned)
{
	uint64_t a, b, c, e;

	ck_assert_int_eq(stage_data_alloc(d, 1000, 0, &a), 0);
	ck_assert_int_eq(stage_data_alloc(d, 1000, 1000, &b), 0);
	ck_assert_uint_eq(b, a + 1000); /* a sequential writer's one extent */
	ck_assert_int_eq(stage_data_alloc(d, 10, 500, &c), 0);
	ck_assert_uint_ge(c, b + 1000);
	ck_assert_uint_eq(c % BLOCK, 500);
	ck_assert_int_eq(stage_data_alloc(d, 10, 7 * BLOCK + 3, &e), 0);
	ck_assert_uint_ge(e, c + 10);
	ck_assert_uint_eq(e % BLOCK, 3);
	ck_assert_uint_eq(stage_data_used(d), 2020);
	stage_data_unref(d, a, 2000);
	ck_assert_uint_eq(stage_data_used(d), 20);
	ck_assert_int_eq(stage_data_alloc(d, BLOCK, 0, &a), 0);
	ck_assert_uint_gt(a, e); /* what is freed is not handed out again */
	ck_assert_int_eq(stage_data_alloc(d, UINT64_MAX, 0, &a), -EFBIG);
	ck_assert_int_eq(stage_data_alloc(d, INT64_MAX - 100, 0, &a), -EFBIG);
	ck_assert_uint_gt(stage_data_room(d), 0);
}
END_TEST

START_TEST(reading_is_exact_or_fails)
{
	uint64_t a = fill(1000, 0, 'a');
	char buf[1001];

	ck_assert_int_eq(stage_data_read(d, buf, 1000, a), 0);
	ck_assert_int_eq(buf[0], 'a');
	ck_assert_int_eq(buf[999], 'a');
	ck_assert_int_eq(stage_data_read(d, buf, 1001, a), -EIO);
	ck_assert_int_eq(stage_data_read(d, buf, 1, INT64_MAX), -EIO);
}
END_TEST

START_TEST(freed_waits_for_a_durable_transaction)
{
	uint64_t keep = fill(BLOCK, 0, 'k'), a = fill(2 * BLOCK, 0, 'a');
	uint64_t b = fill(BLOCK, 0, 'b');

	transaction(true);
	ck_assert(is(a, 2 * BLOCK, 'a'));
	stage_data_unref(d, a, 2 * BLOCK);
	ck_assert(is(a, 2 * BLOCK, 'a'));
	transaction(false);
	ck_assert(is(a, 2 * BLOCK, 'a'));
	stage_data_cut(d);
	/* Freed behind the cut: the rows may name it. */
	stage_data_unref(d, b, BLOCK);
	ck_assert(is(a, 2 * BLOCK, 'a'));
	stage_data_cut_done(d, true);
	ck_assert(is(a, 2 * BLOCK, 0));
	ck_assert(is(b, BLOCK, 'b'));
	transaction(true);
	ck_assert(is(b, BLOCK, 0));
	ck_assert(is(keep, BLOCK, 'k'));
}
END_TEST

START_TEST(clone_keeps_what_it_shares)
{
	uint64_t keep = fill(BLOCK, 0, 'k'), a = fill(8 * BLOCK, 0, 'a');

	stage_data_ref(d, a + 2 * BLOCK, 4 * BLOCK);
	stage_data_ref(d, a + 3 * BLOCK, BLOCK);
	stage_data_unref(d, a, 8 * BLOCK);
	ck_assert_uint_eq(stage_data_used(d), 5 * BLOCK);
	transaction(true);
	ck_assert(is(a, 2 * BLOCK, 0));
	ck_assert(is(a + 2 * BLOCK, 4 * BLOCK, 'a'));
	ck_assert(is(a + 6 * BLOCK, 2 * BLOCK, 0));
	stage_data_unref(d, a + 2 * BLOCK, 4 * BLOCK);
	transaction(true);
	ck_assert(is(a + 2 * BLOCK, BLOCK, 0));
	ck_assert(is(a + 3 * BLOCK, BLOCK, 'a'));
	ck_assert(is(a + 4 * BLOCK, 2 * BLOCK, 0));
	stage_data_unref(d, a + 3 * BLOCK, BLOCK);
	transaction(true);
	ck_assert(is(a + 3 * BLOCK, BLOCK, 0));
	ck_assert(is(keep, BLOCK, 'k'));
	ck_assert_uint_eq(stage_data_used(d), BLOCK);
}
END_TEST

START_TEST(snapshot_keeps_what_it_names)
{
	uint64_t before = fill(BLOCK, 0, 'b'), a = fill(BLOCK, 0, 'a');
	uint64_t c = fill(BLOCK, 0, 'c'), keep = fill(BLOCK, 0, 'k');

	stage_data_unref(d, before, BLOCK);
	stage_data_freeze(d);
	stage_data_drain(d);
	stage_data_unref(d, a, BLOCK);
	transaction(true);
	/* The snapshot was taken after that one was freed. */
	ck_assert(is(before, BLOCK, 0));
	ck_assert(is(a, BLOCK, 'a'));
	stage_data_unref(d, c, BLOCK);
	stage_data_cut(d);
	stage_data_thaw(d);
	ck_assert(is(a, BLOCK, 0));
	ck_assert(is(c, BLOCK, 'c'));
	stage_data_cut_done(d, true);
	ck_assert(is(c, BLOCK, 0));
	ck_assert(is(keep, BLOCK, 'k'));
}
END_TEST

START_TEST(snapshot_forbids_writing_in_place)
{
	uint32_t gen = stage_data_gen(d);

	ck_assert_uint_gt(gen, 0); /* loaded extents have 0 */
	ck_assert(stage_data_writable(d, 0));
	ck_assert(stage_data_writable(d, gen));
	stage_data_freeze(d);
	ck_assert_uint_gt(stage_data_gen(d), gen);
	ck_assert(!stage_data_writable(d, 0));
	ck_assert(!stage_data_writable(d, gen));
	ck_assert(stage_data_writable(d, stage_data_gen(d)));
	stage_data_thaw(d);
	ck_assert(stage_data_writable(d, gen));
}
END_TEST

START_TEST(pinned_waits_for_its_readers)
{
	uint64_t keep = fill(BLOCK, 0, 'k'), a = fill(BLOCK, 0, 'a');
	uint64_t b = fill(BLOCK, 0, 'b');
	unsigned p1 = stage_data_pin(d), p2 = stage_data_pin(d), p3, p4;

	stage_data_unref(d, a, BLOCK);
	transaction(true);
	p3 = stage_data_pin(d); /* cannot have looked @a up */
	stage_data_unref(d, b, BLOCK);
	transaction(true);
	ck_assert(is(a, BLOCK, 'a'));
	stage_data_unpin(d, p1);
	ck_assert(is(a, BLOCK, 'a'));
	stage_data_unpin(d, p2);
	ck_assert(is(a, BLOCK, 0));
	/* p3 may have seen @b; p4 may not, and does not hold it up. */
	ck_assert(is(b, BLOCK, 'b'));
	p4 = stage_data_pin(d);
	stage_data_unpin(d, p3);
	ck_assert(is(b, BLOCK, 0));
	stage_data_unpin(d, p4);
	ck_assert(is(keep, BLOCK, 'k'));
}
END_TEST

START_TEST(pieces_of_a_block_are_punched_together)
{
	uint64_t keep = fill(BLOCK, 0, 'k'), a = fill(1000, 0, 'a');
	uint64_t b = fill(1000, 1000, 'b'), c = fill(BLOCK, 0, 'c');

	ck_assert_uint_eq(a / BLOCK, b / BLOCK);
	stage_data_unref(d, a, 1000);
	transaction(true);
	ck_assert(is(a, 1000, 'a'));
	ck_assert(is(b, 1000, 'b'));
	stage_data_unref(d, b, 1000);
	transaction(true);
	ck_assert(is(a, 1000, 0));
	ck_assert(is(b, 1000, 0));
	ck_assert(is(keep, BLOCK, 'k'));
	ck_assert(is(c, BLOCK, 'c'));
	stage_data_unref(d, c, 100);
	transaction(true);
	ck_assert(is(c, BLOCK, 'c'));
}
END_TEST

START_TEST(empty_file_begins_anew)
{
	uint64_t a = fill(3 * BLOCK + 5, 0, 'a'), b;
	unsigned pin;

	stage_data_unref(d, a, 3 * BLOCK + 5);
	ck_assert_uint_eq(stage_data_used(d), 0);
	ck_assert_int_gt(file_size(), 0);
	stage_data_freeze(d);
	transaction(true);
	ck_assert_int_gt(file_size(), 0); /* not while frozen */
	stage_data_thaw(d);
	ck_assert_int_eq(file_size(), 0);
	b = fill(BLOCK, 0, 'b');
	ck_assert_uint_eq(b, 0);
	pin = stage_data_pin(d);
	stage_data_unref(d, b, BLOCK);
	transaction(true);
	ck_assert_int_gt(file_size(), 0); /* nor while it is read */
	stage_data_unpin(d, pin);
	ck_assert_int_eq(file_size(), 0);
	b = fill(BLOCK, 0, 'b');
	stage_data_unref(d, b, BLOCK);
	a = fill(BLOCK, 0, 'a');
	transaction(true);
	ck_assert(is(b, BLOCK, 0));
	ck_assert(is(a, BLOCK, 'a'));
}
END_TEST

START_TEST(loaded_records_claim_their_ranges)
{
	uint64_t a = fill(4 * BLOCK, 0, 'a'), gap = fill(2 * BLOCK, 0, 'g');
	uint64_t b = fill(2 * BLOCK, 0, 'b'), tail = fill(BLOCK, 0, 't');
	struct data_range *shared;
	uint32_t n;

	stage_data_free(d);
	open_data(false);
	ck_assert_int_eq(stage_data_claim(d, a, 4 * BLOCK), 0);
	ck_assert_int_eq(stage_data_claim(d, a + BLOCK, BLOCK), 0);
	ck_assert_int_eq(stage_data_claim(d, a + BLOCK, 2 * BLOCK), 0);
	ck_assert_int_eq(stage_data_claim(d, b, 2 * BLOCK), 0);
	ck_assert_int_eq(stage_data_claim(d, tail, BLOCK + 1), -ERANGE);
	ck_assert_int_eq(stage_data_claim(d, UINT64_MAX, 2), -ERANGE);
	ck_assert_int_eq(stage_data_claimed(d, &shared, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(shared[0].pos, a + BLOCK);
	ck_assert_uint_eq(shared[0].len, 2 * BLOCK);
	free(shared);
	ck_assert_uint_eq(stage_data_used(d), 6 * BLOCK);
	ck_assert(is(gap, 2 * BLOCK, 'g'));
	transaction(true);
	ck_assert(is(gap, 2 * BLOCK, 0));
	ck_assert(is(tail, BLOCK, 0));
	ck_assert(is(a, 4 * BLOCK, 'a'));
	ck_assert(is(b, 2 * BLOCK, 'b'));
	stage_data_unref(d, a, 4 * BLOCK);
	stage_data_unref(d, a + BLOCK, BLOCK);
	transaction(true);
	ck_assert(is(a, BLOCK, 0));
	ck_assert(is(a + BLOCK, 2 * BLOCK, 'a'));
	ck_assert(is(a + 3 * BLOCK, BLOCK, 0));
	ck_assert_uint_gt(fill(1, 0, 'n'), tail);
}
END_TEST

START_TEST(nothing_is_punched_before_loading)
{
	uint64_t a = fill(BLOCK, 0, 'a');

	stage_data_free(d);
	open_data(false);
	transaction(true);
	ck_assert(is(a, BLOCK, 'a'));
	stage_data_free(d);
	open_data(true);
	ck_assert_int_eq(stage_data_claim(d, a, BLOCK), 0);
	ck_assert(is(a, BLOCK, 'a'));
}
END_TEST

START_TEST(strange_file_is_refused)
{
	struct stage_data *other;
	struct why why = {""};

	ck_assert_int_eq(unlinkat(dirfd_, "data", 0), 0);
	ck_assert_int_eq(stage_data_open(dirfd_, true, &other, &why), -ENOENT);
	ck_assert_int_eq(mkfifoat(dirfd_, "data", 0600), 0);
	ck_assert_int_eq(stage_data_open(dirfd_, false, &other, &why),
			 -EBADMSG);
	ck_assert_int_eq(stage_data_open(dirfd_, true, &other, &why), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(why.text, "regular"));
	ck_assert_int_eq(unlinkat(dirfd_, "data", 0), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", dirfd_, "data"), 0);
	ck_assert_int_eq(stage_data_open(dirfd_, true, &other, &why), -ELOOP);
}
END_TEST

START_TEST(without_memory_nothing_is_freed)
{
	uint64_t a = fill(4 * BLOCK, 0, 'a');

	no_memory = true;
	stage_data_ref(d, a, BLOCK);
	no_memory = false;
	stage_data_unref(d, a, 4 * BLOCK);
	transaction(true);
	ck_assert(is(a, 4 * BLOCK, 'a'));
	a = fill(BLOCK, 0, 'b');
	stage_data_unref(d, a, BLOCK);
	transaction(true);
	ck_assert(is(a, BLOCK, 'b'));
}
END_TEST

static void *drainer(void *arg)
{
	atomic_bool *done = arg;

	stage_data_drain(d);
	atomic_store(done, true);
	return NULL;
}

START_TEST(drain_waits_for_earlier_pins_only)
{
	struct timespec soon = {.tv_nsec = 50000000};
	unsigned first = stage_data_pin(d), second, later;
	uint64_t a = fill(BLOCK, 0, 'a');
	atomic_bool done = false;
	pthread_t t;

	fill(BLOCK, 0, 'k');
	/* Another flip is under way, and one pin stands on each side of it. */
	stage_data_unref(d, a, BLOCK);
	transaction(true);
	second = stage_data_pin(d);
	ck_assert_uint_ne(first, second);
	ck_assert_int_eq(pthread_create(&t, NULL, drainer, &done), 0);
	nanosleep(&soon, NULL);
	stage_data_unpin(d, first);
	nanosleep(&soon, NULL);
	ck_assert(!atomic_load(&done));
	later = stage_data_pin(d);
	stage_data_unpin(d, second);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	ck_assert(atomic_load(&done));
	stage_data_unpin(d, later);
}
END_TEST

/*
 * Threads: files that are read, replaced and cloned under a "tree lock" while
 * transactions and snapshots go on.  A reader must see its file's letter.
 */
enum { FILES = 64, ROUNDS = 3000, WORKERS = 4 };
static struct {
	uint64_t pos, len;
	char c;
} files[FILES];
static pthread_mutex_t tree = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;

static void replace_file(unsigned i, unsigned *seed)
{
	uint64_t len = 1 + (uint64_t)rand_r(seed) % (3 * BLOCK), old_len;
	char c = (char)('a' + rand_r(seed) % 26);
	uint64_t pos = fill(len, 0, c), old;

	pthread_mutex_lock(&tree);
	old = files[i].pos;
	old_len = files[i].len;
	files[i].pos = pos;
	files[i].len = len;
	files[i].c = c;
	stage_data_unref(d, old, old_len);
	pthread_mutex_unlock(&tree);
}

static void clone_file(unsigned from, unsigned to)
{
	pthread_mutex_lock(&tree);
	if (from != to) {
		uint64_t old = files[to].pos, old_len = files[to].len;

		stage_data_ref(d, files[from].pos, files[from].len);
		files[to] = files[from];
		stage_data_unref(d, old, old_len);
	}
	pthread_mutex_unlock(&tree);
}

static void *worker(void *arg)
{
	unsigned seed = *(unsigned *)arg, n;
	uintptr_t bad = 0;

	for (n = 0; n < ROUNDS; n++) {
		unsigned i = (unsigned)rand_r(&seed) % FILES, pin;
		uint64_t pos, len;
		char c;

		if (n % 4 == 0) {
			replace_file(i, &seed);
			continue;
		}
		if (n % 4 == 1) {
			clone_file(i, (unsigned)rand_r(&seed) % FILES);
			continue;
		}
		pthread_mutex_lock(&tree);
		pin = stage_data_pin(d);
		pos = files[i].pos;
		len = files[i].len;
		c = files[i].c;
		pthread_mutex_unlock(&tree);
		if (n % 64 == 2)
			sched_yield();
		bad += !is(pos, len, c);
		stage_data_unpin(d, pin);
	}
	return (void *)bad;
}

static void *flusher(void *arg)
{
	unsigned n;

	(void)arg;
	for (n = 0; !atomic_load(&stop); n++) {
		pthread_mutex_lock(&tree);
		if (n % 16 == 3)
			stage_data_freeze(d);
		stage_data_cut(d);
		pthread_mutex_unlock(&tree);
		if (n % 16 == 3)
			stage_data_drain(d);
		stage_data_cut_done(d, n % 5 != 0);
		if (n % 16 == 9) {
			pthread_mutex_lock(&tree);
			stage_data_thaw(d);
			pthread_mutex_unlock(&tree);
		}
	}
	if (!stage_data_writable(d, 0))
		stage_data_thaw(d);
	return NULL;
}

START_TEST(threads_read_what_was_written)
{
	unsigned seeds[WORKERS], i;
	pthread_t t[WORKERS], f;
	void *bad;

	for (i = 0; i < FILES; i++) {
		files[i].len = BLOCK;
		files[i].pos = fill(BLOCK, 0, 'z');
		files[i].c = 'z';
	}
	ck_assert_int_eq(pthread_create(&f, NULL, flusher, NULL), 0);
	for (i = 0; i < WORKERS; i++) {
		seeds[i] = i + 1;
		ck_assert_int_eq(pthread_create(&t[i], NULL, worker, &seeds[i]),
				 0);
	}
	for (i = 0; i < WORKERS; i++) {
		ck_assert_int_eq(pthread_join(t[i], &bad), 0);
		ck_assert_ptr_null(bad);
	}
	atomic_store(&stop, true);
	ck_assert_int_eq(pthread_join(f, NULL), 0);
	for (i = 0; i < FILES; i++) {
		ck_assert(is(files[i].pos, files[i].len, files[i].c));
		stage_data_unref(d, files[i].pos, files[i].len);
	}
	ck_assert_uint_eq(stage_data_used(d), 0);
	transaction(true);
	ck_assert_int_eq(file_size(), 0);
}
END_TEST

enum { BYTES = 500 };
static int model[BYTES];

static void model_last(void *arg, uint64_t pos, uint64_t len)
{
	uint64_t *at = arg;

	must(len > 0 && pos >= *at);
	for (*at = pos; *at < pos + len; ++*at)
		must(model[*at] == 0 && (model[*at] = -1));
}

START_TEST(references_like_a_model)
{
	struct stage_refs r = {0};
	unsigned seed = 5, n;

	for (n = 0; n < 30000; n++) {
		uint64_t pos = (uint64_t)rand_r(&seed) % BYTES, i, at = 0;
		uint64_t len = (uint64_t)rand_r(&seed) % (BYTES - pos) / 4 + 1;

		if (rand_r(&seed) % 9 < 4) {
			must(stage_refs_add(&r, pos, len) == 0);
			for (i = pos; i < pos + len; i++)
				model[i]++;
		} else {
			must(stage_refs_sub(&r, pos, len, model_last, &at) ==
			     0);
			for (i = pos; i < pos + len; i++) {
				/* -1: it was told to be the last. */
				model[i] = model[i] == -1 ? 0 : model[i] - 1;
				must(model[i] >= 0);
			}
		}
		for (i = 0; i < BYTES; i++)
			must(stage_refs_at(&r, i) == (uint32_t)model[i]);
	}
	stage_refs_release(&r);
}
END_TEST

START_TEST(counts_like_a_model)
{
	unsigned seed = 6, n, k;

	for (n = 0; n < 2000; n++) {
		struct range_list l = {0};
		struct range_count *runs;
		uint64_t i, at = 0;
		size_t n_runs;

		memset(model, 0, sizeof model);
		for (k = (unsigned)rand_r(&seed) % 20; k; k--) {
			uint64_t pos = (uint64_t)rand_r(&seed) % BYTES;
			uint64_t len = (uint64_t)rand_r(&seed) % (BYTES - pos);

			/* The list joins what follows the last one. */
			must(range_list_add(&l, pos, len) == 0);
			for (i = pos; i < pos + len; i++)
				model[i]++;
		}
		must(range_list_count(&l, &runs, &n_runs) == 0);
		for (k = 0; k < n_runs; k++) {
			must(runs[k].pos >= at && runs[k].len > 0);
			for (; at < runs[k].pos; at++)
				must(model[at] == 0);
			for (; at < runs[k].pos + runs[k].len; at++)
				must(model[at] == (int)runs[k].count);
		}
		for (; at < BYTES; at++)
			must(model[at] == 0);
		free(runs);
		range_list_release(&l);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage_data");
	TCase *t = tcase_create("stage_data");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ranges_are_new_and_aligned);
	tcase_add_test(t, reading_is_exact_or_fails);
	tcase_add_test(t, freed_waits_for_a_durable_transaction);
	tcase_add_test(t, clone_keeps_what_it_shares);
	tcase_add_test(t, snapshot_keeps_what_it_names);
	tcase_add_test(t, snapshot_forbids_writing_in_place);
	tcase_add_test(t, pinned_waits_for_its_readers);
	tcase_add_test(t, pieces_of_a_block_are_punched_together);
	tcase_add_test(t, empty_file_begins_anew);
	tcase_add_test(t, loaded_records_claim_their_ranges);
	tcase_add_test(t, nothing_is_punched_before_loading);
	tcase_add_test(t, strange_file_is_refused);
	tcase_add_test(t, without_memory_nothing_is_freed);
	tcase_add_test(t, drain_waits_for_earlier_pins_only);
	tcase_add_test(t, threads_read_what_was_written);
	tcase_add_test(t, references_like_a_model);
	tcase_add_test(t, counts_like_a_model);
	suite_add_tcase(s, t);
	return run_suite(s);
}
