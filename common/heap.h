/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_HEAP_H
#define COMMON_HEAP_H

#include <stdint.h>

/*
 * The process's heap.  libisofs makes a tree of millions of small pieces, and
 * drops it again, in a process that lives on.
 */

/* heap_prepare - for such a load; before it, once or often. */
void heap_prepare(void);

/*
 * heap_release - a tree of @nodes was dropped: give what is free in the heap
 * back to the system.  As slow as there is much of it; a small tree is not
 * worth it.
 */
void heap_release(uint64_t nodes);

#endif
