/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/progress_bar.h"
#include "tests/unit/run_suite.h"

static char line[1024];

static size_t render(const struct progress *p, size_t width)
{
	memset(line, 'X', sizeof line);
	return progress_bar_render(p, width, line, sizeof line);
}

/* Columns as a terminal counts them. */
static size_t columns_of(const char *text)
{
	wchar_t wide[1024];
	size_t n = mbstowcs(wide, text, 1024);

	ck_assert_msg(n != (size_t)-1, "not UTF-8: %s", text);
	return (size_t)wcswidth(wide, n);
}

static void use_utf8(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

static const struct progress half = {
	.phase = "burning",
	.blocks_done = 152588,
	.blocks_total = 341797,
	.file = "photos/2026/a.jpg",
	.bytes_per_second = 8400000,
	.seconds_left = 46,
};

START_TEST(shows_all_where_there_is_room)
{
	size_t columns = render(&half, 120);

	ck_assert_str_eq(line, "burning    [========>           ]   44%  "
			       "313/700 MB  8.4 MB/s  0:46  photos/2026/a.jpg");
	ck_assert_uint_eq(columns, strlen(line));
}
END_TEST

/* Parts of a whole that are no bytes. */
START_TEST(a_share_has_no_size)
{
	struct progress p = {.phase = "blanking",
			     .blocks_done = 0x8000,
			     .blocks_total = 0x10000,
			     .relative = true};

	render(&p, 80);
	ck_assert_str_eq(line, "blanking   [==========>         ]   50%");
	p.blocks_total = p.blocks_done = 0;
	render(&p, 80);
	ck_assert_str_eq(line, "blanking ");
}
END_TEST

START_TEST(never_exceeds_the_width)
{
	struct progress p = half;

	p.file = "\xe6\xbc\xa2\xe5\xad\x97/\xc3\xa4\xcc\x88/a\tb/\xff"
		 "/a long name of a file that says nothing at all.tar.gz";
	for (size_t width = 0; width < 140; width++) {
		size_t columns = render(&p, width);

		ck_assert_uint_le(columns, width);
		ck_assert_uint_eq(columns, columns_of(line));
	}
}
END_TEST

START_TEST(drops_the_least_important_first)
{
	render(&half, 15);
	ck_assert_str_eq(line, "burning     44%");
	render(&half, 9);
	ck_assert_str_eq(line, "burning  ");
	render(&half, 30);
	ck_assert_str_eq(line, "burning     44%  313/700 MB");
	render(&half, 52);
	ck_assert_ptr_nonnull(strstr(line, "[====="));
	ck_assert_ptr_null(strstr(line, "photos"));
}
END_TEST

START_TEST(keeps_the_end_of_a_name)
{
	struct progress p = {.phase = "authoring",
			     .file = "a/very/long/path/to/the.file"};

	render(&p, 9 + 2 + 15);
	ck_assert_str_eq(line, "authoring  .../to/the.file");
}
END_TEST

START_TEST(disarms_names)
{
	struct progress p = {.phase = "burning",
			     .file = "a\x1b[2J\n\xc2\x9b\xe9z\x7f"};

	render(&p, 80);
	ck_assert_str_eq(line, "burning    a?[2J???z?");
}
END_TEST

START_TEST(cuts_wide_characters_whole)
{
	/* eight characters of two columns each */
	struct progress p = {.phase = "burning",
			     .file = "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
				     "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2"
				     "\xe6\xbc\xa2\xe6\xbc\xa2"};

	ck_assert_uint_eq(render(&p, 9 + 2 + 16), 27);
	ck_assert_ptr_null(strstr(line, "..."));
	/* 15 columns: "..." and twelve of sixteen columns */
	ck_assert_uint_eq(render(&p, 9 + 2 + 15), 26);
	ck_assert_uint_eq(columns_of(line), 26);
	/* 14: eleven are left, and half a character is none */
	ck_assert_uint_eq(render(&p, 9 + 2 + 14), 24);
}
END_TEST

START_TEST(takes_what_is_not_known)
{
	struct progress p = {.phase = "freezing"};

	render(&p, 80);
	ck_assert_str_eq(line, "freezing ");
	p.blocks_done = 500;
	render(&p, 80);
	ck_assert_str_eq(line, "freezing   1.0 MB");
	p.blocks_done = UINT64_MAX;
	p.blocks_total = UINT64_MAX;
	p.seconds_left = UINT32_MAX;
	p.bytes_per_second = UINT64_MAX;
	ck_assert_uint_le(render(&p, 80), 80);
	ck_assert_ptr_nonnull(strstr(line, "100%"));
	p.blocks_total = 1;
	render(&p, 80);
	ck_assert_ptr_nonnull(strstr(line, "100%"));
	p.phase = NULL;
	render(&p, 80);
}
END_TEST

START_TEST(fits_its_buffer)
{
	char small[24];
	struct progress p = half;

	p.file = "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2";
	for (size_t size = 1; size <= sizeof small; size++) {
		memset(small, 'X', sizeof small);
		progress_bar_render(&p, 120, small, size);
		ck_assert_uint_lt(strlen(small), size);
	}
}
END_TEST

/* Not a terminal: a log must not get the bar. */
START_TEST(draws_on_terminals_only)
{
	FILE *out = tmpfile();
	struct progress_bar bar;

	ck_assert_ptr_nonnull(out);
	progress_bar_init(&bar, out);
	progress_bar_draw(&bar, &half);
	progress_bar_clear(&bar);
	ck_assert_int_eq(fseek(out, 0, SEEK_END), 0);
	ck_assert_int_eq(ftell(out), 0);
	fclose(out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("progress_bar");
	TCase *tcase = tcase_create("progress_bar");

	tcase_add_checked_fixture(tcase, use_utf8, NULL);
	tcase_add_test(tcase, shows_all_where_there_is_room);
	tcase_add_test(tcase, a_share_has_no_size);
	tcase_add_test(tcase, never_exceeds_the_width);
	tcase_add_test(tcase, drops_the_least_important_first);
	tcase_add_test(tcase, keeps_the_end_of_a_name);
	tcase_add_test(tcase, disarms_names);
	tcase_add_test(tcase, cuts_wide_characters_whole);
	tcase_add_test(tcase, takes_what_is_not_known);
	tcase_add_test(tcase, fits_its_buffer);
	tcase_add_test(tcase, draws_on_terminals_only);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
