/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes that are there already: made by "prepare", asserted by "imported", and
 * in between, on a disc, burned and mounted again.
 */
#include "tests/mount/conformance/conformance.h"

#include <sys/mman.h>
#include <sys/xattr.h>

enum { SIZE = 50000 };

/* What is done to one of each kind. */
static const char *const uses[] = {
	"look", "chmod", "chown",    "utimens", "rename",
	"over", "under", "exchange", "link",	"remove",
};
enum { N_USES = sizeof uses / sizeof *uses };

static const char *path_of(enum kind kind, const char *use)
{
	static char paths[16][64];
	static unsigned next;
	char *path = paths[next++ % 16];

	snprintf(path, sizeof paths[0], "%s-%s", kind_names[kind], use);
	return path;
}

static const struct timespec times[] = {{1000000000, 0}, {1100000000, 0}};

void test_prepare(void)
{
	unsigned k, u;

	for (k = 0; k < N_KINDS; k++)
		for (u = 0; u < N_USES; u++) {
			const char *path = path_of(k, uses[u]);

			if (k == REGULAR)
				make_file(path, SIZE, 'i');
			else
				make_node(k, path);
		}
	for (k = 0; k < N_KINDS; k++) {
		if (k != FOLDER)
			WORKS(link(path_of(k, "link"), path_of(k, "link2")));
		for (u = 0; u < N_USES; u++) {
			const char *path = path_of(k, uses[u]);

			WORKS(lchown(path, ALICE, BOB));
			if (k != LINK)
				WORKS(chmod(path, 0764));
			WORKS(utimensat(AT_FDCWD, path, times,
					AT_SYMLINK_NOFOLLOW));
		}
	}
	make_file("content", SIZE, 'c');
	make_file("mapped", SIZE, 'c');
	make_file("cut", SIZE, 'c');
	make_file("source", SIZE, 's');
	make_file("set-id", SIZE, 'c');
	WORKS(chmod("set-id", 06777));
	WORKS(setxattr("content", "user.a", "1", 1, 0));
	make_node(FOLDER, "full");
	make_node(REGULAR, "full/f");
}

static void look(enum kind kind)
{
	static const mode_t type[N_KINDS] = {
		S_IFREG, S_IFDIR, S_IFIFO, S_IFBLK, S_IFCHR, S_IFSOCK, S_IFLNK,
	};
	struct stat st = lstat_of(path_of(kind, "look"));

	note("%s", kind_names[kind]);
	EQUAL(type[kind] | (kind == LINK ? 0777 : 0764), st.st_mode);
	EQUAL(ALICE, st.st_uid);
	EQUAL(BOB, st.st_gid);
	EQUAL(kind == FOLDER ? 2 : 1, st.st_nlink);
	EQUAL(1100000000, st.st_mtim.tv_sec);
	EQUAL(2, NLINK(path_of(kind, "link")));
	if (kind == REGULAR)
		EQUAL(SIZE, st.st_size);
	if (kind == BLOCK || kind == CHARACTER)
		EQUAL(0x102, st.st_rdev);
	if (kind == LINK)
		EQUAL(7, st.st_size);
}

static void change(enum kind kind)
{
	const char *path = path_of(kind, "chmod");
	struct stat old;

	note("%s, chmod", kind_names[kind]);
	remember(path, &old);
	if (kind != LINK) {
		be(BOB, BOB);
		FAILS(EPERM, chmod(path, 0700));
		be_root();
		EQUAL(0, moved(path, &old));
		WORKS(chmod(path, 0700));
		EQUAL(0700, MODE(path));
		EQUAL(CTIME, moved(path, &old));
		EQUAL(1100000000, lstat_of(path).st_mtim.tv_sec);
	}
	path = path_of(kind, "chown");
	note("%s, chown", kind_names[kind]);
	remember(path, &old);
	WORKS(lchown(path, CAROL, (gid_t)-1));
	EQUAL(CAROL, lstat_of(path).st_uid);
	EQUAL(BOB, lstat_of(path).st_gid);
	EQUAL(CTIME, moved(path, &old));
	path = path_of(kind, "utimens");
	note("%s, utimensat", kind_names[kind]);
	remember(path, &old);
	WORKS(utimensat(AT_FDCWD, path,
			(const struct timespec[]){{.tv_nsec = UTIME_OMIT},
						  {.tv_nsec = UTIME_NOW}},
			AT_SYMLINK_NOFOLLOW));
	EQUAL(MTIME | CTIME, moved(path, &old));
}

/* @from, renamed to @to by @flags, is there then. */
static void moves(enum kind kind, const char *from, const char *to,
		  unsigned flags)
{
	struct stat old, dir;

	note("%s, %s to %s", kind_names[kind], from, to);
	remember(from, &old);
	dir = lstat_of(".");
	WORKS(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
	EQUAL(flags & RENAME_EXCHANGE ? 1 : 0, is_there(from));
	EQUAL(old.st_ino, lstat_of(to).st_ino);
	EQUAL(old.st_mode, lstat_of(to).st_mode);
	EQUAL(old.st_nlink, NLINK(to));
	EQUAL(CTIME, moved(to, &old));
	EQUAL(MTIME | CTIME, moved(".", &dir) & (MTIME | CTIME));
}

static void names(enum kind kind)
{
	struct stat old, dir;
	const char *path = path_of(kind, "remove");

	moves(kind, path_of(kind, "rename"), "renamed", 0);
	moves(kind, "renamed", path_of(kind, "rename"), 0);
	moves(kind, path_of(kind, "rename"), "full/moved", 0);
	remove_node("full/moved");
	/* Over one of the same kind, over a new one, and a new one over it. */
	moves(kind, path_of(kind, "over"), path_of(kind, "under"), 0);
	make_node(kind, "new");
	moves(kind, "new", path_of(kind, "under"), 0);
	make_node(kind, "new");
	moves(kind, path_of(kind, "under"), "new", 0);
	moves(kind, "new", path_of(kind, "exchange"), RENAME_EXCHANGE);
	remove_node("new");
	note("%s, remove", kind_names[kind]);
	remember(".", &dir);
	WORKS(kind == FOLDER ? rmdir(path) : unlink(path));
	HOLDS(!is_there(path));
	EQUAL(MTIME | CTIME, moved(".", &dir) & (MTIME | CTIME));
	/* The name is free for anything. */
	make_node(FOLDER, path);
	remove_node(path);
	make_node(REGULAR, path);
	EQUAL(0, lstat_of(path).st_size);
	if (kind == FOLDER)
		return;
	note("%s, link", kind_names[kind]);
	path = path_of(kind, "link");
	EQUAL(lstat_of(path).st_ino, lstat_of(path_of(kind, "link2")).st_ino);
	remember(path, &old);
	WORKS(link(path, path_of(kind, "link3")));
	EQUAL(3, NLINK(path));
	EQUAL(CTIME, moved(path, &old));
	WORKS(unlink(path_of(kind, "link2")));
	EQUAL(2, NLINK(path));
	WORKS(unlink(path));
	EQUAL(1, NLINK(path_of(kind, "link3")));
}

static void content(void)
{
	struct stat old;
	char buf[8];
	int fd, in;
	char *p;

	note("%s", "content");
	HOLDS(file_is("content", SIZE, 'c'));
	remember("content", &old);
	fd = open("content", O_RDWR | O_CLOEXEC);
	EQUAL(0, moved("content", &old) & (MTIME | CTIME));
	EQUAL(5, pwrite(fd, "hello", 5, 3000));
	EQUAL(MTIME | CTIME, moved("content", &old) & (MTIME | CTIME));
	EQUAL(7, pread(fd, buf, 7, 2999));
	HOLDS(memcmp(buf, "chelloc", 7) == 0);
	EQUAL(1, getxattr("content", "user.a", buf, sizeof buf));
	WORKS(ftruncate(fd, 3002));
	WORKS(ftruncate(fd, 3010));
	EQUAL(4, pread(fd, buf, 4, 3000));
	HOLDS(memcmp(buf, "he\0\0", 4) == 0);
	in = open("source", O_RDONLY | O_CLOEXEC);
	EQUAL(SIZE, copy_file_range(in, NULL, fd, NULL, SIZE, 0));
	close(in);
	HOLDS(file_is("content", SIZE, 's'));
	WORKS(unlink("content"));
	EQUAL(1, pread(fd, buf, 1, SIZE - 1));
	HOLDS(buf[0] == 's');
	close(fd);
	note("%s", "mapping");
	fd = open("mapped", O_RDWR | O_CLOEXEC);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	HOLDS(p[SIZE - 1] == 'c');
	memset(p, 'm', SIZE);
	munmap(p, SIZE);
	close(fd);
	HOLDS(file_is("mapped", SIZE, 'm'));
	note("%s", "O_TRUNC");
	remember("cut", &old);
	fd = open("cut", O_WRONLY | O_TRUNC | O_CLOEXEC);
	EQUAL(MTIME | CTIME, moved("cut", &old) & (MTIME | CTIME));
	EQUAL(0, lstat_of("cut").st_size);
	EQUAL(1, pwrite(fd, "x", 1, 100));
	close(fd);
	EQUAL(101, lstat_of("cut").st_size);
	note("%s", "set-id bits");
	be(ALICE, ALICE);
	fd = open("set-id", O_WRONLY | O_CLOEXEC);
	EQUAL(1, write(fd, "x", 1));
	close(fd);
	be_root();
	EQUAL(0777, MODE("set-id"));
}

void test_imported(void)
{
	unsigned k;

	for (k = 0; k < N_KINDS; k++) {
		look(k);
		change(k);
	}
	note("%s", "a full folder");
	FAILS(ENOTEMPTY, rmdir("full"));
	FAILS(ENOTEMPTY, rename("folder-chmod", "full"));
	for (k = 0; k < N_KINDS; k++)
		names(k);
	content();
	note("%s", "a folder that is emptied");
	WORKS(unlink("full/f"));
	WORKS(rmdir("full"));
}
