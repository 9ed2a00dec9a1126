/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/space.h"

#include "burner/disc.h"

enum {
	/*
	 * Of a name: 33 bytes of record, PX 44, TF 26, NM 5 + name, AAIP and
	 * CL fields, RR fields repeated in continuation areas, the ISO name
	 * of up to 37 bytes, an MD5 sum of 16 and its index.
	 */
	ENTRY_FIXED = 220,
	JOLIET_FIXED = 48,
	JOLIET_NAME_MAX = 206, /* bytes of UCS-2 */
	FOLDER_FIXED = 2 * DISC_BLOCK,
	RECORD = 64,           /* one more extent of the same file */
	CE_FIELD = 28,         /* SUSP 5.1 */
	/*
	 * Descriptors, path tables' rounding, checksum tags, alignment of the
	 * session to 32 blocks, the copy of a foreign head (33 blocks), the
	 * 150 blocks that libisofs pads a session with.
	 */
	SESSION_FIXED = 300,
};

/*
 * What a continuation area of @bytes can cost beside itself.  None crosses a
 * block's end if a block can hold it: what the one before it leaves free there
 * is lost, less than its size, and libisofs reckons with that twice
 * (burner/stretch.h).  A large one pays for that.  Of what is lost before those
 * of up to a quarter of a block all that stand in the block pay a part; what is
 * reckoned for a name holds that of its own part.
 */
static uint64_t lost_around(uint64_t bytes)
{
	if (bytes <= DISC_BLOCK / 4)
		return bytes * 9 / 8;
	return 2 * (bytes + CE_FIELD < DISC_BLOCK ? bytes + CE_FIELD
						  : DISC_BLOCK);
}

uint64_t space_entry_bytes(size_t name_len, bool folder, size_t xattr_bytes,
			   size_t target_len, uint64_t size, bool joliet)
{
	uint64_t name_joliet = 2 * (uint64_t)name_len;
	uint64_t bytes = ENTRY_FIXED + 2 * (uint64_t)name_len;
	uint64_t fields = 0;

	if (name_joliet > JOLIET_NAME_MAX)
		name_joliet = JOLIET_NAME_MAX;
	if (joliet)
		bytes += JOLIET_FIXED + name_joliet;
	if (folder) {
		/* "." and "..", rounding to blocks; two path tables a tree */
		bytes += FOLDER_FIXED + 2 * (8 + 40);
		if (joliet)
			bytes += FOLDER_FIXED + 2 * (8 + name_joliet);
	}
	/* AL and SL fields hold up to 250 bytes each, with heads of 5 and
	 * more; long ones have components of their own. */
	if (xattr_bytes)
		fields += 64 + (uint64_t)xattr_bytes * 9 / 8;
	if (target_len)
		fields += 16 + (uint64_t)target_len * 8 / 5;
	bytes += size / 0xfffff800u * RECORD * (joliet ? 2 : 1);
	/* No record crosses a block's end (ECMA-119 6.8.1.1). */
	bytes += fields;
	bytes += bytes / 7;
	return fields ? bytes + lost_around(name_len + fields) : bytes;
}

uint64_t space_data_blocks(uint64_t size)
{
	return size / DISC_BLOCK + (size % DISC_BLOCK ? 1 : 0);
}

uint64_t space_session_blocks(uint64_t tree_bytes, uint64_t data_blocks)
{
	return SESSION_FIXED + space_data_blocks(tree_bytes) + data_blocks;
}
