/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cli/quote.h"
#include "tests/unit/run_suite.h"

static void quotes(const char *name, const char *want)
{
	char *got = quote_name(name);

	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(leaves_ordinary_names)
{
	quotes("", "");
	quotes("a file/with spaces", "a file/with spaces");
	quotes("gr\xc3\xbc\xc3\x9f/\xe2\x82\xac/\xf0\x9f\x92\xbf",
	       "gr\xc3\xbc\xc3\x9f/\xe2\x82\xac/\xf0\x9f\x92\xbf");
}
END_TEST

START_TEST(keeps_one_line)
{
	quotes("a\nb\r\tc", "a\\012b\\015\\011c");
	quotes("\xe2\x80\xa8", "\\342\\200\\250");
}
END_TEST

START_TEST(disarms_terminal_codes)
{
	quotes("\x1b[2J\x7f", "\\033[2J\\177");
	/* CSI as one character of C1, in UTF-8 */
	quotes("\xc2\x9b"
	       "2J",
	       "\\302\\2332J");
}
END_TEST

/* Else "a\n" and "a<newline>" would look the same. */
START_TEST(doubles_backslashes)
{
	quotes("a\\012", "a\\\\012");
}
END_TEST

START_TEST(shows_what_is_not_utf8)
{
	quotes("caf\xe9", "caf\\351");
	quotes("\xc0\xaf", "\\300\\257");	   /* overlong */
	quotes("\xed\xa0\x80", "\\355\\240\\200"); /* surrogate */
	quotes("\xe2\x82", "\\342\\202");	   /* cut off */
	quotes("\xf4\x90\x80\x80", "\\364\\220\\200\\200");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quote");
	TCase *tcase = tcase_create("quote");

	tcase_add_test(tcase, leaves_ordinary_names);
	tcase_add_test(tcase, keeps_one_line);
	tcase_add_test(tcase, disarms_terminal_codes);
	tcase_add_test(tcase, doubles_backslashes);
	tcase_add_test(tcase, shows_what_is_not_utf8);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
