/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "tests/unit/run_suite.h"

enum { USAGE = 7, WORDS_MAX = 40 };

static const struct command self = {
	.name = "test",
	.usage = "Usage: test\n",
	.usage_code = USAGE,
};
static const char *const two_needed[] = {"no first", "no second", NULL};

static bool json, yes;
static const char *number;
static struct args_list texts;
static char *argv[WORDS_MAX];
static int code;

static const struct args_option options[] = {
	{.name = "json", .flag = &json},
	{"yes", 'y', .flag = &yes},
	{"number", 'n', .value = &number},
	{"options", 'o', .list = &texts},
	{.letter = 'q'},
	{0},
};

/* @line is split at its blanks; the result of args_parse. */
static int parse(const char *line, const char *const *needed, int more)
{
	static char copy[512];
	char *save, *word;
	int argc = 0;

	json = yes = false;
	number = NULL;
	texts.n = 0;
	code = -1;
	ck_assert_uint_lt(strlen(line), sizeof copy);
	strcpy(copy, line);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		ck_assert_int_lt(argc, WORDS_MAX - 1);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return args_parse(&self, argc, argv, options, needed, more, &code);
}

START_TEST(takes_options_and_leaves_words)
{
	ck_assert_int_eq(parse("test a b", two_needed, 0), 2);
	ck_assert_str_eq(argv[0], "a");
	ck_assert_str_eq(argv[1], "b");
	ck_assert(!json && !yes && !number && !texts.n);

	ck_assert_int_eq(parse("test a -yq --json b -n7 c --options x=1 -o y",
			       two_needed, 1),
			 3);
	ck_assert_str_eq(argv[0], "a");
	ck_assert_str_eq(argv[1], "b");
	ck_assert_str_eq(argv[2], "c");
	ck_assert(json && yes);
	ck_assert_str_eq(number, "7");
	ck_assert_uint_eq(texts.n, 2);
	ck_assert_str_eq(texts.texts[0], "x=1");
	ck_assert_str_eq(texts.texts[1], "y");
	ck_assert_int_eq(code, -1);
}
END_TEST

START_TEST(the_last_value_counts)
{
	ck_assert_int_eq(parse("test -n 1 a --number=2 b", two_needed, 0), 2);
	ck_assert_str_eq(number, "2");
}
END_TEST

START_TEST(dashes_end_the_options)
{
	ck_assert_int_eq(parse("test - -y -- -n --json", two_needed, 1), 3);
	ck_assert_str_eq(argv[0], "-");
	ck_assert_str_eq(argv[1], "-n");
	ck_assert_str_eq(argv[2], "--json");
	ck_assert(yes && !json);
}
END_TEST

START_TEST(options_come_behind_words_for_posix_too)
{
	setenv("POSIXLY_CORRECT", "1", 1);
	ck_assert_int_eq(parse("test a b -y", two_needed, 0), 2);
	ck_assert(yes);
	unsetenv("POSIXLY_CORRECT");
}
END_TEST

START_TEST(refuses)
{
	static const char *const wrong[] = {"test",
					    "test a",
					    "test a b c",
					    "test a b -x",
					    "test a b -yx",
					    "test a b --nonsense",
					    "test a b -n",
					    "test --number",
					    "test a b --json=1",
					    "test a b -o 1 --opt"};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ck_assert_msg(parse(wrong[i], two_needed, 0) == -1, "%s",
			      wrong[i]);
		ck_assert_msg(code == USAGE, "%s: %d", wrong[i], code);
	}
}
END_TEST

START_TEST(keeps_a_bounded_list)
{
	char line[200] = "test a b";

	for (unsigned i = 0; i < ARGS_LIST_MAX; i++)
		strcat(line, " -ox");
	ck_assert_int_eq(parse(line, two_needed, 0), 2);
	ck_assert_uint_eq(texts.n, ARGS_LIST_MAX);
	strcat(line, " -ox");
	ck_assert_int_eq(parse(line, two_needed, 0), -1);
	ck_assert_int_eq(code, USAGE);
}
END_TEST

START_TEST(helps_before_it_complains)
{
	ck_assert_int_eq(parse("test --help", two_needed, 0), -1);
	ck_assert_int_eq(code, 0);
	ck_assert_int_eq(parse("test a -h --nonsense", two_needed, 0), -1);
	ck_assert_int_eq(code, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("args");
	TCase *tc = tcase_create("args");

	tcase_add_test(tc, takes_options_and_leaves_words);
	tcase_add_test(tc, the_last_value_counts);
	tcase_add_test(tc, dashes_end_the_options);
	tcase_add_test(tc, options_come_behind_words_for_posix_too);
	tcase_add_test(tc, refuses);
	tcase_add_test(tc, keeps_a_bounded_list);
	tcase_add_test(tc, helps_before_it_complains);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
