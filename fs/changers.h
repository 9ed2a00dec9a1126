/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_CHANGERS_H
#define FS_CHANGERS_H

/*
 * Who changed something in the mount: the threads, by id and start time, so
 * that a number that the kernel gave to another thread is not taken for it.
 * Needed to tell sync(1) from a program that saves (docs/semantics.md, fsync).
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CHANGERS_MAX = 4096 };

struct changers {
	pthread_mutex_t lock;
	struct changer {
		pid_t tid;
		uint64_t start;   /* field 22 of /proc/TID/stat, in ticks */
		int64_t checked;  /* CLOCK_MONOTONIC seconds */
	} *v;
	unsigned n;
	unsigned last;            /* most recently noted */
};

void changers_init(struct changers *c);
void changers_release(struct changers *c);

/* changers_note - thread @tid changes something now.  Cheap when it is known. */
void changers_note(struct changers *c, pid_t tid);

/* changers_has - whether any thread of the process of @tid is noted; true for
 * one that cannot be known (0: of another pid namespace). */
bool changers_has(struct changers *c, pid_t tid);

#endif
