/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "burner/read_ahead.h"
#include "burner/session_parts.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	PVD_CREATED = 813, /* ECMA-119 8.4.26 */
	UUID_DIGITS = 16,
	SUM_BYTES = 16,
	/* libisofs' kinds of checksum tags. */
	TAG_SESSION = 1,
	TAG_SUPERBLOCK = 2,
	TAG_TREE = 3,
};

struct verify {
	struct disc *disc;
	const char *uuid;
	uint64_t nwa, blocks;
	enum verify_level level;
	void *md5;	   /* of all blocks from nwa on */
	uint64_t good_end; /* up to here by the last tag that matched */
	uint32_t next_tag; /* where the next one has to be; 0: not known yet */
	int seen;	   /* 1 << kind, of the tags that matched */
	bool done;
};

static int damaged(const struct verify *v, uint64_t from, uint64_t to,
		   const char *what, struct why *why)
{
	return why_set(why, -EBADMSG,
		       "%s: blocks %llu to %llu read back differently (%s)",
		       disc_path(v->disc), (unsigned long long)from,
		       (unsigned long long)to, what);
}

static const char *tag_words(int type)
{
	switch (type) {
	case TAG_SUPERBLOCK:
		return "volume descriptors";
	case TAG_TREE:
		return "folders";
	default:
		return "file contents and the rest";
	}
}

static int check_descriptor(const struct verify *v, const unsigned char *block,
			    struct why *why)
{
	struct volume vol;
	uint64_t lba = v->nwa + VOLUME_SUPERBLOCK;

	if (!volume_parse(block, &vol))
		return damaged(v, lba, lba, "no volume descriptor", why);
	if (memcmp(block + PVD_CREATED, v->uuid, UUID_DIGITS) != 0)
		return damaged(v, lba, lba, "another session's descriptor",
			       why);
	return 0;
}

/* The tag that has to stand in @block at @lba. */
static int check_tag(struct verify *v, uint64_t lba, unsigned char *block,
		     bool must, struct why *why)
{
	char md5[SUM_BYTES], mine[SUM_BYTES];
	uint32_t pos, start, size, next = 0;
	void *ctx = NULL;
	int type, ret;

	ret = iso_util_decode_md5_tag((char *)block, &type, &pos, &start, &size,
				      &next, md5, 0);
	if (ret == 0 && !must)
		return 0;
	if (ret == 1 && !must && (pos != lba || start != v->nwa))
		return 0;
	if (ret != 1 || pos != lba || start != v->nwa || size != lba - v->nwa ||
	    type > TAG_TREE)
		return damaged(v, v->good_end, lba, "no checksum", why);
	if (iso_md5_clone(v->md5, &ctx) < 0)
		return -ENOMEM;
	iso_md5_end(&ctx, mine);
	if (memcmp(mine, md5, SUM_BYTES) != 0)
		return damaged(v, v->good_end, lba - 1, tag_words(type), why);
	v->good_end = lba + 1;
	v->seen |= 1 << type;
	v->next_tag = next;
	if (type == TAG_SESSION ||
	    (type == TAG_TREE && v->level == VERIFY_QUICK))
		v->done = true;
	return 0;
}

static int check_block(struct verify *v, uint64_t lba, unsigned char *block,
		       struct why *why)
{
	bool searching = v->next_tag == 0 && lba > v->nwa + VOLUME_SUPERBLOCK;
	int err = 0;

	if (lba == v->nwa + VOLUME_SUPERBLOCK)
		err = check_descriptor(v, block, why);
	else if (searching || (v->next_tag && lba == v->next_tag))
		err = check_tag(v, lba, block, !searching, why);
	return err;
}

/* Between two blocks that need a look there are often millions that do not. */
static uint64_t plain_blocks(const struct verify *v, uint64_t lba, uint64_t n)
{
	if (!v->next_tag || lba >= v->next_tag)
		return 1;
	return v->next_tag - lba < n ? v->next_tag - lba : n;
}

static int check_chunk(struct verify *v, uint64_t lba, unsigned char *chunk,
		       uint64_t n, struct why *why)
{
	uint64_t i = 0, k;
	int err;

	while (i < n && !v->done) {
		unsigned char *block = chunk + i * DISC_BLOCK;

		k = plain_blocks(v, lba + i, n - i);
		err = check_block(v, lba + i, block, why);
		if (err < 0)
			return err;
		iso_md5_compute(v->md5, (char *)block, (int)(k * DISC_BLOCK));
		i += k;
	}
	return 0;
}

static void report(const struct progress_sink *sink, uint64_t done,
		   uint64_t total)
{
	struct progress p = {.phase = "verifying",
			     .blocks_done = done,
			     .blocks_total = total};

	if (sink && sink->report)
		sink->report(sink->arg, &p);
}

static void forget_cached(struct disc *disc, uint64_t nwa, uint64_t blocks)
{
	int fd = disc_fd(disc);

	if (fd < 0)
		return;
	posix_fadvise(fd, (off_t)(nwa * DISC_BLOCK),
		      (off_t)(blocks * DISC_BLOCK), POSIX_FADV_DONTNEED);
	posix_fadvise(fd, (off_t)(nwa * DISC_BLOCK),
		      (off_t)(blocks * DISC_BLOCK), POSIX_FADV_SEQUENTIAL);
}

/* The next blocks, in *@ret_n: as read_ahead_next. */
static int next_blocks(struct verify *v, struct read_ahead *ahead, uint64_t lba,
		       unsigned char **ret, uint64_t *ret_n, struct why *why)
{
	size_t len = 0;
	int got = read_ahead_next(ahead, ret, &len);

	*ret_n = len / DISC_BLOCK;
	if (got < 0)
		return why_set(why, got,
			       "%s: cannot read back blocks %llu to %llu",
			       disc_path(v->disc), (unsigned long long)lba,
			       (unsigned long long)(lba + *ret_n - 1));
	return got;
}

static int run(struct verify *v, struct read_ahead *ahead,
	       const struct progress_sink *sink, struct why *why)
{
	unsigned char *chunk;
	uint64_t done = 0, n;
	unsigned reports = 0;
	int err;

	report(sink, 0, v->blocks);
	while (done < v->blocks && !v->done) {
		if (sink && sink->cancel && atomic_load(sink->cancel))
			return why_set(why, -ECANCELED, "cancelled");
		err = next_blocks(v, ahead, v->nwa + done, &chunk, &n, why);
		if (err >= 0)
			err = check_chunk(v, v->nwa + done, chunk, n, why);
		if (err < 0)
			return err;
		done += n;
		if (++reports % 32 == 0)
			report(sink, done, v->blocks);
	}
	if (!v->done)
		return damaged(v, v->good_end, v->nwa + v->blocks - 1,
			       "no checksum", why);
	report(sink, v->blocks, v->blocks);
	return 0;
}

int verify_range(struct disc *disc, uint64_t nwa, uint64_t blocks,
		 const char *uuid, enum verify_level level,
		 const struct progress_sink *sink, struct why *why)
{
	struct verify v = {.disc = disc,
			   .uuid = uuid,
			   .nwa = nwa,
			   .blocks = blocks,
			   .level = level,
			   .good_end = nwa};
	struct read_ahead *ahead;
	char md5[SUM_BYTES];
	int err;

	if (level == VERIFY_NONE)
		return 0;
	if (iso_md5_start(&v.md5) < 0)
		return -ENOMEM;
	forget_cached(disc, nwa, blocks);
	err = read_ahead_new(disc, nwa * DISC_BLOCK, blocks * DISC_BLOCK,
			     &ahead);
	if (!err) {
		err = run(&v, ahead, sink, why);
		read_ahead_free(ahead);
	}
	iso_md5_end(&v.md5, md5);
	return err;
}
