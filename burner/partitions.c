/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/partitions.h"

#include <stdbool.h>
#include <string.h>

#include "burner/blank.h"
#include "burner/disc.h"
#include "burner/volume.h"

enum {
	SECTOR = 512,
	MBR_TABLE = 446,
	MBR_ENTRIES = 4,
	MBR_ENTRY_BYTES = 16,
	MBR_MAGIC = 510,
	MBR_PROTECTIVE = 0xee, /* covers what the GPT describes */
	/* UEFI 2.10, 5.3 */
	GPT_COPY_LBA = 32,
	GPT_ENTRIES_LBA = 72,
	GPT_N_ENTRIES = 80,
	GPT_ENTRY_BYTES = 84,
	GPT_LAST_LBA = 40, /* in an entry */
	GPT_ENTRY_MIN = 128,
};

struct extent_end {
	uint64_t sectors; /* the highest end so far */
	uint64_t limit;
};

static void note(struct extent_end *e, uint64_t end)
{
	if (end <= e->limit && end > e->sectors)
		e->sectors = end;
}

static uint64_t le64(const unsigned char *p)
{
	return volume_le32(p) | (uint64_t)volume_le32(p + 4) << 32;
}

static void look_at_mbr(const unsigned char *head, struct extent_end *e)
{
	const unsigned char *p = head + MBR_TABLE;
	int i;

	if (head[MBR_MAGIC] != 0x55 || head[MBR_MAGIC + 1] != 0xaa)
		return;
	for (i = 0; i < MBR_ENTRIES; i++, p += MBR_ENTRY_BYTES)
		if (p[4] != 0 && p[4] != MBR_PROTECTIVE)
			note(e, (uint64_t)volume_le32(p + 8) +
					volume_le32(p + 12));
}

static void look_at_gpt(const unsigned char *head, struct extent_end *e)
{
	const unsigned char *gpt = head + SECTOR;
	uint64_t pos;
	uint32_t n, bytes;

	if (memcmp(gpt, "EFI PART", 8) != 0)
		return;
	if (le64(gpt + GPT_COPY_LBA) < e->limit)
		note(e, le64(gpt + GPT_COPY_LBA) + 1);
	pos = le64(gpt + GPT_ENTRIES_LBA);
	n = volume_le32(gpt + GPT_N_ENTRIES);
	bytes = volume_le32(gpt + GPT_ENTRY_BYTES);
	if (pos >= DISC_HEAD_BYTES / SECTOR || bytes < GPT_ENTRY_MIN ||
	    bytes > SECTOR)
		return;
	for (pos *= SECTOR; n && pos + bytes <= DISC_HEAD_BYTES;
	     n--, pos += bytes) {
		const unsigned char *entry = head + pos;

		/* A kind of all zeros: not used. */
		if (!blank_is_zero(entry, 16) &&
		    le64(entry + GPT_LAST_LBA) < e->limit)
			note(e, le64(entry + GPT_LAST_LBA) + 1);
	}
}

uint64_t partitions_end(const unsigned char *head, uint64_t readable_bytes)
{
	struct extent_end e = {.limit = readable_bytes / SECTOR};
	uint64_t per_block = DISC_BLOCK / SECTOR;

	look_at_mbr(head, &e);
	look_at_gpt(head, &e);
	return (e.sectors + per_block - 1) / per_block;
}
