/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/why.h"
#include "tests/unit/run_suite.h"

START_TEST(passes_the_error_on)
{
	struct why why = {""};

	ck_assert_int_eq(why_set(&why, -EIO, "block %d", 7), -EIO);
	ck_assert_str_eq(why_text(&why, -EIO), "block 7");
	ck_assert_int_eq(why_set(NULL, -EIO, "block %d", 7), -EIO);
}
END_TEST

START_TEST(stays_on_one_line)
{
	struct why why = {""};

	why_set(&why, -EIO, "%s", "a\nb\rc");
	ck_assert_str_eq(why_text(&why, -EIO), "a b c");
}
END_TEST

START_TEST(cuts_what_is_too_long)
{
	char long_text[2 * sizeof(struct why)];
	struct why why = {""};

	memset(long_text, 'x', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = 0;
	why_set(&why, -EIO, "%s", long_text);
	ck_assert_uint_eq(strlen(why.text), sizeof why.text - 1);
}
END_TEST

START_TEST(falls_back_to_the_error)
{
	struct why why = {""};

	ck_assert_str_eq(why_text(&why, -ENOSPC), strerror(ENOSPC));
	ck_assert_str_eq(why_text(NULL, -ENOSPC), strerror(ENOSPC));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("why");
	TCase *tcase = tcase_create("why");

	tcase_add_test(tcase, passes_the_error_on);
	tcase_add_test(tcase, stays_on_one_line);
	tcase_add_test(tcase, cuts_what_is_too_long);
	tcase_add_test(tcase, falls_back_to_the_error);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
