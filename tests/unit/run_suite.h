/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_RUN_SUITE_H
#define TESTS_UNIT_RUN_SUITE_H

#include <check.h>

/* run_suite - run all of @s, as the environment says (tests/unit/run), and free
 * it.  Returns the program's exit status. */
static inline int run_suite(Suite *s)
{
	SRunner *runner = srunner_create(s);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
