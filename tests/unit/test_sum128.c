/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/sum128.h"
#include "tests/unit/run_suite.h"

static void sum_of(const void *data, size_t len, uint64_t ret[2])
{
	struct sum128 s;

	sum128_init(&s, 0);
	sum128_add(&s, data, len);
	sum128_end(&s, ret);
}

/* Stages on people's disks are found by these. */
START_TEST(stays_as_it_is)
{
	unsigned char data[1000];
	uint64_t sum[2];
	size_t i;

	for (i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 7);
	sum_of(data, 0, sum);
	ck_assert_uint_eq(sum[0], UINT64_C(0x57c22a14fa60ffbe));
	ck_assert_uint_eq(sum[1], UINT64_C(0x9f5e5b0c44a6393f));
	sum_of(data, sizeof data, sum);
	ck_assert_uint_eq(sum[0], UINT64_C(0x823fe6410a3493e));
	ck_assert_uint_eq(sum[1], UINT64_C(0x224702d2ab75343c));
}
END_TEST

START_TEST(pieces_do_not_matter)
{
	unsigned char data[300];
	uint64_t whole[2], parts[2];
	size_t i, cut;

	for (i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i ^ i >> 3);
	sum_of(data, sizeof data, whole);
	for (cut = 1; cut < 70; cut++) {
		struct sum128 s;

		sum128_init(&s, 0);
		for (i = 0; i < sizeof data; i += cut)
			sum128_add(&s, data + i,
				   cut < sizeof data - i ? cut
							 : sizeof data - i);
		sum128_end(&s, parts);
		ck_assert_uint_eq(parts[0], whole[0]);
		ck_assert_uint_eq(parts[1], whole[1]);
	}
}
END_TEST

/* Each bit, the length and the seed count, in both halves. */
START_TEST(all_counts)
{
	unsigned char data[77] = {0};
	uint64_t sum[2], other[2];
	struct sum128 s;
	size_t bit;

	sum_of(data, sizeof data, sum);
	for (bit = 0; bit < 8 * sizeof data; bit++) {
		data[bit / 8] ^= (unsigned char)(1 << bit % 8);
		sum_of(data, sizeof data, other);
		data[bit / 8] ^= (unsigned char)(1 << bit % 8);
		ck_assert_uint_ne(sum[0], other[0]);
		ck_assert_uint_ne(sum[1], other[1]);
	}
	sum_of(data, sizeof data - 1, other);
	ck_assert_uint_ne(sum[0], other[0]);
	ck_assert_uint_ne(sum[1], other[1]);
	sum128_init(&s, 1);
	sum128_add(&s, data, sizeof data);
	sum128_end(&s, other);
	ck_assert_uint_ne(sum[0], other[0]);
	ck_assert_uint_ne(sum[1], other[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sum128");
	TCase *tcase = tcase_create("all");

	tcase_add_test(tcase, stays_as_it_is);
	tcase_add_test(tcase, pieces_do_not_matter);
	tcase_add_test(tcase, all_counts);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
