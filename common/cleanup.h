/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_CLEANUP_H
#define COMMON_CLEANUP_H

/*
 * Scope guards.  A local marked AUTO_FREE or AUTO_FD is released when it goes
 * out of scope; STEAL_PTR and STEAL_FD hand it on instead.  LOCK_GUARD holds a
 * mutex until the end of the enclosing block.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_fd(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

static inline pthread_mutex_t *cleanup_lock(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	return lock;
}

static inline void *cleanup_steal_ptr(void *p)
{
	void *value = *(void **)p;

	*(void **)p = NULL;
	return value;
}

static inline int cleanup_steal_fd(int *fd)
{
	int value = *fd;

	*fd = -1;
	return value;
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_FD __attribute__((cleanup(cleanup_fd)))

#define CLEANUP_CAT_(a, b) a##b
#define CLEANUP_CAT(a, b) CLEANUP_CAT_(a, b)
#define LOCK_GUARD(mutex)                                                     \
	__attribute__((cleanup(cleanup_unlock), unused)) pthread_mutex_t      \
		*CLEANUP_CAT(guard_, __LINE__) = cleanup_lock(mutex)

#define STEAL_PTR(p) ((__typeof__(p))cleanup_steal_ptr(&(p)))
#define STEAL_FD(fd) cleanup_steal_fd(&(fd))

#endif
