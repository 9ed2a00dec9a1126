/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "common/size.h"
#include "tests/unit/run_suite.h"

static uint64_t parsed(const char *text)
{
	uint64_t bytes = 12345;
	int err = size_parse(text, &bytes);

	ck_assert_msg(err == 0, "%s: %d", text, err);
	return bytes;
}

START_TEST(takes_units)
{
	ck_assert_uint_eq(parsed("0"), 0);
	ck_assert_uint_eq(parsed("2048"), 2048);
	ck_assert_uint_eq(parsed("3K"), 3072);
	ck_assert_uint_eq(parsed("3k"), 3072);
	ck_assert_uint_eq(parsed("700M"), 700 * 1048576);
	ck_assert_uint_eq(parsed("4G"), UINT64_C(4294967296));
	ck_assert_uint_eq(parsed("2t"), UINT64_C(2) << 40);
}
END_TEST

/* What drives say of blank media: a capacity must not be more than any. */
START_TEST(knows_media)
{
	ck_assert_uint_eq(parsed("cd"), UINT64_C(359847) * 2048);
	ck_assert_uint_eq(parsed("dvd"), UINT64_C(4700372992));
	ck_assert_uint_eq(parsed("dvd-dl"), UINT64_C(8543666176));
	ck_assert_uint_eq(parsed("bd"), UINT64_C(25025314816));
	ck_assert_uint_eq(parsed("bd-dl"), UINT64_C(50050629632));
}
END_TEST

START_TEST(refuses_what_is_no_size)
{
	static const char *const bad[] = {"",	 "K",	 "-1",	"+1",  " 1",
					  "1 ",	 "1X",	 "1KK", "1KB", "0x10",
					  "1.5", "dvd2", "CD",	"1e3"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint64_t bytes = 77;

		ck_assert_msg(size_parse(bad[i], &bytes) == -EINVAL, "'%s'",
			      bad[i]);
		ck_assert_uint_eq(bytes, 77);
	}
}
END_TEST

START_TEST(refuses_what_is_too_large)
{
	uint64_t bytes;

	ck_assert_uint_eq(parsed("8388607T"), UINT64_C(8388607) << 40);
	ck_assert_int_eq(size_parse("8388608T", &bytes), -ERANGE);
	ck_assert_int_eq(size_parse("99999999999999999999", &bytes), -ERANGE);
	ck_assert_int_eq(size_parse("9223372036854775807K", &bytes), -ERANGE);
}
END_TEST

static void formats_as(uint64_t bytes, const char *want)
{
	char buf[SIZE_TEXT];

	ck_assert_str_eq(size_format(bytes, buf), want);
}

START_TEST(formats)
{
	formats_as(0, "0 bytes");
	formats_as(1, "1 byte");
	formats_as(999, "999 bytes");
	formats_as(1000, "1.00 kB");
	formats_as(12345, "12.3 kB");
	formats_as(123456, "123 kB");
	formats_as(999499, "999 kB");
	formats_as(999600, "1.00 MB");
	formats_as(UINT64_C(4700372992), "4.70 GB");
	formats_as(UINT64_MAX, "18.4 EB");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("size");
	TCase *tcase = tcase_create("size");

	tcase_add_test(tcase, takes_units);
	tcase_add_test(tcase, knows_media);
	tcase_add_test(tcase, refuses_what_is_no_size);
	tcase_add_test(tcase, refuses_what_is_too_large);
	tcase_add_test(tcase, formats);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
