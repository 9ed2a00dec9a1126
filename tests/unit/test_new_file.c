/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/new_file.h"
#include "tests/unit/run_suite.h"

static struct why why;

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void holds(const char *path, const char *want)
{
	char text[64] = "";
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(text, 1, sizeof text - 1, f), strlen(want));
	fclose(f);
	ck_assert_str_eq(text, want);
}

static void begin(struct new_file *f, const char *path, bool force)
{
	ck_assert_int_eq(new_file_open(f, path, force, &why), 0);
	ck_assert_int_eq(dprintf(f->fd, "new"), 3);
}

/* Nothing but @n files are in the folder. */
static void files(int n)
{
	FILE *p = popen("ls -A | wc -l", "r");
	int got = -1;

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(fscanf(p, "%d", &got), 1);
	pclose(p);
	ck_assert_int_eq(got, n);
}

static void setup(void)
{
	char name[] = "new-file-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(name));
	ck_assert_int_eq(chdir(name), 0);
	why.text[0] = '\0';
}

START_TEST(is_there_when_kept)
{
	struct new_file f;
	struct stat st;

	umask(027);
	begin(&f, "a", false);
	ck_assert_int_eq(access("a", F_OK), -1);
	ck_assert_int_eq(new_file_keep(&f, &why), 0);
	new_file_close(&f);
	holds("a", "new");
	ck_assert_int_eq(stat("a", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	files(1);
}
END_TEST

START_TEST(is_not_there_otherwise)
{
	struct new_file f;

	begin(&f, "a", false);
	new_file_close(&f);
	files(0);
	ck_assert_int_eq(new_file_open(&f, "none/a", false, &why), -ENOENT);
	files(0);
}
END_TEST

START_TEST(replaces_only_by_force)
{
	struct new_file f;

	put("a", "old");
	ck_assert_int_eq(new_file_open(&f, "a", false, &why), -EEXIST);
	ck_assert_ptr_nonnull(strstr(why.text, "-f"));
	begin(&f, "a", true);
	holds("a", "old");
	ck_assert_int_eq(new_file_keep(&f, &why), 0);
	new_file_close(&f);
	holds("a", "new");

	/* One that appears meanwhile. */
	begin(&f, "b", false);
	put("b", "other");
	ck_assert_int_eq(new_file_keep(&f, &why), -EEXIST);
	new_file_close(&f);
	holds("b", "other");
	files(2);

	ck_assert_int_eq(mkdir("d", 0777), 0);
	ck_assert_int_eq(new_file_open(&f, "d", true, &why), -EISDIR);
	ck_assert_int_eq(mkfifo("p", 0666), 0);
	ck_assert_int_eq(new_file_open(&f, "p", true, &why), -EINVAL);
	files(4);
}
END_TEST

START_TEST(knows_the_same_file)
{
	put("a", "");
	put("b", "");
	ck_assert_int_eq(symlink("a", "l"), 0);
	ck_assert(new_file_is_same("a", "./l"));
	ck_assert(!new_file_is_same("a", "b"));
	ck_assert(!new_file_is_same("a", "none"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("new_file");
	TCase *c = tcase_create("new_file");

	tcase_add_checked_fixture(c, setup, NULL);
	tcase_add_test(c, is_there_when_kept);
	tcase_add_test(c, is_not_there_otherwise);
	tcase_add_test(c, replaces_only_by_force);
	tcase_add_test(c, knows_the_same_file);
	suite_add_tcase(s, c);
	return run_suite(s);
}
