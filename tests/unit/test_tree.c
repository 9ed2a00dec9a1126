/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The merged tree by itself: names, attributes, content, without a disc.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/diff.h"
#include "fs/file.h"
#include "fs/tree.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/temp_folder.h"
#include "tests/unit/tree_check.h"

static char folder[TEMP_FOLDER];
static int folder_fd;
static struct stage_data *data;
static struct tree *t;
static const struct cred me = {.uid = 1000, .gid = 100, .umask = 022};

static void setup(void)
{
	struct attr root = {.mode = S_IFDIR | 0755};

	temp_folder_make(folder);
	folder_fd = open(folder, O_DIRECTORY);
	ck_assert_int_eq(stage_data_open(folder_fd, false, &data, NULL), 0);
	ck_assert_int_eq(tree_new(&root, data, &t), 0);
	tree_set_limit(t, 1 << 20, TREE_NO_LIMIT, true);
}

static void teardown(void)
{
	tree_check(t);
	tree_free(t);
	stage_data_free(data);
	close(folder_fd);
	temp_folder_remove(folder);
}

static uint64_t mk(uint64_t parent, const char *name)
{
	struct tree_entry e;

	ck_assert_int_eq(
		tree_mknod(t, &me, parent, name, S_IFREG | 0666, 0, &e), 0);
	tree_forget(t, e.ino, 1);
	return e.ino;
}

static uint64_t mkd(uint64_t parent, const char *name)
{
	struct tree_entry e;

	ck_assert_int_eq(tree_mkdir(t, &me, parent, name, 0777, &e), 0);
	tree_forget(t, e.ino, 1);
	return e.ino;
}

static int put(uint64_t ino, uint64_t off, const void *buf, size_t len)
{
	struct file_io io;
	const char *p = buf;
	int err = file_write_begin(t, &me, ino, off, len, &io);

	if (err)
		return err;
	for (unsigned i = 0; i < io.n; i++) {
		ck_assert_int_eq(io.pieces[i].source, EXTENT_DATA);
		ck_assert_int_eq(pwrite(stage_data_fd(data), p,
					io.pieces[i].len,
					(off_t)io.pieces[i].pos),
				 (ssize_t)io.pieces[i].len);
		p += io.pieces[i].len;
	}
	return file_write_end(t, &me, &io, len, false);
}

static size_t get(uint64_t ino, uint64_t off, void *buf, size_t len)
{
	struct file_io io;
	char *p = buf;

	ck_assert_int_eq(file_read_begin(t, ino, off, len, &io), 0);
	for (unsigned i = 0; i < io.n; i++) {
		if (io.pieces[i].source == EXTENT_HOLE)
			memset(p, 0, io.pieces[i].len);
		else
			ck_assert_int_eq(pread(stage_data_fd(data), p,
					       io.pieces[i].len,
					       (off_t)io.pieces[i].pos),
					 (ssize_t)io.pieces[i].len);
		p += io.pieces[i].len;
	}
	len = io.len;
	file_read_end(t, &io);
	return len;
}

static int lookup(uint64_t parent, const char *name, struct tree_entry *e)
{
	int err = tree_lookup(t, parent, name, e);

	if (!err)
		tree_forget(t, e->ino, 1);
	return err;
}

START_TEST(makes_and_removes)
{
	struct tree_entry e;
	uint64_t d = mkd(TREE_ROOT, "d"), f = mk(d, "f");

	ck_assert_int_eq(lookup(d, "f", &e), 0);
	ck_assert_uint_eq(e.ino, f);
	ck_assert_uint_eq(e.st.st_uid, 1000);
	ck_assert_uint_eq(e.st.st_mode, S_IFREG | 0644);
	ck_assert_int_eq(tree_mkdir(t, &me, d, "f", 0777, &e), -EEXIST);
	ck_assert_int_eq(tree_rmdir(t, &me, TREE_ROOT, "d"), -ENOTEMPTY);
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "d"), -EISDIR);
	ck_assert_int_eq(tree_rmdir(t, &me, d, "f"), -ENOTDIR);
	ck_assert_int_eq(tree_unlink(t, &me, d, "g"), -ENOENT);
	ck_assert_int_eq(tree_unlink(t, &me, d, "f"), 0);
	ck_assert_int_eq(tree_rmdir(t, &me, TREE_ROOT, "d"), 0);
	ck_assert_int_eq(lookup(TREE_ROOT, "d", &e), -ENOENT);
}
END_TEST

START_TEST(leaves_no_delta_behind)
{
	struct diff_entry *v;
	uint32_t n;

	mk(TREE_ROOT, "f");
	mkd(TREE_ROOT, "d");
	ck_assert_int_eq(diff_collect(t, &v, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(v[0].path, "d");
	ck_assert_int_eq(v[0].kind, DIFF_ADDED);
	diff_free(v, n);
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "f"), 0);
	ck_assert_int_eq(tree_rmdir(t, &me, TREE_ROOT, "d"), 0);
	ck_assert_int_eq(diff_collect(t, &v, &n), 0);
	ck_assert_uint_eq(n, 0);
	diff_free(v, n);
}
END_TEST

START_TEST(refuses_bad_names)
{
	char name[TREE_NAME_MAX + 2];
	struct tree_entry e;

	memset(name, 'n', sizeof name);
	name[TREE_NAME_MAX + 1] = 0;
	ck_assert_int_eq(tree_mknod(t, &me, TREE_ROOT, name, S_IFREG, 0, &e),
			 -ENAMETOOLONG);
	ck_assert_int_eq(tree_lookup(t, TREE_ROOT, name, &e), -ENAMETOOLONG);
	name[TREE_NAME_MAX] = 0;
	mk(TREE_ROOT, name);
	ck_assert_int_eq(lookup(TREE_ROOT, name, &e), 0);
	ck_assert_int_eq(tree_mknod(t, &me, TREE_ROOT, "..", S_IFREG, 0, &e),
			 -EINVAL);
	ck_assert_int_eq(tree_mknod(t, &me, 99999, "x", S_IFREG, 0, &e),
			 -ESTALE);
}
END_TEST

START_TEST(renames)
{
	struct tree_entry e;
	uint64_t a = mkd(TREE_ROOT, "a"), b = mkd(a, "b"), f = mk(b, "f");
	uint64_t g = mk(TREE_ROOT, "g");

	ck_assert_int_eq(tree_rename(t, &me, TREE_ROOT, "a", b, "x", 0),
			 -EINVAL);
	ck_assert_int_eq(
		tree_rename(t, &me, b, "f", TREE_ROOT, "g", RENAME_NOREPLACE),
		-EEXIST);
	ck_assert_int_eq(
		tree_rename(t, &me, b, "f", TREE_ROOT, "g", RENAME_EXCHANGE),
		0);
	ck_assert_int_eq(lookup(TREE_ROOT, "g", &e), 0);
	ck_assert_uint_eq(e.ino, f);
	ck_assert_int_eq(lookup(b, "f", &e), 0);
	ck_assert_uint_eq(e.ino, g);
	ck_assert_int_eq(tree_rename(t, &me, TREE_ROOT, "g", b, "f", 0), 0);
	ck_assert_int_eq(lookup(TREE_ROOT, "g", &e), -ENOENT);
	ck_assert_int_eq(tree_rename(t, &me, a, "b", TREE_ROOT, "b", 0), 0);
	ck_assert_int_eq(tree_rename(t, &me, TREE_ROOT, "a", TREE_ROOT, "b", 0),
			 -ENOTEMPTY);
	ck_assert_int_eq(tree_rename(t, &me, TREE_ROOT, "a", b, "f", 0),
			 -ENOTDIR);
	ck_assert_int_eq(tree_rename(t, &me, b, "f", TREE_ROOT, "a", 0),
			 -EISDIR);
	ck_assert_int_eq(tree_getattr(t, TREE_ROOT, &e.st), 0);
	ck_assert_uint_eq(e.st.st_nlink, 4);
}
END_TEST

START_TEST(links)
{
	struct tree_entry e;
	uint64_t f = mk(TREE_ROOT, "f");

	ck_assert_int_eq(put(f, 0, "abc", 3), 0);
	ck_assert_int_eq(tree_link(t, &me, f, TREE_ROOT, "g", &e), 0);
	ck_assert_uint_eq(e.ino, f);
	ck_assert_uint_eq(e.st.st_nlink, 2);
	tree_forget(t, f, 1);
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "f"), 0);
	ck_assert_int_eq(lookup(TREE_ROOT, "g", &e), 0);
	ck_assert_uint_eq(e.st.st_nlink, 1);
	ck_assert_int_eq(tree_link(t, &me, TREE_ROOT, TREE_ROOT, "r", &e),
			 -EPERM);
}
END_TEST

START_TEST(keeps_unlinked_open_files)
{
	struct tree_entry e;
	char buf[8];

	ck_assert_int_eq(
		tree_mknod(t, &me, TREE_ROOT, "f", S_IFREG | 0600, 0, &e), 0);
	ck_assert_int_eq(put(e.ino, 0, "abc", 3), 0);
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "f"), 0);
	ck_assert_uint_eq(get(e.ino, 0, buf, sizeof buf), 3);
	ck_assert_int_eq(put(e.ino, 3, "def", 3), 0);
	ck_assert_uint_eq(get(e.ino, 0, buf, sizeof buf), 6);
	ck_assert_int_eq(memcmp(buf, "abcdef", 6), 0);
	tree_forget(t, e.ino, 1);
}
END_TEST

START_TEST(shares_content)
{
	uint64_t f = mk(TREE_ROOT, "f"), g = mk(TREE_ROOT, "g"), used;
	char buf[16];

	ck_assert_int_eq(put(f, 0, "0123456789", 10), 0);
	used = stage_data_used(data);
	ck_assert_int_eq(file_clone(t, &me, f, 2, g, 1, 100), 8);
	ck_assert_uint_eq(stage_data_used(data), used);
	ck_assert_uint_eq(get(g, 0, buf, sizeof buf), 9);
	ck_assert_int_eq(memcmp(buf,
				"\0"
				"23456789",
				9),
			 0);
	ck_assert_int_eq(put(f, 0, "xxxxxxxxxx", 10), 0);
	ck_assert_uint_eq(get(g, 0, buf, sizeof buf), 9);
	ck_assert_int_eq(memcmp(buf,
				"\0"
				"23456789",
				9),
			 0);
	ck_assert_int_eq(put(g, 1, "yyyyyyyy", 8), 0);
	ck_assert_uint_eq(get(f, 0, buf, sizeof buf), 10);
	ck_assert_int_eq(memcmp(buf, "xxxxxxxxxx", 10), 0);
	ck_assert_int_eq(file_clone(t, &me, f, 0, f, 5, 10), -EINVAL);
}
END_TEST

START_TEST(honours_the_limit)
{
	struct tree_space space;
	uint64_t f = mk(TREE_ROOT, "f");
	static char buf[1 << 16];
	uint64_t off = 0;
	int err;

	tree_set_limit(t, 1000, TREE_NO_LIMIT, true);
	while ((err = put(f, off, buf, sizeof buf)) == 0)
		off += sizeof buf;
	ck_assert_int_eq(err, -ENOSPC);
	ck_assert_uint_gt(off, 0);
	tree_space(t, &space);
	ck_assert_uint_le(space.session_blocks, space.limit_blocks);
	/* A hole counts its length. */
	ck_assert_int_eq(file_fallocate(t, &me, f, 0, 0, 100 << 20), -ENOSPC);
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "f"), 0);
	tree_space(t, &space);
	ck_assert_uint_eq(space.data_blocks, 0);
}
END_TEST

struct listing {
	char names[64][8];
	uint64_t cookies[64];
	int n, max;
};

static int list_one(void *arg, const char *name, uint64_t cookie,
		    const struct tree_entry *e)
{
	struct listing *l = arg;

	(void)e;
	if (l->n == l->max)
		return 1;
	snprintf(l->names[l->n], sizeof l->names[0], "%s", name);
	l->cookies[l->n++] = cookie;
	return 0;
}

START_TEST(lists_with_stable_cookies)
{
	struct listing l = {.max = 10};
	char name[8];
	uint64_t last;

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "n%02d", i);
		mk(TREE_ROOT, name);
	}
	ck_assert_int_eq(tree_readdir(t, TREE_ROOT, 0, false, list_one, &l), 0);
	ck_assert_int_eq(l.n, 10);
	ck_assert_str_eq(l.names[0], ".");
	ck_assert_str_eq(l.names[9], "n07");
	last = l.cookies[9];
	/* What is removed or made meanwhile disturbs no other one. */
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "n07"), 0);
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "n03"), 0);
	mk(TREE_ROOT, "n03");
	l.n = 0;
	l.max = 64;
	ck_assert_int_eq(tree_readdir(t, TREE_ROOT, last, false, list_one, &l),
			 0);
	ck_assert_int_eq(l.n, 12);
	ck_assert_str_eq(l.names[0], "n08");
	ck_assert_str_eq(l.names[11], "n19");
	l.n = 0;
	ck_assert_int_eq(tree_readdir(t, TREE_ROOT, 0, false, list_one, &l), 0);
	ck_assert_int_eq(l.n, 21);
	ck_assert_str_eq(l.names[2], "n00");
	ck_assert_str_eq(l.names[5], "n03");
}
END_TEST

START_TEST(keeps_xattrs)
{
	uint64_t f = mk(TREE_ROOT, "f");
	char buf[64];

	ck_assert_int_eq(tree_setxattr(t, &me, f, "user.b", "two", 3, 0), 0);
	ck_assert_int_eq(tree_setxattr(t, &me, f, "user.a", "", 0, 0), 0);
	ck_assert_int_eq(
		tree_setxattr(t, &me, f, "user.a", "x", 1, XATTR_CREATE),
		-EEXIST);
	ck_assert_int_eq(
		tree_setxattr(t, &me, f, "user.c", "x", 1, XATTR_REPLACE),
		-ENODATA);
	ck_assert_int_eq(tree_listxattr(t, &me, f, buf, sizeof buf), 14);
	ck_assert_int_eq(memcmp(buf, "user.a\0user.b\0", 14), 0);
	ck_assert_int_eq(tree_getxattr(t, f, "user.b", NULL, 0), 3);
	ck_assert_int_eq(tree_getxattr(t, f, "user.b", buf, 2), -ERANGE);
	ck_assert_int_eq(tree_removexattr(t, &me, f, "user.b"), 0);
	ck_assert_int_eq(tree_removexattr(t, &me, f, "user.b"), -ENODATA);
}
END_TEST

/* What a snapshot that is taken amid a write shows of it. */
START_TEST(writes_are_in_place_as_a_whole_or_not)
{
	static const struct {
		uint64_t off;
		size_t len;
		bool fresh;
	} writes[] = {
		{0, 4096, false},    {1000, 500, false}, {8192, 4096, false},
		{0, 12288, true},    {4096, 100, true},	 {4000, 200, true},
		{12000, 1000, true},
	};
	static char block[4096];
	uint64_t f = mk(TREE_ROOT, "f");
	struct file_io io;

	/* The second block is a hole. */
	ck_assert_int_eq(put(f, 0, block, sizeof block), 0);
	ck_assert_int_eq(put(f, 8192, block, sizeof block), 0);
	for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
		ck_assert_int_eq(file_write_begin(t, &me, f, writes[i].off,
						  writes[i].len, &io),
				 0);
		ck_assert_uint_eq(io.n, 1);
		ck_assert_uint_eq(io.pieces[0].len, writes[i].len);
		ck_assert_int_eq(io.pieces[0].fresh, writes[i].fresh);
		/* Nothing was written: it stays as it is. */
		ck_assert_int_eq(file_write_end(t, &me, &io, 0, false), 0);
	}
}
END_TEST

START_TEST(refuses_changes_when_readonly)
{
	struct tree_entry e;
	struct file_io io;
	uint64_t f = mk(TREE_ROOT, "f");

	tree_set_readonly(t, true);
	ck_assert_int_eq(tree_mkdir(t, &me, TREE_ROOT, "d", 0777, &e), -EROFS);
	ck_assert_int_eq(tree_unlink(t, &me, TREE_ROOT, "f"), -EROFS);
	ck_assert_int_eq(file_write_begin(t, &me, f, 0, 1, &io), -EROFS);
	tree_set_readonly(t, false);
	ck_assert_int_eq(put(f, 0, "x", 1), 0);
}
END_TEST

/* ---- random operations, the invariants after each hundred of them ---- */

enum { FOLDERS = 8, NAMES = 24, SIZE = 1 << 16 };

static uint64_t some_folder(const uint64_t *dirs)
{
	return dirs[(unsigned)rand() % FOLDERS];
}

static const char *some_name(void)
{
	static char name[2][8];
	static int which;

	which = !which;
	snprintf(name[which], sizeof name[0], "n%d", rand() % NAMES);
	return name[which];
}

static void random_write(uint64_t ino)
{
	static char buf[SIZE];
	size_t len = 1 + (size_t)rand() % (rand() % 2 ? 100 : 20000);
	uint64_t off = (uint64_t)rand() % SIZE;
	struct stat st;

	if (tree_getattr(t, ino, &st) == 0 && S_ISREG(st.st_mode))
		ck_assert_int_eq(put(ino, off, buf, len), 0);
}

static void random_step(const uint64_t *dirs)
{
	uint64_t dir = some_folder(dirs);
	struct tree_entry e, o;
	bool found = lookup(dir, some_name(), &e) == 0;

	switch (rand() % 10) {
	case 0:
	case 1:
	case 2:
		if (tree_mknod(t, &me, dir, some_name(), S_IFREG | 0644, 0,
			       &e) == 0)
			tree_forget(t, e.ino, 1);
		break;
	case 3:
		tree_unlink(t, &me, dir, some_name());
		break;
	case 4:
	case 5:
		tree_rename(t, &me, dir, some_name(), some_folder(dirs),
			    some_name(), rand() % 3 ? 0 : RENAME_EXCHANGE);
		break;
	case 6:
		if (found && tree_link(t, &me, e.ino, some_folder(dirs),
				       some_name(), &o) == 0)
			tree_forget(t, o.ino, 1);
		break;
	case 7:
		if (found && lookup(some_folder(dirs), some_name(), &o) == 0)
			file_clone(t, &me, e.ino, (uint64_t)rand() % SIZE,
				   o.ino, (uint64_t)rand() % SIZE,
				   (uint64_t)rand() % SIZE);
		break;
	case 8:
		if (found)
			file_fallocate(t, &me, e.ino,
				       FALLOC_FL_PUNCH_HOLE |
					       FALLOC_FL_KEEP_SIZE,
				       (uint64_t)rand() % SIZE,
				       1 + (uint64_t)rand() % SIZE);
		break;
	default:
		if (found)
			random_write(e.ino);
	}
}

START_TEST(survives_random_operations)
{
	uint64_t dirs[FOLDERS] = {TREE_ROOT};
	char name[8];

	for (int i = 1; i < FOLDERS; i++) {
		snprintf(name, sizeof name, "d%d", i);
		dirs[i] = mkd(dirs[i / 2], name);
	}
	srand((unsigned)_i + 1);
	for (int i = 0; i < 6000; i++) {
		random_step(dirs);
		if (i % 100 == 0)
			tree_check(t);
	}
	/* All names gone: all references to bytes too. */
	for (int i = 0; i < FOLDERS; i++)
		for (int n = 0; n < NAMES; n++) {
			snprintf(name, sizeof name, "n%d", n);
			tree_unlink(t, &me, dirs[i], name);
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tree");
	TCase *c = tcase_create("tree");
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, makes_and_removes);
	tcase_add_test(c, leaves_no_delta_behind);
	tcase_add_test(c, refuses_bad_names);
	tcase_add_test(c, renames);
	tcase_add_test(c, links);
	tcase_add_test(c, keeps_unlinked_open_files);
	tcase_add_test(c, shares_content);
	tcase_add_test(c, honours_the_limit);
	tcase_add_test(c, lists_with_stable_cookies);
	tcase_add_test(c, keeps_xattrs);
	tcase_add_test(c, writes_are_in_place_as_a_whole_or_not);
	tcase_add_test(c, refuses_changes_when_readonly);
	tcase_add_loop_test(c, survives_random_operations, 0, 4);
	suite_add_tcase(s, c);
	failed = run_suite(s);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
