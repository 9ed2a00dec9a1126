/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/tail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burner/disc_ops.h"
#include "burner/library.h"
#include "burner/partitions.h"
#include "common/cleanup.h"
#include "common/io.h"

enum {
	PIECE = 1 << 20,    /* bytes that are read at once */
	STRIDE = 64 * PIECE, /* bytes that are asked for being a hole at once */
	/* What was changed less long ago may change without its time. */
	SETTLED_SECONDS = 2,
	RECORD_BYTES = 34, /* ECMA-119 9.1, of the folder itself */
	RECORD_LBA = 2,
	RECORD_SIZE = 10,
	RECORD_FLAGS = 25,
	RECORD_NAME_LEN = 32,
	RECORD_NAME = 33,
	FLAG_FOLDER = 2,
	/* Kinds of checksum tags. */
	TAG_SESSION = 1,
	TAG_SUPERBLOCK = 2,
	TAG_TREE = 3,
};

void tails_init(struct tails *t)
{
	memset(t, 0, sizeof *t);
	pthread_mutex_init(&t->lock, NULL);
}

void tails_release(struct tails *t)
{
	free(t->found.v);
	pthread_mutex_destroy(&t->lock);
}

void tail_own(struct disc *disc, uint64_t lba, uint64_t blocks)
{
	LOCK_GUARD(&disc->tails.lock);

	disc->tails.own_lba = blocks ? lba : 0;
	disc->tails.own_blocks = blocks;
}

/* ---- is it still what was looked at? ---- */

static int make_key(struct disc *disc, uint64_t from, uint64_t to,
		    struct tail_key *ret)
{
	struct stat st;

	if (fstat(disc->fd, &st) < 0)
		return -errno;
	*ret = (struct tail_key){
		.from = from,
		.to = to < (uint64_t)st.st_size ? to : (uint64_t)st.st_size,
		.own_lba = disc->tails.own_lba,
		.size = st.st_size,
		.mtime = st.st_mtim,
	};
	return 0;
}

/*
 * While a burn of ours is under way the file changes all the time.  It was
 * looked at just before, and is again once the burn is over.
 */
static bool is_same(const struct tail_key *old, const struct tail_key *now)
{
	if (old->from != now->from)
		return false;
	if (now->own_lba && old->to <= now->to)
		return true;
	return old->to == now->to && old->own_lba == now->own_lba &&
	       old->size == now->size &&
	       old->mtime.tv_sec == now->mtime.tv_sec &&
	       old->mtime.tv_nsec == now->mtime.tv_nsec;
}

static bool is_settled(const struct tail_key *key)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return key->own_lba == 0 &&
	       (now.tv_sec - key->mtime.tv_sec > SETTLED_SECONDS ||
		now.tv_sec < key->mtime.tv_sec);
}

/* ---- what is not zero ---- */

/* Whether bytes @from to @to are a hole, or behind the end of the file. */
static bool is_hole(int fd, uint64_t from, uint64_t to)
{
	off_t data = lseek(fd, (off_t)from, SEEK_DATA);

	return data < 0 ? errno == ENXIO : (uint64_t)data >= to;
}

/* One behind the last byte that is not zero; @from if all are. */
static uint64_t last_in_piece(int fd, unsigned char *buf, uint64_t from,
			      uint64_t to)
{
	size_t n = (size_t)(to - from);

	if (is_hole(fd, from, to))
		return from;
	if (io_read_at(fd, buf, n, from) < 0)
		return to;
	/* Most are all zeros. */
	if (buf[0] == 0 && memcmp(buf, buf + 1, n - 1) == 0)
		return from;
	while (n > 0 && buf[n - 1] == 0)
		n--;
	return from + n;
}

static uint64_t last_byte(int fd, uint64_t from, uint64_t to)
{
	AUTO_FREE unsigned char *buf = malloc(PIECE);
	uint64_t start, end;

	if (!buf)
		return to;
	while (to > from) {
		start = to - from > STRIDE ? to - STRIDE : from;
		if (is_hole(fd, start, to)) {
			to = start;
			continue;
		}
		for (; to > start; to = to - start > PIECE ? to - PIECE
							   : start) {
			uint64_t piece = to - start > PIECE ? to - PIECE
							    : start;

			end = last_in_piece(fd, buf, piece, to);
			if (end > piece)
				return end;
		}
	}
	return from;
}

/* As last_byte, without what is ours. */
static uint64_t last_of_others(const struct disc *disc, uint64_t from,
			       uint64_t to)
{
	uint64_t own = disc->tails.own_lba * DISC_BLOCK;
	uint64_t own_end = own + disc->tails.own_blocks * DISC_BLOCK;
	uint64_t end;

	if (own_end <= from || own >= to || own_end == own)
		return last_byte(disc->fd, from, to);
	if (own_end < to) {
		end = last_byte(disc->fd, own_end, to);
		if (end > own_end)
			return end;
	}
	return own > from ? last_byte(disc->fd, from, own) : from;
}

uint64_t tail_end(struct disc *disc, uint64_t from)
{
	struct tails *t = &disc->tails;
	struct tail_key key = {0};
	LOCK_GUARD(&t->lock);

	if (disc->fd < 0 ||
	    make_key(disc, from * DISC_BLOCK, UINT64_MAX, &key) < 0 ||
	    key.to <= key.from)
		return from;
	if (!t->last.valid || !is_same(&t->last.key, &key)) {
		t->last.end = last_of_others(disc, key.from, key.to);
		t->last.key = key;
		t->last.valid = true;
	}
	/* A key of before the burn stays for as long as that lasts. */
	if (!is_settled(&key) && !key.own_lba)
		t->last.valid = false;
	return (t->last.end + DISC_BLOCK - 1) / DISC_BLOCK;
}

uint64_t tail_partitions(struct disc *disc, const void *head)
{
	uint64_t limit = disc_readable(disc);
	LOCK_GUARD(&disc->tails.lock);

	if (disc->tails.own_blocks && disc->tails.own_lba * DISC_BLOCK < limit)
		limit = disc->tails.own_lba * DISC_BLOCK;
	return partitions_end(head, limit);
}

/* ---- sessions ---- */

static int read_block(struct disc *disc, uint64_t lba, unsigned char *buf)
{
	if ((lba + 1) * DISC_BLOCK > disc_readable(disc))
		return -EIO;
	return disc_read(disc, buf, DISC_BLOCK, lba * DISC_BLOCK);
}

bool tail_has_root(struct disc *disc, const struct volume *vol)
{
	unsigned char block[DISC_BLOCK];

	return read_block(disc, vol->root_lba, block) == 0 &&
	       block[0] >= RECORD_BYTES && (block[RECORD_FLAGS] & FLAG_FOLDER) &&
	       block[RECORD_NAME_LEN] == 1 && block[RECORD_NAME] == 0 &&
	       volume_le32(block + RECORD_LBA) == vol->root_lba &&
	       volume_le32(block + RECORD_SIZE) == vol->root_bytes;
}

struct tag {
	int type;
	uint32_t pos, start, size, next;
};

/* The tag at block @lba of the session that begins at @start. */
static bool tag_at(struct disc *disc, uint64_t lba, uint32_t start,
		   struct tag *ret)
{
	unsigned char block[DISC_BLOCK + 1];
	char md5[16];

	if (read_block(disc, lba, block) < 0)
		return false;
	block[DISC_BLOCK] = 0;
	return iso_util_decode_md5_tag((char *)block, &ret->type, &ret->pos,
				       &ret->start, &ret->size, &ret->next, md5,
				       0) == 1 &&
	       ret->pos == lba && ret->start == start;
}

/*
 * Along the tags of the session at @lba: *@ret_end is behind the last.  Returns
 * false if one is missing.
 */
static bool follow_tags(struct disc *disc, uint32_t lba, uint64_t *ret_end)
{
	struct tag tag;
	unsigned i;

	*ret_end = 0;
	for (i = VOLUME_SUPERBLOCK; i < VOLUME_HEAD_BLOCKS; i++)
		if (tag_at(disc, (uint64_t)lba + i, lba, &tag) &&
		    tag.type == TAG_SUPERBLOCK)
			break;
	if (i == VOLUME_HEAD_BLOCKS)
		return true;
	if (!tag_at(disc, tag.next, lba, &tag) || tag.type != TAG_TREE ||
	    !tag_at(disc, tag.next, lba, &tag) || tag.type != TAG_SESSION)
		return false;
	*ret_end = (uint64_t)tag.pos + 1;
	return true;
}

/*
 * The size in the descriptor is that of the session, or, as we write it onto
 * sequential media, one behind its last block.
 */
static uint64_t end_of(const struct volume *vol, uint32_t lba, uint64_t limit)
{
	uint64_t end = (uint64_t)lba + vol->blocks;

	if (vol->blocks > vol->root_lba && (lba < vol->root_lba) &&
	    vol->blocks > lba && end > limit)
		return vol->blocks;
	return end;
}

static bool is_session(struct disc *disc, const unsigned char *descriptor,
		       uint32_t lba, uint64_t limit, struct tail_session *ret)
{
	struct volume *vol = &ret->volume;
	uint64_t end;

	if (!volume_parse(descriptor, vol) ||
	    vol->root_lba <= (uint64_t)lba + VOLUME_SUPERBLOCK ||
	    vol->root_lba >= (uint64_t)lba + vol->blocks ||
	    !tail_has_root(disc, vol) || !follow_tags(disc, lba, &end))
		return false;
	ret->lba = lba;
	ret->end_lba = end_of(vol, lba, limit);
	/* The tags know it, but for what fills the track. */
	if (end && ret->end_lba >= end + (uint64_t)lba)
		ret->end_lba = end;
	return true;
}

/* The first session that begins from @from on: 1, 0, -ENOMEM. */
static int find_session(struct disc *disc, uint64_t from, uint64_t to,
			struct tail_session *ret)
{
	AUTO_FREE unsigned char *buf = malloc(PIECE);
	uint64_t lba = from + VOLUME_SUPERBLOCK;
	uint64_t end = to - from > TAIL_SEARCH ? from + TAIL_SEARCH : to;

	if (!buf)
		return -ENOMEM;
	while (lba < end) {
		size_t i, n = PIECE / DISC_BLOCK;

		if (n > end - lba)
			n = (size_t)(end - lba);
		if (!is_hole(disc->fd, lba * DISC_BLOCK,
			     (lba + n) * DISC_BLOCK) &&
		    disc_read(disc, buf, n * DISC_BLOCK, lba * DISC_BLOCK) ==
			    0) {
			for (i = 0; i < n; i++)
				if (is_session(disc, buf + i * DISC_BLOCK,
					       (uint32_t)(lba + i -
							  VOLUME_SUPERBLOCK),
					       to, ret))
					return 1;
		}
		lba += n;
	}
	return 0;
}

static int find_all(struct disc *disc, uint64_t from, uint64_t to,
		    struct tail_session **ret, size_t *ret_n)
{
	struct tail_session *v = NULL, *more, s;
	size_t n = 0;
	int found;

	while (from + VOLUME_SUPERBLOCK < to &&
	       (found = find_session(disc, from, to, &s)) != 0) {
		more = found < 0 ? NULL : realloc(v, (n + 1) * sizeof *v);
		if (!more) {
			free(v);
			return -ENOMEM;
		}
		v = more;
		v[n++] = s;
		from = s.end_lba;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static int copy_found(const struct tails *t, struct tail_session **ret,
		      size_t *ret_n)
{
	*ret = NULL;
	*ret_n = 0;
	if (!t->found.n)
		return 0;
	*ret = malloc(t->found.n * sizeof **ret);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, t->found.v, t->found.n * sizeof **ret);
	*ret_n = t->found.n;
	return 0;
}

int tail_sessions(struct disc *disc, uint64_t from, uint64_t to,
		  struct tail_session **ret, size_t *ret_n)
{
	struct tails *t = &disc->tails;
	struct tail_key key = {0};
	int err = 0;
	LOCK_GUARD(&t->lock);

	*ret = NULL;
	*ret_n = 0;
	if (disc->fd < 0 || to > UINT32_MAX || from >= to ||
	    make_key(disc, from * DISC_BLOCK, to * DISC_BLOCK, &key) < 0 ||
	    key.to <= key.from)
		return 0;
	/* What is under way behind it is none yet. */
	if (t->own_blocks && to > t->own_lba)
		key.to = t->own_lba * DISC_BLOCK;
	if (!t->found.valid || !is_same(&t->found.key, &key)) {
		free(t->found.v);
		t->found.v = NULL;
		t->found.n = 0;
		err = find_all(disc, from, key.to / DISC_BLOCK, &t->found.v,
			       &t->found.n);
		t->found.key = key;
		t->found.valid = !err;
	}
	if (!err)
		err = copy_found(t, ret, ret_n);
	if (!is_settled(&key) && !key.own_lba)
		t->found.valid = false;
	return err;
}

int tail_of_root(struct disc *disc, const struct volume *head,
		 uint32_t *ret_lba)
{
	enum { BLOCKS = 64 };
	AUTO_FREE unsigned char *buf = malloc((size_t)BLOCKS * DISC_BLOCK);
	uint64_t lba = head->root_lba, first = VOLUME_HEAD_BLOCKS;
	struct volume own;
	size_t n, i;

	if (!buf)
		return -ENOMEM;
	if (lba > TAIL_ROOT + first)
		first = lba - TAIL_ROOT;
	if (lba * DISC_BLOCK > disc_readable(disc))
		return 0;
	for (; lba > first; lba -= n) {
		n = lba - first < BLOCKS ? (size_t)(lba - first) : BLOCKS;
		if (disc_read(disc, buf, n * DISC_BLOCK,
			      (lba - n) * DISC_BLOCK) < 0)
			return -EIO;
		for (i = n; i-- > 0;) {
			if (!volume_parse(buf + i * DISC_BLOCK, &own) ||
			    own.root_lba != head->root_lba ||
			    own.root_bytes != head->root_bytes)
				continue;
			*ret_lba = (uint32_t)(lba - n + i - VOLUME_SUPERBLOCK);
			return 1;
		}
	}
	return 0;
}

/* ---- words ---- */

static bool is_dvdisaster(struct disc *disc, uint64_t lba)
{
	static const char cookie[] = "*dvdisaster*";
	unsigned char block[DISC_BLOCK];

	return read_block(disc, lba, block) == 0 &&
	       memcmp(block, cookie, sizeof cookie - 1) == 0;
}

void tail_words(struct disc *disc, uint64_t from, uint64_t end,
		bool is_partition, char *buf)
{
	uint64_t bytes = (end - from) * DISC_BLOCK;
	const char *what = "", *rest = "";

	if (is_dvdisaster(disc, from)) {
		what = " (dvdisaster's error correction data)";
		rest = "; it is not of what is changed from now on";
	} else if (is_partition) {
		what = " (a partition)";
	}
	if (bytes >= 1000000)
		snprintf(buf, TAIL_WORDS, "behind its file system lie %.1f MB",
			 (double)bytes / 1e6);
	else
		snprintf(buf, TAIL_WORDS, "behind its file system lie %.1f kB",
			 (double)bytes / 1e3);
	snprintf(buf + strlen(buf), TAIL_WORDS - strlen(buf),
		 " that discfs does not know%s: they stay as they are, the next "
		 "session comes behind them%s",
		 what, rest);
}
