/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_RANGES_H
#define FS_STAGE_RANGES_H

/*
 * Lists of ranges of the data file, for stage_data.c: appended in any order,
 * sorted when they are looked at.  No lock.
 */

#include <stddef.h>
#include <stdint.h>

#include "fs/stage_data.h"

/* Space is given back to the file system below in blocks of this size. */
#define DATA_BLOCK 4096u

/* Zero-initialized is empty. */
struct range_list {
	struct data_range *v;
	size_t n, room;
};

void range_list_release(struct range_list *l);

/* range_list_add - append, or lengthen the last one.  0 or -ENOMEM. */
int range_list_add(struct range_list *l, uint64_t pos, uint64_t len);

/* range_list_move - append all of @from to @to; @from is empty then.  On
 * -ENOMEM both are as before. */
int range_list_move(struct range_list *to, struct range_list *from);

/*
 * range_list_split - join the ranges of @l, in any order, with those of
 * @rest, which are sorted (no two of them all overlap); call @whole for the
 * whole blocks of each joined range, and leave in @rest, sorted, what is no
 * whole block.  @l is sorted.
 * Returns 0, or -ENOMEM before anything was done.
 */
int range_list_split(struct range_list *l, struct range_list *rest,
		     uint64_t block,
		     void (*whole)(void *arg, uint64_t pos, uint64_t len),
		     void *arg);

/*
 * range_list_count - how often each byte is in @l: sorted runs of equal
 * counts, without the bytes that are in none.  The caller frees *@ret.
 */
struct range_count {
	uint64_t pos, len;
	uint32_t count;
};
int range_list_count(const struct range_list *l, struct range_count **ret,
		     size_t *ret_n);

#endif
