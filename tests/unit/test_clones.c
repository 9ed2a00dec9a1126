/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "cli/clones.h"
#include "tests/unit/run_suite.h"

/* What is left to be seen of the disc 0:50 once mount @id of @table goes; ""
 * for nothing. */
static const char *left_of(const char *table, unsigned id)
{
	static char dir[256];
	struct mountinfo *list = NULL;
	const struct mountinfo *m = NULL, *left;
	size_t n = 0;
	char text[2048];
	FILE *f;

	snprintf(text, sizeof text, "%s", table);
	f = fmemopen(text, strlen(text), "r");
	ck_assert_int_eq(mountinfo_load(f, &list, &n), 0);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if (list[i].id == id)
			m = &list[i];
	ck_assert_ptr_nonnull(m);
	left = clones_left(list, n, m);
	snprintf(dir, sizeof dir, "%s", left ? left->dir : "");
	mountinfo_free(list, n);
	return dir;
}

#define DISC " - fuse.discfs /d.iso rw,user_id=0\n"
#define EXT4 " - ext4 /dev/sda rw\n"

START_TEST(sees_bind_mounts)
{
	static const char table[] =
		"20 1 8:1 / / rw" EXT4 "30 20 0:50 / /mnt rw" DISC
		"31 20 0:51 / /other rw" DISC;
	static const char bound[] =
		"20 1 8:1 / / rw" EXT4 "30 20 0:50 / /mnt rw" DISC
		"31 20 0:50 /a\\040b/f /one\\040file rw" DISC;

	ck_assert_str_eq(left_of(table, 30), "");
	ck_assert_str_eq(left_of(bound, 30), "/one file");
	ck_assert_str_eq(left_of(bound, 31), "/mnt");
}
END_TEST

START_TEST(knows_what_stands_on_it)
{
	static const char table[] =
		"20 1 8:1 / / rw" EXT4 "30 20 0:50 / /mnt rw" DISC
		"31 30 0:50 /sub /mnt/x rw" DISC
		"32 31 0:50 / /mnt/x/y rw" DISC;

	ck_assert_str_eq(left_of(table, 30), "");
	ck_assert_str_eq(left_of(table, 31), "/mnt");
}
END_TEST

/* / is shared, and bound to /chroot: what is unmounted here goes there, too. */
START_TEST(knows_what_propagation_takes)
{
	static const char peers[] = "20 1 8:1 / / rw shared:1" EXT4
				    "21 20 8:1 / /chroot rw shared:1" EXT4
				    "30 20 0:50 / /mnt rw shared:5" DISC
				    "31 21 0:50 / /chroot/mnt rw shared:5" DISC;
	static const char elsewhere[] =
		"20 1 8:1 / / rw shared:1" EXT4
		"21 20 8:1 / /chroot rw shared:1" EXT4
		"30 20 0:50 / /mnt rw shared:5" DISC
		"31 21 0:50 / /chroot/opt rw shared:5" DISC;
	static const char private[] =
		"20 1 8:1 / / rw" EXT4 "21 20 8:1 / /chroot rw" EXT4
		"30 20 0:50 / /mnt rw" DISC "31 21 0:50 / /chroot/mnt rw" DISC;

	ck_assert_str_eq(left_of(peers, 30), "");
	ck_assert_str_eq(left_of(peers, 31), "");
	ck_assert_str_eq(left_of(elsewhere, 30), "/chroot/opt");
	ck_assert_str_eq(left_of(private, 30), "/chroot/mnt");
}
END_TEST

/* A slave gets what its master does, through other slaves, but not the other
 * way round.  A bound folder has its own idea of paths. */
START_TEST(knows_slaves)
{
	static const char table[] = "20 1 8:1 / / rw shared:1" EXT4
				    "21 20 8:1 / /a rw shared:2 master:1" EXT4
				    "22 20 8:1 /media /b rw master:2" EXT4
				    "30 20 0:50 / /media/disc rw" DISC
				    "31 22 0:50 / /b/disc rw" DISC;

	ck_assert_str_eq(left_of(table, 30), "");
	ck_assert_str_eq(left_of(table, 31), "/media/disc");
}
END_TEST

/* What something else is mounted on stays. */
START_TEST(knows_what_is_held)
{
	static const char table[] =
		"20 1 8:1 / / rw shared:1" EXT4
		"21 20 8:1 / /chroot rw shared:1" EXT4
		"30 20 0:50 / /mnt rw" DISC "31 21 0:50 / /chroot/mnt rw" DISC
		"32 31 0:60 / /chroot/mnt/t rw - tmpfs t rw\n";

	ck_assert_str_eq(left_of(table, 30), "/chroot/mnt");
}
END_TEST

/* Loops that no kernel makes end. */
START_TEST(survives_nonsense)
{
	static const char table[] =
		"20 21 8:1 / / rw shared:1 master:2" EXT4
		"21 20 8:1 / /a rw shared:2 master:1" EXT4
		"22 20 8:1 / /b rw master:2" EXT4 "30 20 0:50 / /mnt rw" DISC
		"31 22 0:50 / /x rw" DISC;

	ck_assert_str_eq(left_of(table, 30), "/x");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("clones");
	TCase *tc = tcase_create("clones");

	tcase_add_test(tc, sees_bind_mounts);
	tcase_add_test(tc, knows_what_stands_on_it);
	tcase_add_test(tc, knows_what_propagation_takes);
	tcase_add_test(tc, knows_slaves);
	tcase_add_test(tc, knows_what_is_held);
	tcase_add_test(tc, survives_nonsense);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
