/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/volume.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burner/library.h"

enum {
	/* ECMA-119 8.4, offsets counted from 0. */
	PVD_TYPE = 0,
	PVD_IDENTIFIER = 1,
	PVD_VERSION = 6,
	PVD_VOLUME_ID = 40,
	PVD_BLOCKS = 80,
	PVD_BLOCK_SIZE = 128,
	PVD_ROOT = 156,
	PVD_CREATED = 813,
	PVD_FILE_VERSION = 881,
	/* ECMA-119 9.1, in a directory record. */
	DR_EXTENT = 2,
	DR_BYTES = 10,
	TAG_RELOCATED = 4, /* as iso_util_decode_md5_tag counts them */
};

uint16_t volume_le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t volume_le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static int digits(const unsigned char *p, int n)
{
	int value = 0;

	while (n--) {
		if (*p < '0' || *p > '9')
			return -1;
		value = value * 10 + (*p++ - '0');
	}
	return value;
}

/* ECMA-119 8.4.26.1: YYYYMMDDhhmmsscc and the offset in quarter hours. */
static int64_t created(const unsigned char *p)
{
	struct tm tm = {
		.tm_year = digits(p, 4) - 1900,
		.tm_mon = digits(p + 4, 2) - 1,
		.tm_mday = digits(p + 6, 2),
		.tm_hour = digits(p + 8, 2),
		.tm_min = digits(p + 10, 2),
		.tm_sec = digits(p + 12, 2),
	};
	int64_t quarters = p[16] < 0x80 ? p[16] : p[16] - 0x100;

	if (tm.tm_year <= -1900 || tm.tm_mon < 0 || tm.tm_mon > 11 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
	    tm.tm_min < 0 || tm.tm_sec < 0)
		return 0;
	return (int64_t)timegm(&tm) - quarters * 15 * 60;
}

bool volume_parse(const unsigned char *block, struct volume *ret)
{
	const unsigned char *root = block + PVD_ROOT;
	size_t len = sizeof ret->volume_id - 1;

	if (block[PVD_TYPE] != 1 || block[PVD_VERSION] != 1 ||
	    memcmp(block + PVD_IDENTIFIER, "CD001", 5) ||
	    block[PVD_FILE_VERSION] != 1 ||
	    volume_le16(block + PVD_BLOCK_SIZE) != DISC_BLOCK)
		return false;
	ret->blocks = volume_le32(block + PVD_BLOCKS);
	ret->root_lba = volume_le32(root + DR_EXTENT) + root[1];
	ret->root_bytes = volume_le32(root + DR_BYTES);
	memcpy(ret->volume_id, block + PVD_VOLUME_ID, len);
	while (len &&
	       (ret->volume_id[len - 1] == ' ' || ret->volume_id[len - 1] == 0))
		len--;
	ret->volume_id[len] = 0;
	ret->created = created(block + PVD_CREATED);
	return true;
}

bool volume_parse_head(const void *head, struct volume *ret)
{
	return volume_parse((const unsigned char *)head +
				    (size_t)VOLUME_SUPERBLOCK * DISC_BLOCK,
			    ret);
}

bool volume_relocated(const unsigned char *head, uint32_t *ret_session_lba)
{
	unsigned i;

	for (i = VOLUME_SUPERBLOCK; i < VOLUME_HEAD_BLOCKS; i++) {
		uint32_t pos, start, size, session;
		char block[DISC_BLOCK + 1], md5[16];
		int type;

		/* Terminated: libisofs looks for words with strstr. */
		memcpy(block, head + (size_t)i * DISC_BLOCK, DISC_BLOCK);
		block[DISC_BLOCK] = 0;
		if (iso_util_decode_md5_tag(block, &type, &pos, &start, &size,
					    &session, md5, 0) != 1)
			continue;
		if (type != TAG_RELOCATED || pos != i || start != 0 ||
		    size != i || session < DISC_SESSION_ALIGN)
			return false;
		*ret_session_lba = session;
		return true;
	}
	return false;
}

bool volume_is_udf(const unsigned char *head)
{
	unsigned i;

	for (i = VOLUME_SUPERBLOCK; i < VOLUME_HEAD_BLOCKS; i++) {
		const unsigned char *id = head + (size_t)i * DISC_BLOCK + 1;

		if (!memcmp(id, "BEA01", 5) || !memcmp(id, "NSR02", 5) ||
		    !memcmp(id, "NSR03", 5))
			return true;
	}
	return false;
}
