/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_VOLUME_H
#define BURNER_VOLUME_H

/*
 * Volume descriptors and libisofs' checksum tags as bytes.  Pure functions:
 * they read the given memory and nothing else, and believe none of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "burner/disc.h"

enum {
	VOLUME_SUPERBLOCK = 16, /* ECMA-119 6.2.1: block of the first descriptor */
	VOLUME_HEAD_BLOCKS = DISC_HEAD_BYTES / DISC_BLOCK,
};

struct volume {
	uint32_t blocks;    /* ECMA-119 8.4.8, Volume Space Size */
	uint32_t root_lba;  /* of the root folder, ECMA-119 8.4.18 */
	uint32_t root_bytes;
	char volume_id[33]; /* without trailing blanks */
	int64_t created;    /* seconds since the epoch, 0 where not given */
};

/* Little- and both-endian fields, ECMA-119 7.2.1, 7.3.3 (first half). */
uint16_t volume_le16(const unsigned char *p);
uint32_t volume_le32(const unsigned char *p);

/*
 * volume_parse - the primary volume descriptor in @block (DISC_BLOCK bytes;
 * ECMA-119 8.4).  Returns false if it is none.
 */
bool volume_parse(const unsigned char *block, struct volume *ret);

/* volume_parse_head - the one in @head (DISC_HEAD_BYTES). */
bool volume_parse_head(const void *head, struct volume *ret);

/*
 * volume_relocated - where the session begins whose superblock was copied
 * into @head (DISC_HEAD_BYTES), by the checksum tag that libisofs puts into
 * heads.  Returns false if there is no such tag.  The tag may be one that
 * another program left standing when it wrote descriptors of its own: they
 * tell.
 */
bool volume_relocated(const unsigned char *head, uint32_t *ret_session_lba);

/*
 * volume_is_udf - whether @head has a Volume Recognition Sequence of UDF
 * (ECMA-167 2/9: BEA01, NSR02, NSR03 at block 16 or later).
 */
bool volume_is_udf(const unsigned char *head);

#endif
