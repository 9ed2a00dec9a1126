/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wallclock.so - preloaded into a program: its wall clock can be set back, and
 * nobody else's.
 *
 *   WALLCLOCK_BACK=FILE  while there is such a file, the wall clock is an hour
 *                        behind
 *   WALLCLOCK_WAITS=FILE a line is added for each wait by the wall clock that
 *                        has an end
 *
 * A wait by CLOCK_REALTIME lasts until the clock has that time, as in the
 * kernel (clock_settime(2): "changing the time affects blocked threads").  One
 * by CLOCK_MONOTONIC, and one for a span of time, is what it always is.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { BACK_S = 3600, SLICE_NS = 20 * 1000 * 1000, SECOND_NS = 1000000000 };

static bool is_wall(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static bool is_back(void)
{
	const char *file = getenv("WALLCLOCK_BACK");
	int saved = errno;
	bool back = file && access(file, F_OK) == 0;

	errno = saved;
	return back;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	if (syscall(SYS_clock_gettime, clock, ret))
		return -1;
	if (is_wall(clock) && is_back())
		ret->tv_sec -= BACK_S;
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (struct timeval){.tv_sec = now.tv_sec,
				.tv_usec = now.tv_nsec / 1000};
	return 0;
}

/*
 * Which clock @cond was made for.  Only glibc itself knows; it keeps that in
 * the second bit of this word (nptl/pthread_cond_common.c).
 */
static bool goes_by_wall(const pthread_cond_t *cond)
{
	return !(cond->__data.__wrefs & 2);
}

/* The word above is what it is taken for. */
__attribute__((constructor)) static void check_word(void)
{
	pthread_cond_t wall = PTHREAD_COND_INITIALIZER, steady;
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&steady, &attr);
	if (goes_by_wall(&wall) && !goes_by_wall(&steady))
		return;
	fputs("wallclock.so: this C library has its words elsewhere\n", stderr);
	_exit(99);
}

static void note_wait(void)
{
	static const char line[] = "a wait by the wall clock\n";
	const char *file = getenv("WALLCLOCK_WAITS");
	int fd;

	if (!file)
		return;
	fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		abort();
	close(fd);
}

static bool is_over(const struct timespec *until)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec > until->tv_sec ||
	       (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond,
			   pthread_mutex_t *restrict lock,
			   const struct timespec *restrict until)
{
	struct timespec slice;
	int err;

	if (!goes_by_wall(cond))
		return pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC,
					      until);
	note_wait();
	while (!is_over(until)) {
		clock_gettime(CLOCK_MONOTONIC, &slice);
		slice.tv_nsec += SLICE_NS;
		slice.tv_sec += slice.tv_nsec / SECOND_NS;
		slice.tv_nsec %= SECOND_NS;
		err = pthread_cond_clockwait(cond, lock, CLOCK_MONOTONIC,
					     &slice);
		if (err != ETIMEDOUT)
			return err;
	}
	return ETIMEDOUT;
}
