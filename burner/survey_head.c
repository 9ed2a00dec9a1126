/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/survey_parts.h"

#include <errno.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/library.h"
#include "burner/volume.h"

enum {
	DR_EXTENT = 2, /* ECMA-119 9.1 */
	DR_XATTR_LEN = 1,
	DESCRIPTORS_MAX = 64,
	/* ECMA-119 8.1, 8.5 */
	VD_BOOT = 0,
	VD_SUPPLEMENTARY = 2,
	VD_TERMINATOR = 255,
	VD_VERSION = 6,
	VD_ROOT = 156,
	VD_ESCAPE = 88,
	VD_CATALOG = 71,    /* El Torito 2.0, figure 7 */
	TAG_SUPERBLOCK = 2, /* as iso_util_decode_md5_tag counts them */
	TAG_TREE = 3,
	TAG_RELOCATED = 4,
};

uint32_t survey_extent_of(const unsigned char *record)
{
	return volume_le32(record + DR_EXTENT) + record[DR_XATTR_LEN];
}

int survey_read_block(struct walk *w, uint64_t lba, unsigned char *buf)
{
	int err = window_read(&w->window, w->disc, lba, buf);

	if (err < 0)
		return why_set(w->why, err,
			       "cannot read block %llu of %s, which holds "
			       "part of the tree",
			       (unsigned long long)lba, disc_path(w->disc));
	return 0;
}

int survey_bad(struct walk *w, uint64_t lba, const char *what)
{
	return why_set(w->why, -EIO, "%s is damaged: block %llu: %s",
		       disc_path(w->disc), (unsigned long long)lba, what);
}

static void take_descriptor(const unsigned char *d, struct roots *roots)
{
	const unsigned char *esc = d + VD_ESCAPE;

	if (d[0] == VD_BOOT && !memcmp(d + 1, "CD001\1", 6) &&
	    !memcmp(d + 7, "EL TORITO SPECIFICATION", 23)) {
		roots->catalog = volume_le32(d + VD_CATALOG);
		roots->has_catalog = true;
	}
	if (d[0] != VD_SUPPLEMENTARY)
		return;
	/* Joliet's escape sequences: UCS-2 levels 1 to 3 */
	if (esc[0] == 0x25 && esc[1] == 0x2f &&
	    (esc[2] == 0x40 || esc[2] == 0x43 || esc[2] == 0x45)) {
		roots->joliet = survey_extent_of(d + VD_ROOT);
		roots->has_joliet = true;
	} else if (d[VD_VERSION] == 2) {
		roots->enhanced = survey_extent_of(d + VD_ROOT);
		roots->has_enhanced = true;
	}
}

int survey_descriptors(struct walk *w, uint32_t start, struct roots *roots)
{
	uint64_t lba = (uint64_t)start + VOLUME_SUPERBLOCK;
	unsigned char block[DISC_BLOCK];
	struct volume vol;
	int n, err;

	err = survey_read_block(w, lba, block);
	if (err < 0)
		return err;
	if (!volume_parse(block, &vol))
		return why_set(w->why, -EMEDIUMTYPE,
			       "there is no ISO 9660 session at block %lu of "
			       "%s",
			       (unsigned long)start, disc_path(w->disc));
	roots->primary = vol.root_lba;
	for (n = 1; n < DESCRIPTORS_MAX; n++) {
		err = survey_read_block(w, lba + (unsigned)n, block);
		if (err < 0)
			return err;
		w->blocks++;
		if (block[0] == VD_TERMINATOR)
			return 0;
		take_descriptor(block, roots);
	}
	return survey_bad(w, lba, "the volume descriptors have no end");
}

/*
 * El Torito 2.2 to 2.5: validation entry, default entry, then sections of a
 * header and entries; libisofs reads one block of them.  A boot image at the
 * address of the catalog itself makes it mistake one for the other.
 */
int survey_catalog(struct walk *w, uint32_t lba)
{
	enum { ENTRY = 32, ENTRY_LBA = 8 };
	unsigned char block[DISC_BLOCK];
	size_t pos = ENTRY, left = 1;
	bool last = false;
	int err;

	err = survey_read_block(w, lba, block);
	if (err < 0)
		return err;
	if (block[0] != 1 || block[30] != 0x55 || block[31] != 0xaa)
		return 0; /* libisofs does without it */
	for (; pos + ENTRY <= DISC_BLOCK; pos += ENTRY) {
		if (left) {
			left--;
			if (volume_le32(block + pos + ENTRY_LBA) == lba)
				return survey_bad(w, lba,
						  "the boot catalog boots "
						  "itself");
		} else if (!last && (block[pos] & 0xfe) == 0x90) {
			last = block[pos] & 1;
			left = volume_le16(block + pos + 2);
		} else {
			return 0;
		}
	}
	return survey_bad(w, lba, "the boot catalog has no end");
}

/*
 * libisofs searches its checksum tags for words as if they were terminated
 * strings.
 */
static int check_tag(struct walk *w, uint64_t lba, int *ret_type,
		     uint32_t *ret_next)
{
	uint32_t pos, range_start, range_size;
	char block[DISC_BLOCK + 1], md5[16];
	unsigned char raw[DISC_BLOCK];
	int err;

	*ret_type = 0;
	err = survey_read_block(w, lba, raw);
	if (err < 0)
		return err;
	if (memcmp(raw, "libisofs_", 9))
		return 0;
	if (!memchr(raw, 0, sizeof raw))
		return survey_bad(w, lba, "a malformed checksum tag");
	memcpy(block, raw, sizeof raw);
	block[DISC_BLOCK] = 0;
	if (iso_util_decode_md5_tag(block, ret_type, &pos, &range_start,
				    &range_size, ret_next, md5, 0) != 1)
		*ret_type = 0;
	return 0;
}

int survey_tags(struct walk *w, uint32_t start, bool may_relocate)
{
	uint32_t i, next, ignored;
	int type, err;

	for (i = VOLUME_SUPERBLOCK; i < VOLUME_HEAD_BLOCKS; i++) {
		if (((uint64_t)start + i + 1) * DISC_BLOCK >
		    disc_readable(w->disc))
			return 0;
		err = check_tag(w, (uint64_t)start + i, &type, &next);
		if (err < 0)
			return err;
		if (type == TAG_SUPERBLOCK) {
			err = check_tag(w, next, &type, &ignored);
			w->has_md5 |= err == 0 && type == TAG_TREE;
		} else if (type == TAG_RELOCATED && may_relocate)
			err = survey_tags(w, next, false);
		if (err < 0)
			return err;
	}
	return 0;
}
