/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * direct FILE SECONDS - direct and buffered at once (direct.sh).
 *
 * Some threads write their parts of FILE past the page cache, by write(2) and
 * by asynchronous I/O; others read all of it through the cache, by read(2) and
 * a mapping, all the time.  Once a write is over, who reads its part through
 * the cache must see it.
 *
 * Prints how many writes there were, and ends with 1 at the first stale byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PART = 64 * 1024, WRITERS = 3, READERS = 2, ALIGN = 4096 };

static int direct_fd, cached_fd;
static const char *mapping;
static atomic_bool over;
static atomic_uint writes;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void write_sync(const char *buf, off_t pos)
{
	if (pwrite(direct_fd, buf, PART, pos) != PART)
		die("a direct write");
}

static void write_async(aio_context_t ctx, const char *buf, off_t pos)
{
	/* In two halves, both under way at once. */
	struct iocb cbs[2], *list[] = {&cbs[0], &cbs[1]};
	struct io_event events[2];

	for (int i = 0; i < 2; i++)
		cbs[i] = (struct iocb){
			.aio_fildes = (unsigned)direct_fd,
			.aio_lio_opcode = IOCB_CMD_PWRITE,
			.aio_buf = (uintptr_t)buf + (size_t)i * PART / 2,
			.aio_nbytes = PART / 2,
			.aio_offset = pos + i * PART / 2,
		};
	if (syscall(SYS_io_submit, ctx, 2, list) != 2)
		die("io_submit");
	if (syscall(SYS_io_getevents, ctx, 2, 2, events, NULL) != 2)
		die("io_getevents");
	for (int i = 0; i < 2; i++)
		if (events[i].res != PART / 2)
			die("an asynchronous write");
}

static void compare(const char *how, const char *is, const char *want, int part)
{
	for (int i = 0; i < PART; i++)
		if (is[i] != want[i]) {
			printf("part %d, byte %d, %s: %d, not %d\n", part, i,
			       how, is[i], want[i]);
			exit(1);
		}
}

static void *run_writer(void *arg)
{
	int part = *(const int *)arg;
	off_t pos = (off_t)part * PART;
	static _Thread_local char seen[PART];
	aio_context_t ctx = 0;
	char *buf;

	if (syscall(SYS_io_setup, 2, &ctx))
		die("io_setup");
	buf = aligned_alloc(ALIGN, PART);
	for (unsigned n = 1; buf && !atomic_load(&over); n++) {
		memset(buf, (int)n, PART);
		if (n % 4)
			write_async(ctx, buf, pos);
		else
			write_sync(buf, pos);
		if (pread(cached_fd, seen, PART, pos) != PART)
			die("pread");
		compare("read", seen, buf, part);
		compare("mapped", mapping + pos, buf, part);
		atomic_fetch_add(&writes, 1);
	}
	free(buf);
	syscall(SYS_io_destroy, ctx);
	return NULL;
}

static void *run_reader(void *arg)
{
	static _Thread_local char buf[WRITERS * PART];
	int sum = 0;

	(void)arg;
	while (!atomic_load(&over)) {
		if (pread(cached_fd, buf, sizeof buf, 0) < 0)
			die("pread");
		for (int i = 0; i < WRITERS * PART; i += ALIGN)
			sum += mapping[i];
	}
	return sum ? arg : NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[WRITERS + READERS];
	int parts[WRITERS];

	if (argc != 3)
		return 2;
	cached_fd = open(argv[1], O_RDWR | O_CREAT, 0644);
	direct_fd = open(argv[1], O_RDWR | O_DIRECT);
	if (cached_fd < 0 || direct_fd < 0 ||
	    posix_fallocate(cached_fd, 0, WRITERS * PART))
		die(argv[1]);
	mapping =
		mmap(NULL, WRITERS * PART, PROT_READ, MAP_SHARED, cached_fd, 0);
	if (mapping == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < WRITERS + READERS; i++) {
		if (i < WRITERS)
			parts[i] = i;
		if (pthread_create(&threads[i], NULL,
				   i < WRITERS ? run_writer : run_reader,
				   i < WRITERS ? &parts[i] : NULL))
			die("pthread_create");
	}
	sleep((unsigned)atoi(argv[2]));
	atomic_store(&over, true);
	for (int i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	printf("%u writes\n", atomic_load(&writes));
	return 0;
}
