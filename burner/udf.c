/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/udf.h"

#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	/* More descriptors than any program writes. */
	RECOGNITION_MAX = 64,
	ANCHOR = 256,	  /* ECMA-167 3/8.4.2.1 */
	END_WINDOW = 512, /* N - 256, with padding behind N */
	SEQUENCE_MAX = 64,
	PARTITIONS_MAX = 64,
	/* Tags, 3/7.2 */
	TAG_CHECKSUM = 4,
	TAG_CRC = 8,
	TAG_CRC_LENGTH = 10,
	TAG_LOCATION = 12,
	TAG_BYTES = 16,
	TAG_ANCHOR = 2,
	TAG_LOGICAL_VOLUME = 6,
	TAG_TERMINATOR = 8,
	TAG_INTEGRITY = 9,
	/* 3/10.2 */
	ANCHOR_MAIN = 16,
	ANCHOR_RESERVE = 24,
	/* 3/10.6 */
	LV_LABEL = 84,
	LV_LABEL_BYTES = 128,
	LV_INTEGRITY = 432,
	/* 3/10.10, UDF 2.2.6.4 */
	LVI_PARTITIONS = 72,
	LVI_TABLES = 80,
	LVI_FILES = 32,
	LVI_FOLDERS = 36,
};

static bool read_block(struct disc *disc, uint64_t lba, unsigned char *block)
{
	return (lba + 1) * DISC_BLOCK <= disc_readable(disc) &&
	       disc_read(disc, block, DISC_BLOCK, lba * DISC_BLOCK) == 0;
}

/* ---- the recognition sequence ---- */

/* Behind the descriptors of ISO 9660, as ever many there are; within the
 * head also behind what does not belong there, as libisofs' checksum tag. */
static bool is_recognized(struct disc *disc, uint32_t lba)
{
	static const char *const ids[] = {"CD001", "BEA01", "TEA01", "BOOT2",
					  "CDW02"};
	unsigned char block[DISC_BLOCK];

	for (unsigned i = 0; i < RECOGNITION_MAX; i++) {
		bool known = i < VOLUME_HEAD_BLOCKS - VOLUME_SUPERBLOCK;

		if (!read_block(disc, (uint64_t)lba + VOLUME_SUPERBLOCK + i,
				block))
			return false;
		if (!memcmp(block, "\0NSR02\1", 7) ||
		    !memcmp(block, "\0NSR03\1", 7))
			return true;
		for (size_t k = 0; k < sizeof ids / sizeof ids[0]; k++)
			known = known || !memcmp(block + 1, ids[k], 5);
		if (!known)
			return false;
	}
	return false;
}

/* ---- descriptors ---- */

/* CRC-ITU-T (ECMA-167 3/7.2.6) */
static uint16_t crc(const unsigned char *p, size_t len)
{
	unsigned sum = 0;

	while (len--) {
		sum ^= (unsigned)*p++ << 8;
		for (int i = 0; i < 8; i++)
			sum = sum & 0x8000 ? sum << 1 ^ 0x1021 : sum << 1;
	}
	return (uint16_t)sum;
}

/* A descriptor of kind @tag that was made for the block at @lba. */
static bool is_descriptor(const unsigned char *block, unsigned tag,
			  uint64_t lba)
{
	unsigned length = volume_le16(block + TAG_CRC_LENGTH);
	unsigned char sum = 0;

	for (unsigned i = 0; i < TAG_BYTES; i++)
		sum = (unsigned char)(sum + (i == TAG_CHECKSUM ? 0 : block[i]));
	return volume_le16(block) == tag && sum == block[TAG_CHECKSUM] &&
	       volume_le32(block + TAG_LOCATION) == lba &&
	       length <= DISC_BLOCK - TAG_BYTES &&
	       crc(block + TAG_BYTES, length) == volume_le16(block + TAG_CRC);
}

static bool read_anchor(struct disc *disc, uint64_t lba, unsigned char *block)
{
	return read_block(disc, lba, block) &&
	       is_descriptor(block, TAG_ANCHOR, lba);
}

/* All of the last blocks of an image file. */
static bool search_end(struct disc *disc, unsigned char *block,
		       uint64_t *ret_lba)
{
	uint64_t end = disc_readable(disc) / DISC_BLOCK;
	uint64_t n = end < END_WINDOW ? end : END_WINDOW;
	AUTO_FREE unsigned char *buf = malloc(END_WINDOW * DISC_BLOCK);

	if (!buf || n == 0 ||
	    disc_read(disc, buf, (size_t)n * DISC_BLOCK,
		      (end - n) * DISC_BLOCK) < 0)
		return false;
	for (uint64_t i = n; i > 0; i--) {
		const unsigned char *b = buf + (size_t)(i - 1) * DISC_BLOCK;

		*ret_lba = end - n + i - 1;
		if (!is_descriptor(b, TAG_ANCHOR, *ret_lba))
			continue;
		memcpy(block, b, DISC_BLOCK);
		return true;
	}
	return false;
}

/*
 * A drive has to seek for each place, and the end of a track may be none that
 * can be read.
 */
static bool find_anchor(struct disc *disc, uint32_t lba, bool whole,
			uint64_t end_lba, unsigned char *block,
			uint64_t *ret_lba)
{
	const uint64_t places[] = {
		(uint64_t)lba + ANCHOR,
		ANCHOR,
		end_lba > ANCHOR ? end_lba - 1 : ANCHOR,
		end_lba > 2 * ANCHOR ? end_lba - 1 - ANCHOR : ANCHOR,
	};
	size_t n = whole ? sizeof places / sizeof places[0] : 1;

	for (size_t i = 0; i < n; i++) {
		*ret_lba = places[i];
		if (read_anchor(disc, places[i], block))
			return true;
	}
	return disc_fd(disc) >= 0 && search_end(disc, block, ret_lba);
}

/* ---- what it says of itself ---- */

static size_t put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		to[0] = c < ' ' || c == 0x7f ? '?' : (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | c >> 12);
	to[1] = (char)(0x80 | (c >> 6 & 0x3f));
	to[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* A dstring (UDF 2.1.1, 2.1.3): in its last byte how much of it is used. */
static void read_label(const unsigned char *p, size_t bytes, char *ret,
		       size_t size)
{
	size_t used = p[bytes - 1], step = p[0] == 16 ? 2 : 1, n = 0;

	ret[0] = 0;
	if ((p[0] != 8 && p[0] != 16) || used > bytes - 1)
		return;
	for (size_t i = 1; i + step <= used && n + 4 <= size; i += step) {
		unsigned c = step == 2 ? (unsigned)p[i] << 8 | p[i + 1] : p[i];

		/* One half of a character beyond 16 bits. */
		if (c >= 0xd800 && c < 0xe000)
			c = '?';
		n += put_utf8(ret + n, c);
	}
	ret[n] = 0;
}

static void read_integrity(struct disc *disc, const unsigned char *extent,
			   struct udf_volume *ret)
{
	uint32_t n = volume_le32(extent) / DISC_BLOCK;
	uint64_t lba = volume_le32(extent + 4);
	unsigned char block[DISC_BLOCK];

	/* The last one counts. */
	for (uint32_t i = 0; i < n && i < SEQUENCE_MAX; i++) {
		uint32_t partitions;
		const unsigned char *use;

		if (!read_block(disc, lba + i, block) ||
		    !is_descriptor(block, TAG_INTEGRITY, lba + i))
			return;
		partitions = volume_le32(block + LVI_PARTITIONS);
		if (partitions > PARTITIONS_MAX)
			return;
		use = block + LVI_TABLES + (size_t)partitions * 8;
		ret->counted = true;
		ret->files = volume_le32(use + LVI_FILES);
		ret->folders = volume_le32(use + LVI_FOLDERS);
	}
}

/* Returns whether it has a logical volume. */
static bool read_sequence(struct disc *disc, const unsigned char *extent,
			  struct udf_volume *ret)
{
	uint32_t n = volume_le32(extent) / DISC_BLOCK;
	uint64_t lba = volume_le32(extent + 4);
	unsigned char block[DISC_BLOCK];

	for (uint32_t i = 0; i < n && i < SEQUENCE_MAX; i++) {
		if (!read_block(disc, lba + i, block) ||
		    is_descriptor(block, TAG_TERMINATOR, lba + i))
			break;
		if (!is_descriptor(block, TAG_LOGICAL_VOLUME, lba + i))
			continue;
		read_label(block + LV_LABEL, LV_LABEL_BYTES, ret->label,
			   sizeof ret->label);
		read_integrity(disc, block + LV_INTEGRITY, ret);
		return true;
	}
	return false;
}

bool udf_look(struct disc *disc, uint32_t lba, bool whole, uint64_t end_lba,
	      struct udf_volume *ret)
{
	struct udf_volume udf = {.recognized = is_recognized(disc, lba)};
	unsigned char block[DISC_BLOCK];
	uint64_t anchor;

	if (!udf.recognized && whole && lba != 0)
		udf.recognized = is_recognized(disc, 0);
	if (find_anchor(disc, lba, whole, end_lba, block, &anchor)) {
		udf.anchored = true;
		udf.anchor_lba = (uint32_t)anchor;
		if (!read_sequence(disc, block + ANCHOR_MAIN, &udf))
			read_sequence(disc, block + ANCHOR_RESERVE, &udf);
	}
	*ret = udf;
	return udf.recognized || udf.anchored;
}
