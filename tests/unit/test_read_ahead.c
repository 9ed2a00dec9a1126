/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "burner/read_ahead.h"
#include "tests/unit/disc_stub.h"
#include "tests/unit/run_suite.h"

#define START (7 * (uint64_t)DISC_BLOCK)

static struct disc_stub stub;

static void setup(void)
{
	disc_stub_init(&stub, -1, UINT64_MAX);
}

/* Reads all, and writes over what it was given. */
static void all_of(uint64_t len)
{
	struct read_ahead *r;
	unsigned char *data;
	uint64_t done = 0;
	size_t n;
	int got;

	ck_assert_int_eq(read_ahead_new(&stub.disc, START, len, &r), 0);
	while ((got = read_ahead_next(r, &data, &n)) == 1) {
		ck_assert_uint_gt(n, 0);
		disc_stub_check(data, n, START + done);
		memset(data, 0xfd, n);
		done += n;
		if (done < len)
			ck_assert_uint_eq(n % DISC_BLOCK, 0);
	}
	ck_assert_int_eq(got, 0);
	ck_assert_uint_eq(done, len);
	ck_assert_int_eq(read_ahead_next(r, &data, &n), 0);
	read_ahead_free(r);
}

START_TEST(all_in_order)
{
	all_of(0);
	all_of(1);
	all_of(DISC_BLOCK);
	all_of(256 * DISC_BLOCK);
	all_of(257 * DISC_BLOCK);
	all_of(40 * 256 * DISC_BLOCK);
	all_of(40 * 256 * DISC_BLOCK - 5);
}
END_TEST

START_TEST(what_comes_before_a_bad_block)
{
	struct read_ahead *r;
	unsigned char *data;
	uint64_t done = 0;
	size_t n;
	int got;

	stub.bad = START / DISC_BLOCK + 3000;
	ck_assert_int_eq(
		read_ahead_new(&stub.disc, START, 9000 * DISC_BLOCK, &r), 0);
	while ((got = read_ahead_next(r, &data, &n)) == 1) {
		disc_stub_check(data, n, START + done);
		done += n;
	}
	ck_assert_int_eq(got, -EIO);
	/* It is in the piece that was not read, and that is named. */
	ck_assert_uint_le(done / DISC_BLOCK, 3000);
	ck_assert_uint_gt((done + n) / DISC_BLOCK, 3000);
	ck_assert_int_eq(read_ahead_next(r, &data, &n), -EIO);
	read_ahead_free(r);
}
END_TEST

/* What is in use stays, however long that takes; and the end is not awaited. */
START_TEST(not_too_far_ahead)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	struct read_ahead *r;
	unsigned char *data;
	size_t n;

	ck_assert_int_eq(
		read_ahead_new(&stub.disc, START, 90000 * DISC_BLOCK, &r), 0);
	ck_assert_int_eq(read_ahead_next(r, &data, &n), 1);
	nanosleep(&pause, NULL);
	disc_stub_check(data, n, START);
	ck_assert_uint_lt(atomic_load(&stub.blocks), 3000);
	read_ahead_free(r);
	ck_assert_uint_lt(atomic_load(&stub.blocks), 3000);
}
END_TEST

START_TEST(nobody_reads)
{
	struct read_ahead *r;

	ck_assert_int_eq(
		read_ahead_new(&stub.disc, START, 90000 * DISC_BLOCK, &r), 0);
	read_ahead_free(r);
	read_ahead_free(NULL);
	ck_assert_uint_lt(atomic_load(&stub.blocks), 3000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_ahead");
	TCase *tc = tcase_create("read_ahead");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, all_in_order);
	tcase_add_test(tc, what_comes_before_a_bad_block);
	tcase_add_test(tc, not_too_far_ahead);
	tcase_add_test(tc, nobody_reads);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
