/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/io.h"
#include "fs/stage_loan.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/stage_tools.h"

/*
 * Two stages with one data file: st, which lends, and new, which borrows.  The
 * lender has 8 KiB of L at 0 and 4 KiB of M at 8192, its rows name both, the
 * borrower's only the first.
 */

static struct stage *new;
static char id[64], new_id[64];

static const struct extent extents[] = {
	{.len = 8192, .source = EXTENT_DATA},
	{.len = 4096, .pos = 8192, .source = EXTENT_DATA}};

static void write_rows(void)
{
	struct stage_node nodes[] = {
		{.id = 1, .base_path = ""},
		{.id = 2, .attr = {.mode = S_IFREG | 0600}, .size = 8192},
		{.id = 3, .attr = {.mode = S_IFREG | 0600}, .size = 4096}};
	struct stage_link links[] = {{1, "one", 2}, {1, "two", 3}};
	struct stage_batch b = {
		.nodes = nodes, .n_nodes = 3, .links = links, .n_links = 2};
	char bytes[8192];
	uint64_t pos;

	memset(bytes, 'L', sizeof bytes);
	ok(stage_data_alloc(stage_data(st), 8192, 0, &pos));
	ok(io_write_at(stage_data_fd(stage_data(st)), bytes, 8192, pos));
	memset(bytes, 'M', sizeof bytes);
	ok(stage_data_alloc(stage_data(st), 4096, 0, &pos));
	ok(io_write_at(stage_data_fd(stage_data(st)), bytes, 4096, pos));
	nodes[1].extents = &extents[0];
	nodes[2].extents = &extents[1];
	nodes[1].n_extents = nodes[2].n_extents = 1;
	ok(stage_write(st, &b, &why));
}

static int lend(struct stage **ret)
{
	static char path[] = "/images/new.iso";
	struct stage_binding b = {.blank = true,
				  .image_dev = 1,
				  .image_ino = 2,
				  .path = path,
				  .media_type = "image file"};
	struct stage_node nodes[] = {{.id = 1, .base_path = ""},
				     {.id = 2,
				      .attr = {.mode = S_IFREG | 0600},
				      .size = 8192,
				      .extents = &extents[0],
				      .n_extents = 1}};
	struct stage_link links[] = {{1, "one", 2}};
	struct stage_batch rows = {
		.nodes = nodes, .n_nodes = 2, .links = links, .n_links = 1};

	return stage_lend(st, &b, &rows, 7, ret, &why);
}

static void setup_loan(void)
{
	setup();
	write_rows();
	strcpy(id, stage_id(st));
	ok(lend(&new));
	strcpy(new_id, stage_id(new));
}

static void teardown_loan(void)
{
	stage_close(new, false);
	new = NULL;
	teardown();
}

static int open_lender(bool readonly)
{
	stage_close(st, false);
	st = NULL;
	return stage_open(root, id, readonly, &st, &why);
}

static void drop_borrower(void)
{
	stage_close(new, false);
	new = NULL;
	ok(stage_remove(root, new_id, &why));
}

static int take_node(void *arg, const struct stage_node *n)
{
	(void)arg;
	for (uint32_t i = 0; i < n->n_extents; i++)
		ok(stage_data_claim(stage_data(new), n->extents[i].pos,
				    n->extents[i].len));
	return 0;
}

/* As record_load does; the number of ranges that are shared. */
static uint32_t load_borrower(void)
{
	struct stage_reader r = {.node = take_node};
	struct data_range *shared = NULL;
	uint32_t n = 0;

	ok(stage_load(new, &r, &why));
	ok(stage_loan_claim(new, &why));
	ok(stage_data_claimed(stage_data(new), &shared, &n));
	if (n) {
		ck_assert_uint_eq(shared[0].pos, 0);
		ck_assert_uint_eq(shared[0].len, 8192);
	}
	free(shared);
	return n;
}

/* A transaction after which all that is free is punched or cut off. */
static void flush_borrower(void)
{
	struct stage_batch b = {0};

	stage_data_cut(stage_data(new));
	ok(stage_replace(new, &b, &why));
	stage_data_cut_done(stage_data(new), true);
}

/* The lender's bytes, read by a path of its own. */
static void ck_bytes(void)
{
	char buf[12288], path[400];
	int fd;

	snprintf(path, sizeof path, "%s/%s/data", root, id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, buf, sizeof buf), sizeof buf);
	close(fd);
	for (size_t i = 0; i < sizeof buf; i++)
		ck_assert_int_eq(buf[i], i < 8192 ? 'L' : 'M');
}

START_TEST(one_file_two_stages)
{
	struct stat a, b;
	uint64_t missing;
	char *found = NULL;

	ck_assert_int_eq(fstat(stage_data_fd(stage_data(st)), &a), 0);
	ck_assert_int_eq(fstat(stage_data_fd(stage_data(new)), &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_str_eq(stage_lender(new, &missing), id);
	ck_assert_uint_eq(missing, 7);
	ck_assert(stage_is_lent(st) && !stage_is_lent(new));
	ck_assert_ptr_null(stage_lender(st, NULL));
	ck_assert_uint_eq(stage_rows(new), 3);
	ck_assert_int_eq(stage_borrower(root, id, &found), 1);
	ck_assert_str_eq(found, new_id);
	free(found);
	ck_assert_int_eq(stage_borrower(root, new_id, &found), 0);
	/* All of it stands in the files. */
	ok(open_lender(true));
	ck_assert(stage_is_lent(st));
	stage_close(new, false);
	ok(stage_open(root, new_id, false, &new, &why));
	ck_assert_str_eq(stage_lender(new, &missing), id);
	ck_assert_uint_eq(missing, 7);
}
END_TEST

START_TEST(lender_gets_no_owner)
{
	ck_assert_int_eq(open_lender(false), -EBUSY);
	ck_assert_ptr_nonnull(strstr(why.text, id));
	ck_assert_ptr_nonnull(strstr(why.text, "/images/new.iso"));
	ck_assert_ptr_nonnull(strstr(why.text, new_id));
	ck_assert_ptr_nonnull(strstr(why.text, "discfs stage drop"));
	ck_assert_uint_lt(strlen(why.text), sizeof why.text - 1);
	ok(open_lender(true));
	drop_borrower();
	ok(open_lender(false));
	ck_bytes();
}
END_TEST

/* Killed while it was made: the rest does not count, and goes. */
START_TEST(half_made_borrower)
{
	char from[400], to[400];

	stage_close(new, false);
	new = NULL;
	snprintf(from, sizeof from, "%s/%s", root, new_id);
	snprintf(to, sizeof to, "%s/.new-%s", root, new_id);
	ck_assert_int_eq(rename(from, to), 0);
	ok(open_lender(false));
	ck_assert_int_ne(access(to, F_OK), 0);
	ck_bytes();
	/* It was marked: that goes once its disc is here. */
	ck_assert(stage_is_lent(st));
	ok(stage_set_binding(st, &binding, &why));
	ck_assert(!stage_is_lent(st));
	reopen(false);
	ck_assert(!stage_is_lent(st));
}
END_TEST

START_TEST(lends_once)
{
	struct stage *other;

	ck_assert_int_eq(lend(&other), -EBUSY);
	ck_assert_uint_eq(stages(), 2);
	drop_borrower();
	ok(lend(&new));
	strcpy(new_id, stage_id(new));
	/* Who borrows does not lend, until it is alone. */
	stage_close(st, false);
	st = new;
	ck_assert_int_eq(lend(&other), -EBUSY);
	new = NULL;
	ok(stage_remove(root, id, &why));
	ok(lend(&new));
	strcpy(id, stage_id(st));
	strcpy(new_id, stage_id(new));
	ck_assert_int_eq(open_lender(false), -EBUSY);
	ck_assert_ptr_nonnull(strstr(why.text, new_id));
}
END_TEST

/* Whatever becomes of the borrower's rows, the lender's bytes stay. */
START_TEST(bytes_of_the_lender_stay)
{
	uint64_t pos;
	char more[4096] = "more";

	stage_close(new, false);
	ok(stage_open(root, new_id, false, &new, &why));
	ck_assert_uint_eq(load_borrower(), 1);
	ck_assert_uint_eq(stage_data_used(stage_data(new)), 12288);
	ok(stage_data_alloc(stage_data(new), 4096, 0, &pos));
	ck_assert_uint_ge(pos, 12288);
	ok(io_write_at(stage_data_fd(stage_data(new)), more, 4096, pos));
	stage_data_unref(stage_data(new), pos, 4096);
	stage_data_unref(stage_data(new), 0, 8192);
	flush_borrower();
	ck_bytes();
	stage_close(new, true);
	new = NULL;
	ck_assert_uint_eq(stages(), 1);
	ok(open_lender(false));
	ck_bytes();
}
END_TEST

/* Dropped first, it takes nothing with it, and its bytes are free at last. */
START_TEST(lender_is_dropped)
{
	struct stat s;

	stage_close(st, false);
	st = NULL;
	ok(stage_remove(root, id, &why));
	stage_close(new, false);
	ok(stage_open(root, new_id, false, &new, &why));
	ck_assert_str_eq(stage_lender(new, NULL), id);
	ck_assert_uint_eq(load_borrower(), 0);
	ck_assert_uint_eq(stage_data_used(stage_data(new)), 8192);
	stage_data_unref(stage_data(new), 0, 8192);
	flush_borrower();
	ck_assert_int_eq(fstat(stage_data_fd(stage_data(new)), &s), 0);
	ck_assert_int_eq(s.st_size, 0);
}
END_TEST

/* What cannot be read might name bytes: nothing is freed on a guess. */
START_TEST(lender_that_cannot_be_read)
{
	ck_assert_int_eq(truncate(file("stage.db"), 100), 0);
	stage_close(st, false);
	st = NULL;
	stage_close(new, false);
	ok(stage_open(root, new_id, false, &new, &why));
	ck_assert_int_lt(stage_loan_claim(new, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.text, id));
	ck_assert_ptr_nonnull(strstr(why.text, "discfs stage drop"));
	ok(stage_remove(root, id, &why));
	ok(stage_loan_claim(new, &why));
}
END_TEST

/* A hard link that somebody made, as backups do, is no loan. */
START_TEST(other_hard_link)
{
	char link_path[400];
	struct stage *other;

	drop_borrower();
	snprintf(link_path, sizeof link_path, "%s/backup", root);
	ck_assert_int_eq(link(file("data"), link_path), 0);
	ok(open_lender(false));
	ok(stage_set_binding(st, &binding, &why));
	/* But who has the file is not known. */
	ck_assert_int_eq(lend(&other), -EBUSY);
	ck_assert(!stage_is_lent(st));
	ck_assert_ptr_nonnull(strstr(why.text, "hard link"));
	ck_assert_uint_eq(stages(), 1);
}
END_TEST

/* Found by its digest only: what is at its path took its place. */
START_TEST(lent_stage_is_its_discs_alone)
{
	struct stage_binding now = binding;
	char *found = NULL;
	bool recover;

	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 1);
	ck_assert_str_eq(found, id);
	free(found);
	found = NULL;
	memset(now.digest, 0x77, sizeof now.digest);
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 0);
	memset(now.digest, 0, sizeof now.digest);
	now.blank = true;
	ck_assert_int_eq(stage_find(root, &now, &found, &recover, &why), 0);
	ck_assert_int_eq(stage_find_path(root, binding.path, &found), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stage_loan");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup_loan, teardown_loan);
	tcase_add_test(t, one_file_two_stages);
	tcase_add_test(t, lender_gets_no_owner);
	tcase_add_test(t, half_made_borrower);
	tcase_add_test(t, lends_once);
	tcase_add_test(t, bytes_of_the_lender_stay);
	tcase_add_test(t, lender_is_dropped);
	tcase_add_test(t, lender_that_cannot_be_read);
	tcase_add_test(t, other_hard_link);
	tcase_add_test(t, lent_stage_is_its_discs_alone);
	suite_add_tcase(s, t);
	return run_suite(s);
}
