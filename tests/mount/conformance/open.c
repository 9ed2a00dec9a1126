/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open: flags, permissions, and what it does to times.
 */
#include "tests/mount/conformance/conformance.h"

#include <sys/wait.h>

/* Open and close. */
static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static void times(void)
{
	struct stat dir, file;

	note("%s", "times");
	make_file("f", 5, 'a');
	remember(".", &dir);
	file = lstat_of("f");
	WORKS(try_open("f", O_CREAT | O_RDONLY));
	WORKS(try_open("f", O_CREAT | O_RDWR));
	EQUAL(0, moved(".", &dir));
	EQUAL(0, moved("f", &file));
	FAILS(EEXIST, try_open("f", O_CREAT | O_EXCL | O_RDWR));
	WORKS(try_open("f", O_WRONLY | O_TRUNC));
	EQUAL(MTIME | CTIME, moved("f", &file));
	EQUAL(0, lstat_of("f").st_size);
	EQUAL(0, moved(".", &dir));
	/* An empty file too. */
	remember("f", &file);
	WORKS(try_open("f", O_WRONLY | O_TRUNC));
	EQUAL(MTIME | CTIME, moved("f", &file));
	make_file("f", 5, 'a');
	remember("f", &file);
	WORKS(try_open("f", O_WRONLY | O_APPEND));
	EQUAL(0, moved("f", &file));
	EQUAL(5, lstat_of("f").st_size);
	remove_node("f");
}

/* What each of the nine bits lets the owner, a member of the group and others
 * do. */
static void permissions(void)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		int shift;
	} who[] = {{ALICE, CAROL, 6}, {BOB, ALICE, 3}, {BOB, BOB, 0}};
	unsigned w, bits;

	make_file("f", 3, 'a');
	WORKS(chown("f", ALICE, ALICE));
	for (w = 0; w < 3; w++)
		for (bits = 0; bits < 8; bits++) {
			bool r = bits & 4, wr = bits & 2;

			note("mode bits %o of class %u", bits, w);
			/* All that the others have does not help. */
			WORKS(chmod("f", (0777 & ~(7u << who[w].shift)) |
						 bits << who[w].shift));
			be(who[w].uid, who[w].gid);
			if (r)
				WORKS(try_open("f", O_RDONLY));
			else
				FAILS(EACCES, try_open("f", O_RDONLY));
			if (wr)
				WORKS(try_open("f", O_WRONLY));
			else
				FAILS(EACCES, try_open("f", O_WRONLY));
			if (r && wr)
				WORKS(try_open("f", O_RDWR));
			else
				FAILS(EACCES, try_open("f", O_RDWR));
			if (wr)
				WORKS(truncate("f", 3));
			else
				FAILS(EACCES, truncate("f", 3));
			if (!wr)
				FAILS(EACCES,
				      try_open("f", O_RDONLY | O_TRUNC));
			be_root();
		}
	EQUAL(3, lstat_of("f").st_size);
	remove_node("f");
	/* Who makes a file may write to it whatever its mode is. */
	note("%s", "new");
	be(ALICE, ALICE);
	WORKS(try_open("n", O_CREAT | O_RDWR));
	be_root();
	remove_node("n");
}

static void kinds(void)
{
	unsigned k;

	for (k = 0; k < N_KINDS; k++) {
		note("%s", kind_names[k]);
		make_node(k, "n");
		if (k != FOLDER) {
			FAILS(k == LINK ? ENOTDIR : ENOTDIR,
			      try_open("n", O_RDONLY | O_DIRECTORY |
						    O_NOFOLLOW | O_NONBLOCK));
		}
		FAILS(EEXIST,
		      try_open("n", O_CREAT | O_EXCL | O_RDONLY | O_NONBLOCK));
		remove_node("n");
	}
	note("%s", "folder");
	make_node(FOLDER, "d");
	WORKS(try_open("d", O_RDONLY));
	WORKS(try_open("d", O_RDONLY | O_DIRECTORY));
	FAILS(EISDIR, try_open("d", O_WRONLY));
	FAILS(EISDIR, try_open("d", O_RDWR));
	FAILS(EISDIR, try_open("d", O_RDONLY | O_TRUNC));
	FAILS(EISDIR, try_open("d", O_RDONLY | O_CREAT));
	remove_node("d");
	note("%s", "fifo");
	make_node(FIFO, "p");
	FAILS(ENXIO, try_open("p", O_WRONLY | O_NONBLOCK));
	WORKS(try_open("p", O_RDONLY | O_NONBLOCK));
	remove_node("p");
	note("%s", "socket");
	make_node(SOCKET, "s");
	FAILS(ENXIO, try_open("s", O_RDONLY));
	FAILS(ENXIO, try_open("s", O_WRONLY));
	remove_node("s");
	note("%s", "symbolic link");
	WORKS(symlink("made", "l"));
	FAILS(ENOENT, try_open("l", O_RDWR));
	WORKS(try_open("l", O_RDWR | O_CREAT));
	HOLDS(S_ISREG(lstat_of("made").st_mode));
	FAILS(ELOOP, try_open("l", O_RDONLY | O_NOFOLLOW));
	FAILS(EEXIST, try_open("l", O_RDWR | O_CREAT | O_EXCL));
	remove_node("l");
	remove_node("made");
}

/* A program that runs cannot be written, what is written cannot be run. */
static void busy_text(void)
{
	char *const argv[] = {(char[]){"prog"}, (char[]){"1"}, NULL};
	int fds[2], status, fd;
	char path[64];
	pid_t pid;

	note("%s", "ETXTBSY");
	snprintf(path, sizeof path, "prog");
	if (system("cp \"$(command -v sleep)\" prog && chmod 755 prog"))
		abort();
	WORKS(pipe2(fds, O_CLOEXEC));
	pid = fork();
	if (pid == 0) {
		execv(path, argv);
		_exit(100);
	}
	close(fds[1]);
	/* The pipe ends when the program is there. */
	if (read(fds[0], path, 1) != 0)
		abort();
	FAILS(ETXTBSY, try_open("prog", O_WRONLY));
	FAILS(ETXTBSY, try_open("prog", O_RDWR));
	FAILS(ETXTBSY, try_open("prog", O_RDONLY | O_TRUNC));
	FAILS(ETXTBSY, truncate("prog", 1));
	WORKS(try_open("prog", O_RDONLY));
	WORKS(rename("prog", "prog2"));
	WORKS(rename("prog2", "prog"));
	WORKS(waitpid(pid, &status, 0));
	EQUAL(0, status);
	close(fds[0]);
	fd = open("prog", O_WRONLY | O_CLOEXEC);
	HOLDS(fd >= 0);
	FAILS(ETXTBSY, execv("prog", argv));
	close(fd);
	WORKS(chmod("prog", 0644));
	FAILS(EACCES, execv("prog", argv));
	remove_node("prog");
}

static void appending(void)
{
	char buf[16] = "";
	int a, b;

	note("%s", "O_APPEND");
	a = open("f", O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0644);
	b = open("f", O_RDWR | O_APPEND | O_CLOEXEC);
	EQUAL(2, write(a, "aa", 2));
	EQUAL(2, write(b, "bb", 2));
	EQUAL(1, write(a, "c", 1));
	EQUAL(0, lseek(a, 0, SEEK_SET));
	EQUAL(1, write(a, "d", 1));
	EQUAL(6, pread(b, buf, sizeof buf, 0));
	HOLDS(memcmp(buf, "aabbcd", 6) == 0);
	WORKS(ftruncate(a, 2));
	EQUAL(1, write(b, "e", 1));
	EQUAL(3, pread(b, buf, sizeof buf, 0));
	HOLDS(memcmp(buf, "aae", 3) == 0);
	close(a);
	close(b);
	remove_node("f");
}

void test_open(void)
{
	int fd;

	times();
	permissions();
	kinds();
	appending();
	busy_text();
	note("%s", "descriptors");
	make_file("f", 3, 'a');
	fd = open("f", O_RDONLY | O_CLOEXEC);
	FAILS(EBADF, write(fd, "x", 1));
	FAILS(EINVAL, ftruncate(fd, 1));
	close(fd);
	fd = open("f", O_WRONLY | O_CLOEXEC);
	FAILS(EBADF, read(fd, (char[1]){0}, 1));
	close(fd);
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FAILS(EISDIR, read(fd, (char[1]){0}, 1));
	close(fd);
	fd = open("f", O_PATH | O_CLOEXEC);
	FAILS(EBADF, write(fd, "x", 1));
	close(fd);
}
