/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "common/heap.h"

/* 600 bytes each: less than that is soon taken up again. */
enum { WORTH_IT = 20000 };

/*
 * tcmalloc needs two thirds of the processor time that glibc's malloc needs for
 * a commit, and less memory.  The sanitizers have a malloc of their own.
 */
#ifdef HAVE_TCMALLOC
#include <gperftools/malloc_extension_c.h>

void heap_prepare(void)
{
}

void heap_release(uint64_t nodes)
{
	if (nodes < WORTH_IT)
		return;
	/* With what this thread keeps for itself. */
	MallocExtension_MarkThreadTemporarilyIdle();
	MallocExtension_ReleaseFreeMemory();
}
#else
#include <malloc.h>

/*
 * In glibc's main arena a commit's thread takes a fifth less of the time: the
 * others grow by single pages, and do not give back what the tree leaves.
 */
void heap_prepare(void)
{
	mallopt(M_ARENA_MAX, 1);
}

void heap_release(uint64_t nodes)
{
	if (nodes >= WORTH_IT)
		malloc_trim(0);
}
#endif
