/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/contents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/contents_level.h"
#include "burner/disc_ops.h"
#include "burner/susp.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	DESCRIPTORS_MAX = 64, /* more than any program writes */
	/* ECMA-119 8.1, 8.5 */
	VD_TYPE = 0,
	VD_VERSION = 6,
	VD_ESCAPES = 88,
	TYPE_BOOT = 0,
	TYPE_SUPPLEMENTARY = 2,
	TYPE_TERMINATOR = 255,
	BOOT_SYSTEM = 7,
	/* Apple: Inside Macintosh, Devices, 3-23 (big-endian) */
	APM_ENTRIES_MAX = 64,
	APM_MAP_ENTRIES = 4,
	APM_START = 8,
	APM_TYPE = 48,
	HFS_HEADER = 1024,
	/* MBR and GPT: UEFI 5.2.1, 5.3.2 */
	MBR_TABLE = 446,
	MBR_MAGIC = 510,
	GPT_HEADER = 512,
};

static uint32_t be16(const unsigned char *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t be32(const unsigned char *p)
{
	return be16(p) << 16 | be16(p + 2);
}

/* Joliet: the escape sequences of UCS-2 at its three levels. */
static unsigned joliet_level(const unsigned char *vd)
{
	const unsigned char *e = vd + VD_ESCAPES;

	if (e[0] != '%' || e[1] != '/')
		return 0;
	return e[2] == '@' ? 1 : e[2] == 'C' ? 2 : e[2] == 'E' ? 3 : 0;
}

/* All descriptors behind the primary one. */
static int look_at_descriptors(struct disc *disc, uint32_t lba,
			       struct contents *c)
{
	unsigned char vd[DISC_BLOCK];

	for (unsigned i = 1; i < DESCRIPTORS_MAX; i++) {
		int err = disc_read(disc, vd, sizeof vd,
				    ((uint64_t)lba + VOLUME_SUPERBLOCK + i) *
					    DISC_BLOCK);

		if (err < 0)
			return err;
		if (memcmp(vd + 1, "CD001", 5) != 0 ||
		    vd[VD_TYPE] == TYPE_TERMINATOR)
			break;
		if (vd[VD_TYPE] == TYPE_BOOT &&
		    !memcmp(vd + BOOT_SYSTEM, "EL TORITO SPECIFICATION", 23))
			c->el_torito = true;
		if (vd[VD_TYPE] != TYPE_SUPPLEMENTARY)
			continue;
		if (vd[VD_VERSION] == 2)
			c->enhanced = true;
		else if (joliet_level(vd))
			c->joliet_level = joliet_level(vd);
	}
	return 0;
}

/* The record "." of the root has Rock Ridge's mark, if there is any. */
static int look_at_root(struct disc *disc, const struct volume *vol,
			struct contents *c)
{
	struct susp_reader reader = {
		.disc = disc,
		.area_budget = disc_readable(disc),
	};
	unsigned char block[DISC_BLOCK];
	struct susp_facts facts = {0};
	int err = disc_read(disc, block, sizeof block,
			    (uint64_t)vol->root_lba * DISC_BLOCK);

	if (err < 0)
		return err;
	/* ECMA-119 9.1: such a record has 34 bytes and its entries. */
	if (block[0] < 34 || block[32] != 1 || !susp_begins(block))
		return 0;
	err = susp_check(&reader, block, &facts, NULL);
	susp_reader_release(&reader);
	if (err == -ENOMEM)
		return err;
	c->rock_ridge = err == 0 && facts.rock_ridge;
	return 0;
}

static void look_for_hfs(struct disc *disc, uint64_t byte, struct contents *c)
{
	unsigned char block[DISC_BLOCK];

	if (byte + HFS_HEADER + 2 > disc_readable(disc) ||
	    disc_read(disc, block, 2, byte + HFS_HEADER) < 0)
		return;
	if (!memcmp(block, "H+", 2) || !memcmp(block, "HX", 2))
		c->hfs_plus = true;
	else if (!memcmp(block, "BD", 2))
		c->hfs = true;
}

/* Entries stand at each block of the map's own size, which may be 512. */
static void look_at_apple(struct disc *disc, const unsigned char *head,
			  size_t size, struct contents *c)
{
	/* Of the field's 32 bytes those up to the end of the word. */
	static const char hfs_type[] = "Apple_HFS";
	uint32_t entries = be32(head + size + APM_MAP_ENTRIES);

	if (memcmp(head + size, "PM", 2) != 0)
		return;
	c->apm = true;
	for (uint32_t i = 1; i <= entries && i <= APM_ENTRIES_MAX; i++) {
		const unsigned char *e = head + i * size;

		if (i * size + size > DISC_HEAD_BYTES ||
		    memcmp(e, "PM", 2) != 0)
			break;
		if (!memcmp(e + APM_TYPE, hfs_type, sizeof hfs_type))
			look_for_hfs(disc, (uint64_t)be32(e + APM_START) * size,
				     c);
	}
}

/* The system area is of use to a machine at the start of the medium only. */
static void look_at_tables(struct disc *disc, const unsigned char *head,
			   struct contents *c)
{
	const unsigned char *mbr = head + MBR_TABLE;

	if (head[MBR_MAGIC] == 0x55 && head[MBR_MAGIC + 1] == 0xaa) {
		for (unsigned i = 0; i < 4; i++)
			c->mbr = c->mbr || mbr[i * 16 + 4] != 0;
	}
	c->gpt = !memcmp(head + GPT_HEADER, "EFI PART", 8);
	look_at_apple(disc, head, 512, c);
	if (!c->apm)
		look_at_apple(disc, head, DISC_BLOCK, c);
	look_for_hfs(disc, 0, c);
}

static int look(struct disc *disc, uint32_t lba, unsigned char *head,
		struct contents *c)
{
	uint64_t start = (uint64_t)lba * DISC_BLOCK;
	uint64_t readable = disc_readable(disc);
	uint64_t n = readable > start ? readable - start : 0;
	struct volume vol;
	int err;

	if (n > DISC_HEAD_BYTES)
		n = DISC_HEAD_BYTES;
	memset(head, 0, DISC_HEAD_BYTES);
	err = disc_read(disc, head, (size_t)n, start);
	if (err < 0)
		return err;
	c->udf = volume_is_udf(head);
	if (lba == 0)
		look_at_tables(disc, head, c);
	c->iso9660 = volume_parse_head(head, &vol);
	if (!c->iso9660)
		return 0;
	memcpy(c->volume_id, vol.volume_id, sizeof c->volume_id);
	c->created = vol.created;
	err = look_at_descriptors(disc, lba, c);
	if (!err)
		err = look_at_root(disc, &vol, c);
	if (!err)
		err = contents_level(disc, &vol, &c->level, &c->level_partial);
	return err;
}

int contents_look(struct disc *disc, uint32_t lba, struct contents *ret,
		  struct why *why)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	struct contents c = {0};
	int err;

	if (!head)
		return -ENOMEM;
	err = look(disc, lba, head, &c);
	if (err == -EIO)
		return why_set(why, err,
			       "cannot read the session at block %lu of %s",
			       (unsigned long)lba, disc_path(disc));
	if (err < 0)
		return err;
	*ret = c;
	return 0;
}
