/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/attr.h"
#include "tests/unit/run_suite.h"

/* A block with each of @names, its value the name's own letters. */
static struct xattrs *make(const char *const *names, int n)
{
	struct xattrs *x = NULL, *next;

	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(xattrs_set(x, names[i], names[i],
					    strlen(names[i]), &next),
				 0);
		free(x);
		x = next;
	}
	return x;
}

START_TEST(set_and_get)
{
	static const char *const names[] = {"user.b", "user.a", "user.bb"};
	struct xattrs *x = make(names, 3), *y;
	const void *value;

	ck_assert_uint_eq(x->count, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(xattrs_get(x, names[i], &value),
				 (int)strlen(names[i]));
		ck_assert_mem_eq(value, names[i], strlen(names[i]));
	}
	ck_assert_int_eq(xattrs_get(x, "user.", &value), -ENODATA);
	ck_assert_int_eq(xattrs_get(NULL, "user.a", &value), -ENODATA);

	ck_assert_int_eq(xattrs_set(x, "user.a", "", 0, &y), 0);
	ck_assert_int_eq(xattrs_get(y, "user.a", &value), 0);
	ck_assert_uint_eq(y->count, 3);
	free(y);
	free(x);
}
END_TEST

START_TEST(the_order_of_setting_does_not_matter)
{
	static const char *const one[] = {"a", "b", "c"};
	static const char *const two[] = {"c", "a", "b"};
	struct xattrs *x = make(one, 3), *y = make(two, 3), *z;

	ck_assert_int_eq(xattrs_equal(x, y), 1);
	ck_assert_int_eq(xattrs_equal(x, NULL), 0);
	ck_assert_int_eq(xattrs_equal(NULL, NULL), 1);
	ck_assert_int_eq(xattrs_dup(x, &z), 0);
	ck_assert_int_eq(xattrs_equal(x, z), 1);
	z->data[z->size_bytes - 1] ^= 1;
	ck_assert_int_eq(xattrs_equal(x, z), 0);
	free(x);
	free(y);
	free(z);
}
END_TEST

START_TEST(removal)
{
	static const char *const names[] = {"a", "b"};
	struct xattrs *x = make(names, 2), *y, *z;
	const void *value;

	ck_assert_int_eq(xattrs_set(x, "c", NULL, 0, &y), -ENODATA);
	ck_assert_int_eq(xattrs_set(x, "a", NULL, 0, &y), 0);
	ck_assert_int_eq(xattrs_get(y, "a", &value), -ENODATA);
	ck_assert_int_eq(xattrs_get(y, "b", &value), 1);
	ck_assert_int_eq(xattrs_set(y, "b", NULL, 0, &z), 0);
	ck_assert_ptr_null(z);
	free(x);
	free(y);
}
END_TEST

START_TEST(walk)
{
	static const char *const names[] = {"b", "aa"};
	struct xattrs *x = make(names, 2);
	const char *name;
	const void *value;
	size_t name_len, value_len;
	uint32_t cursor = 0;

	ck_assert_int_eq(
		xattrs_next(x, &cursor, &name, &name_len, &value, &value_len),
		1);
	ck_assert_uint_eq(name_len, 2);
	ck_assert_mem_eq(name, "aa", 2);
	ck_assert_int_eq(
		xattrs_next(x, &cursor, &name, &name_len, &value, &value_len),
		1);
	ck_assert_uint_eq(value_len, 1);
	ck_assert_mem_eq(value, "b", 1);
	ck_assert_int_eq(
		xattrs_next(x, &cursor, &name, &name_len, &value, &value_len),
		0);
	free(x);
}
END_TEST

START_TEST(limits)
{
	static char big[65537], name[257];
	struct xattrs *x;

	memset(name, 'n', 256);
	ck_assert_int_eq(xattrs_set(NULL, name, "", 0, &x), -E2BIG);
	ck_assert_int_eq(xattrs_set(NULL, "", "", 0, &x), -E2BIG);
	ck_assert_int_eq(xattrs_set(NULL, "a", big, 65537, &x), -E2BIG);
	ck_assert_int_eq(xattrs_set(NULL, "a", big, 65536, &x), 0);
	ck_assert_int_eq(xattrs_check(x->data, x->size_bytes, 1), 1);
	free(x);
}
END_TEST

/* No bit of a damaged block may lead outside of it or pass for sorted. */
START_TEST(damage_is_found)
{
	static const char *const names[] = {"a", "b"};
	struct xattrs *x = make(names, 2);

	ck_assert_int_eq(xattrs_check(x->data, x->size_bytes, 2), 1);
	ck_assert_int_eq(xattrs_check(x->data, x->size_bytes, 1), 0);
	ck_assert_int_eq(xattrs_check(NULL, 0, 0), 1);
	for (uint32_t cut = 1; cut < x->size_bytes; cut++)
		ck_assert_int_eq(xattrs_check(x->data, x->size_bytes - cut, 2),
				 0);
	x->data[6] = 'b'; /* the first name: now equal to the second */
	ck_assert_int_eq(xattrs_check(x->data, x->size_bytes, 2), 0);
	x->data[6] = 0;
	ck_assert_int_eq(xattrs_check(x->data, x->size_bytes, 2), 0);
	free(x);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xattrs");
	TCase *tcase = tcase_create("xattrs");

	tcase_add_test(tcase, set_and_get);
	tcase_add_test(tcase, the_order_of_setting_does_not_matter);
	tcase_add_test(tcase, removal);
	tcase_add_test(tcase, walk);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, damage_is_found);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
