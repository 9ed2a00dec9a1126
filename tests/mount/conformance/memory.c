/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mappings, and locks.
 */
#include "tests/mount/conformance/conformance.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { LEN = 16384 };

static char *map(int fd, int prot, int flags)
{
	char *p = mmap(NULL, LEN, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* The times of a mapping are marked between the store and msync at the latest.
 */
static void shared(void)
{
	struct stat before;
	char *p, *q, buf[8];
	int fd;

	note("%s", "shared");
	make_file("f", LEN, 'a');
	fd = open("f", O_RDWR | O_CLOEXEC);
	p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	q = map(fd, PROT_READ, MAP_SHARED);
	HOLDS(p[5000] == 'a');
	remember("f", &before);
	memcpy(p + 5000, "hello", 5);
	EQUAL(5, pread(fd, buf, 5, 5000));
	HOLDS(memcmp(buf, "hello", 5) == 0);
	HOLDS(memcmp(q + 5000, "hello", 5) == 0);
	EQUAL(3, pwrite(fd, "xyz", 3, 6000));
	HOLDS(memcmp(p + 6000, "xyz", 3) == 0);
	WORKS(msync(p, LEN, MS_SYNC));
	EQUAL(MTIME | CTIME, moved("f", &before) & (MTIME | CTIME));
	note("%s", "behind the end");
	WORKS(ftruncate(fd, 5002));
	HOLDS(p[5001] == 'e' && p[5003] == 0 && p[8191] == 0);
	WORKS(ftruncate(fd, LEN));
	HOLDS(p[5003] == 0 && p[LEN - 1] == 0);
	note("%s", "after close and unlink");
	close(fd);
	WORKS(unlink("f"));
	p[0] = 'Z';
	HOLDS(q[0] == 'Z');
	WORKS(msync(p, LEN, MS_SYNC));
	munmap(p, LEN);
	munmap(q, LEN);
}

static void private(void)
{
	char *p;
	int fd;

	note("%s", "private");
	make_file("f", LEN, 'a');
	fd = open("f", O_RDONLY | O_CLOEXEC);
	p = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	p[100] = 'x';
	WORKS(msync(p, LEN, MS_SYNC));
	munmap(p, LEN);
	HOLDS(file_is("f", LEN, 'a'));
	FAILS(EACCES,
	      (long)mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	remove_node("f");
}

/* Content that only a mapping wrote is there for the next one who opens. */
static void by_mapping_only(void)
{
	char *p;
	int fd;

	note("%s", "written by a mapping");
	fd = open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	WORKS(ftruncate(fd, LEN));
	p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	memset(p, 'm', LEN);
	munmap(p, LEN);
	close(fd);
	HOLDS(file_is("f", LEN, 'm'));
	fd = open("f", O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd >= 0) {
		char *buf = aligned_alloc(4096, LEN);

		EQUAL(LEN, read(fd, buf, LEN));
		HOLDS(buf && buf[0] == 'm' && buf[LEN - 1] == 'm');
		free(buf);
		close(fd);
	}
	remove_node("f");
}

void test_maps(void)
{
	shared();
	private();
	by_mapping_only();
}

/* ---- locks ---- */

/* What a lock of another process meets: 0 or the error. */
static int other_lock(short type, off_t start, off_t len, bool whole)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct flock l = {.l_type = type,
				  .l_whence = SEEK_SET,
				  .l_start = start,
				  .l_len = len};
		int fd = open("f", O_RDWR | O_CLOEXEC);
		int ret = whole ? flock(fd, type | LOCK_NB)
				: fcntl(fd, F_SETLK, &l);

		_exit(ret ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_locks(void)
{
	struct flock l = {.l_type = F_WRLCK,
			  .l_whence = SEEK_SET,
			  .l_start = 10,
			  .l_len = 10};
	int fd, other;

	make_file("f", 100, 'a');
	fd = open("f", O_RDWR | O_CLOEXEC);
	note("%s", "fcntl");
	WORKS(fcntl(fd, F_SETLK, &l));
	EQUAL(EAGAIN, other_lock(F_WRLCK, 15, 1, false));
	EQUAL(EAGAIN, other_lock(F_RDLCK, 0, 0, false));
	EQUAL(0, other_lock(F_WRLCK, 0, 10, false));
	EQUAL(0, other_lock(F_WRLCK, 20, 0, false));
	l.l_type = F_RDLCK;
	WORKS(fcntl(fd, F_SETLK, &l));
	EQUAL(0, other_lock(F_RDLCK, 15, 1, false));
	EQUAL(EAGAIN, other_lock(F_WRLCK, 15, 1, false));
	/* Any close of the file by the process drops them. */
	other = open("f", O_RDONLY | O_CLOEXEC);
	close(other);
	EQUAL(0, other_lock(F_WRLCK, 15, 1, false));
	note("%s", "open file description");
	l.l_type = F_WRLCK;
	l.l_pid = 0;
	WORKS(fcntl(fd, F_OFD_SETLK, &l));
	other = open("f", O_RDWR | O_CLOEXEC);
	FAILS(EAGAIN, fcntl(other, F_OFD_SETLK, &l));
	close(other);
	EQUAL(EAGAIN, other_lock(F_WRLCK, 15, 1, false));
	l.l_type = F_UNLCK;
	WORKS(fcntl(fd, F_OFD_SETLK, &l));
	note("%s", "flock");
	WORKS(flock(fd, LOCK_EX));
	EQUAL(EAGAIN, other_lock(LOCK_SH, 0, 0, true));
	WORKS(flock(fd, LOCK_SH));
	EQUAL(0, other_lock(LOCK_SH, 0, 0, true));
	EQUAL(EAGAIN, other_lock(LOCK_EX, 0, 0, true));
	WORKS(flock(fd, LOCK_UN));
	EQUAL(0, other_lock(LOCK_EX, 0, 0, true));
	close(fd);
}
