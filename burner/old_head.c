/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The new superblock takes the place of the old one, and a block or two more:
 * libisofs' checksum tag, a Joliet descriptor.  In an image of our own or of
 * xorriso nothing stands there.  In a foreign image it is the first blocks of
 * its tree: the root folder as a rule.  That tree is no part of the new
 * session, but of the old one, which stays within reach by the copy of the
 * head: so the copy holds all of the root, and its superblock points to that.
 */
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
};

/* The root folder that the descriptor in @block of @head names. */
static bool descriptor_root(const unsigned char *head, uint32_t block,
			    uint32_t *ret_lba, uint32_t *ret_blocks)
{
	const unsigned char *d = head + (size_t)block * DISC_BLOCK;

	if ((d[0] != DESCRIPTOR_PRIMARY && d[0] != DESCRIPTOR_SUPPLEMENTARY) ||
	    memcmp(d + 1, "CD001", 5) != 0)
		return false;
	*ret_lba = volume_le32(d + ROOT_LBA);
	*ret_blocks =
		(volume_le32(d + ROOT_BYTES) + DISC_BLOCK - 1) / DISC_BLOCK;
	return *ret_lba > block && *ret_lba < VOLUME_HEAD_BLOCKS &&
	       *ret_blocks <= ROOT_MAX_BLOCKS;
}

static bool is_end(const unsigned char *head, uint32_t block)
{
	return head[(size_t)block * DISC_BLOCK] == DESCRIPTOR_END;
}

/* The head and what of the root folders begins in it. */
static uint32_t copy_blocks(const unsigned char *head)
{
	uint32_t block, end = VOLUME_HEAD_BLOCKS, lba, n;

	for (block = VOLUME_SUPERBLOCK;
	     block < VOLUME_HEAD_BLOCKS && !is_end(head, block); block++)
		if (descriptor_root(head, block, &lba, &n) && lba + n > end)
			end = lba + n;
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
	unsigned char *copy;
	size_t bytes;
	int ret;

	if (!s->old_head || s->plan->blank)
		return 0;
	ret = chain_is_native(s->disc, s->old_head);
	if (ret < 0)
		return why_set(why, ret, "cannot read the disc's sessions");
	if (ret)
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

static void put_both(unsigned char *p, uint32_t n)
{
	int i;

	for (i = 0; i < 4; i++) {
		p[i] = (unsigned char)(n >> (8 * i));
		p[7 - i] = p[i];
	}
}

static bool is_covered(const struct session *s, uint32_t lba, uint32_t n)
{
	uint32_t i;

	for (i = lba; i < lba + n && i < VOLUME_HEAD_BLOCKS; i++)
		if (changes(s, i))
			return true;
	return false;
}

/* The folder's own record and its parent's, which it is itself; libisofs goes
 * by them. */
static void move_root(unsigned char *folder, uint32_t lba)
{
	unsigned next = folder[0];

	put_both(folder + RECORD_LBA, lba);
	if (next + RECORD_LBA + 8 <= DISC_BLOCK)
		put_both(folder + next + RECORD_LBA, lba);
}

static void settle_copy(struct session *s)
{
	/* Of the highest weight it comes first, behind libisofs' one block for
	 * all files that are empty. */
	uint32_t copy_lba = s->data_lba + 1;
	uint32_t block, lba, n;

	for (block = VOLUME_SUPERBLOCK;
	     block < VOLUME_HEAD_BLOCKS && !is_end(s->old_head, block);
	     block++) {
		if (!descriptor_root(s->old_head, block, &lba, &n) ||
		    !is_covered(s, lba, n))
			continue;
		put_both(s->head_copy + (size_t)block * DISC_BLOCK + ROOT_LBA,
			 copy_lba + lba);
		move_root(s->head_copy + (size_t)lba * DISC_BLOCK,
			  copy_lba + lba);
	}
}

int old_head_settle(struct session *s, struct why *why)
{
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
		settle_copy(s);
	return 0;
}
