/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_STAGE_REFS_H
#define FS_STAGE_REFS_H

/*
 * How many references beyond the first each byte of the data file has: runs
 * of equal counts in a balanced tree.  Bytes with one reference or none are
 * not in it, so that it is empty where nothing was cloned.  No lock; for
 * stage_data.c, under its own.
 */

#include <stdint.h>

struct refs_run;

/* Zero-initialized is empty. */
struct stage_refs {
	struct refs_run *root;
	uint32_t random; /* state of the priorities' generator */
};

void stage_refs_release(struct stage_refs *r);

/* stage_refs_add - one reference more for pos .. +len.  0 or -ENOMEM, after
 * which the counts are of no use any more. */
int stage_refs_add(struct stage_refs *r, uint64_t pos, uint64_t len);

/*
 * stage_refs_sub - one reference less; for each part that had no more than
 * the first one, @last is called, in order.  As stage_refs_add on -ENOMEM.
 */
int stage_refs_sub(struct stage_refs *r, uint64_t pos, uint64_t len,
		   void (*last)(void *arg, uint64_t pos, uint64_t len),
		   void *arg);

/* stage_refs_append - @extra references for a range behind all others. */
int stage_refs_append(struct stage_refs *r, uint64_t pos, uint64_t len,
		      uint32_t extra);

/* stage_refs_at - the count of the byte at @pos. */
uint32_t stage_refs_at(const struct stage_refs *r, uint64_t pos);

#endif
