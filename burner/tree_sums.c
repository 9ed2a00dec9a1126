/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/tree_sums.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/head.h"
#include "burner/library.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	CHUNK_BLOCKS = 256,
	SUM_BYTES = 16,
	/* libisofs' kinds of checksum tags. */
	TAG_SUPERBLOCK = 2,
	TAG_TREE = 3,
	TAG_RELOCATED = 4,
};

struct tree_sums {
	struct disc *disc;
	uint32_t start;
	bool changeable; /* what stands in front of the tree */
	bool threaded;
	pthread_t thread;
	atomic_bool stop;
	/* The verdict. */
	int err;
	struct why why;

	unsigned char chunk[CHUNK_BLOCKS * DISC_BLOCK];
};

struct tag {
	int type;
	uint32_t pos, start, size, next;
	char md5[SUM_BYTES];
};

static int damaged(struct tree_sums *t, uint64_t from, uint64_t to)
{
	return why_set(&t->why, -EIO,
		       "%s is damaged: the checksum of blocks %llu to %llu, "
		       "which hold the tree, does not match",
		       disc_path(t->disc), (unsigned long long)from,
		       (unsigned long long)to);
}

static int read_blocks(struct tree_sums *t, uint64_t lba, size_t n)
{
	int err =
		disc_read(t->disc, t->chunk, n * DISC_BLOCK, lba * DISC_BLOCK);

	if (err < 0)
		return why_set(&t->why, err,
			       "cannot read blocks %llu to %llu of %s, which "
			       "hold the tree",
			       (unsigned long long)lba,
			       (unsigned long long)(lba + n - 1),
			       disc_path(t->disc));
	return 0;
}

/* The first blocks; zeros where an image is smaller than that. */
static int read_head(struct tree_sums *t, uint32_t start)
{
	uint64_t end = disc_readable(t->disc) / DISC_BLOCK;
	size_t n = VOLUME_HEAD_BLOCKS;

	if (end < (uint64_t)start + n)
		n = end > start ? (size_t)(end - start) : 0;
	memset(t->chunk, 0, (size_t)VOLUME_HEAD_BLOCKS * DISC_BLOCK);
	return n ? read_blocks(t, start, n) : 0;
}

/* 1: @block is a tag; 0; -EIO: it is one whose own checksum is wrong. */
static int decode(const unsigned char *block, struct tag *ret)
{
	char text[DISC_BLOCK + 1];
	int got;

	if (!memchr(block, 0, DISC_BLOCK))
		return 0;
	memcpy(text, block, DISC_BLOCK);
	text[DISC_BLOCK] = '\0';
	got = iso_util_decode_md5_tag(text, &ret->type, &ret->pos, &ret->start,
				      &ret->size, &ret->next, ret->md5, 0);
	if (got == (int)ISO_MD5_AREA_CORRUPTED)
		return -EIO;
	return got == 1;
}

/* Whether @md5, so far, is what the tag at @lba says. */
static int compare(struct tree_sums *t, uint32_t start, uint64_t lba,
		   const struct tag *tag, void *md5)
{
	char mine[SUM_BYTES];
	void *copy = NULL;

	if (tag->pos != lba || tag->start != start)
		return damaged(t, start, lba);
	if (iso_md5_clone(md5, &copy) < 0)
		return -ENOMEM;
	iso_md5_end(&copy, mine);
	if (memcmp(mine, tag->md5, SUM_BYTES) != 0)
		return damaged(t, start, lba);
	return 0;
}

/* Of a session that was copied to the start of an image with its superblock. */
static bool is_copied(const struct tag *tag, uint32_t start, uint64_t lba)
{
	return tag->type == TAG_SUPERBLOCK && lba < VOLUME_HEAD_BLOCKS &&
	       tag->pos != lba &&
	       (uint64_t)tag->start + lba == (uint64_t)start + tag->pos;
}

/*
 * The blocks in front of the first tag, block @n of the medium, are not what
 * was summed.  The sum of the tree goes on from theirs: it can be compared
 * where it is found out what they were.  1: it was, and *@md5 goes on from
 * them; 0.
 */
static int restore_head(struct tree_sums *t, unsigned n, const struct tag *tag,
			void **md5)
{
	char sum[SUM_BYTES];

	t->why.text[0] = '\0';
	if (tag->type != TAG_SUPERBLOCK || tag->pos != n || tag->start != 0 ||
	    !head_restore(t->chunk, n, tag->md5))
		return 0;
	iso_md5_end(md5, sum);
	if (iso_md5_start(md5) < 0)
		return -ENOMEM;
	iso_md5_compute(*md5, (char *)t->chunk, (int)(n * DISC_BLOCK));
	return 1;
}

/*
 * The tag behind the descriptors: 1 with *@ret, all summed up to and with it;
 * 0: none that can be looked at.
 */
static int find_first(struct tree_sums *t, uint32_t start, void **md5,
		      struct tag *ret)
{
	unsigned i;
	int err = read_head(t, start), got;

	for (i = 0; !err && i < VOLUME_HEAD_BLOCKS; i++) {
		unsigned char *block = t->chunk + (size_t)i * DISC_BLOCK;
		uint64_t lba = (uint64_t)start + i;

		got = i < VOLUME_SUPERBLOCK ? 0 : decode(block, ret);
		if (got < 0)
			return t->changeable ? 0 : damaged(t, start, lba);
		if (got && ret->type != TAG_SUPERBLOCK &&
		    !(ret->type == TAG_RELOCATED && start == 0))
			got = 0;
		if (got && is_copied(ret, start, lba))
			return 0;
		if (got)
			err = compare(t, start, lba, ret, *md5);
		if (err == -EIO && t->changeable) {
			err = restore_head(t, i, ret, md5);
			if (err != 1)
				return err;
			err = 0;
		}
		iso_md5_compute(*md5, (char *)block, DISC_BLOCK);
		if (got)
			return err < 0 ? err : 1;
	}
	return err;
}

/* From the block behind the first tag to the one that says how the tree ends.
 */
static int check_tree(struct tree_sums *t, uint32_t start,
		      const struct tag *first, void *md5)
{
	uint64_t lba = (uint64_t)first->pos + 1, end = first->next;
	struct tag tag;
	int err = 0, got;

	if (lba > end)
		return 0;
	while (!err && lba < end && !atomic_load(&t->stop)) {
		size_t n = end - lba < CHUNK_BLOCKS ? (size_t)(end - lba)
						    : CHUNK_BLOCKS;

		err = read_blocks(t, lba, n);
		if (!err)
			iso_md5_compute(md5, (char *)t->chunk,
					(int)(n * DISC_BLOCK));
		lba += n;
	}
	if (!err && !atomic_load(&t->stop))
		err = read_blocks(t, end, 1);
	if (err || atomic_load(&t->stop))
		return err;
	got = decode(t->chunk, &tag);
	if (got < 0)
		return damaged(t, start, end);
	return got && tag.type == TAG_TREE ? compare(t, start, end, &tag, md5)
					   : 0;
}

static int check(struct tree_sums *t, uint32_t start)
{
	struct tag first = {0};
	char sum[SUM_BYTES];
	void *md5 = NULL;
	int err;

	if (iso_md5_start(&md5) < 0)
		return -ENOMEM;
	err = find_first(t, start, &md5, &first);
	if (err == 1 && first.type == TAG_SUPERBLOCK)
		err = check_tree(t, start, &first, md5);
	iso_md5_end(&md5, sum);
	if (err != 1)
		return err;
	/* The head's own: it names the session that it is a copy of. */
	if (first.next < VOLUME_HEAD_BLOCKS)
		return damaged(t, start, first.pos);
	return check(t, first.next);
}

static void *run(void *arg)
{
	struct tree_sums *t = arg;

	t->err = check(t, t->start);
	return NULL;
}

int tree_sums_begin(struct disc *disc, uint32_t start, bool changeable,
		    struct tree_sums **ret)
{
	struct tree_sums *t = calloc(1, sizeof *t);
	int err = 0;

	if (!t)
		return -ENOMEM;
	t->disc = disc;
	t->start = start;
	t->changeable = changeable;
	t->threaded = disc_fd(disc) >= 0;
	if (t->threaded)
		err = pthread_create(&t->thread, NULL, run, t);
	else
		run(t);
	if (err) {
		free(t);
		return -err;
	}
	*ret = t;
	return 0;
}

int tree_sums_end(struct tree_sums *t, struct why *why)
{
	int err;

	if (t->threaded)
		pthread_join(t->thread, NULL);
	err = t->err;
	if (err < 0 && t->why.text[0])
		why_set(why, err, "%s", t->why.text);
	free(t);
	return err;
}

void tree_sums_drop(struct tree_sums *t)
{
	if (!t)
		return;
	atomic_store(&t->stop, true);
	tree_sums_end(t, NULL);
}
