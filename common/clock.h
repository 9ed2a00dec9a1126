/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* clock_now_ms - milliseconds of the clock that nobody sets (CLOCK_MONOTONIC):
 * for all that waits. */
static inline int64_t clock_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* clock_nap_ms - sleep, at most so long: a signal ends it. */
static inline void clock_nap_ms(int ms)
{
	const struct timespec ts = {.tv_sec = ms / 1000,
				    .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&ts, NULL);
}

#endif
