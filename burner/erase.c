/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/erase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "burner/blank.h"
#include "burner/disc_ops.h"
#include "burner/library.h"
#include "common/cleanup.h"
#include "common/io.h"

enum { STEP = BLANK_PLACE_BLOCKS * DISC_BLOCK };

static int write_zeros(int fd, uint64_t pos, uint64_t end)
{
	AUTO_FREE void *zeros = calloc(1, STEP);
	int err = zeros ? 0 : -ENOMEM;

	for (; !err && pos < end; pos += STEP) {
		size_t n = end - pos < STEP ? (size_t)(end - pos) : STEP;

		err = io_write_at(fd, zeros, n, pos);
	}
	return err;
}

int erase_file(int fd, uint64_t pos, uint64_t end)
{
	int err = 0;

	if (pos < end &&
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)pos, (off_t)(end - pos)) < 0)
		err = write_zeros(fd, pos, end);
	if (!err && fsync(fd) < 0)
		err = -errno;
	return err;
}

size_t erase_list(struct disc *disc, uint64_t lba, uint64_t blocks,
		  uint64_t ret_lbas[ERASE_PARTS_MAX])
{
	AUTO_FREE unsigned char *buf = malloc(STEP);
	uint64_t medium = disc_readable(disc) / DISC_BLOCK;
	struct blank_place places[BLANK_PLACES_MAX];
	size_t n = blank_places(medium, places), found = 0;
	uint64_t end = blocks < medium - lba ? lba + blocks : medium;

	for (size_t i = 0; buf && lba < medium && i < n; i++) {
		uint64_t at = places[i].lba;
		uint64_t to = at + places[i].blocks;

		for (; at < to && found < ERASE_PARTS_MAX;
		     at += BLANK_PLACE_BLOCKS) {
			uint64_t len = medium - at < BLANK_PLACE_BLOCKS
					       ? medium - at
					       : BLANK_PLACE_BLOCKS;

			/* What cannot be read, nobody finds. */
			if (at + len > lba && at < end &&
			    disc_read(disc, buf, (size_t)len * DISC_BLOCK,
				      at * DISC_BLOCK) == 0 &&
			    !blank_is_zero(buf, (size_t)len * DISC_BLOCK))
				ret_lbas[found++] = at;
		}
	}
	return found;
}

int erase_parts(struct burn_drive *drive, uint64_t medium_blocks,
		const uint64_t *lbas, size_t n)
{
	AUTO_FREE char *zeros = calloc(1, STEP);
	int ret = 1;

	if (!zeros)
		return -ENOMEM;
	for (size_t i = 0; i < n && ret > 0; i++) {
		uint64_t len = medium_blocks - lbas[i] < BLANK_PLACE_BLOCKS
				       ? medium_blocks - lbas[i]
				       : BLANK_PLACE_BLOCKS;

		/* 1: nothing stays in the drive's memory. */
		ret = burn_random_access_write(
			drive, (off_t)(lbas[i] * DISC_BLOCK), zeros,
			(off_t)(len * DISC_BLOCK), i + 1 == n);
	}
	return ret > 0 ? 0 : -EIO;
}
