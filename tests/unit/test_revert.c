/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reverting, on a tree whose base was made by hand: single cases, and random
 * changes with random reverts between them.
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
#include "fs/revert.h"
#include "fs/tree_internal.h"
#include "tests/unit/run_suite.h"
#include "tests/unit/temp_folder.h"
#include "tests/unit/tree_check.h"

static char folder[TEMP_FOLDER];
static int folder_fd;
static struct stage_data *data;
static struct tree *t;
static const struct cred me = {.uid = 1000, .gid = 100, .umask = 022};

/* ---- a tree with a base ---- */

static uint64_t ino_of(const char *path)
{
	char copy[256], *save, *name;
	uint64_t ino = TREE_ROOT;
	struct tree_entry e;

	snprintf(copy, sizeof copy, "%s", path);
	for (name = strtok_r(copy, "/", &save); name;
	     name = strtok_r(NULL, "/", &save)) {
		if (tree_lookup(t, ino, name, &e))
			return 0;
		tree_forget(t, e.ino, 1);
		ino = e.ino;
	}
	return ino;
}

/* The folder that @path is in, or 0; and its last name. */
static uint64_t parent_of(const char *path, const char **name)
{
	char copy[256], *slash;

	snprintf(copy, sizeof copy, "%s", path);
	slash = strrchr(copy, '/');
	*name = slash ? path + (slash - copy) + 1 : path;
	if (!slash)
		return TREE_ROOT;
	*slash = '\0';
	return ino_of(copy);
}

static int mk(const char *path, mode_t mode)
{
	struct tree_entry e;
	const char *name;
	uint64_t parent = parent_of(path, &name);
	int err = S_ISDIR(mode) ? tree_mkdir(t, &me, parent, name, 0755, &e)
				: tree_mknod(t, &me, parent, name, mode, 0, &e);

	if (!err)
		tree_forget(t, e.ino, 1);
	return err;
}

static int rm(const char *path)
{
	const char *name;
	uint64_t parent = parent_of(path, &name);
	int err = tree_unlink(t, &me, parent, name);

	return err == -EISDIR ? tree_rmdir(t, &me, parent, name) : err;
}

static int mv(const char *from, const char *to, unsigned flags)
{
	const char *a, *b;
	uint64_t from_dir = parent_of(from, &a), to_dir = parent_of(to, &b);

	return tree_rename(t, &me, from_dir, a, to_dir, b, flags);
}

static int ln(const char *from, const char *to)
{
	struct tree_entry e;
	const char *name;
	uint64_t parent = parent_of(to, &name);
	int err = tree_link(t, &me, ino_of(from), parent, name, &e);

	if (!err)
		tree_forget(t, e.ino, 1);
	return err;
}

static int put(const char *path, uint64_t off, const char *text)
{
	size_t len = strlen(text);
	struct file_io io;
	int err = file_write_begin(t, &me, ino_of(path), off, len, &io);

	return err ? err : file_write_end(t, &me, &io, len, false);
}

static int set(const char *path, unsigned what, mode_t mode, off_t size)
{
	struct stat st = {.st_mode = mode, .st_size = size}, got;

	return tree_setattr(t, &me, ino_of(path), what, &st, &got);
}

/* What is there becomes the base; files have their content on the disc. */
static void make_base(void)
{
	tree_sweep_all(t);
	for (size_t i = 0; i < t->n_buckets; i++)
		for (struct dentry *d = t->buckets[i]; d; d = d->hash_next) {
			d->flags = D_BASE | D_LIVE;
			d->base_id = d->inode->ino;
			t->base_places++;
		}
	t->changed.n = t->dirty.n = 0;
	for (uint32_t i = 1; i < t->n_inodes; i++) {
		struct inode *inode = tree_inode(t, i);

		if (!inode)
			continue;
		inode->flags |= I_BASE;
		inode->mtime = inode->ctime =
			stamp(&(struct timespec){1000, 0});
		if (S_ISREG(inode->mode)) {
			inode->flags |= I_PLAIN;
			inode->size = 5000 + i;
			inode->lba = 100 + i * 10;
		}
		inode_delta_free(t, inode);
	}
}

static void setup(void)
{
	struct attr root = {.mode = S_IFDIR | 0755};

	temp_folder_make(folder);
	folder_fd = open(folder, O_DIRECTORY);
	ck_assert_int_eq(stage_data_open(folder_fd, false, &data, NULL), 0);
	ck_assert_int_eq(tree_new(&root, data, &t), 0);
	tree_set_limit(t, 1 << 20, TREE_NO_LIMIT, true);
	ck_assert_int_eq(mk("a", S_IFDIR), 0);
	ck_assert_int_eq(mk("a/x", S_IFREG), 0);
	ck_assert_int_eq(mk("a/y", S_IFREG), 0);
	ck_assert_int_eq(mk("a/sub", S_IFDIR), 0);
	ck_assert_int_eq(mk("a/sub/z", S_IFREG), 0);
	ck_assert_int_eq(mk("b", S_IFDIR), 0);
	ck_assert_int_eq(mk("b/f", S_IFREG), 0);
	ck_assert_int_eq(mk("b/fifo", S_IFIFO), 0);
	ck_assert_int_eq(ln("a/x", "b/x2"), 0);
	ck_assert_int_eq(mk("top", S_IFREG), 0);
	make_base();
	tree_check(t);
}

static void teardown(void)
{
	tree_check(t);
	tree_free(t);
	stage_data_free(data);
	close(folder_fd);
	temp_folder_remove(folder);
}

/* The deltas as one text, "A new;D old;". */
static char *deltas(void)
{
	struct diff_entry *v;
	uint32_t n;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	ck_assert_int_eq(diff_collect(t, &v, &n), 0);
	for (uint32_t i = 0; i < n; i++)
		fprintf(f, "%c %s%s%s;", v[i].kind,
			v[i].old_path ? v[i].old_path : "",
			v[i].old_path ? ">" : "", v[i].path);
	diff_free(v, n);
	fclose(f);
	return text;
}

static void expect(const char *want)
{
	char *got = deltas();

	ck_assert_str_eq(got, want);
	free(got);
}

/* Revert one path; what went as a text as above, or the words of the error. */
static int revert(const char *path, char *text, size_t size)
{
	struct revert r;
	struct why why = {""};
	int err = revert_paths(t, &path, 1, &r, &why);

	*text = '\0';
	if (err)
		snprintf(text, size, "%s", why.text);
	for (uint32_t i = 0; i < r.n; i++)
		snprintf(text + strlen(text), size - strlen(text), "%c %s;",
			 r.entries[i].kind, r.entries[i].path);
	revert_release(&r);
	tree_check(t);
	return err;
}

static void reverts(const char *path, const char *want)
{
	char text[1024];
	int err = revert(path, text, sizeof text);

	ck_assert_msg(!err, "%s: %s", path, text);
	ck_assert_str_eq(text, want);
}

static void refuses(const char *path, int want, const char *words)
{
	char text[1024], *before = deltas();
	int err = revert(path, text, sizeof text);

	ck_assert_int_eq(err, want);
	ck_assert_msg(strstr(text, words) != NULL, "%s: %s", path, text);
	expect(before);
	free(before);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(tree_getattr(t, ino_of(path), &st), 0);
	return (uint64_t)st.st_size;
}

/* ---- single cases ---- */

START_TEST(each_kind)
{
	uint64_t x = ino_of("a/x"), size = size_of("a/y");
	struct stat st;

	ck_assert_int_eq(mk("a/new", S_IFREG), 0);
	ck_assert_int_eq(put("a/new", 0, "text"), 0);
	ck_assert_int_eq(put("a/y", 10, "patch"), 0);
	ck_assert_int_eq(set("a/y", TREE_SET_SIZE, 0, 3), 0);
	ck_assert_int_eq(set("b", TREE_SET_MODE, 0700, 0), 0);
	ck_assert_int_eq(
		tree_setxattr(t, &me, ino_of("top"), "user.k", "v", 1, 0), 0);
	ck_assert_int_eq(rm("a/sub/z"), 0);
	ck_assert_int_eq(mv("a/x", "moved", 0), 0);
	expect("A a/new;D a/sub/z;M a/y;T b;R a/x>moved;T top;");

	reverts("a/new", "A a/new;");
	reverts("a/y", "M a/y;");
	ck_assert_uint_eq(size_of("a/y"), size);
	reverts("b", "T b;");
	ck_assert_int_eq(tree_getattr(t, ino_of("b"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	reverts("top", "T top;");
	ck_assert_int_eq(tree_getxattr(t, ino_of("top"), "user.k", NULL, 0),
			 -ENODATA);
	reverts("a/sub", "D a/sub/z;");
	ck_assert_uint_ne(ino_of("a/sub/z"), 0);
	reverts("moved", "R moved;");
	ck_assert_uint_eq(ino_of("a/x"), x);
	ck_assert_uint_eq(ino_of("moved"), 0);
	expect("");
	ck_assert_uint_eq(t->data_blocks, 0);
	/* Nothing is left in the folder: its time is the base's. */
	ck_assert_int_eq(tree_getattr(t, ino_of("a"), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1000);
	reverts("a", "");
}
END_TEST

START_TEST(removed_and_changed_comes_back_whole)
{
	uint64_t size = size_of("b/f");

	ck_assert_int_eq(put("b/f", 0, "something else"), 0);
	ck_assert_int_eq(set("b/f", TREE_SET_SIZE | TREE_SET_MODE, 0600, 2), 0);
	ck_assert_int_eq(rm("b/f"), 0);
	reverts("b/f", "D b/f;");
	ck_assert_uint_eq(size_of("b/f"), size);
	expect("");
	ck_assert_uint_eq(stage_data_used(data), 0);
}
END_TEST

START_TEST(saved_by_an_editor)
{
	uint64_t top = ino_of("top");

	ck_assert_int_eq(mk(".top.swp", S_IFREG), 0);
	ck_assert_int_eq(put(".top.swp", 0, "text"), 0);
	ck_assert_int_eq(mv(".top.swp", "top", 0), 0);
	expect("M top;");
	reverts("top", "M top;");
	ck_assert_uint_eq(ino_of("top"), top);
	expect("");
}
END_TEST

START_TEST(all_names_of_a_file)
{
	ck_assert_int_eq(put("a/x", 0, "other"), 0);
	expect("M a/x;M b/x2;");
	reverts("b/x2", "M a/x;M b/x2;");
	ck_assert_int_eq(ln("a/x", "x3"), 0);
	ck_assert_int_eq(rm("a/x"), 0);
	expect("R a/x>x3;");
	reverts("a", "R x3;");
	expect("");
}
END_TEST

START_TEST(removed_folder)
{
	ck_assert_int_eq(rm("a/sub/z"), 0);
	ck_assert_int_eq(rm("a/sub"), 0);
	refuses("a/sub/z", -ENOTDIR, "revert a/sub");
	reverts("a/sub", "D a/sub;D a/sub/z;");
	expect("");

	/* Something else with its name. */
	ck_assert_int_eq(rm("a/sub/z"), 0);
	ck_assert_int_eq(rm("a/sub"), 0);
	ck_assert_int_eq(mk("a/sub", S_IFDIR), 0);
	ck_assert_int_eq(mk("a/sub/z", S_IFREG), 0);
	reverts("a/sub", "A a/sub;D a/sub;A a/sub/z;D a/sub/z;");
	expect("");
}
END_TEST

START_TEST(moved_folder)
{
	ck_assert_int_eq(mv("a", "b/a", 0), 0);
	ck_assert_int_eq(rm("b/a/y"), 0);
	ck_assert_int_eq(mk("b/a/new", S_IFREG), 0);
	ck_assert_int_eq(put("b/a/sub/z", 0, "z"), 0);
	ck_assert_int_eq(mv("b/a/x", "x", 0), 0);
	expect("D a/y;R a>b/a;A b/a/new;M b/a/sub/z;R a/x>x;");
	/* Into the folder where it is now. */
	reverts("a/y", "D a/y;");
	expect("R a>b/a;A b/a/new;M b/a/sub/z;R a/x>x;");
	ck_assert_int_eq(rm("b/a/y"), 0);
	reverts("b/a/y", "D a/y;");
	reverts("a", "R b/a;A b/a/new;M b/a/sub/z;R x;");
	expect("");
}
END_TEST

START_TEST(taken_names)
{
	ck_assert_int_eq(mv("top", "b/top", 0), 0);
	ck_assert_int_eq(mk("top", S_IFDIR), 0);
	ck_assert_int_eq(mk("top/in", S_IFREG), 0);
	refuses("b/top", -EEXIST, "remove top");
	/* Named, both go. */
	reverts("top", "R b/top;A top;A top/in;");
	expect("");

	ck_assert_int_eq(mv("a", "b", RENAME_EXCHANGE), 0);
	expect("R b>a;R a>b;");
	reverts("a", "R a;R b;");
	expect("");
}
END_TEST

START_TEST(inside_out)
{
	ck_assert_int_eq(mv("a/sub", "sub", 0), 0);
	ck_assert_int_eq(mv("a", "sub/a", 0), 0);
	expect("R a/sub>sub;R a>sub/a;");
	reverts("sub", "R sub;R sub/a;");
	expect("");
}
END_TEST

START_TEST(what_is_refused)
{
	const char *paths[] = {"top", "nowhere"};
	struct revert r;
	char *before;

	ck_assert_int_eq(put("top", 0, "x"), 0);
	before = deltas();
	ck_assert_int_eq(revert_paths(t, paths, 2, &r, NULL), -ENOENT);
	expect(before);
	free(before);
	refuses("top/x", -ENOENT, "no such file");
	refuses("../top", -ENOENT, "no such file");
	tree_set_readonly(t, true);
	refuses("top", -EROFS, "read-only");
	tree_set_readonly(t, false);
	t->frozen = true;
	refuses("top", -EBUSY, "burn");
	t->frozen = false;
	reverts("//./top/", "M top;");
}
END_TEST

START_TEST(a_compressed_file_is_one_again)
{
	struct inode *f = tree_inode(t, ino_of("top"));

	f->flags |= I_FILTERED;
	ck_assert_int_eq(put("top", 0, "x"), -EIO);
	ck_assert_int_eq(set("top", TREE_SET_SIZE, 0, 0), 0);
	ck_assert_int_eq(put("top", 0, "x"), 0);
	reverts(".", "M top;");
	ck_assert(f->flags & I_FILTERED);
}
END_TEST

/* ---- random changes ---- */

static const char *const names[] = {
	"a",   "b",	"c",	  "a/x",     "a/y",	"a/sub", "a/sub/z",
	"b/f", "b/x2",	"b/fifo", "top",     "c/x",	"c/sub", "c/sub/z",
	"b/a", "b/a/x", "b/sub",  "b/sub/z", "a/sub/c", "a/b",	 "a/b/f",
};
enum { N_NAMES = sizeof names / sizeof names[0] };

static unsigned seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void change_something(void)
{
	const char *p = names[pick(N_NAMES)], *q = names[pick(N_NAMES)];

	switch (pick(9)) {
	case 0:
		mk(p, S_IFREG);
		break;
	case 1:
		mk(p, S_IFDIR);
		break;
	case 2:
	case 3:
		rm(p);
		break;
	case 4:
	case 5:
		mv(p, q, 0);
		break;
	case 6:
		mv(p, q, RENAME_EXCHANGE);
		break;
	case 7:
		ln(p, q);
		break;
	default:
		put(p, pick(9000), "random");
		set(p, TREE_SET_MODE, pick(2) ? 0700 : 0640, 0);
	}
}

/* All of the tree in words. */
static void describe(FILE *f, uint64_t ino, int depth);

struct lister {
	FILE *f;
	int depth;
	uint64_t inos[64];
	char names[64][32];
	unsigned n;
};

static int list_entry_of(void *arg, const char *name, uint64_t cookie,
			 const struct tree_entry *e)
{
	struct lister *l = arg;

	(void)cookie;
	if (strcmp(name, ".") && strcmp(name, "..") && l->n < 64) {
		l->inos[l->n] = e->ino;
		snprintf(l->names[l->n++], sizeof l->names[0], "%s", name);
	}
	return 0;
}

static void describe(FILE *f, uint64_t ino, int depth)
{
	struct lister l = {.f = f, .depth = depth};
	struct stat st;

	ck_assert_int_eq(tree_getattr(t, ino, &st), 0);
	fprintf(f, "%d %llu %o %u %lld %lld\n", depth, (unsigned long long)ino,
		st.st_mode, (unsigned)st.st_nlink, (long long)st.st_size,
		S_ISDIR(st.st_mode) ? 0 : (long long)st.st_mtim.tv_sec);
	if (!S_ISDIR(st.st_mode))
		return;
	ck_assert_int_eq(tree_readdir(t, ino, 0, false, list_entry_of, &l), 0);
	/* In the order of names: places that come back are listed last. */
	for (char c[32] = "";;) {
		unsigned next = l.n;

		for (unsigned i = 0; i < l.n; i++)
			if (strcmp(l.names[i], c) > 0 &&
			    (next == l.n ||
			     strcmp(l.names[i], l.names[next]) < 0))
				next = i;
		if (next == l.n)
			break;
		memcpy(c, l.names[next], sizeof c);
		fprintf(f, "%s ", c);
		describe(f, l.inos[next], depth + 1);
	}
}

static char *whole_tree(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	describe(f, TREE_ROOT, 0);
	fclose(f);
	return text;
}

static bool is_at_or_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && (!path[len] || path[len] == '/');
}

/* A revert is done, and then nothing is left there, or nothing was done. */
static unsigned revert_something(void)
{
	const char *p = names[pick(N_NAMES)];
	char text[4096], *before = deltas(), *tree = whole_tree();
	int err = revert(p, text, sizeof text);

	if (err) {
		char *after = whole_tree();

		expect(before);
		ck_assert_str_eq(tree, after);
		free(after);
	} else {
		struct diff_entry *v;
		uint32_t n;

		ck_assert_int_eq(diff_collect(t, &v, &n), 0);
		for (uint32_t i = 0; i < n; i++)
			ck_assert_msg(
				!is_at_or_below(v[i].path, p) &&
					(!v[i].old_path ||
					 !is_at_or_below(v[i].old_path, p)),
				"revert %s of %s leaves %c %s", p, before,
				v[i].kind, v[i].path);
		diff_free(v, n);
	}
	free(before);
	free(tree);
	return err == 0 && *text;
}

START_TEST(random_changes)
{
	char *base = whole_tree(), *after, text[8192];
	unsigned done = 0;

	for (seed = (unsigned)_i * 7919 + 1; done < 60;) {
		for (unsigned i = pick(8) + 1; i; i--)
			change_something();
		tree_check(t);
		done += revert_something();
		if (pick(6))
			continue;
		ck_assert_msg(revert(".", text, sizeof text) == 0, "%s", text);
		expect("");
		after = whole_tree();
		ck_assert_str_eq(base, after);
		free(after);
		ck_assert_uint_eq(t->data_blocks, 0);
	}
	free(base);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("revert");
	TCase *tc = tcase_create("revert");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_kind);
	tcase_add_test(tc, removed_and_changed_comes_back_whole);
	tcase_add_test(tc, saved_by_an_editor);
	tcase_add_test(tc, all_names_of_a_file);
	tcase_add_test(tc, removed_folder);
	tcase_add_test(tc, moved_folder);
	tcase_add_test(tc, taken_names);
	tcase_add_test(tc, inside_out);
	tcase_add_test(tc, what_is_refused);
	tcase_add_test(tc, a_compressed_file_is_one_again);
	tcase_add_loop_test(tc, random_changes, 0, 50);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
