/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/contents_level.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "common/cleanup.h"

enum {
	BLOCKS_MAX = 512,
	FOLDERS_MAX = 512,
	/* ECMA-119 9.1 */
	DR_EXTENT = 2,
	DR_BYTES = 10,
	DR_FLAGS = 25,
	DR_NAME_LEN = 32,
	DR_NAME = 33,
	FLAG_FOLDER = 2,
	FLAG_MORE_SECTIONS = 0x80,
	/* A level that none is: names longer than ECMA-119 knows. */
	BEYOND = 4,
};

struct folder {
	uint32_t lba, bytes;
};

struct walk {
	struct disc *disc;
	struct folder folders[FOLDERS_MAX];
	size_t n, blocks;
	bool partial;
};

/* ECMA-119 10.1, 10.2, 7.5, 7.6; the version does not count. */
static unsigned level_of_name(const unsigned char *name, size_t len,
			      bool folder)
{
	const unsigned char *semicolon = memchr(name, ';', len), *dot;
	size_t stem, extension;

	if (semicolon && !folder)
		len = (size_t)(semicolon - name);
	if (folder)
		return len <= 8 ? 1 : len <= 31 ? 2 : BEYOND;
	dot = memchr(name, '.', len);
	stem = dot ? (size_t)(dot - name) : len;
	extension = dot ? len - stem - 1 : 0;
	if (stem <= 8 && extension <= 3)
		return 1;
	return stem + extension <= 30 ? 2 : BEYOND;
}

static unsigned level_of_record(struct walk *w, const unsigned char *record)
{
	const unsigned char *name = record + DR_NAME;
	size_t len = record[DR_NAME_LEN];
	bool folder = record[DR_FLAGS] & FLAG_FOLDER;
	unsigned level;

	if (len == 0 || DR_NAME + len > record[0] ||
	    (len == 1 && name[0] <= 1)) /* itself, its parent */
		return 1;
	level = level_of_name(name, len, folder);
	if (!folder && (record[DR_FLAGS] & FLAG_MORE_SECTIONS) && level < 3)
		level = 3;
	if (!folder)
		return level;
	if (w->n == FOLDERS_MAX) {
		w->partial = true;
		return level;
	}
	w->folders[w->n++] = (struct folder){
		.lba = volume_le32(record + DR_EXTENT) + record[1],
		.bytes = volume_le32(record + DR_BYTES),
	};
	return level;
}

static int look_at_folder(struct walk *w, struct folder folder, unsigned *level)
{
	unsigned char block[DISC_BLOCK];

	for (uint32_t done = 0; done < folder.bytes; done += DISC_BLOCK) {
		uint64_t at = (uint64_t)folder.lba * DISC_BLOCK + done;
		size_t pos = 0;
		int err;

		if (w->blocks++ == BLOCKS_MAX) {
			w->partial = true;
			return 0;
		}
		/* What points out of the medium makes no sense. */
		if (at + DISC_BLOCK > disc_readable(w->disc))
			return 0;
		err = disc_read(w->disc, block, sizeof block, at);
		if (err < 0)
			return err;
		while (pos + DR_NAME < sizeof block && block[pos] > DR_NAME &&
		       pos + block[pos] <= sizeof block) {
			unsigned found = level_of_record(w, block + pos);

			if (found > *level)
				*level = found;
			pos += block[pos];
		}
	}
	return 0;
}

int contents_level(struct disc *disc, const struct volume *vol,
		   unsigned *ret_level, bool *ret_partial)
{
	AUTO_FREE struct walk *w = calloc(1, sizeof *w);
	unsigned level = 1;

	if (!w)
		return -ENOMEM;
	w->disc = disc;
	w->folders[w->n++] = (struct folder){vol->root_lba, vol->root_bytes};
	/* A tree that is a circle ends by the number of blocks. */
	for (size_t i = 0; i < w->n && w->blocks < BLOCKS_MAX; i++) {
		int err = look_at_folder(w, w->folders[i], &level);

		if (err < 0)
			return err;
		if (w->blocks >= BLOCKS_MAX && i + 1 < w->n)
			w->partial = true;
	}
	*ret_partial = w->partial;
	*ret_level = level == BEYOND ? 0 : level;
	return 0;
}
