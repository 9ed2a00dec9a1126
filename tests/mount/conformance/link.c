/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * link and symlink.
 */
#include "tests/mount/conformance/conformance.h"

#include <limits.h>

static void counts(enum kind kind)
{
	ino_t ino;

	note("%s, link counts", kind_names[kind]);
	make_node(kind, "a");
	ino = lstat_of("a").st_ino;
	EQUAL(1, NLINK("a"));
	WORKS(link("a", "b"));
	EQUAL(2, NLINK("a"));
	EQUAL(2, NLINK("b"));
	EQUAL(ino, lstat_of("b").st_ino);
	WORKS(link("b", "d/c"));
	EQUAL(3, NLINK("a"));
	EQUAL(ino, lstat_of("d/c").st_ino);
	if (kind != LINK) {
		WORKS(chmod("b", 0201));
		WORKS(chown("d/c", ALICE, BOB));
	}
	EQUAL(MODE("a"), MODE("d/c"));
	EQUAL(lstat_of("d/c").st_uid, lstat_of("a").st_uid);
	WORKS(unlink("a"));
	EQUAL(2, NLINK("b"));
	WORKS(rename("b", "e"));
	EQUAL(2, NLINK("d/c"));
	WORKS(unlink("e"));
	EQUAL(1, NLINK("d/c"));
	WORKS(unlink("d/c"));
	HOLDS(!is_there("d/c"));
}

static void link_times(enum kind kind)
{
	struct stat node, dir;

	note("%s, times", kind_names[kind]);
	make_node(kind, "a");
	remember("a", &node);
	dir = lstat_of("d");
	WORKS(link("a", "d/b"));
	EQUAL(CTIME, moved("a", &node));
	EQUAL(MTIME | CTIME, moved("d", &dir) & (MTIME | CTIME));
	remember("a", &node);
	dir = lstat_of("d");
	FAILS(EEXIST, link("a", "d/b"));
	be(ALICE, ALICE);
	FAILS(EACCES, link("a", "closed/b"));
	be_root();
	EQUAL(0, moved("a", &node));
	EQUAL(0, moved("d", &dir));
	remember("a", &node);
	WORKS(unlink("d/b"));
	EQUAL(CTIME, moved("a", &node));
	remove_node("a");
}

static void link_taken(enum kind kind)
{
	unsigned i;

	make_file("a", 1, 'a');
	for (i = 0; i < N_KINDS; i++) {
		note("%s over %s", kind_names[kind], kind_names[i]);
		make_node(i, "n");
		FAILS(EEXIST, link("a", "n"));
		FAILS(EEXIST, link("a", "a"));
		remove_node("n");
	}
	remove_node("a");
}

static void link_refused(void)
{
	note("%s", "refused");
	make_file("f", 1, 'a');
	FAILS(EPERM, link("d", "e"));
	be(ALICE, ALICE);
	FAILS(EACCES, link("f", "closed/x"));
	be_root();
	WORKS(chown("closed", ALICE, ALICE));
	WORKS(chmod("closed", 0755));
	WORKS(chown("f", ALICE, ALICE));
	/* Linux may want the right to read and write what is linked. */
	WORKS(chmod("f", 0666));
	be(ALICE, ALICE);
	WORKS(link("f", "closed/x"));
	be(BOB, BOB);
	FAILS(EACCES, link("f", "closed/y"));
	FAILS(EACCES, link("closed/x", "closed/y"));
	be_root();
	remove_node("closed/x");
	WORKS(chmod("closed", 0700));
	FAILS(EXDEV, link("f", "/dev/conformance"));
	FAILS(EXDEV, rename("f", "/dev/conformance"));
	remove_node("f");
	/* By a symbolic link, the link itself. */
	make_file("f", 1, 'a');
	WORKS(symlink("f", "l"));
	WORKS(link("l", "l2"));
	HOLDS(S_ISLNK(lstat_of("l2").st_mode));
	WORKS(linkat(AT_FDCWD, "l", AT_FDCWD, "f2", AT_SYMLINK_FOLLOW));
	EQUAL(2, NLINK("f"));
	remove_node("l");
	remove_node("l2");
	remove_node("f2");
	remove_node("f");
}

/* What has no name any more gets none, and what is open can be linked. */
static void link_open(void)
{
	char path[64];
	int fd;

	note("%s", "by descriptor");
	make_file("f", 3, 'a');
	fd = open("f", O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	WORKS(linkat(AT_FDCWD, path, AT_FDCWD, "g", AT_SYMLINK_FOLLOW));
	EQUAL(2, NLINK("f"));
	WORKS(unlink("f"));
	WORKS(unlink("g"));
	FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "h", AT_SYMLINK_FOLLOW));
	close(fd);
}

void test_link(void)
{
	unsigned k;

	make_node(FOLDER, "d");
	make_node(FOLDER, "closed");
	WORKS(chmod("closed", 0700));
	for (k = 0; k < N_KINDS; k++) {
		if (k == FOLDER)
			continue;
		counts(k);
		link_times(k);
		link_taken(k);
	}
	link_refused();
	link_open();
}

static void targets(void)
{
	static const char *const v[] = {
		"a",	 ".",	    "..",	 "/",	      "/a/b",
		"a/b/c", "../../x", "./a/./b",	 "a//b",      "a/",
		"a/b/",	 "//a",	    "/./a/../b", " b \t\n\1", "\303\244/\377",
	};
	char target[PATH_MAX + 1], got[PATH_MAX + 8];
	static const size_t lengths[] = {100,  249,  250,	  251,	254,
					 255,  256,  500,	  1022, 1023,
					 1024, 2000, PATH_MAX - 1};
	unsigned i, style;

	for (i = 0; i < sizeof v / sizeof *v; i++) {
		note("target \"%s\"", v[i]);
		WORKS(symlink(v[i], "l"));
		EQUAL(strlen(v[i]), lstat_of("l").st_size);
		EQUAL(strlen(v[i]), readlink("l", got, sizeof got));
		HOLDS(memcmp(got, v[i], strlen(v[i])) == 0);
		EQUAL(1, readlink("l", got, 1));
		remove_node("l");
	}
	/* One long name, and many short ones. */
	for (style = 0; style < 2; style++)
		for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
			size_t len = lengths[i], k;

			note("target of %zu bytes, %s", len,
			     style ? "a path" : "a name");
			memset(target, 't', len);
			target[len] = '\0';
			for (k = 60; style && k + 1 < len; k += 60)
				target[k] = '/';
			WORKS(symlink(target, "l"));
			if (!is_there("l"))
				continue;
			EQUAL(len, lstat_of("l").st_size);
			EQUAL(len, readlink("l", got, sizeof got));
			HOLDS(memcmp(got, target, len) == 0);
			remove_node("l");
		}
	note("%s", "a target too long");
	memset(target, 't', PATH_MAX);
	target[PATH_MAX] = '\0';
	FAILS(ENAMETOOLONG, symlink(target, "l"));
	FAILS(ENOENT, symlink("", "l"));
	FAILS(EEXIST, symlink("x", "."));
}

void test_symlink(void)
{
	struct stat link, file;
	char buf[8];

	targets();
	note("%s", "the link and what it leads to");
	make_file("f", 3, 'a');
	WORKS(symlink("f", "l"));
	EQUAL(0777, MODE("l"));
	remember("l", &link);
	file = lstat_of("f");
	EQUAL(1, readlink("l", buf, sizeof buf));
	WORKS(chmod("l", 0640));
	EQUAL(0640, MODE("f"));
	EQUAL(0777, MODE("l"));
	EQUAL(0, moved("l", &link) & (MTIME | CTIME));
	EQUAL(CTIME, moved("f", &file));
	WORKS(lchown("l", ALICE, BOB));
	EQUAL(0, lstat_of("f").st_uid);
	EQUAL(ALICE, lstat_of("l").st_uid);
	EQUAL(CTIME, moved("l", &link) & (MTIME | CTIME));
	FAILS(EINVAL, readlink("f", buf, sizeof buf));
	FAILS(EINVAL, readlink(".", buf, sizeof buf));
	WORKS(unlink("l"));
	HOLDS(is_there("f"));
}
