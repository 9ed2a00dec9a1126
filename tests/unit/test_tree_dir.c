/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listing a folder while it is changed: the listing ends, and what was there
 * all the time is in it once.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/tree_internal.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/temp_folder.h"
#include "tests/unit/tree_check.h"

enum { FILES = 40, MANY = 20 * FILES };

static char folder[TEMP_FOLDER];
static int folder_fd;
static int serial; /* makes names new */
static struct stage_data *data;
static struct tree *t;
static const struct cred me = {.uid = 1000, .gid = 100, .umask = 022};

static void mk(const char *name)
{
	struct tree_entry e;

	ck_assert_int_eq(
		tree_mknod(t, &me, TREE_ROOT, name, S_IFREG | 0666, 0, &e), 0);
	tree_forget(t, e.ino, 1);
}

static void rm(const char *name)
{
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, name), 0);
}

static void mv(const char *from, const char *to, unsigned flags)
{
	ck_assert_int_eq(
		tree_rename(t, &me, TREE_ROOT, from, TREE_ROOT, to, flags), 0);
}

static void setup(void)
{
	struct attr root = {.mode = S_IFDIR | 0755};
	char name[8];

	temp_folder_make(folder);
	folder_fd = open(folder, O_DIRECTORY);
	ck_assert_int_eq(stage_data_open(folder_fd, false, &data, NULL), 0);
	ck_assert_int_eq(tree_new(&root, data, &t), 0);
	tree_set_limit(t, 1 << 20, TREE_NO_LIMIT, true);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "f%02d", i);
		mk(name);
	}
}

static void teardown(void)
{
	tree_check(t);
	tree_free(t);
	stage_data_free(data);
	close(folder_fd);
	temp_folder_remove(folder);
}

/* One entry of a listing, and where it goes on. */
struct step {
	char name[16];
	uint64_t cookie;
	bool taken;
};

static int take_one(void *arg, const char *name, uint64_t cookie,
		    const struct tree_entry *e)
{
	struct step *s = arg;

	(void)e;
	if (s->taken)
		return 1;
	snprintf(s->name, sizeof s->name, "%s", name);
	s->cookie = cookie;
	s->taken = true;
	return 0;
}

/* The next entry but "." and "..": false at the end. */
static bool next(struct step *s)
{
	do {
		s->taken = false;
		ck_assert_int_eq(tree_readdir(t, TREE_ROOT, s->cookie, false,
					      take_one, s),
				 0);
		ck_assert_uint_lt(s->cookie, (uint64_t)1 << 31);
	} while (s->taken && *s->name == '.');
	return s->taken;
}

/* How often an entry is met by a scan that changes each that it meets. */
static int scan(void (*change)(const char *name, int n))
{
	struct step s = {.cookie = 0};
	int n = 0;

	while (n < MANY && next(&s))
		change(s.name, n++);
	serial += n;
	return n;
}

/* ---- what programs do to what they meet ---- */

static void change_name(const char *name, int n)
{
	char to[8];

	snprintf(to, sizeof to, "r%d", serial + n);
	mv(name, to, 0);
}

static void save(const char *name, int n)
{
	(void)n;
	mk("tmp");
	mv("tmp", name, 0);
}

static void save_with_backup(const char *name, int n)
{
	char backup[16];

	(void)n;
	snprintf(backup, sizeof backup, "%s~", name);
	mv(name, backup, 0);
	mk(name);
}

static void make_again(const char *name, int n)
{
	(void)n;
	rm(name);
	mk(name);
}

static void move_by_link(const char *name, int n)
{
	struct tree_entry e;
	char to[8];

	snprintf(to, sizeof to, "l%d", serial + n);
	ck_assert_int_eq(tree_lookup(t, TREE_ROOT, name, &e), 0);
	ck_assert_int_eq(tree_link(t, &me, e.ino, TREE_ROOT, to, &e), 0);
	tree_forget(t, e.ino, 2);
	rm(name);
}

static void there_and_back(const char *name, int n)
{
	(void)n;
	mv(name, "away", 0);
	mv("away", name, 0);
}

static void swap_with_new(const char *name, int n)
{
	char other[8];

	snprintf(other, sizeof other, "x%d", serial + n);
	mk(other);
	mv(name, other, RENAME_EXCHANGE);
}

static void (*const changes[])(const char *name, int n) = {
	change_name,  save,	      save_with_backup, make_again,
	move_by_link, there_and_back, swap_with_new,
};

/* Entries that are old in the folder, and once more what such a scan left. */
START_TEST(a_scan_ends)
{
	int left = 0;

	ck_assert_int_eq(scan(changes[_i]), FILES);
	for (struct step s = {.cookie = 0}; next(&s); left++)
		;
	ck_assert_int_eq(scan(changes[_i]), left);
}
END_TEST

/* Where the entry of that name is met, behind @s; 0: nowhere; -1: twice. */
static int meets(struct step s, const char *name)
{
	int at = 0, n = 0;

	while (next(&s)) {
		n++;
		if (strcmp(s.name, name) == 0)
			at = at ? -1 : n;
	}
	return at;
}

START_TEST(a_name_keeps_its_place)
{
	struct step s = {.cookie = 0};

	for (int i = 0; i < 10; i++)
		ck_assert(next(&s));
	ck_assert_str_eq(s.name, "f09");
	/* Ahead of the scan: met, whatever it is called now. */
	mv("f12", "new", 0);
	ck_assert_int_eq(meets(s, "new"), 3);
	mk("tmp");
	mv("tmp", "f13", 0);
	ck_assert_int_eq(meets(s, "f13"), 4);
	ck_assert_int_eq(meets(s, "tmp"), 0);
	mv("f03", "f14", RENAME_EXCHANGE);
	ck_assert_int_eq(meets(s, "f14"), 5);
	ck_assert_int_eq(meets(s, "f03"), 0);
	/* From behind the scan over one ahead of it, and the other way. */
	mv("f04", "f15", 0);
	ck_assert_int_eq(meets(s, "f15"), 6);
	mv("f16", "f05", 0);
	ck_assert_int_eq(meets(s, "f05"), 0);
	ck_assert_int_eq(meets(s, "f39"), 29);
	/* Removed and made again. */
	rm("f17");
	rm("f06");
	ck_assert_int_eq(meets(s, "f39"), 28);
	mk("f17");
	mk("f06");
	ck_assert_int_eq(meets(s, "f17"), 7);
	ck_assert_int_eq(meets(s, "f06"), 0);
	ck_assert_int_eq(meets(s, "f39"), 29);
	/* A scan that begins now sees all of it. */
	s.cookie = 0;
	ck_assert_int_eq(meets(s, "f05"), 5);
	ck_assert_int_eq(meets(s, "new"), 12);
}
END_TEST

/* A scan among the new entries, which are listed first. */
START_TEST(new_entries_keep_their_place)
{
	struct step s = {.cookie = 0};

	ck_assert(next(&s));
	mk("a");
	mk("b");
	mk("c");
	s.cookie = 0;
	ck_assert(next(&s));
	ck_assert_str_eq(s.name, "c");
	mk("d");
	rm("c");
	mv("b", "e", 0);
	ck_assert_int_eq(meets(s, "e"), 1);
	ck_assert_int_eq(meets(s, "a"), 2);
	ck_assert_int_eq(meets(s, "f00"), 3);
	ck_assert_int_eq(meets(s, "d"), 0);
}
END_TEST

/* So many names come and go that the numbers are used up. */
START_TEST(numbers_begin_again)
{
	struct inode *root = tree_inode(t, TREE_ROOT);
	struct step s = {.cookie = 0};
	char before[FILES + 1][sizeof s.name];
	int n;

	ck_assert(next(&s));
	mk("a");
	root->dir->next_cookie = DIR_LAST_COOKIE;
	mk("b");
	s.cookie = 0;
	ck_assert(next(&s));
	ck_assert_str_eq(s.name, "b");
	rm("b");
	for (n = 0; next(&s); n++)
		strcpy(before[n], s.name);
	ck_assert_int_eq(n, FILES + 1);
	ck_assert_str_eq(before[0], "a");
	mk("c");
	ck_assert_uint_lt(root->dir->next_cookie, 100);
	s.cookie = 0;
	ck_assert(next(&s));
	ck_assert_str_eq(s.name, "c");
	for (n = 0; next(&s); n++)
		ck_assert_str_eq(s.name, before[n]);
	ck_assert_int_eq(n, FILES + 1);
	ck_assert_int_eq(scan(save), FILES + 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tree_dir");
	TCase *c = tcase_create("listing");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_scan_ends, 0,
			    sizeof changes / sizeof *changes);
	tcase_add_test(c, a_name_keeps_its_place);
	tcase_add_test(c, new_entries_keep_their_place);
	tcase_add_test(c, numbers_begin_again);
	suite_add_tcase(s, c);
	return run_suite(s);
}
