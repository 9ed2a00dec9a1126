/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/head_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/library.h"
#include "burner/old_head.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum { TAG_SUPERBLOCK = 2 }; /* as iso_util_decode_md5_tag counts them */

struct head_view {
	struct disc disc;
	struct disc *inner;
	uint32_t copy_lba;
	unsigned char head[DISC_HEAD_BYTES];
};

static struct head_view *view_of(struct disc *disc)
{
	return (struct head_view *)disc;
}

static int view_look(struct disc *disc, struct medium *ret, struct why *why)
{
	(void)ret;
	return why_set(why, -EROFS, "%s: an older session", disc->path);
}

static int view_read(struct disc *disc, void *buf, size_t len, uint64_t pos)
{
	const struct head_view *v = view_of(disc);
	size_t n;

	if (pos >= DISC_HEAD_BYTES)
		return disc_read(v->inner, buf, len, pos);
	n = DISC_HEAD_BYTES - (size_t)pos;
	if (n > len)
		n = len;
	memcpy(buf, v->head + pos, n);
	return len == n ? 0
			: disc_read(v->inner, (char *)buf + n, len - n,
				    DISC_HEAD_BYTES);
}

static int view_read_head(struct disc *disc, void *head)
{
	memcpy(head, view_of(disc)->head, DISC_HEAD_BYTES);
	return 0;
}

static int view_write_head(struct disc *disc, const void *head, struct why *why)
{
	(void)head;
	return why_set(why, -EROFS, "%s: an older session", disc->path);
}

static int view_identity(struct disc *disc, uint64_t *ret_dev,
			 uint64_t *ret_ino, char serial[64])
{
	return disc_identity(view_of(disc)->inner, ret_dev, ret_ino, serial);
}

static uint64_t view_readable(struct disc *disc)
{
	return disc_readable(view_of(disc)->inner);
}

static uint64_t view_place(struct disc *disc, uint64_t lba, uint64_t *len_bytes)
{
	uint64_t room;

	if (lba >= VOLUME_HEAD_BLOCKS)
		return lba;
	room = (VOLUME_HEAD_BLOCKS - lba) * DISC_BLOCK;
	if (*len_bytes > room)
		*len_bytes = room;
	return view_of(disc)->copy_lba + lba;
}

static bool view_is_burning(struct disc *disc)
{
	struct disc *inner = view_of(disc)->inner;

	return inner->ops->is_burning && inner->ops->is_burning(inner);
}

static void view_free(struct disc *disc)
{
	doubts_release(&disc->doubts);
	free(disc->path);
	free(disc);
}

static const struct disc_ops view_ops = {
	.look = view_look,
	.read = view_read,
	.read_head = view_read_head,
	.write_head = view_write_head,
	.identity = view_identity,
	.readable = view_readable,
	.place = view_place,
	.is_burning = view_is_burning,
	.free = view_free,
};

/* A session's own tag says where it stands; all of ours have one. */
static bool has_own_tag(const unsigned char *head, uint32_t lba)
{
	uint32_t i;

	for (i = VOLUME_SUPERBLOCK; i < VOLUME_HEAD_BLOCKS; i++) {
		uint32_t pos, start, size, next;
		char block[DISC_BLOCK + 1], md5[16];
		int type;

		memcpy(block, head + (size_t)i * DISC_BLOCK, DISC_BLOCK);
		block[DISC_BLOCK] = 0;
		if (iso_util_decode_md5_tag(block, &type, &pos, &start, &size,
					    &next, md5, 0) == 1 &&
		    type == TAG_SUPERBLOCK && pos == lba + i)
			return true;
	}
	return false;
}

/* Returns 1, 0, -errno. */
static int is_copy(struct disc *disc, uint32_t lba, struct why *why)
{
	AUTO_FREE struct disc_session *sessions = NULL;
	size_t n = 0, i;
	int err = disc_sessions(disc, &sessions, &n, why);

	if (err < 0)
		return err;
	for (i = 0; i < n; i++)
		if (sessions[i].lba == lba && sessions[i].copied)
			return 1;
	return 0;
}

static struct head_view *view_new(struct disc *disc, uint32_t lba)
{
	struct head_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->disc.ops = &view_ops;
	v->disc.fd = -1;
	v->disc.path = strdup(disc_path(disc));
	doubts_init(&v->disc.doubts);
	v->inner = disc;
	v->copy_lba = lba;
	if (v->disc.path)
		return v;
	view_free(&v->disc);
	return NULL;
}

int head_view_open(struct disc *disc, uint32_t lba, struct disc **ret,
		   struct why *why)
{
	uint64_t pos = (uint64_t)lba * DISC_BLOCK;
	struct head_view *v;
	int got = 0;

	*ret = NULL;
	/* Only a copy has so many blocks behind its superblock for sure. */
	if (pos + DISC_HEAD_BYTES > disc_readable(disc))
		return 0;
	v = view_new(disc, lba);
	if (!v)
		return -ENOMEM;
	if (disc_read(disc, v->head, DISC_HEAD_BYTES, pos) == 0 &&
	    !has_own_tag(v->head, lba))
		got = is_copy(disc, lba, why);
	if (got <= 0) {
		view_free(&v->disc);
		return got;
	}
	old_head_restore(v->head, lba);
	*ret = &v->disc;
	return 0;
}
