/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_COND_H
#define COMMON_COND_H

/*
 * Waiting for a condition, but not for ever.  All of it goes by
 * CLOCK_MONOTONIC: a wall clock that is set back by an hour would make a wait
 * of seconds last an hour.
 *
 * cond_init - @cond for cond_wait_until.  A condition variable that was made
 *	by pthread_cond_init(3) or an initializer goes by the wall clock.
 * cond_after_ms - the moment that is @ms milliseconds behind @t.
 * cond_in_ms - the one that is as far behind now.
 * cond_wait_until - as pthread_cond_wait(3), with @lock held; 0, or ETIMEDOUT
 *	once it is @until.
 */

#include <pthread.h>
#include <time.h>

static inline void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

static inline struct timespec cond_after_ms(struct timespec t, int ms)
{
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	return t;
}

static inline struct timespec cond_in_ms(int ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return cond_after_ms(now, ms);
}

static inline int cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock,
				  const struct timespec *until)
{
	return pthread_cond_timedwait(cond, lock, until);
}

#endif
