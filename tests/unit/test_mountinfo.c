/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/mountinfo.h"
#include "tests/unit/run_suite.h"

static const char table_text[] =
	"22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	"36 27 0:52 / /mnt/my\\040disc rw,nosuid,nodev shared:7 master:2 - "
	"fuse.discfs /home/u/a\\134b\\012c.iso rw,user_id=1000,group_id=100\n"
	"this is no such line\n"
	"37 27 0:53 / /mnt/two ro - fuse.discfs /dev/sr0 ro,user_id=0\n"
	"38 37 0:54 / /mnt/two rw,noatime - tmpfs tmpfs rw\n"
	"39 27 0:55 / /mnt/again rw - tmpfs tmpfs rw\n"
	"40 39 0:56 / /mnt/again rw - fuse.discfs /dev/sr0 rw,user_id=0\n"
	"41 27 0:57 / /mnt/copy rw - ext4 /dev/sr0 rw\n";

static FILE *open_table(void)
{
	static char text[sizeof table_text];

	memcpy(text, table_text, sizeof text);
	return fmemopen(text, sizeof text - 1, "r");
}

static int find_dir(const char *dir, struct mountinfo *m)
{
	FILE *table = open_table();
	int found = mountinfo_find_dir(table, dir, m);

	fclose(table);
	return found;
}

START_TEST(decodes_a_line)
{
	struct mountinfo m = {0};

	ck_assert_int_eq(find_dir("/mnt/my disc", &m), 1);
	ck_assert_uint_eq(m.id, 36);
	ck_assert(m.dev == makedev(0, 52));
	ck_assert_str_eq(m.dir, "/mnt/my disc");
	ck_assert_str_eq(m.source, "/home/u/a\\b\nc.iso");
	ck_assert_uint_eq(m.owner, 1000);
	ck_assert(!m.readonly);
	ck_assert(mountinfo_is_discfs(&m));
	mountinfo_release(&m);
	ck_assert_ptr_null(m.dir);
}
END_TEST

START_TEST(takes_the_last_on_a_folder)
{
	struct mountinfo m = {0};

	ck_assert_int_eq(find_dir("/mnt/two", &m), 1);
	ck_assert_uint_eq(m.id, 38);
	ck_assert(!mountinfo_is_discfs(&m));
	mountinfo_release(&m);
	ck_assert_int_eq(find_dir("/mnt/again", &m), 1);
	ck_assert_uint_eq(m.id, 40);
	ck_assert(mountinfo_is_discfs(&m));
	mountinfo_release(&m);
}
END_TEST

START_TEST(finds_no_more_than_there_is)
{
	struct mountinfo m = {0};

	ck_assert_int_eq(find_dir("/mnt", &m), 0);
	ck_assert_int_eq(find_dir("/mnt/two/", &m), 0);
	ck_assert_int_eq(find_dir("/mnt/my\\040disc", &m), 0);
	ck_assert_ptr_null(m.dir);
}
END_TEST

START_TEST(finds_by_source)
{
	struct mountinfo m = {0};
	FILE *table = open_table();

	/* the last one that is ours, not ext4 on the same drive */
	ck_assert_int_eq(mountinfo_find_source(table, "/dev/sr0", &m), 1);
	ck_assert_uint_eq(m.id, 40);
	fclose(table);
	mountinfo_release(&m);
	table = open_table();
	ck_assert_int_eq(mountinfo_find_source(table, "/dev/sr1", &m), 0);
	fclose(table);
}
END_TEST

START_TEST(reads_cut_lines)
{
	char text[sizeof table_text];
	size_t n = strcspn(table_text, "\n") + 1;
	size_t end = n + strcspn(table_text + n, "\n");
	struct mountinfo m = {0};

	/* Every beginning of the second line: none may be misread. */
	for (size_t len = n + 1; len < end - 40; len++) {
		FILE *table;

		memcpy(text, table_text, len);
		table = fmemopen(text, len, "r");
		ck_assert_int_eq(mountinfo_find_dir(table, "/mnt/my disc", &m),
				 0);
		fclose(table);
	}
}
END_TEST

START_TEST(paths_below)
{
	ck_assert(mountinfo_path_below("/mnt/a", "/mnt/a"));
	ck_assert(mountinfo_path_below("/mnt/a/b", "/mnt/a"));
	ck_assert(mountinfo_path_below("/mnt/a", "/"));
	ck_assert(!mountinfo_path_below("/mnt/ab", "/mnt/a"));
	ck_assert(!mountinfo_path_below("/mnt", "/mnt/a"));
	ck_assert(!mountinfo_path_below("", "/"));
}
END_TEST

static void canonical_is(const char *dir, const char *want)
{
	char *got = mountinfo_canonical(dir);

	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(makes_paths_canonical)
{
	char *cwd = realpath(".", NULL), want[4096];

	ck_assert_int_eq(mkdir("real", 0755), 0);
	ck_assert_int_eq(symlink("real", "link"), 0);
	snprintf(want, sizeof want, "%s/real/leaf", cwd);
	/* The last component need not be there: it is not looked at. */
	canonical_is("link/leaf", want);
	canonical_is("./link//leaf//", want);
	snprintf(want, sizeof want, "%s/link", cwd);
	canonical_is("link", want);
	snprintf(want, sizeof want, "%s/real", cwd);
	canonical_is("link/.", want);
	canonical_is("/", "/");
	canonical_is("/proc", "/proc");
	ck_assert_ptr_null(mountinfo_canonical("nothing/leaf"));
	ck_assert_int_eq(errno, ENOENT);
	unlink("link");
	rmdir("real");
	free(cwd);
}
END_TEST

START_TEST(looks_up_real_mounts)
{
	struct mountinfo m = {0};
	struct why why = {""};

	/* Mounted, but not by us. */
	ck_assert_int_eq(mountinfo_lookup("/proc", true, &m, &why), 0);
	ck_assert_int_eq(mountinfo_lookup("nothing/at/all", true, &m, &why), 0);
	ck_assert_ptr_null(m.dir);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mountinfo");
	TCase *tcase = tcase_create("mountinfo");

	tcase_add_test(tcase, decodes_a_line);
	tcase_add_test(tcase, takes_the_last_on_a_folder);
	tcase_add_test(tcase, finds_no_more_than_there_is);
	tcase_add_test(tcase, finds_by_source);
	tcase_add_test(tcase, reads_cut_lines);
	tcase_add_test(tcase, paths_below);
	tcase_add_test(tcase, makes_paths_canonical);
	tcase_add_test(tcase, looks_up_real_mounts);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
