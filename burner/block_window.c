/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/block_window.h"

#include <stdbool.h>
#include <string.h>

#include "burner/disc_ops.h"

/* Whether the blocks from @lba on, as far as the image has them, are there. */
static bool fill(struct block_window *w, struct disc *disc, uint64_t lba)
{
	uint64_t end = disc_readable(disc) / DISC_BLOCK;
	unsigned n = WINDOW_BLOCKS;

	w->n = 0;
	if (end < lba + n)
		n = end > lba ? (unsigned)(end - lba) : 0;
	if (n == 0)
		return false;
	if (disc_read(disc, w->data, (size_t)n * DISC_BLOCK,
		      lba * DISC_BLOCK) < 0) {
		w->alone = lba + n;
		return false;
	}
	w->lba = lba;
	w->n = n;
	return true;
}

int window_read(struct block_window *w, struct disc *disc, uint64_t lba,
		unsigned char buf[DISC_BLOCK])
{
	bool in_order = lba == w->next && lba >= w->alone;
	bool there = lba >= w->lba && lba - w->lba < w->n;

	w->next = lba + 1;
	if (!there && in_order && disc_fd(disc) >= 0)
		there = fill(w, disc, lba);
	if (!there)
		return disc_read(disc, buf, DISC_BLOCK, lba * DISC_BLOCK);
	memcpy(buf, w->data + (lba - w->lba) * DISC_BLOCK, DISC_BLOCK);
	return 0;
}
