/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/md5.h"

static void sum_of(const void *data, size_t len, size_t piece, char text[33])
{
	const unsigned char *p = data;
	unsigned char sum[MD5_BYTES];
	struct md5 m;
	size_t i;

	md5_init(&m);
	for (i = 0; i < len; i += piece)
		md5_add(&m, p + i, piece < len - i ? piece : len - i);
	md5_end(&m, sum);
	for (i = 0; i < MD5_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
}

/* RFC 1321 A.5 */
START_TEST(the_standards_own)
{
	static const char *const v[][2] = {
		{"", "d41d8cd98f00b204e9800998ecf8427e"},
		{"a", "0cc175b9c0f1b6a831c399e269772661"},
		{"abc", "900150983cd24fb0d6963f7d28e17f72"},
		{"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
		{"abcdefghijklmnopqrstuvwxyz",
		 "c3fcd3d76192e4007dfb496cca67e13b"},
		{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01234567"
		 "89",
		 "d174ab98d277d9f5a5611c2c9f419d9f"},
		{"1234567890123456789012345678901234567890123456789012345678901"
		 "2345678901234567890",
		 "57edf4a22be3c955ac49da2e2107b67a"},
	};
	char text[33];
	size_t i;

	for (i = 0; i < sizeof v / sizeof v[0]; i++) {
		sum_of(v[i][0], strlen(v[i][0]), 1000, text);
		ck_assert_str_eq(text, v[i][1]);
	}
}
END_TEST

/* Every length around a block, in every cut, as md5sum(1) has it. */
START_TEST(another_program_agrees)
{
	unsigned char data[200];
	char text[33], other[33];
	size_t len, piece;

	for (len = 0; len < sizeof data; len++)
		data[len] = (unsigned char)(len * 31 + 7);
	for (len = 50; len < 135; len++) {
		FILE *f = fopen("data", "w");

		ck_assert_ptr_nonnull(f);
		ck_assert_uint_eq(fwrite(data, 1, len, f), len);
		fclose(f);
		f = popen("md5sum <data", "r");
		ck_assert_ptr_nonnull(f);
		ck_assert_uint_eq(fread(other, 1, 32, f), 32);
		pclose(f);
		other[32] = '\0';
		for (piece = 1; piece <= len; piece++) {
			sum_of(data, len, piece, text);
			ck_assert_str_eq(text, other);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("md5");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, the_standards_own);
	tcase_add_test(tcase, another_program_agrees);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
