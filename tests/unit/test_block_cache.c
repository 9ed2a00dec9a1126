/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/block_cache.h"
#include "burner/disc.h"
#include "tests/unit/run_suite.h"

#define END 10000u

/* A medium whose blocks hold their number; counts what is asked of it. */
struct medium_stub {
	unsigned reads;
	uint64_t blocks;
	uint64_t bad; /* this block cannot be read */
	uint32_t add; /* to the numbers: another medium */
};

static struct medium_stub stub;
static struct block_cache *cache;

static int read_stub(void *arg, uint64_t lba, size_t n, void *buf)
{
	struct medium_stub *s = arg;
	unsigned char *p = buf;

	ck_assert_uint_le(lba + n, END);
	s->reads++;
	s->blocks += n;
	if (s->bad >= lba && s->bad < lba + n)
		return -EIO;
	for (size_t i = 0; i < n; i++) {
		uint32_t number = (uint32_t)(lba + i) + s->add;

		memset(p + i * DISC_BLOCK, 0, DISC_BLOCK);
		memcpy(p + i * DISC_BLOCK, &number, sizeof number);
		memcpy(p + (i + 1) * DISC_BLOCK - sizeof number, &number,
		       sizeof number);
	}
	return 0;
}

static void setup(void)
{
	stub = (struct medium_stub){.bad = UINT64_MAX};
	ck_assert_int_eq(block_cache_new(read_stub, &stub, &cache), 0);
}

static void teardown(void)
{
	block_cache_free(cache);
}

/* The number at the beginning of block @lba, as read through the cache. */
static uint32_t number_of(uint64_t lba)
{
	uint32_t number = 0;

	ck_assert_int_eq(block_cache_read(cache, &number, sizeof number,
					  lba * DISC_BLOCK, END),
			 0);
	return number;
}

START_TEST(reads_once)
{
	ck_assert_uint_eq(number_of(5), 5);
	ck_assert_uint_eq(number_of(6), 6);
	ck_assert_uint_eq(number_of(5), 5);
	ck_assert_uint_eq(stub.reads, 1);
}
END_TEST

START_TEST(any_position_and_length)
{
	unsigned char *buf = malloc(70 * DISC_BLOCK);
	uint32_t number;

	ck_assert_ptr_nonnull(buf);
	/* From the last bytes of block 30 to the first ones of block 100. */
	ck_assert_int_eq(block_cache_read(cache, buf,
					  69 * DISC_BLOCK + 2 * sizeof number,
					  31 * DISC_BLOCK - sizeof number, END),
			 0);
	memcpy(&number, buf, sizeof number);
	ck_assert_uint_eq(number, 30);
	memcpy(&number, buf + sizeof number, sizeof number);
	ck_assert_uint_eq(number, 31);
	memcpy(&number, buf + sizeof number + 69 * DISC_BLOCK, sizeof number);
	ck_assert_uint_eq(number, 100);
	free(buf);
}
END_TEST

START_TEST(ends_with_the_medium)
{
	char byte;

	ck_assert_uint_eq(number_of(END - 1), END - 1);
	ck_assert_int_eq(block_cache_read(cache, &byte, 1,
					  (uint64_t)END * DISC_BLOCK, END),
			 -EIO);
	ck_assert_int_eq(block_cache_read(cache, &byte, 1, UINT64_MAX, END),
			 -EIO);
	ck_assert_int_eq(block_cache_read(cache, &byte, SIZE_MAX, 1, END),
			 -EIO);
}
END_TEST

START_TEST(a_medium_that_grew)
{
	uint32_t number;

	ck_assert_int_eq(block_cache_read(cache, &number, sizeof number, 0, 3),
			 0);
	ck_assert_uint_eq(stub.blocks, 3);
	ck_assert_uint_eq(number_of(3), 3);
}
END_TEST

START_TEST(reads_ahead_in_order_only)
{
	for (uint64_t lba = 0; lba < 4096; lba++)
		ck_assert_uint_eq(number_of(lba), lba);
	/* Nothing twice, and not much more than was asked for. */
	ck_assert_uint_ge(stub.blocks, 4096);
	ck_assert_uint_le(stub.blocks, 4096 + 16 * 32);
	stub.blocks = 0;
	for (uint64_t i = 0; i < 20; i++)
		ck_assert_uint_eq(number_of(9900 - 64 * i), 9900 - 64 * i);
	ck_assert_uint_eq(stub.blocks, 20 * 32);
}
END_TEST

START_TEST(a_bad_block_fails_those_who_ask_for_it)
{
	char buf[2 * DISC_BLOCK];

	stub.bad = 40;
	ck_assert_uint_eq(number_of(39), 39);
	ck_assert_uint_eq(number_of(41), 41);
	ck_assert_int_eq(
		block_cache_read(cache, buf, sizeof buf, 39 * DISC_BLOCK, END),
		-EIO);
	ck_assert_uint_eq(number_of(31), 31);
	/* It is tried again, not remembered. */
	stub.bad = UINT64_MAX;
	ck_assert_uint_eq(number_of(40), 40);
}
END_TEST

START_TEST(forgets_all_when_dropped)
{
	for (uint64_t lba = 0; lba < 1000; lba += 32)
		number_of(lba);
	stub.add = 7;
	ck_assert_uint_eq(number_of(64), 64);
	block_cache_drop(cache);
	for (uint64_t lba = 0; lba < 1000; lba += 32)
		ck_assert_uint_eq(number_of(lba), lba + 7);
}
END_TEST

START_TEST(keeps_what_was_used_last)
{
	for (uint64_t i = 0; i < 200; i++) {
		number_of(0);
		number_of(9000 - 40 * i);
	}
	stub.reads = 0;
	number_of(0);
	ck_assert_uint_eq(stub.reads, 0);
	number_of(9000);
	ck_assert_uint_eq(stub.reads, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("block_cache");
	TCase *tc = tcase_create("block_cache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reads_once);
	tcase_add_test(tc, any_position_and_length);
	tcase_add_test(tc, ends_with_the_medium);
	tcase_add_test(tc, a_medium_that_grew);
	tcase_add_test(tc, reads_ahead_in_order_only);
	tcase_add_test(tc, a_bad_block_fails_those_who_ask_for_it);
	tcase_add_test(tc, forgets_all_when_dropped);
	tcase_add_test(tc, keeps_what_was_used_last);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
