/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlink and rmdir.
 */
#include "tests/mount/conformance/conformance.h"

#include <sys/mount.h>

static void removed(enum kind kind)
{
	struct stat dir, node;
	bool folder = kind == FOLDER;

	note("%s", kind_names[kind]);
	make_node(kind, "n");
	remember(".", &dir);
	WORKS(folder ? rmdir("n") : unlink("n"));
	HOLDS(!is_there("n"));
	EQUAL(MTIME | CTIME, moved(".", &dir) & (MTIME | CTIME));
	FAILS(ENOENT, folder ? rmdir("n") : unlink("n"));

	make_node(kind, "n");
	remember(".", &dir);
	node = lstat_of("n");
	if (folder) {
		FAILS(EISDIR, unlink("n"));
		FAILS(EISDIR, unlinkat(AT_FDCWD, "n", 0));
	} else {
		FAILS(ENOTDIR, rmdir("n"));
		FAILS(ENOTDIR, unlink("n/"));
		FAILS(ENOTDIR, unlinkat(AT_FDCWD, "n", AT_REMOVEDIR));
	}
	EQUAL(0, moved(".", &dir));
	EQUAL(0, moved("n", &node));
	remove_node("n");
}

static void refused(enum kind kind)
{
	struct stat dir, node;

	note("%s, without the right to", kind_names[kind]);
	make_node(FOLDER, "d");
	make_node(kind, "d/n");
	WORKS(chown("d", ALICE, ALICE));
	WORKS(lchown("d/n", BOB, BOB));
	remember("d", &dir);
	node = lstat_of("d/n");
	be(BOB, BOB);
	FAILS(EACCES, kind == FOLDER ? rmdir("d/n") : unlink("d/n"));
	be_root();
	EQUAL(0, moved("d", &dir));
	EQUAL(0, moved("d/n", &node));
	WORKS(chmod("d", 0555));
	be(ALICE, ALICE);
	FAILS(EACCES, kind == FOLDER ? rmdir("d/n") : unlink("d/n"));
	be_root();
	WORKS(chmod("d", 0655));
	be(ALICE, ALICE);
	FAILS(EACCES, kind == FOLDER ? rmdir("d/n") : unlink("d/n"));
	be_root();
	/* The owner of the folder may remove what is not his. */
	WORKS(chmod("d", 0755));
	be(ALICE, ALICE);
	WORKS(kind == FOLDER ? rmdir("d/n") : unlink("d/n"));
	be_root();
	remove_node("d");
}

static void full(void)
{
	unsigned k;

	make_node(FOLDER, "d");
	for (k = 0; k < N_KINDS; k++) {
		struct stat dir;

		note("with a %s in it", kind_names[k]);
		make_node(k, "d/n");
		remember("d", &dir);
		FAILS(ENOTEMPTY, rmdir("d"));
		EQUAL(0, moved("d", &dir));
		remove_node("d/n");
	}
	remove_node("d");
}

static void dots(void)
{
	note("%s", "dots");
	make_node(FOLDER, "d");
	make_node(FOLDER, "d/e");
	FAILS(EINVAL, rmdir("d/e/."));
	FAILS(ENOTEMPTY, rmdir("d/e/.."));
	FAILS(EISDIR, unlink("d/e/."));
	FAILS(EISDIR, unlink("d/e/.."));
	FAILS(EINVAL, rmdir("."));
	FAILS(ENOTEMPTY, rmdir(".."));
	EQUAL(3, NLINK("d"));
	WORKS(rmdir("d/e"));
	EQUAL(2, NLINK("d"));
	WORKS(rmdir("d/"));
}

static void still_open(void)
{
	struct stat st;
	char buf[32];
	int fd;

	note("%s", "an open file");
	make_file("f", 5, 'a');
	fd = open("f", O_RDWR | O_CLOEXEC);
	WORKS(unlink("f"));
	WORKS(fstat(fd, &st));
	EQUAL(0, st.st_nlink);
	EQUAL(5, st.st_size);
	EQUAL(13, pwrite(fd, "Hello, World!", 13, 0));
	EQUAL(13, pread(fd, buf, sizeof buf, 0));
	HOLDS(memcmp(buf, "Hello, World!", 13) == 0);
	WORKS(ftruncate(fd, 4));
	WORKS(fchmod(fd, 0600));
	WORKS(fchown(fd, ALICE, ALICE));
	WORKS(futimens(fd, NULL));
	WORKS(fsync(fd));
	WORKS(fstat(fd, &st));
	EQUAL(4, st.st_size);
	EQUAL(0600, st.st_mode & 07777);
	EQUAL(ALICE, st.st_uid);
	/* Another one of that name is another one. */
	make_file("f", 2, 'b');
	EQUAL(4, pread(fd, buf, sizeof buf, 0));
	HOLDS(memcmp(buf, "Hell", 4) == 0);
	HOLDS(file_is("f", 2, 'b'));
	close(fd);
	remove_node("f");

	note("%s", "an open folder");
	make_node(FOLDER, "d");
	fd = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	WORKS(rmdir("d"));
	WORKS(fstat(fd, &st));
	EQUAL(0, st.st_nlink);
	FAILS(ENOENT, openat(fd, "x", O_CREAT | O_RDWR | O_CLOEXEC, 0644));
	FAILS(ENOENT, mkdirat(fd, "x", 0755));
	FAILS(ENOENT, faccessat(fd, "x", F_OK, 0));
	close(fd);
}

static void mounted(void)
{
	make_node(FOLDER, "m");
	note("%s", "a mountpoint");
	if (mount("none", "m", "tmpfs", 0, "size=4k"))
		return; /* without that right the rest is no less true */
	FAILS(EBUSY, rmdir("m"));
	FAILS(EBUSY, rename("m", "m2"));
	FAILS(EXDEV, rename("m/.././full", "m/x") == -1 && errno == ENOENT
			     ? link("probe", "m/x")
			     : -1);
	WORKS(umount("m"));
	WORKS(rmdir("m"));
}

void test_remove(void)
{
	unsigned k;

	make_file("probe", 0, 0);
	for (k = 0; k < N_KINDS; k++) {
		removed(k);
		refused(k);
	}
	full();
	dots();
	still_open();
	mounted();
	remove_node("probe");
}
