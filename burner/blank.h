/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_BLANK_H
#define BURNER_BLANK_H

/*
 * Inside burner/ only: whether there is anything on a medium whose head is all
 * zero.  Many a thing begins with zeros: btrfs has its superblock at 64 KiB,
 * Nero's images have a pregap, music begins in silence.
 *
 * An image file is read to its end, but for its holes.  Of a medium in a drive
 * these places are (blank_places):
 *
 *	the first 4 MiB
 *	64 KiB at each power of two from 8 MiB on
 *	64 KiB at each sixteenth of the medium
 *	the last 1 MiB
 *
 * What is in none of them and has a head of zeros, no reader would find.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "burner/disc.h"

enum {
	BLANK_PLACE_BLOCKS = 32, /* whole ones of each kind of medium */
	BLANK_PLACES_MAX = 64,
};

/* Blocks that do not count: what a burn of ours left.  0 blocks: none. */
struct blank_rest {
	uint64_t lba, blocks;
};

struct blank_place {
	uint64_t lba;
	uint64_t blocks;
};

/* What a file was like when all of it was zero. */
struct blank_memory {
	bool known;
	off_t size;
	struct timespec mtime, ctime;
};

/* blank_is_zero - whether all @len bytes are. */
bool blank_is_zero(const void *bytes, size_t len);

/*
 * blank_file - whether the file @fd reads zero to its end, but for @rest.  Not
 * read again while @memory, which the caller zeroes at first, shows that
 * nobody wrote to it.
 * Returns 1; 0 with the first byte that is not zero in *@ret_pos; -errno.
 */
int blank_file(int fd, const struct blank_rest *rest,
	       struct blank_memory *memory, uint64_t *ret_pos);

/*
 * blank_places - where a medium of @blocks is looked at, by address; places do
 * not overlap, and all are multiples of BLANK_PLACE_BLOCKS but for the end of
 * the last one.  Returns their number.
 */
size_t blank_places(uint64_t blocks, struct blank_place ret[BLANK_PLACES_MAX]);

/*
 * blank_medium - as blank_file, of the places of @disc that can be read.  What
 * was never written a drive may refuse to read: it is taken for nothing.
 */
int blank_medium(struct disc *disc, const struct blank_rest *rest,
		 uint64_t *ret_pos);

#endif
