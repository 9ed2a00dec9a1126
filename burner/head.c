/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/head.h"

#include <stdlib.h>
#include <string.h>

#include "burner/library.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	SUM_BYTES = 16,
	/* Kinds of tags, as iso_util_decode_md5_tag counts them. */
	TAG_SUPERBLOCK = 2,
	TAG_RELOCATED = 4,
	/* In the system area: what follows a boot loader in an MBR. */
	MBR_SIGNATURE = 440,
	MBR_TABLE = 446,
	MBR_END = 512,
	/* ECMA-119 8.4, 8.5 */
	DESCRIPTOR_PRIMARY = 1,
	DESCRIPTOR_SUPPLEMENTARY = 2,
	DESCRIPTOR_END = 255,
	PATH_TABLES = 132, /* size and places of them, then the root's record */
	ROOT_BYTES_END = 174, /* 9.1: of that, what follows may be told anew */
	APPLICATION_USE = 883,
	APPLICATION_USE_BYTES = 512,
	SYSTEM_AREA_BYTES = VOLUME_SUPERBLOCK * DISC_BLOCK,
};

static bool sum_is(const unsigned char *head, unsigned blocks,
		   const char md5[SUM_BYTES])
{
	void *ctx = NULL;
	char sum[SUM_BYTES];
	unsigned i;

	if (iso_md5_start(&ctx) <= 0)
		return false;
	for (i = 0; i < blocks; i++) {
		char block[DISC_BLOCK];

		memcpy(block, head + (size_t)i * DISC_BLOCK, sizeof block);
		iso_md5_compute(ctx, block, sizeof block);
	}
	iso_md5_end(&ctx, sum);
	return memcmp(sum, md5, SUM_BYTES) == 0;
}

enum head_sum head_sum(const unsigned char *head)
{
	unsigned i;

	for (i = VOLUME_SUPERBLOCK; i < VOLUME_HEAD_BLOCKS; i++) {
		uint32_t pos, start, size, next;
		char block[DISC_BLOCK + 1], md5[SUM_BYTES];
		int type = 0, got;

		/* Terminated: libisofs looks for words with strstr. */
		memcpy(block, head + (size_t)i * DISC_BLOCK, DISC_BLOCK);
		block[DISC_BLOCK] = 0;
		got = iso_util_decode_md5_tag(block, &type, &pos, &start, &size,
					      &next, md5, 0);
		if (got == (int)ISO_MD5_AREA_CORRUPTED)
			return HEAD_CHANGED;
		if (got != 1)
			continue;
		if ((type != TAG_SUPERBLOCK && type != TAG_RELOCATED) ||
		    pos != i || start != 0 || size != i)
			return HEAD_UNSUMMED;
		return sum_is(head, i, md5) ? HEAD_AS_WRITTEN : HEAD_CHANGED;
	}
	return HEAD_UNSUMMED;
}

bool head_agrees(const unsigned char *head, const unsigned char *own)
{
	size_t pos = (size_t)VOLUME_SUPERBLOCK * DISC_BLOCK;

	for (; pos < DISC_HEAD_BYTES; pos += DISC_BLOCK) {
		const unsigned char *a = head + pos, *b = own + pos;

		if (a[0] != b[0] || memcmp(a + 1, b + 1, 5) != 0)
			return false;
		if (a[0] == DESCRIPTOR_END)
			return true;
		if ((a[0] == DESCRIPTOR_PRIMARY ||
		     a[0] == DESCRIPTOR_SUPPLEMENTARY) &&
		    memcmp(a + PATH_TABLES, b + PATH_TABLES,
			   ROOT_BYTES_END - PATH_TABLES) != 0)
			return false;
	}
	return false;
}

/* What may have stood in the system area, and in the primary descriptor for
 * the use of applications. */
enum {
	AREA_AS_IT_IS,
	AREA_NO_SIGNATURE,
	AREA_NO_TABLE,
	AREA_NO_MBR,
	AREA_EMPTY,
	AREAS,
	USE_AS_IT_IS = 0,
	USE_ZERO,
	USE_BLANK,
	USES,
};

static void guess(unsigned char *head, int area, int use)
{
	unsigned char *application = head + SYSTEM_AREA_BYTES + APPLICATION_USE;

	if (area == AREA_NO_SIGNATURE)
		memset(head + MBR_SIGNATURE, 0, MBR_TABLE - MBR_SIGNATURE);
	else if (area == AREA_NO_TABLE)
		memset(head + MBR_SIGNATURE, 0, MBR_END - MBR_SIGNATURE);
	else if (area == AREA_NO_MBR)
		memset(head, 0, MBR_END);
	else if (area == AREA_EMPTY)
		memset(head, 0, SYSTEM_AREA_BYTES);
	if (use != USE_AS_IT_IS)
		memset(application, use == USE_BLANK ? ' ' : 0,
		       APPLICATION_USE_BYTES);
}

bool head_restore(unsigned char *head, unsigned blocks, const char md5[16])
{
	AUTO_FREE unsigned char *tried = malloc(DISC_HEAD_BYTES);
	size_t len = (size_t)blocks * DISC_BLOCK;
	int area, use;

	if (!tried || blocks <= VOLUME_SUPERBLOCK ||
	    blocks > VOLUME_HEAD_BLOCKS)
		return false;
	for (area = 0; area < AREAS; area++) {
		for (use = 0; use < USES; use++) {
			memcpy(tried, head, len);
			guess(tried, area, use);
			if (!sum_is(tried, blocks, md5))
				continue;
			memcpy(head, tried, len);
			return true;
		}
	}
	return false;
}
