/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdio.h>

#include "fs/fuse_internal.h"
#include "tests/unit/run_suite.h"

START_TEST(takes_lists)
{
	cpu_set_t set;

	ck_assert(cpus_parse("0\n", &set));
	ck_assert_int_eq(CPU_COUNT(&set), 1);
	ck_assert(cpus_parse("0-3,8,10-11\n", &set));
	ck_assert_int_eq(CPU_COUNT(&set), 7);
	ck_assert(CPU_ISSET(0, &set) && CPU_ISSET(3, &set));
	ck_assert(CPU_ISSET(8, &set) && !CPU_ISSET(9, &set));
	ck_assert(CPU_ISSET(11, &set) && !CPU_ISSET(4, &set));
	/* As "offline" has it where all run. */
	ck_assert(cpus_parse("\n", &set));
	ck_assert_int_eq(CPU_COUNT(&set), 0);
}
END_TEST

START_TEST(takes_the_last_that_fits)
{
	cpu_set_t set;
	char text[32];

	snprintf(text, sizeof text, "0-%d\n", CPU_SETSIZE - 1);
	ck_assert(cpus_parse(text, &set));
	ck_assert_int_eq(CPU_COUNT(&set), CPU_SETSIZE);
	snprintf(text, sizeof text, "0-%d\n", CPU_SETSIZE);
	ck_assert(!cpus_parse(text, &set));
}
END_TEST

START_TEST(refuses_what_is_none)
{
	cpu_set_t set;

	ck_assert(!cpus_parse("3-1\n", &set));
	ck_assert(!cpus_parse("0-3;8\n", &set));
	ck_assert(!cpus_parse("none", &set));
	ck_assert(!cpus_parse("99999999999999999999\n", &set));
}
END_TEST

START_TEST(knows_this_machine)
{
	unsigned n = cpus_possible();
	int cpu = sched_getcpu();

	/* A kernel without /sys tells nothing. */
	if (n == 0)
		return;
	ck_assert(cpu >= 0 && (unsigned)cpu < n);
	ck_assert(cpu_is_online((unsigned)cpu));
	ck_assert_int_eq(cpu_take((unsigned)cpu), 0);
	ck_assert_int_eq(sched_getcpu(), cpu);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cpus");
	TCase *tcase = tcase_create("cpus");

	tcase_add_test(tcase, takes_lists);
	tcase_add_test(tcase, takes_the_last_that_fits);
	tcase_add_test(tcase, refuses_what_is_none);
	tcase_add_test(tcase, knows_this_machine);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
