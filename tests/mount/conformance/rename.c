/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rename, and renameat2 with its flags.
 */
#include "tests/mount/conformance/conformance.h"

static void plain(enum kind kind)
{
	struct stat dir, to, node;
	ino_t ino;

	note("%s", kind_names[kind]);
	make_node(kind, "a");
	ino = lstat_of("a").st_ino;
	node = lstat_of("a");
	remember(".", &dir);
	to = lstat_of("d");
	WORKS(rename("a", "b"));
	HOLDS(!is_there("a"));
	EQUAL(ino, lstat_of("b").st_ino);
	EQUAL(node.st_mode, lstat_of("b").st_mode);
	EQUAL(node.st_nlink, NLINK("b"));
	EQUAL(CTIME, moved("b", &node));
	EQUAL(MTIME | CTIME, moved(".", &dir) & (MTIME | CTIME));
	remember(".", &dir);
	to = lstat_of("d");
	WORKS(rename("b", "d/c"));
	HOLDS(!is_there("b"));
	EQUAL(ino, lstat_of("d/c").st_ino);
	EQUAL(MTIME | CTIME, moved(".", &dir) & (MTIME | CTIME));
	EQUAL(MTIME | CTIME, moved("d", &to) & (MTIME | CTIME));
	if (kind == FOLDER) {
		EQUAL(lstat_of("d").st_ino, lstat_of("d/c/..").st_ino);
		EQUAL(3, NLINK("d"));
	} else {
		WORKS(link("d/c", "e"));
		EQUAL(2, NLINK("d/c"));
		/* Two names of one node: nothing is done. */
		WORKS(rename("e", "d/c"));
		HOLDS(is_there("e") && is_there("d/c"));
		WORKS(unlink("e"));
	}
	WORKS(rename("d/c", "d/c"));
	remember("d", &dir);
	node = lstat_of("d/c");
	be(ALICE, ALICE);
	FAILS(EACCES, rename("d/c", "d/x"));
	FAILS(EACCES, rename("d/c", "x"));
	be_root();
	EQUAL(0, moved("d", &dir));
	EQUAL(0, moved("d/c", &node));
	remove_node("d/c");
	EQUAL(2, NLINK("d"));
}

static void over(enum kind from, enum kind to)
{
	ino_t ino;
	struct stat dir;

	note("%s over %s", kind_names[from], kind_names[to]);
	make_node(from, "a");
	make_node(to, "d/b");
	ino = lstat_of("a").st_ino;
	remember(".", &dir);
	if (from == FOLDER && to != FOLDER) {
		FAILS(ENOTDIR, rename("a", "d/b"));
	} else if (from != FOLDER && to == FOLDER) {
		FAILS(EISDIR, rename("a", "d/b"));
	} else {
		WORKS(rename("a", "d/b"));
		HOLDS(!is_there("a"));
		EQUAL(ino, lstat_of("d/b").st_ino);
		EQUAL(from == FOLDER ? 3 : 2, NLINK("d"));
		remove_node("d/b");
		EQUAL(2, NLINK("d"));
		return;
	}
	EQUAL(0, moved(".", &dir));
	remove_node("a");
	remove_node("d/b");
}

/* The replaced one was open, and had another name. */
static void replaced(void)
{
	struct stat st, old;
	char buf[8];
	int fd;

	note("%s", "over an open file");
	make_file("a", 3, 'a');
	make_file("b", 4, 'b');
	WORKS(link("b", "b2"));
	fd = open("b", O_RDONLY | O_CLOEXEC);
	remember("b", &old);
	WORKS(rename("a", "b"));
	WORKS(fstat(fd, &st));
	EQUAL(1, st.st_nlink);
	EQUAL(CTIME, moved("b2", &old));
	EQUAL(4, read(fd, buf, sizeof buf));
	HOLDS(buf[0] == 'b');
	HOLDS(file_is("b", 3, 'a'));
	WORKS(unlink("b2"));
	WORKS(fstat(fd, &st));
	EQUAL(0, st.st_nlink);
	close(fd);
	remove_node("b");

	note("%s", "over an open folder");
	make_node(FOLDER, "a");
	make_node(FOLDER, "b");
	fd = open("b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	WORKS(rename("a", "b"));
	WORKS(fstat(fd, &st));
	EQUAL(0, st.st_nlink);
	FAILS(ENOENT, mkdirat(fd, "x", 0755));
	close(fd);
	remove_node("b");
}

static void folders(void)
{
	unsigned k;

	note("%s", "folders");
	make_node(FOLDER, "a");
	make_node(FOLDER, "a/b");
	make_node(FOLDER, "a/b/c");
	FAILS(EINVAL, rename("a", "a/b/x"));
	FAILS(EINVAL, rename("a", "a/x"));
	FAILS(EINVAL, rename("a", "a/b/c"));
	FAILS(ENOTEMPTY, rename("a/b/c", "a"));
	FAILS(EBUSY, rename("a/b/.", "a/x"));
	FAILS(EBUSY, rename("a/b/..", "a/x"));
	FAILS(EBUSY, rename("a/b", "a/."));
	FAILS(ENOTEMPTY, rename("a/b", "a") == -1 ? rename("a/b/c", "a/b") : 0);
	for (k = 0; k < N_KINDS; k++) {
		note("over a folder with a %s", kind_names[k]);
		make_node(FOLDER, "e");
		make_node(k, "e/n");
		make_node(FOLDER, "f");
		FAILS(ENOTEMPTY, rename("f", "e"));
		WORKS(rename("e", "f"));
		HOLDS(is_there("f/n"));
		remove_node("f/n");
		remove_node("f");
	}
	note("%s", "slashes");
	WORKS(rename("a/b/c/", "a/b/d"));
	WORKS(rename("a/b/d", "a/b/c/"));
	make_file("f", 0, 0);
	FAILS(ENOTDIR, rename("f/", "g"));
	FAILS(ENOTDIR, rename("f", "g/"));
	remove_node("f");
	remove_node("a/b/c");
	remove_node("a/b");
	remove_node("a");
	note("%s", "one's own folder");
	make_node(FOLDER, "a");
	WORKS(chdir("a"));
	WORKS(rename("../a", "../b"));
	make_node(REGULAR, "x");
	HOLDS(is_there("../b/x"));
	WORKS(chdir(".."));
	remove_node("b/x");
	remove_node("b");
}

static int rename2(const char *from, const char *to, unsigned flags)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void flags(void)
{
	unsigned a, b;

	for (a = 0; a < N_KINDS; a++)
		for (b = 0; b < N_KINDS; b++) {
			struct stat was_a, was_b, dir;

			note("%s and %s", kind_names[a], kind_names[b]);
			make_node(a, "a");
			make_node(b, "d/b");
			remember("a", &was_a);
			was_b = lstat_of("d/b");
			dir = lstat_of("d");
			FAILS(EEXIST, rename2("a", "d/b", RENAME_NOREPLACE));
			EQUAL(0, moved("a", &was_a));
			EQUAL(0, moved("d", &dir));
			WORKS(rename2("a", "d/b", RENAME_EXCHANGE));
			EQUAL(was_a.st_ino, lstat_of("d/b").st_ino);
			EQUAL(was_b.st_ino, lstat_of("a").st_ino);
			EQUAL(CTIME, moved("d/b", &was_a));
			EQUAL(CTIME, moved("a", &was_b));
			EQUAL(MTIME | CTIME,
			      moved("d", &dir) & (MTIME | CTIME));
			EQUAL(a == FOLDER ? 3 : 2, NLINK("d"));
			remove_node("a");
			WORKS(rename2("d/b", "a", RENAME_NOREPLACE));
			remove_node("a");
		}
	note("%s", "flags");
	make_node(FOLDER, "a");
	make_node(FOLDER, "a/b");
	FAILS(ENOENT, rename2("a", "missing", RENAME_EXCHANGE));
	FAILS(EINVAL, rename2("a", "a/b", RENAME_EXCHANGE));
	FAILS(EINVAL, rename2("a/b", "a", RENAME_EXCHANGE));
	FAILS(EINVAL, rename2("a", "c", RENAME_EXCHANGE | RENAME_NOREPLACE));
	remove_node("a/b");
	remove_node("a");
}

void test_rename(void)
{
	unsigned a, b;

	make_node(FOLDER, "d");
	WORKS(chmod("d", 0755));
	WORKS(chmod(".", 0755));
	for (a = 0; a < N_KINDS; a++)
		plain(a);
	for (a = 0; a < N_KINDS; a++)
		for (b = 0; b < N_KINDS; b++)
			over(a, b);
	replaced();
	folders();
	flags();
}
