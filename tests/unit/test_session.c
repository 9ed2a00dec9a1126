/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/plan_builder.h"

/* What the image shows to xorriso has to be what the folder "want" holds. */
static void same_tree(const char *image)
{
	shell("rm -rf got && xorriso -osirrox on -indev %s -extract / got "
	      ">log 2>&1 || { cat log; exit 1; }",
	      image);
	shell("chmod -R u+rwX got; diff -r --no-dereference want got");
	shell("xorriso -md5 on -indev %s -check_md5 SORRY -- "
	      "-check_md5_r SORRY / -- >log 2>&1 || { cat log; exit 1; }",
	      image);
	shell("grep -q 'session data match recorded md5' log || "
	      "{ cat log; exit 1; }");
}

START_TEST(first_session_on_blank)
{
	struct builder b;
	uint32_t d;

	new_folder();
	b_open(&b, "a.iso");
	b_file(&b, 0, "hello", "Hello, disc\n");
	d = b_dir(&b, 0, "folder");
	b_file(&b, d, "empty", "");
	b_symlink(&b, d, "link", "../hello");
	b_big(&b, d, "big", 3000000);
	b_commit(&b);
	ck_assert(b.info.has_rock_ridge && b.info.has_joliet &&
		  b.info.has_md5);
	b_close(&b);
	shell("mkdir -p want/folder; echo 'Hello, disc' >want/hello;"
	      ": >want/folder/empty; ln -s ../hello want/folder/link;"
	      "yes 'The quick brown fox jumps over the lazy dog.' |"
	      " head -c 3000000 >want/folder/big");
	same_tree("a.iso");
	shell("isoinfo -J -i a.iso -x /folder/big | cmp - want/folder/big");
	shell("bsdtar -tf a.iso | grep -q folder/link");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("session");
	TCase *tc = tcase_create("images");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, first_session_on_blank);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
