/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New nodes: mkdir, mkfifo, mknod, open with O_CREAT, symlink, bind.
 */
#include "tests/mount/conformance/conformance.h"

#include <sys/sysmacros.h>

static const mode_t types[N_KINDS] = {
	S_IFREG, S_IFDIR, S_IFIFO, S_IFBLK, S_IFCHR, S_IFSOCK, S_IFLNK,
};

/* Make one with this mode, by the caller and under its umask. */
static int make_mode(enum kind kind, const char *path, mode_t mode)
{
	int fd;

	switch (kind) {
	case REGULAR:
		fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
		return fd < 0 ? -1 : close(fd);
	case FOLDER:
		return mkdir(path, mode);
	case FIFO:
		return mkfifo(path, mode);
	case LINK:
		return symlink("nowhere", path);
	default:
		return mknod(path, types[kind] | mode, makedev(1, 2));
	}
}

static void modes(enum kind kind)
{
	static const struct {
		mode_t mode, mask, want;
	} v[] = {
		{0755, 0, 0755},   {0151, 0, 0151},    {0151, 077, 0100},
		{0345, 070, 0305}, {0345, 0501, 0244}, {0777, 022, 0755},
		{01777, 0, 01777}, {0, 0, 0},	       {0666, 0777, 0},
	};
	unsigned i;

	for (i = 0; i < sizeof v / sizeof *v; i++) {
		note("%s, mode %o, umask %o", kind_names[kind], v[i].mode,
		     v[i].mask);
		umask(v[i].mask);
		WORKS(make_mode(kind, "n", v[i].mode));
		umask(0);
		EQUAL(v[i].want, MODE("n"));
		EQUAL(types[kind], lstat_of("n").st_mode & S_IFMT);
		remove_node("n");
	}
}

static void owners(enum kind kind)
{
	note("%s, owner", kind_names[kind]);
	WORKS(chown(".", ALICE, ALICE));
	WORKS(chmod(".", 0755));
	be(ALICE, ALICE);
	WORKS(make_mode(kind, "n", 0755));
	EQUAL(ALICE, lstat_of("n").st_uid);
	EQUAL(ALICE, lstat_of("n").st_gid);
	remove_node("n");
	be(ALICE, BOB);
	WORKS(make_mode(kind, "n", 0755));
	EQUAL(ALICE, lstat_of("n").st_uid);
	EQUAL(BOB, lstat_of("n").st_gid);
	remove_node("n");
	be_root();
	WORKS(chmod(".", 0777));
	be(BOB, CAROL);
	WORKS(make_mode(kind, "n", 0755));
	EQUAL(BOB, lstat_of("n").st_uid);
	EQUAL(CAROL, lstat_of("n").st_gid);
	EQUAL(kind == LINK ? 0777 : 0755, MODE("n"));
	remove_node("n");
	be_root();
}

/* A folder whose set-group-id bit passes its group on. */
static void group_of_folder(enum kind kind)
{
	note("%s in a set-group-id folder", kind_names[kind]);
	WORKS(chown(".", 0, CAROL));
	WORKS(chmod(".", 02777));
	be(ALICE, BOB);
	WORKS(make_mode(kind, "n", 0755));
	EQUAL(ALICE, lstat_of("n").st_uid);
	EQUAL(CAROL, lstat_of("n").st_gid);
	if (kind == FOLDER) {
		EQUAL(02755, MODE("n"));
		WORKS(mkdir("n/below", 0700));
		EQUAL(02700, MODE("n/below"));
		EQUAL(CAROL, lstat_of("n/below").st_gid);
		remove_node("n/below");
	}
	remove_node("n");
	/* Nobody gets a set-group-id file of a group that is not his. */
	if (kind == REGULAR) {
		WORKS(make_mode(kind, "n", 02775));
		EQUAL(0775, MODE("n"));
		remove_node("n");
		be(ALICE, CAROL);
		WORKS(make_mode(kind, "n", 02775));
		EQUAL(02775, MODE("n"));
		remove_node("n");
	}
	be_root();
	WORKS(chown(".", 0, 0));
	WORKS(chmod(".", 0777));
}

static void times(enum kind kind)
{
	struct stat dir;

	note("%s, times", kind_names[kind]);
	remember(".", &dir);
	WORKS(make_mode(kind, "n", 0644));
	EQUAL(ATIME | MTIME | CTIME, moved("n", &dir));
	EQUAL(MTIME | CTIME, moved(".", &dir) & (MTIME | CTIME));
	EQUAL(kind == FOLDER ? 2 : 1, NLINK("n"));
	remember(".", &dir);
	FAILS(EEXIST, make_mode(kind, "n", 0644));
	EQUAL(0, moved(".", &dir));
	remove_node("n");
}

/* Over each kind of node that is there already. */
static void taken(enum kind kind)
{
	unsigned i;

	for (i = 0; i < N_KINDS; i++) {
		note("%s where there is a %s", kind_names[kind], kind_names[i]);
		make_node(i, "n");
		FAILS(EEXIST, make_mode(kind, "n", 0644));
		remove_node("n");
	}
}

static void refused(enum kind kind)
{
	struct stat dir;

	note("%s, without the right to", kind_names[kind]);
	make_node(FOLDER, "d");
	WORKS(chown("d", ALICE, ALICE));
	be(ALICE, ALICE);
	WORKS(make_mode(kind, "d/n", 0644));
	remove_node("d/n");
	be_root();
	remember("d", &dir);
	be(BOB, BOB);
	FAILS(EACCES, make_mode(kind, "d/n", 0644));
	be_root();
	WORKS(chmod("d", 0555));
	be(ALICE, ALICE);
	FAILS(EACCES, make_mode(kind, "d/n", 0644));
	be_root();
	EQUAL(0, moved("d", &dir) & MTIME);
	WORKS(chmod("d", 0677));
	be(ALICE, ALICE);
	FAILS(EACCES, make_mode(kind, "d/n", 0644));
	be_root();
	remove_node("d");
}

/* The folder was removed while somebody stands in it. */
static void nowhere(enum kind kind)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	note("%s in a removed folder", kind_names[kind]);
	make_node(FOLDER, "d");
	WORKS(chdir("d"));
	WORKS(rmdir("../d"));
	FAILS(ENOENT, make_mode(kind, "n", 0644));
	WORKS(fchdir(fd));
	close(fd);
}

static void devices(void)
{
	static const struct {
		unsigned ma, mi;
	} v[] = {{0, 0}, {1, 3}, {8, 17}, {255, 255}, {259, 70000}};
	unsigned i, k;

	for (k = BLOCK; k <= CHARACTER; k++)
		for (i = 0; i < sizeof v / sizeof *v; i++) {
			dev_t dev = makedev(v[i].ma, v[i].mi);

			note("%s %u, %u", kind_names[k], v[i].ma, v[i].mi);
			WORKS(mknod("n", types[k] | 0600, dev));
			EQUAL(dev, lstat_of("n").st_rdev);
			remove_node("n");
			/* Linux lets everybody make whiteouts. */
			if (!dev)
				continue;
			be(ALICE, ALICE);
			FAILS(EPERM, mknod("n", types[k] | 0600, dev));
			be_root();
			HOLDS(!is_there("n"));
		}
	note("%s", "mknod");
	be(ALICE, ALICE);
	WORKS(mknod("n", S_IFIFO | 0600, 0));
	remove_node("n");
	WORKS(mknod("n", S_IFREG | 0600, 0));
	EQUAL(S_IFREG | 0600, lstat_of("n").st_mode);
	remove_node("n");
	WORKS(mknod("n", 0600, 0));
	EQUAL(S_IFREG | 0600, lstat_of("n").st_mode);
	remove_node("n");
	WORKS(mknod("n", S_IFSOCK | 0600, 0));
	remove_node("n");
	be_root();
	FAILS(EPERM, mknod("n", S_IFDIR | 0700, 0));
	FAILS(EINVAL, mknod("n", S_IFLNK | 0700, 0));
}

void test_make(void)
{
	static const enum kind privileged[] = {BLOCK, CHARACTER};
	unsigned k;

	for (k = 0; k < N_KINDS; k++) {
		if (k != LINK)
			modes(k);
		times(k);
		taken(k);
		nowhere(k);
		if (k == privileged[0] || k == privileged[1])
			continue;
		owners(k);
		group_of_folder(k);
		refused(k);
	}
	devices();
	note("%s", "trailing slashes");
	WORKS(mkdir("n/", 0755));
	WORKS(rmdir("n/"));
	FAILS(EISDIR, open("n/", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	FAILS(ENOENT, mkfifo("n/", 0644));
	FAILS(ENOENT, symlink("x", "n/"));
	FAILS(EEXIST, mkdir(".", 0755));
	FAILS(EEXIST, mkdir("..", 0755));
}
