/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chmod, chown, set-id bits, access.
 */
#include "tests/mount/conformance/conformance.h"

#include <sys/wait.h>

/* ---- who may enter, search, and what access(2) says of it ---- */

/* access(2) by these as real ids: 0 or the error. */
static int access_as(uid_t uid, gid_t gid, const char *path, int mode)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (setgid(gid) || setuid(uid))
			_exit(255);
		_exit(access(path, mode) ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_permissions(void)
{
	static const gid_t member[] = {ALICE};
	mode_t bits;

	make_file("f", 1, 'a');
	WORKS(chown("f", ALICE, ALICE));
	for (bits = 0; bits < 8; bits++) {
		note("access, bits %o", bits);
		WORKS(chmod("f", bits << 6));
		EQUAL(bits & 4 ? 0 : EACCES,
		      access_as(ALICE, ALICE, "f", R_OK));
		EQUAL(bits & 2 ? 0 : EACCES,
		      access_as(ALICE, ALICE, "f", W_OK));
		EQUAL(bits & 1 ? 0 : EACCES,
		      access_as(ALICE, ALICE, "f", X_OK));
		EQUAL(EACCES, access_as(BOB, ALICE, "f", R_OK));
		EQUAL(0, access_as(0, 0, "f", R_OK | W_OK));
		EQUAL(bits & 1 ? 0 : EACCES, access_as(0, 0, "f", X_OK));
		EQUAL(0, access_as(BOB, BOB, "f", F_OK));
	}
	note("%s", "a supplementary group");
	WORKS(chmod("f", 0040));
	be_in(BOB, BOB, 1, member);
	WORKS(close(open("f", O_RDONLY | O_CLOEXEC)));
	be(BOB, BOB);
	FAILS(EACCES, open("f", O_RDONLY | O_CLOEXEC));
	be_root();
	note("%s", "folders");
	make_node(FOLDER, "d");
	make_file("d/f", 1, 'a');
	WORKS(chown("d", ALICE, ALICE));
	WORKS(chmod("d", 0100));
	be(ALICE, ALICE);
	WORKS(close(open("d/f", O_RDONLY | O_CLOEXEC)));
	FAILS(EACCES, open("d", O_RDONLY | O_CLOEXEC));
	WORKS(chdir("d"));
	WORKS(chdir(".."));
	be_root();
	WORKS(chmod("d", 0400));
	be(ALICE, ALICE);
	WORKS(close(open("d", O_RDONLY | O_CLOEXEC)));
	FAILS(EACCES, open("d/f", O_RDONLY | O_CLOEXEC));
	FAILS(EACCES, chdir("d"));
	be_root();
}

/* ---- chmod ---- */

static void chmod_kind(enum kind kind)
{
	static const mode_t modes[] = {0,     0111,  0222,  0444,  0777, 0653,
				       01777, 02755, 04755, 07777, 06555};
	struct stat before;
	unsigned i;

	note("%s", kind_names[kind]);
	make_node(kind, "n");
	for (i = 0; i < sizeof modes / sizeof *modes; i++) {
		WORKS(chmod("n", modes[i]));
		EQUAL(modes[i], MODE("n"));
	}
	remember("n", &before);
	WORKS(chmod("n", 0711));
	EQUAL(CTIME, moved("n", &before));
	/* The owner, and nobody else. */
	WORKS(chown("n", ALICE, ALICE));
	be(ALICE, ALICE);
	WORKS(chmod("n", 0642));
	be_root();
	EQUAL(0642, MODE("n"));
	remember("n", &before);
	be(BOB, ALICE);
	FAILS(EPERM, chmod("n", 0777));
	be(BOB, BOB);
	FAILS(EPERM, chmod("n", 0642));
	be_root();
	EQUAL(0642, MODE("n"));
	EQUAL(0, moved("n", &before));
	/* Not in the group: no set-group-id bit. */
	WORKS(chown("n", ALICE, CAROL));
	be(ALICE, ALICE);
	WORKS(chmod("n", 02755));
	be_root();
	EQUAL(0755, MODE("n"));
	be_in(ALICE, ALICE, 1, (const gid_t[]){CAROL});
	WORKS(chmod("n", 02755));
	be_root();
	EQUAL(02755, MODE("n"));
	/* By a symbolic link. */
	WORKS(symlink("n", "l"));
	WORKS(chmod("l", 0505));
	EQUAL(0505, MODE("n"));
	EQUAL(0777, MODE("l"));
	FAILS(EOPNOTSUPP, fchmodat(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	remove_node("l");
	remove_node("n");
}

void test_chmod(void)
{
	unsigned k;
	int fd;

	for (k = 0; k < N_KINDS; k++)
		if (k != LINK)
			chmod_kind(k);
	note("%s", "fchmod");
	make_file("f", 0, 0);
	fd = open("f", O_RDONLY | O_CLOEXEC);
	WORKS(fchmod(fd, 0123));
	EQUAL(0123, MODE("f"));
	close(fd);
	/* The sticky bit on a file is root's on some systems, not here. */
	WORKS(chown("f", ALICE, ALICE));
	be(ALICE, ALICE);
	WORKS(chmod("f", 01644));
	be_root();
	EQUAL(01644, MODE("f"));
}

/* ---- chown ---- */

static bool owned(const char *path, uid_t uid, gid_t gid)
{
	struct stat st = lstat_of(path);

	return st.st_uid == uid && st.st_gid == gid;
}

static void chown_kind(enum kind kind)
{
	static const gid_t two[] = {BOB, CAROL};
	struct stat before;

	note("%s", kind_names[kind]);
	make_node(kind, "n");
	WORKS(lchown("n", 123, 456));
	HOLDS(owned("n", 123, 456));
	WORKS(lchown("n", 0, (gid_t)-1));
	HOLDS(owned("n", 0, 456));
	WORKS(lchown("n", (uid_t)-1, 0));
	HOLDS(owned("n", 0, 0));
	WORKS(lchown("n", 70000, 4294967294u));
	HOLDS(owned("n", 70000, 4294967294u));
	remember("n", &before);
	WORKS(lchown("n", ALICE, ALICE));
	EQUAL(CTIME, moved("n", &before));
	be_in(ALICE, ALICE, 2, two);
	WORKS(lchown("n", (uid_t)-1, CAROL));
	HOLDS(owned("n", ALICE, CAROL));
	WORKS(lchown("n", ALICE, BOB));
	HOLDS(owned("n", ALICE, BOB));
	remember("n", &before);
	FAILS(EPERM, lchown("n", BOB, (gid_t)-1));
	FAILS(EPERM, lchown("n", 0, BOB));
	FAILS(EPERM, lchown("n", (uid_t)-1, 12345));
	be_in(BOB, ALICE, 2, two);
	FAILS(EPERM, lchown("n", (uid_t)-1, BOB));
	FAILS(EPERM, lchown("n", BOB, BOB));
	FAILS(EPERM, lchown("n", ALICE, (gid_t)-1));
	be_root();
	HOLDS(owned("n", ALICE, BOB));
	EQUAL(0, moved("n", &before));
	/* Nothing is asked for: everybody may. */
	be(CAROL, CAROL);
	WORKS(lchown("n", (uid_t)-1, (gid_t)-1));
	be_root();
	HOLDS(owned("n", ALICE, BOB));
	if (kind != LINK) {
		WORKS(symlink("n", "l"));
		WORKS(chown("l", 1, 2));
		HOLDS(owned("n", 1, 2));
		HOLDS(owned("l", 0, 0));
		WORKS(lchown("l", 3, 4));
		HOLDS(owned("n", 1, 2));
		HOLDS(owned("l", 3, 4));
		remove_node("l");
	}
	remove_node("n");
}

static void chown_set_id(enum kind kind)
{
	static const gid_t groups[] = {BOB, CAROL};
	bool folder = kind == FOLDER;

	note("%s, set-id bits", kind_names[kind]);
	make_node(kind, "n");
	WORKS(chown("n", ALICE, BOB));
	WORKS(chmod("n", 06555));
	be_in(ALICE, BOB, 2, groups);
	WORKS(chown("n", ALICE, CAROL));
	EQUAL(folder ? 06555 : 0555, MODE("n"));
	be_root();
	WORKS(chmod("n", 06555));
	be_in(ALICE, BOB, 2, groups);
	WORKS(chown("n", (uid_t)-1, BOB));
	EQUAL(folder ? 06555 : 0555, MODE("n"));
	be_root();
	/* Root's does so too. */
	WORKS(chmod("n", 06755));
	WORKS(chown("n", 1, 1));
	EQUAL(folder ? 06755 : 0755, MODE("n"));
	WORKS(chmod("n", 06755));
	WORKS(chown("n", 2, (gid_t)-1));
	EQUAL(folder ? 06755 : 0755, MODE("n"));
	/* Without x for the group, the bit is not for running. */
	WORKS(chmod("n", 06744));
	WORKS(chown("n", (uid_t)-1, 3));
	EQUAL(folder ? 06744 : 02744, MODE("n"));
	remove_node("n");
}

void test_chown(void)
{
	unsigned k;
	int fd;

	for (k = 0; k < N_KINDS; k++) {
		chown_kind(k);
		if (k != LINK)
			chown_set_id(k);
	}
	note("%s", "fchown");
	make_file("f", 0, 0);
	fd = open("f", O_RDONLY | O_CLOEXEC);
	WORKS(fchown(fd, 5, 6));
	HOLDS(owned("f", 5, 6));
	close(fd);
}

/* ---- what a change of content does to set-id bits ---- */

/* A file that all may write to, with @mode; open for writing as BOB. */
static int open_for_bob(mode_t mode)
{
	int fd;

	make_file("f", 10000, 'a');
	WORKS(chown("f", ALICE, ALICE));
	WORKS(chmod("f", mode));
	/* A set-group-id bit without x goes or stays by the group. */
	be_in(BOB, BOB, 1, (const gid_t[]){ALICE});
	fd = open("f", O_RDWR | O_CLOEXEC);
	HOLDS(fd >= 0);
	return fd;
}

/* The mode as fstat and as stat say it. */
static void bits_are(mode_t want, int fd)
{
	struct stat st;

	WORKS(fstat(fd, &st));
	EQUAL(want, st.st_mode & 07777);
	EQUAL(want, MODE("f"));
	close(fd);
	be_root();
	remove_node("f");
}

void test_set_id(void)
{
	static const mode_t modes[][2] = {
		{04777, 0777}, {02777, 0777},  {06777, 0777},
		{0666, 0666},  {02666, 02666}, {06666, 02666},
	};
	unsigned i;
	int fd, in;

	for (i = 0; i < sizeof modes / sizeof *modes; i++) {
		mode_t from = modes[i][0], to = modes[i][1];

		note("write, mode %o", from);
		fd = open_for_bob(from);
		EQUAL(1, pwrite(fd, "x", 1, 0));
		bits_are(to, fd);
		note("nothing written, mode %o", from);
		fd = open_for_bob(from);
		EQUAL(0, pwrite(fd, "x", 0, 0));
		bits_are(from, fd);
		note("ftruncate, mode %o", from);
		fd = open_for_bob(from);
		WORKS(ftruncate(fd, 7));
		bits_are(to, fd);
		note("truncate, mode %o", from);
		fd = open_for_bob(from);
		WORKS(truncate("f", 20000));
		bits_are(to, fd);
		note("O_TRUNC, mode %o", from);
		fd = open_for_bob(from);
		WORKS(close(open("f", O_WRONLY | O_TRUNC | O_CLOEXEC)));
		bits_are(to, fd);
		note("fallocate, mode %o", from);
		fd = open_for_bob(from);
		WORKS(posix_fallocate(fd, 0, 20000) ? -1 : 0);
		bits_are(to, fd);
		note("punching, mode %o", from);
		fd = open_for_bob(from);
		WORKS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				0, 4096));
		bits_are(to, fd);
		note("copy_file_range, mode %o", from);
		make_file("g", 10000, 'b');
		in = open("g", O_RDONLY | O_CLOEXEC);
		fd = open_for_bob(from);
		EQUAL(10000, copy_file_range(in, NULL, fd, NULL, 10000, 0));
		bits_are(to, fd);
		close(in);
		remove_node("g");
		note("root writes, mode %o", from);
		fd = open_for_bob(from);
		be_root();
		EQUAL(1, pwrite(fd, "x", 1, 0));
		WORKS(ftruncate(fd, 100));
		bits_are(from, fd);
		note("utimens, mode %o", from);
		fd = open_for_bob(from);
		WORKS(futimens(fd, NULL));
		bits_are(from, fd);
	}
}
