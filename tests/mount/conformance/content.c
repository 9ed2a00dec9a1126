/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content: truncate, fallocate, reading and writing, holes, copy_file_range.
 */
#include "tests/mount/conformance/conformance.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>

static int open_rw(const char *path)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	if (fd < 0)
		abort();
	return fd;
}

/* Whether [@off, +@len) of @fd is all @byte. */
static bool range_is(int fd, off_t off, size_t len, int byte)
{
	char *buf = malloc(len);
	bool is = buf && pread(fd, buf, len, off) == (ssize_t)len;
	size_t i;

	for (i = 0; is && i < len; i++)
		is = buf[i] == (char)byte;
	free(buf);
	return is;
}

/* ---- truncate ---- */

static void sizes(int by_fd)
{
	static const off_t v[] = {0,	1,    100,   4095, 4096, 4097, 12345,
				  5000, 1000, 70000, 1,	   0,	 2048};
	int fd = open_rw("f");
	unsigned i;

	for (i = 0; i < sizeof v / sizeof *v; i++) {
		note("size %lld", (long long)v[i]);
		WORKS(by_fd ? ftruncate(fd, v[i]) : truncate("f", v[i]));
		EQUAL(v[i], lstat_of("f").st_size);
		HOLDS(v[i] == 0 || range_is(fd, 0, (size_t)v[i], 0));
	}
	note("%s", "what was cut does not come back");
	EQUAL(8, pwrite(fd, "abcdefgh", 8, 0));
	WORKS(by_fd ? ftruncate(fd, 3) : truncate("f", 3));
	WORKS(by_fd ? ftruncate(fd, 9) : truncate("f", 9));
	HOLDS(range_is(fd, 3, 6, 0));
	HOLDS(range_is(fd, 0, 1, 'a'));
	close(fd);
	remove_node("f");
}

static void truncate_times(void)
{
	struct stat before;
	int fd;

	note("%s", "times");
	make_file("f", 10, 'a');
	remember("f", &before);
	WORKS(truncate("f", 5));
	EQUAL(MTIME | CTIME, moved("f", &before));
	remember("f", &before);
	WORKS(truncate("f", 500));
	EQUAL(MTIME | CTIME, moved("f", &before));
	/* ftruncate to the same size marks both as well. */
	fd = open_rw("f");
	remember("f", &before);
	WORKS(ftruncate(fd, 500));
	EQUAL(MTIME | CTIME, moved("f", &before));
	remember("f", &before);
	FAILS(EINVAL, ftruncate(fd, -1));
	FAILS(EINVAL, truncate("f", -1));
	close(fd);
	WORKS(chmod("f", 0644));
	remember("f", &before);
	be(BOB, BOB);
	FAILS(EACCES, truncate("f", 1));
	be_root();
	EQUAL(0, moved("f", &before));
	EQUAL(500, lstat_of("f").st_size);
	remove_node("f");
}

static void truncate_refused(void)
{
	struct rlimit was, low = {.rlim_cur = 1000};
	unsigned k;
	int fd;

	for (k = 0; k < N_KINDS; k++) {
		note("%s", kind_names[k]);
		if (k == REGULAR || k == LINK)
			continue;
		make_node(k, "n");
		FAILS(k == FOLDER ? EISDIR : EINVAL, truncate("n", 1));
		remove_node("n");
	}
	note("%s", "too large");
	make_file("f", 1, 'a');
	FAILS(EFBIG, truncate("f", INT64_MAX));
	EQUAL(1, lstat_of("f").st_size);
	note("%s", "RLIMIT_FSIZE");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	low.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &low);
	FAILS(EFBIG, truncate("f", 1001));
	WORKS(truncate("f", 1000));
	fd = open_rw("f");
	FAILS(EFBIG, pwrite(fd, "x", 1, 1000));
	EQUAL(1, pwrite(fd, "xy", 2, 999));
	setrlimit(RLIMIT_FSIZE, &was);
	close(fd);
	remove_node("f");
	note("%s", "by a read-only descriptor");
	make_file("f", 1, 'a');
	WORKS(chmod("f", 0444));
	WORKS(chown("f", ALICE, ALICE));
	be(ALICE, ALICE);
	FAILS(EACCES, truncate("f", 0));
	be_root();
	remove_node("f");
	/* The right is that of when it was opened. */
	be(ALICE, ALICE);
	fd = open("g", O_CREAT | O_RDWR | O_CLOEXEC, 0);
	WORKS(ftruncate(fd, 100));
	EQUAL(1, write(fd, "x", 1));
	be(BOB, BOB);
	WORKS(ftruncate(fd, 10));
	be_root();
	EQUAL(10, lstat_of("g").st_size);
	close(fd);
	remove_node("g");
}

void test_truncate(void)
{
	sizes(0);
	sizes(1);
	truncate_times();
	truncate_refused();
}

/* ---- fallocate ---- */

void test_allocate(void)
{
	struct stat before;
	int fd;

	note("%s", "posix_fallocate");
	make_file("f", 567, 'a');
	remember("f", &before);
	fd = open_rw("f");
	EQUAL(0, posix_fallocate(fd, 567, 10918 - 567));
	EQUAL(10918, lstat_of("f").st_size);
	EQUAL(CTIME, moved("f", &before) & CTIME);
	HOLDS(range_is(fd, 0, 567, 'a'));
	HOLDS(range_is(fd, 567, 10000, 0));
	EQUAL(0, posix_fallocate(fd, 0, 100));
	EQUAL(10918, lstat_of("f").st_size);
	EQUAL(0, posix_fallocate(fd, 20000, 5));
	EQUAL(20005, lstat_of("f").st_size);
	EQUAL(EINVAL, posix_fallocate(fd, 0, 0));
	EQUAL(EINVAL, posix_fallocate(fd, -1, 10));
	EQUAL(EINVAL, posix_fallocate(fd, 0, -1));
	EQUAL(EFBIG, posix_fallocate(fd, INT64_MAX - 10, 10));
	note("%s", "KEEP_SIZE");
	WORKS(fallocate(fd, FALLOC_FL_KEEP_SIZE, 30000, 5));
	EQUAL(20005, lstat_of("f").st_size);
	note("%s", "PUNCH_HOLE");
	WORKS(ftruncate(fd, 0));
	make_file("f", 30000, 'p');
	remember("f", &before);
	WORKS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000,
			10000));
	EQUAL(MTIME | CTIME, moved("f", &before) & (MTIME | CTIME));
	HOLDS(range_is(fd, 0, 5000, 'p'));
	HOLDS(range_is(fd, 5000, 10000, 0));
	HOLDS(range_is(fd, 15000, 15000, 'p'));
	WORKS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 29000,
			10000));
	EQUAL(30000, lstat_of("f").st_size);
	HOLDS(range_is(fd, 29000, 1000, 0));
	note("%s", "ZERO_RANGE");
	WORKS(fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 100));
	HOLDS(range_is(fd, 99, 1, 'p') && range_is(fd, 100, 100, 0) &&
	      range_is(fd, 200, 1, 'p'));
	WORKS(fallocate(fd, FALLOC_FL_ZERO_RANGE, 29990, 100));
	EQUAL(30090, lstat_of("f").st_size);
	note("%s", "flags");
	FAILS(EOPNOTSUPP, fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	FAILS(EOPNOTSUPP, fallocate(fd, 0x4000, 0, 4096));
	close(fd);
	note("%s", "descriptors");
	fd = open("f", O_RDONLY | O_CLOEXEC);
	EQUAL(EBADF, posix_fallocate(fd, 0, 10));
	close(fd);
	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EQUAL(EBADF, posix_fallocate(fd, 0, 10));
	close(fd);
	remove_node("f");
}

/* ---- reading and writing ---- */

static void write_times(void)
{
	struct stat before;
	char buf[8];
	int fd = open_rw("f");

	note("%s", "times");
	remember("f", &before);
	EQUAL(5, write(fd, "hello", 5));
	EQUAL(MTIME | CTIME, moved("f", &before));
	remember("f", &before);
	EQUAL(0, write(fd, "", 0));
	EQUAL(0, moved("f", &before));
	EQUAL(5, pread(fd, buf, sizeof buf, 0));
	EQUAL(0, moved("f", &before) & (MTIME | CTIME));
	FAILS(EINVAL, pwrite(fd, "x", 1, -1));
	EQUAL(0, moved("f", &before) & (MTIME | CTIME));
	remember("f", &before);
	WORKS(fsync(fd));
	WORKS(fdatasync(fd));
	EQUAL(0, moved("f", &before));
	close(fd);
	remove_node("f");
}

static void vectors(void)
{
	struct iovec out[] = {
		{(char[]){"abc"}, 3}, {(char[]){""}, 0}, {(char[]){"defg"}, 4}};
	char a[2], b[10];
	struct iovec in[] = {{a, 2}, {b, 10}};
	int fd = open_rw("f");

	note("%s", "vectors");
	EQUAL(7, writev(fd, out, 3));
	EQUAL(7, pwritev(fd, out, 3, 100));
	EQUAL(0, lseek(fd, 0, SEEK_SET));
	EQUAL(12, readv(fd, in, 2));
	HOLDS(memcmp(a, "ab", 2) == 0 && memcmp(b, "cdefg", 6) == 0);
	EQUAL(7, preadv(fd, in, 2, 100));
	EQUAL(0, pread(fd, b, 5, 107));
	EQUAL(0, pread(fd, b, 5, 1 << 20));
	note("%s", "lseek");
	EQUAL(107, lseek(fd, 0, SEEK_END));
	EQUAL(1000, lseek(fd, 1000, SEEK_SET));
	FAILS(EINVAL, lseek(fd, -1, SEEK_SET));
	FAILS(EINVAL, lseek(fd, -2000, SEEK_CUR));
	FAILS(EINVAL, lseek(fd, 0, 99));
	EQUAL(1, write(fd, "z", 1));
	EQUAL(1001, lstat_of("f").st_size);
	HOLDS(range_is(fd, 107, 893, 0));
	close(fd);
	remove_node("f");
}

static void direct(void)
{
	enum { LEN = 16384 };
	char *buf;
	int fd, cached;

	note("%s", "O_DIRECT");
	buf = aligned_alloc(4096, LEN);
	if (!buf)
		abort();
	make_file("f", LEN, 'a');
	cached = open_rw("f");
	HOLDS(range_is(cached, 0, LEN, 'a'));
	fd = open("f", O_RDWR | O_DIRECT | O_CLOEXEC);
	HOLDS(fd >= 0);
	memset(buf, 'd', LEN);
	EQUAL(4096, pwrite(fd, buf, 4096, 4096));
	HOLDS(range_is(cached, 4096, 4096, 'd'));
	HOLDS(range_is(cached, 8192, 4096, 'a'));
	EQUAL(4096, pwrite(cached, buf, 4096, 8192));
	EQUAL(LEN, pread(fd, buf, LEN, 0));
	HOLDS(buf[0] == 'a' && buf[4096] == 'd' && buf[12287] == 'd' &&
	      buf[12288] == 'a');
	EQUAL(0, pread(fd, buf, 4096, LEN));
	EQUAL(4096, pwrite(fd, buf, 4096, LEN));
	EQUAL(LEN + 4096, lstat_of("f").st_size);
	close(fd);
	close(cached);
	free(buf);
	remove_node("f");
}

static void holes(void)
{
	int fd = open_rw("f");

	note("%s", "holes");
	EQUAL(4096, pwrite(fd, (char[4096]){1}, 4096, 1 << 20));
	WORKS(ftruncate(fd, 2 << 20));
	EQUAL(1 << 20, lseek(fd, 0, SEEK_DATA));
	EQUAL(0, lseek(fd, 0, SEEK_HOLE));
	EQUAL((1 << 20) + 4096, lseek(fd, 1 << 20, SEEK_HOLE));
	FAILS(ENXIO, lseek(fd, (1 << 20) + 4096, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 2 << 20, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 2 << 20, SEEK_HOLE));
	FAILS(ENXIO, lseek(fd, -1, SEEK_DATA));
	HOLDS(lstat_of("f").st_blocks <= 64);
	HOLDS(lstat_of("f").st_blocks >= 8);
	WORKS(ftruncate(fd, 0));
	FAILS(ENXIO, lseek(fd, 0, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 0, SEEK_HOLE));
	EQUAL(3, pwrite(fd, "abc", 3, 0));
	EQUAL(0, lseek(fd, 0, SEEK_DATA));
	EQUAL(3, lseek(fd, 0, SEEK_HOLE));
	close(fd);
	remove_node("f");
}

void test_content(void)
{
	write_times();
	vectors();
	direct();
	holes();
	note("%s", "too far");
	{
		int fd = open_rw("f");

		FAILS(EFBIG, pwrite(fd, "x", 1, INT64_MAX - 1));
		EQUAL(0, lstat_of("f").st_size);
		close(fd);
		remove_node("f");
	}
}

/* ---- copy_file_range ---- */

void test_sharing(void)
{
	struct stat before;
	off_t from, to;
	int a, b;

	make_file("a", 30000, 'a');
	a = open_rw("a");
	b = open_rw("b");
	note("%s", "whole");
	remember("b", &before);
	EQUAL(30000, copy_file_range(a, NULL, b, NULL, 50000, 0));
	EQUAL(30000, lseek(a, 0, SEEK_CUR));
	EQUAL(30000, lseek(b, 0, SEEK_CUR));
	EQUAL(MTIME | CTIME, moved("b", &before) & (MTIME | CTIME));
	EQUAL(0, copy_file_range(a, NULL, b, NULL, 50000, 0));
	HOLDS(range_is(b, 0, 30000, 'a'));
	note("%s", "each is its own");
	EQUAL(5, pwrite(a, "XXXXX", 5, 100));
	HOLDS(range_is(b, 0, 30000, 'a'));
	EQUAL(5, pwrite(b, "YYYYY", 5, 200));
	HOLDS(range_is(a, 200, 1000, 'a'));
	note("%s", "a part");
	from = 50;
	to = 40000;
	EQUAL(1000, copy_file_range(a, &from, b, &to, 1000, 0));
	EQUAL(1050, from);
	EQUAL(41000, to);
	EQUAL(41000, lstat_of("b").st_size);
	HOLDS(range_is(b, 40000, 50, 'a'));
	HOLDS(range_is(b, 40050, 5, 'X'));
	HOLDS(range_is(b, 30000, 10000, 0));
	note("%s", "within one file");
	from = 0;
	to = 100000;
	EQUAL(500, copy_file_range(b, &from, b, &to, 500, 0));
	HOLDS(range_is(b, 100200, 5, 'Y'));
	from = 0;
	to = 100;
	FAILS(EINVAL, copy_file_range(b, &from, b, &to, 500, 0));
	note("%s", "refused");
	from = 0;
	to = 0;
	FAILS(EINVAL, copy_file_range(a, &from, b, &to, 500, 1));
	close(b);
	b = open("b", O_RDONLY | O_CLOEXEC);
	FAILS(EBADF, copy_file_range(a, &from, b, &to, 500, 0));
	close(b);
	b = open("b", O_WRONLY | O_APPEND | O_CLOEXEC);
	FAILS(EBADF, copy_file_range(a, &from, b, &to, 500, 0));
	close(b);
	b = open(".", O_RDONLY | O_CLOEXEC);
	FAILS(EISDIR, copy_file_range(b, &from, a, &to, 500, 0));
	close(b);
	close(a);
}
