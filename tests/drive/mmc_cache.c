/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drive's write cache: what a power cut takes.  Blocks leave it in the
 * order in which they came.
 */
#include "tests/drive/mmc_parts.h"

static uint8_t *slot(const struct mmc *m, uint32_t i)
{
	return m->cache + (size_t)(i % MMC_CACHE_BLOCKS) * MMC_BLOCK;
}

static void burn_oldest(struct mmc *m)
{
	struct mmc_state *s = m->s;
	uint32_t i = s->cache_first % MMC_CACHE_BLOCKS;
	uint32_t lba = s->cache_lba[i];

	memcpy(m->data + (size_t)lba * MMC_BLOCK, slot(m, i), MMC_BLOCK);
	m->map[lba] = MMC_WRITTEN;
	s->cache_first = (i + 1) % MMC_CACHE_BLOCKS;
	s->cache_n--;
}

const uint8_t *mmc_cache_find(const struct mmc *m, uint32_t lba)
{
	const struct mmc_state *s = m->s;

	/* The newest copy counts. */
	for (uint32_t n = s->cache_n; n > 0; n--) {
		uint32_t i = (s->cache_first + n - 1) % MMC_CACHE_BLOCKS;

		if (s->cache_lba[i] == lba)
			return slot(m, i);
	}
	return NULL;
}

void mmc_cache_put(struct mmc *m, uint32_t lba, const uint8_t *block)
{
	struct mmc_state *s = m->s;
	uint32_t i;

	if (s->cache_n == MMC_CACHE_BLOCKS)
		burn_oldest(m);
	i = (s->cache_first + s->cache_n) % MMC_CACHE_BLOCKS;
	s->cache_lba[i] = lba;
	memcpy(slot(m, i), block, MMC_BLOCK);
	s->cache_n++;
}

void mmc_cache_flush(struct mmc *m)
{
	while (m->s->cache_n > 0)
		burn_oldest(m);
}

uint32_t mmc_cache_lose(struct mmc *m)
{
	struct mmc_state *s = m->s;
	uint32_t lowest = UINT32_MAX;

	for (uint32_t n = 0; n < s->cache_n; n++) {
		uint32_t i = (s->cache_first + n) % MMC_CACHE_BLOCKS;

		if (s->cache_lba[i] < lowest)
			lowest = s->cache_lba[i];
	}
	s->cache_n = 0;
	return lowest;
}
