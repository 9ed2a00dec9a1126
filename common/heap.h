/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_HEAP_H
#define COMMON_HEAP_H

/*
 * The process's heap.  libisofs makes a tree of millions of small pieces, and
 * drops it again, in a process that lives on.
 */

/* heap_prepare - for such a load; before it, once or often. */
void heap_prepare(void);

/*
 * heap_release - give what is free in the heap back to the system.  As slow as
 * there is much of it.
 */
void heap_release(void);

#endif
