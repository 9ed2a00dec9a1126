/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_TREE_LOCK_H
#define FS_TREE_LOCK_H

/* The tree lock until the end of the enclosing block; for tree_internal.h's files. */

#include <pthread.h>

#include "fs/tree_internal.h"

static inline void tree_unlock_at_end(pthread_rwlock_t **lock)
{
	pthread_rwlock_unlock(*lock);
}

static inline pthread_rwlock_t *tree_lock_read(struct tree *t)
{
	pthread_rwlock_rdlock(&t->lock);
	return &t->lock;
}

static inline pthread_rwlock_t *tree_lock_write(struct tree *t)
{
	pthread_rwlock_wrlock(&t->lock);
	return &t->lock;
}

#define TREE_LOCK_GUARD_                                                      \
	__attribute__((cleanup(tree_unlock_at_end), unused)) pthread_rwlock_t *
#define READ_LOCK(t) TREE_LOCK_GUARD_ read_guard_ = tree_lock_read(t)
#define WRITE_LOCK(t) TREE_LOCK_GUARD_ write_guard_ = tree_lock_write(t)

#endif
