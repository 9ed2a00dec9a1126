/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The new superblock takes the place of the old one, and a block or two more:
 * libisofs' checksum tag, a Joliet descriptor.  In an image of our own or of
 * xorriso nothing stands there.  In a foreign image it is the first blocks of
 * its tree: the root folder as a rule.  That tree is no part of the new
 * session, but of the old one, which stays within reach by the copy of the
 * head: so the copy holds all of the root, and its superblock points to that,
 * for whoever reads the session from there.  We do not (head_view.h).
 */
#include "burner/old_head.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/chain.h"
#include "burner/session_parts.h"
#include "burner/volume.h"

enum {
	FIRST_WEIGHT = 0x7fffffff,
	ROOT_MAX_BLOCKS = 1024,
	DESCRIPTOR_PRIMARY = 1, /* ECMA-119 8.1.1 */
	DESCRIPTOR_SUPPLEMENTARY = 2,
	DESCRIPTOR_END = 255,
	ROOT_LBA = 158, /* ECMA-119 8.4.18: both byte orders */
	ROOT_BYTES = 166,
	RECORD_LBA = 2, /* ECMA-119 9.1.3 */
	RECORD_NAME_LEN = 32,
	RECORD_NAME = 33,
	CE_LBA = 4, /* SUSP 5.1: both byte orders */
	CE_BYTES = 28,
	SUSP_MIN = 4, /* bytes of an entry */
};

static bool is_tree(const unsigned char *d)
{
	return (d[0] == DESCRIPTOR_PRIMARY || d[0] == DESCRIPTOR_SUPPLEMENTARY) &&
	       memcmp(d + 1, "CD001", 5) == 0;
}

/* The blocks of the root folder that descriptor @d names. */
static uint32_t root_blocks(const unsigned char *d)
{
	return (volume_le32(d + ROOT_BYTES) + DISC_BLOCK - 1) / DISC_BLOCK;
}

static bool is_end(const unsigned char *head, uint32_t block)
{
	return head[(size_t)block * DISC_BLOCK] == DESCRIPTOR_END;
}

/* The head and what of the root folders begins in it. */
static uint32_t copy_blocks(const unsigned char *head)
{
	uint32_t block, end = VOLUME_HEAD_BLOCKS;

	for (block = VOLUME_SUPERBLOCK;
	     block < VOLUME_HEAD_BLOCKS && !is_end(head, block); block++) {
		const unsigned char *d = head + (size_t)block * DISC_BLOCK;
		uint32_t lba = volume_le32(d + ROOT_LBA);

		if (is_tree(d) && lba > block && lba < VOLUME_HEAD_BLOCKS &&
		    root_blocks(d) <= ROOT_MAX_BLOCKS &&
		    lba + root_blocks(d) > end)
			end = lba + root_blocks(d);
	}
	return end;
}

static int add_hidden(struct session *s, unsigned char *copy, size_t bytes,
		      struct why *why)
{
	IsoDir *root = iso_image_get_root(s->image);
	unsigned n = 0;
	IsoStream *stream;
	IsoFile *file;
	char name[32];
	int ret;

	ret = iso_memory_stream_new(copy, bytes, &stream);
	if (ret < 0) {
		free(copy);
		return library_error(ret, "copy of the disc's head", why);
	}
	do {
		snprintf(name, sizeof name, "\001head%u", n++);
		ret = iso_tree_add_new_file(root, name, stream, &file);
	} while (ret == (int)ISO_NODE_NAME_NOT_UNIQUE);
	if (ret < 0) {
		iso_stream_unref(stream);
		return library_error(ret, "copy of the disc's head", why);
	}
	s->head_copy = copy;
	s->head_copy_bytes = bytes;
	iso_node_set_sort_weight((IsoNode *)file, FIRST_WEIGHT);
	iso_node_take((IsoNode *)file);
	return place_hidden(s, (IsoNode *)file, why);
}

int old_head_keep(struct session *s, struct why *why)
{
	struct volume vol;
	unsigned char *copy;
	size_t bytes;
	int ret;

	if (!s->old_head || s->plan->blank)
		return 0;
	ret = chain_is_native(s->disc, s->old_head);
	if (ret < 0)
		return why_set(why, ret, "cannot read the disc's sessions");
	/* A gap ends the chain: what follows it is found by the copy. */
	if (ret && volume_parse_head(s->old_head, &vol) &&
	    chain_align(vol.blocks) == s->medium.nwa)
		return 0;
	bytes = (size_t)copy_blocks(s->old_head) * DISC_BLOCK;
	copy = malloc(bytes);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, s->old_head, DISC_HEAD_BYTES);
	if (bytes > DISC_HEAD_BYTES)
		ret = disc_read(s->disc, copy + DISC_HEAD_BYTES,
				bytes - DISC_HEAD_BYTES, DISC_HEAD_BYTES);
	if (ret < 0) {
		free(copy);
		return why_set(why, ret, "cannot read the root folder of %s",
			       disc_path(s->disc));
	}
	return add_hidden(s, copy, bytes, why);
}

static bool changes(const struct session *s, uint32_t block)
{
	size_t pos = (size_t)block * DISC_BLOCK;

	return memcmp(s->old_head + pos, s->new_head + pos, DISC_BLOCK) != 0;
}

/* What lay at [from, from + VOLUME_HEAD_BLOCKS) is at @to now. */
struct move {
	uint32_t from, to;
	bool partly; /* of a root that is only begun here, too */
};

static bool is_from(uint32_t lba, const struct move *m)
{
	return lba >= m->from && lba - m->from < VOLUME_HEAD_BLOCKS;
}

static void put_both(unsigned char *p, uint32_t n)
{
	int i;

	for (i = 0; i < 4; i++) {
		p[i] = (unsigned char)(n >> (8 * i));
		p[7 - i] = p[i];
	}
}

/* The address at @p. */
static void move_address(unsigned char *p, const struct move *m)
{
	uint32_t lba = volume_le32(p);

	if (is_from(lba, m))
		put_both(p, m->to + (lba - m->from));
}

/* A record's continuation area (SUSP 5.1). */
static void move_area(unsigned char *record, const struct move *m)
{
	size_t pos = RECORD_NAME + (size_t)record[RECORD_NAME_LEN], n;

	pos += pos & 1;
	for (; pos + SUSP_MIN <= record[0]; pos += n) {
		n = record[pos + 2];
		if (n < SUSP_MIN || pos + n > record[0])
			return;
		if (memcmp(record + pos, "CE", 2) == 0 && n >= CE_BYTES)
			move_address(record + pos + CE_LBA, m);
	}
}

/* A root folder: its own record and its parent's, which it is itself, since
 * libisofs goes by them; and the continuation areas of all. */
static void move_records(unsigned char *folder, size_t bytes,
			 const struct move *m)
{
	size_t pos = 0;
	int number = 0;

	while (pos < bytes) {
		unsigned char *record = folder + pos;
		size_t room = DISC_BLOCK - pos % DISC_BLOCK;

		if (room <= RECORD_NAME || record[0] <= RECORD_NAME ||
		    record[0] > room) {
			pos += room;
			continue;
		}
		if (number++ < 2)
			move_address(record + RECORD_LBA, m);
		move_area(record, m);
		pos += record[0];
	}
}

/* The roots in @head, of which @blocks blocks are there. */
static void move_roots(unsigned char *head, uint32_t blocks,
		       const struct move *m)
{
	uint32_t block;

	for (block = VOLUME_SUPERBLOCK;
	     block < VOLUME_HEAD_BLOCKS && !is_end(head, block); block++) {
		unsigned char *d = head + (size_t)block * DISC_BLOCK;
		uint32_t lba = volume_le32(d + ROOT_LBA), n = root_blocks(d);

		if (!is_tree(d) || !is_from(lba, m))
			continue;
		lba -= m->from;
		if (lba <= block || lba >= blocks ||
		    (n > blocks - lba && !m->partly))
			continue;
		if (n > blocks - lba)
			n = blocks - lba;
		move_address(d + ROOT_LBA, m);
		move_records(head + (size_t)lba * DISC_BLOCK,
			     (size_t)n * DISC_BLOCK, m);
	}
}

void old_head_restore(unsigned char *head, uint32_t copy_lba)
{
	const struct move back = {.from = copy_lba, .to = 0, .partly = true};

	move_roots(head, VOLUME_HEAD_BLOCKS, &back);
}

int old_head_settle(struct session *s, struct why *why)
{
	/* Of the highest weight the copy comes first, behind libisofs' one
	 * block for all files that are empty. */
	const struct move m = {.from = 0, .to = s->data_lba + 1};
	uint32_t block;

	if (!s->old_head)
		return 0;
	for (block = 0; block < VOLUME_HEAD_BLOCKS; block++)
		if ((s->base.content_in_head >> block & 1) && changes(s, block))
			return why_set(why, -ENOTSUP,
				       "%s: a file's content stands in block "
				       "%lu, where the new superblock goes",
				       disc_path(s->disc),
				       (unsigned long)block);
	if (s->head_copy)
		move_roots(s->head_copy,
			   (uint32_t)(s->head_copy_bytes / DISC_BLOCK), &m);
	return 0;
}
