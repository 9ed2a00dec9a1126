/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/stretch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libisofs/libisofs.h>

#include "burner/disc.h"
#include "burner/volume.h"

enum {
	PVD_SPACE_SIZE = 80,    /* ECMA-119 8.4.8, in both byte orders */
	PVD_TYPE_L_TABLE = 140, /* ECMA-119 8.4.14 */
	DESCRIPTOR_PRIMARY = 1, /* ECMA-119 8.1.1 */
	DESCRIPTOR_SUPPLEMENTARY = 2,
	SUM_BYTES = 16,
	HEX_BYTES = 2 * SUM_BYTES,
};

/* Addresses of folders that are known of and did not come yet: a binary heap,
 * the lowest first. */
struct folders {
	uint32_t *lba;
	size_t n, room;
};

struct stretch {
	struct burn_source *inner;
	uint64_t next_lba; /* of the block that is delivered next */
	uint32_t start_lba;
	uint32_t volume_end; /* 0: the descriptors stay as they are */
	uint64_t inserted;

	unsigned char held[DISC_BLOCK]; /* a block that waits for its place */
	uint64_t held_lba;
	bool holding;

	/* The tree. */
	struct folders folders;
	uint32_t root_lba, path_table_lba;
	uint32_t folder_blocks; /* of the current folder, still to come */
	bool tree_done;

	/* The checksums. */
	bool mend;
	struct stretch_sums sums;
	uint32_t tag_lba; /* of the next tag, 0 before the first is known */
	void *session_md5, *sums_md5;
	uint32_t sums_done; /* entries of the array that went by */
};

static int folders_push(struct folders *f, uint32_t lba)
{
	size_t i;

	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		uint32_t *p = realloc(f->lba, room * sizeof *p);

		if (!p)
			return -ENOMEM;
		f->lba = p;
		f->room = room;
	}
	for (i = f->n++; i > 0 && f->lba[(i - 1) / 2] > lba; i = (i - 1) / 2)
		f->lba[i] = f->lba[(i - 1) / 2];
	f->lba[i] = lba;
	return 0;
}

static void folders_pop(struct folders *f)
{
	uint32_t last = f->lba[--f->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < f->n) {
		if (child + 1 < f->n && f->lba[child + 1] < f->lba[child])
			child++;
		if (f->lba[child] >= last)
			break;
		f->lba[i] = f->lba[child];
		i = child;
	}
	f->lba[i] = last;
}

/* A folder begins with its own record (ECMA-119 6.8.2.2); a continuation area
 * begins with the two letters of a field. */
static bool begins_folder(const unsigned char *b, uint32_t lba)
{
	return b[0] >= 34 && b[1] == 0 && volume_le32(b + 2) == lba &&
	       b[32] == 1 && b[33] == 0;
}

/* ECMA-119 9.4; the first record is the root's. */
static bool begins_path_table(const unsigned char *b, uint32_t root_lba)
{
	return b[0] == 1 && b[1] == 0 && volume_le32(b + 2) == root_lba &&
	       volume_le16(b + 6) == 1;
}

/* The subfolders that one block of a folder names; ECMA-119 9.1. */
static int note_folders(struct stretch *s, const unsigned char *b)
{
	size_t pos = 0;

	while (pos + 34 <= DISC_BLOCK && b[pos] >= 34) {
		const unsigned char *rec = b + pos;
		bool special = rec[32] == 1 && rec[33] <= 1;

		if ((rec[25] & 2) && !special &&
		    folders_push(&s->folders, volume_le32(rec + 2)) < 0)
			return -ENOMEM;
		pos += rec[0];
	}
	return 0;
}

/*
 * What a block from libisofs is to the tree.  Sets *@ret_lba where it has to
 * stand at an address that it does not have yet.
 */
static int look_at_tree(struct stretch *s, const unsigned char *b,
			uint64_t *ret_lba)
{
	uint64_t lba = s->next_lba;

	if (lba == s->start_lba + VOLUME_SUPERBLOCK) {
		struct volume v;

		if (!volume_parse(b, &v))
			return -EIO;
		s->root_lba = v.root_lba;
		s->path_table_lba = volume_le32(b + PVD_TYPE_L_TABLE);
		return folders_push(&s->folders, v.root_lba);
	}
	if (!s->root_lba || lba < s->root_lba)
		return 0;
	if (s->folder_blocks > 0) {
		s->folder_blocks--;
		return note_folders(s, b);
	}
	if (s->folders.n == 0) {
		if (!begins_path_table(b, s->root_lba))
			return 0;
		if (lba > s->path_table_lba)
			return -ERANGE;
		s->tree_done = true;
		*ret_lba = s->path_table_lba;
		return 0;
	}
	if (!begins_folder(b, s->folders.lba[0]))
		return 0;
	if (lba > s->folders.lba[0])
		return -ERANGE;
	*ret_lba = s->folders.lba[0];
	folders_pop(&s->folders);
	s->folder_blocks = volume_le32(b + 10) / DISC_BLOCK;
	if (s->folder_blocks == 0)
		return -EIO;
	s->folder_blocks--;
	return note_folders(s, b);
}

static int read_inner(struct stretch *s, unsigned char *block)
{
	int n = s->inner->read_xt(s->inner, block, DISC_BLOCK);

	if (n == 0)
		return 0;
	return n == (int)DISC_BLOCK ? 1 : -EIO;
}

/* The next block with the zeros put in, checksums as libisofs made them. */
static int next_placed(struct stretch *s, unsigned char *block)
{
	int r;

	if (!s->holding) {
		s->held_lba = s->next_lba;
		r = read_inner(s, s->held);
		if (r <= 0)
			return r;
		if (!s->tree_done) {
			r = look_at_tree(s, s->held, &s->held_lba);
			if (r < 0)
				return r;
		}
		s->holding = true;
	}
	if (s->next_lba < s->held_lba) {
		memset(block, 0, DISC_BLOCK);
		s->inserted++;
	} else {
		memcpy(block, s->held, DISC_BLOCK);
		s->holding = false;
	}
	return 1;
}

static void put_hex(char *text, const char *md5)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < SUM_BYTES; i++) {
		text[2 * i] = digit[(unsigned char)md5[i] >> 4];
		text[2 * i + 1] = digit[(unsigned char)md5[i] & 15];
	}
}

/* Puts the MD5 of what went by into the tag's text, and the text's own.  That
 * the text is well formed was seen by libisofs' decoder. */
static int rewrite_tag(struct stretch *s, unsigned char *block)
{
	char md5[SUM_BYTES], *text = (char *)block, *field;
	void *ctx = NULL;
	size_t len;

	field = memmem(text, DISC_BLOCK / 2, " md5=", 5);
	if (!field || iso_md5_clone(s->session_md5, &ctx) < 0)
		return -EIO;
	iso_md5_end(&ctx, md5);
	field += 5;
	put_hex(field, md5);
	field += HEX_BYTES;
	len = (size_t)(field - text);
	if (iso_md5_start(&ctx) < 0)
		return -ENOMEM;
	iso_md5_compute(ctx, text, (int)len);
	iso_md5_end(&ctx, md5);
	put_hex(field + strlen(" self="), md5);
	return 0;
}

/* The array's first entry is the MD5 of the session so far, its last one that
 * of the entries before it. */
static int rewrite_sums(struct stretch *s, unsigned char *block)
{
	void *ctx = NULL;
	unsigned i;

	if (s->sums_done == 0) {
		if (iso_md5_clone(s->session_md5, &ctx) < 0 ||
		    iso_md5_start(&s->sums_md5) < 0)
			return -ENOMEM;
		iso_md5_end(&ctx, (char *)block);
	}
	for (i = 0; i < DISC_BLOCK / SUM_BYTES; i++) {
		char *entry = (char *)block + (size_t)i * SUM_BYTES;

		if (s->sums_done + 1 < s->sums.count)
			iso_md5_compute(s->sums_md5, entry, SUM_BYTES);
		else if (s->sums_done + 1 == s->sums.count)
			iso_md5_end(&s->sums_md5, entry);
		else
			break;
		s->sums_done++;
	}
	return 0;
}

/* ECMA-119 8.1: descriptors stand from block 16 on, one behind the other. */
static void mend_descriptor(const struct stretch *s, uint64_t lba,
			    unsigned char *block)
{
	unsigned char *p = block + PVD_SPACE_SIZE;

	if (!s->volume_end || lba < s->start_lba + VOLUME_SUPERBLOCK ||
	    lba >= s->start_lba + VOLUME_HEAD_BLOCKS ||
	    (block[0] != DESCRIPTOR_PRIMARY &&
	     block[0] != DESCRIPTOR_SUPPLEMENTARY) ||
	    memcmp(block + 1, "CD001", 5) != 0)
		return;
	for (unsigned i = 0; i < 4; i++)
		p[i] = p[7 - i] = (unsigned char)(s->volume_end >> (8 * i));
}

static int mend_block(struct stretch *s, uint64_t lba, unsigned char *block)
{
	uint32_t pos, start, size, next = 0;
	int type, r = 0;
	char md5[SUM_BYTES];

	if (!s->session_md5 && iso_md5_start(&s->session_md5) < 0)
		return -ENOMEM;
	mend_descriptor(s, lba, block);
	if (lba >= s->sums.lba && s->sums_done < s->sums.count)
		r = rewrite_sums(s, block);
	else if ((s->tag_lba == 0 && lba > s->start_lba + VOLUME_SUPERBLOCK) ||
		 (s->tag_lba != 0 && lba == s->tag_lba)) {
		if (iso_util_decode_md5_tag((char *)block, &type, &pos, &start,
					    &size, &next, md5, 0) == 1 &&
		    pos == lba) {
			r = rewrite_tag(s, block);
			s->tag_lba = type == 1 ? UINT32_MAX : next;
		}
	}
	if (r < 0)
		return r;
	iso_md5_compute(s->session_md5, (char *)block, (int)DISC_BLOCK);
	return 0;
}

int stretch_next(struct stretch *s, unsigned char *block)
{
	int r = next_placed(s, block);

	if (r <= 0)
		return r;
	if (s->mend) {
		r = mend_block(s, s->next_lba, block);
		if (r < 0)
			return r;
	}
	s->next_lba++;
	return 1;
}

bool stretch_tree_done(const struct stretch *s)
{
	return s->tree_done;
}

uint64_t stretch_inserted(const struct stretch *s)
{
	return s->inserted;
}

int stretch_new(struct burn_source *inner, uint32_t nwa, uint32_t volume_end,
		const struct stretch_sums *sums, struct stretch **ret)
{
	struct stretch *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->inner = inner;
	s->start_lba = nwa;
	s->next_lba = nwa;
	s->volume_end = volume_end;
	if (sums) {
		s->mend = true;
		s->sums = *sums;
	}
	*ret = s;
	return 0;
}

void stretch_free(struct stretch *s)
{
	char md5[SUM_BYTES];

	if (!s)
		return;
	if (s->inner->cancel)
		s->inner->cancel(s->inner);
	burn_source_free(s->inner);
	if (s->session_md5)
		iso_md5_end(&s->session_md5, md5);
	if (s->sums_md5)
		iso_md5_end(&s->sums_md5, md5);
	free(s->folders.lba);
	free(s);
}

static int source_read(struct burn_source *src, unsigned char *buf, int size)
{
	int done = 0, r = 1;

	while (done + (int)DISC_BLOCK <= size &&
	       (r = stretch_next(src->data, buf + done)) == 1)
		done += (int)DISC_BLOCK;
	return r < 0 ? -1 : done;
}

static off_t source_get_size(struct burn_source *src)
{
	struct stretch *s = src->data;

	return s->inner->get_size(s->inner);
}

static int source_set_size(struct burn_source *src, off_t size)
{
	struct stretch *s = src->data;

	return s->inner->set_size(s->inner, size);
}

static int source_cancel(struct burn_source *src)
{
	struct stretch *s = src->data;

	return s->inner->cancel(s->inner);
}

static void source_free(struct burn_source *src)
{
	stretch_free(src->data);
	src->data = NULL;
}

struct burn_source *stretch_source(struct stretch *s)
{
	struct burn_source *src = calloc(1, sizeof *src);

	if (!src)
		return NULL;
	src->refcount = 1;
	src->version = 1;
	src->read_xt = source_read;
	src->get_size = source_get_size;
	src->set_size = source_set_size;
	src->cancel = source_cancel;
	src->free_data = source_free;
	src->data = s;
	return src;
}
