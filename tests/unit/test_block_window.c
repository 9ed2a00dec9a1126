/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "burner/block_window.h"
#include "tests/unit/disc_stub.h"
#include "tests/unit/run_suite.h"

static struct disc_stub stub;
static struct block_window window;

static void setup(void)
{
	disc_stub_init(&stub, 0, 1000 * DISC_BLOCK);
	window = (struct block_window){0};
}

static void is_there(uint64_t lba)
{
	unsigned char block[DISC_BLOCK];

	memset(block, 0xfd, sizeof block);
	ck_assert_int_eq(window_read(&window, &stub.disc, lba, block), 0);
	disc_stub_check(block, sizeof block, lba * DISC_BLOCK);
}

static void is_not_there(uint64_t lba)
{
	unsigned char block[DISC_BLOCK];

	ck_assert_int_eq(window_read(&window, &stub.disc, lba, block), -EIO);
}

START_TEST(in_order_by_large_pieces)
{
	for (uint64_t lba = 100; lba < 1000; lba++)
		is_there(lba);
	ck_assert_uint_le(atomic_load(&stub.calls), 900 / WINDOW_BLOCKS + 2);
}
END_TEST

START_TEST(here_and_there_block_by_block)
{
	for (uint64_t lba = 999; lba > 500; lba -= 7)
		is_there(lba);
	ck_assert_uint_eq(atomic_load(&stub.calls), 72);
	/* A look elsewhere, and back. */
	is_there(10);
	is_there(11);
	is_there(900);
	is_there(12);
	ck_assert_uint_eq(atomic_load(&stub.calls), 75);
}
END_TEST

START_TEST(a_bad_block_is_the_only_one)
{
	for (stub.bad = 300; stub.bad < 300 + WINDOW_BLOCKS + 1; stub.bad++) {
		window = (struct block_window){0};
		atomic_store(&stub.calls, 0);
		for (uint64_t lba = 299; lba < 400; lba++) {
			if (lba == stub.bad)
				is_not_there(lba);
			else
				is_there(lba);
		}
		/* Nothing is tried again and again. */
		ck_assert_uint_lt(atomic_load(&stub.calls), 2 * WINDOW_BLOCKS);
	}
}
END_TEST

START_TEST(the_end)
{
	stub.bytes = 50 * DISC_BLOCK + 100;
	for (uint64_t lba = 0; lba < 50; lba++)
		is_there(lba);
	is_not_there(50);
	is_not_there(51);
	is_there(49);
	is_not_there(UINT32_MAX);
}
END_TEST

/* It has a cache of its own, and costs by the second to seek. */
START_TEST(a_drive_is_read_as_asked)
{
	stub.disc.fd = -1;
	for (uint64_t lba = 100; lba < 200; lba++)
		is_there(lba);
	ck_assert_uint_eq(atomic_load(&stub.calls), 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("block_window");
	TCase *tc = tcase_create("window");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, in_order_by_large_pieces);
	tcase_add_test(tc, here_and_there_block_by_block);
	tcase_add_test(tc, a_bad_block_is_the_only_one);
	tcase_add_test(tc, the_end);
	tcase_add_test(tc, a_drive_is_read_as_asked);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
