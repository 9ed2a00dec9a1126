/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/chain.h"

#include <stdlib.h>
#include <string.h>

#include "burner/blank.h"
#include "burner/disc_ops.h"
#include "burner/library.h"
#include "burner/partitions.h"
#include "burner/tail.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	SCAN_ALIGN = 16,    /* blocks; what growisofs aligns to */
	SCAN_MAX = 1 << 19, /* steps of these: 16 GiB */
	DESCRIPTOR_SUPPLEMENTARY = 2, /* ECMA-119 8.5.1 */
	PATH_TABLE_BYTES = 132,	      /* 8.5.9 */
	TYPE_M_TABLE = 148,	      /* 8.5.12 */
	TAG_SUPERBLOCK = 2, /* as iso_util_decode_md5_tag counts them */
};

struct list {
	struct disc_session *v;
	size_t n, room;
};

uint64_t chain_align(uint64_t lba)
{
	return (lba + DISC_SESSION_ALIGN - 1) / DISC_SESSION_ALIGN *
	       DISC_SESSION_ALIGN;
}

static uint64_t behind(uint32_t last_lba, uint64_t end)
{
	if (last_lba == 0 && end <= DISC_SESSION_ALIGN)
		end = DISC_SESSION_ALIGN + 1;
	return chain_align(end);
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t chain_next(struct disc *disc, const void *head, uint32_t last_lba,
		    uint64_t end_lba)
{
	uint64_t end = max(end_lba, tail_partitions(disc, head));

	return behind(last_lba, tail_end(disc, end));
}

void chain_place_next(struct disc *disc, const void *head,
		      const struct disc_session *sessions, size_t n,
		      struct medium *m)
{
	const struct disc_session *last = n ? &sessions[n - 1] : NULL;
	uint64_t end, partitions = tail_partitions(disc, head);

	m->last_lba = last ? last->lba : m->head_lba;
	/* The head of a dump is the first session's; and one may be wrong. */
	if (last && m->end_lba < last->lba + last->blocks)
		m->end_lba = last->lba + last->blocks;
	m->nwa = chain_next(disc, head, m->last_lba, m->end_lba);
	end = tail_end(disc, max(m->end_lba, partitions));
	if (end <= m->end_lba)
		return;
	tail_words(disc, m->end_lba, end, partitions > m->end_lba,
		   disc->tail_note);
	m->tail_note = disc->tail_note;
}

static int list_add(struct list *l, uint32_t lba, const struct volume *vol)
{
	struct disc_session *s;

	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 8;

		s = realloc(l->v, room * sizeof *s);
		if (!s)
			return -ENOMEM;
		l->v = s;
		l->room = room;
	}
	s = &l->v[l->n++];
	*s = (struct disc_session){.lba = lba};
	s->blocks = vol->blocks;
	s->created = vol->created;
	memcpy(s->volume_id, vol->volume_id, sizeof s->volume_id);
	return 0;
}

static void list_reverse(struct list *l)
{
	size_t i;

	for (i = 0; i < l->n / 2; i++) {
		struct disc_session tmp = l->v[i];

		l->v[i] = l->v[l->n - 1 - i];
		l->v[l->n - 1 - i] = tmp;
	}
}

/*
 * The descriptor of a session that begins at @lba.  Its own tree is in it:
 * else it is a copy, or an image that is some file's content.
 * Returns 1, 0 if there is none, or -EIO.
 */
static int session_at(struct disc *disc, uint64_t lba, struct volume *ret)
{
	unsigned char block[DISC_BLOCK];
	uint64_t pos = (lba + VOLUME_SUPERBLOCK) * DISC_BLOCK;
	int err;

	if (pos + DISC_BLOCK > disc_readable(disc))
		return 0;
	err = disc_read(disc, block, sizeof block, pos);
	if (err < 0)
		return err;
	return volume_parse(block, ret) && lba + ret->blocks <= UINT32_MAX &&
	       ret->root_lba > lba + VOLUME_SUPERBLOCK &&
	       ret->root_lba < lba + ret->blocks;
}

/*
 * Along the native chain to the session that @head describes, which has the
 * same root folder.  Returns 1, 0 if the chain does not lead there, or -errno.
 */
static int walk_native(struct disc *disc, const struct volume *head,
		       uint32_t *ret_last, struct list *list)
{
	uint64_t lba = DISC_SESSION_ALIGN;
	struct volume vol;
	int n, ret;

	for (n = 0; n < CHAIN_MAX && lba < head->blocks; n++) {
		ret = session_at(disc, lba, &vol);
		if (ret <= 0)
			return ret;
		if (list) {
			ret = list_add(list, (uint32_t)lba, &vol);
			if (ret < 0)
				return ret;
		}
		*ret_last = (uint32_t)lba;
		if (vol.root_lba == head->root_lba)
			return 1;
		lba = chain_align(lba + vol.blocks);
	}
	return 0;
}

/*
 * The session named by the tag in @head, if it is there and is the one that
 * @head's descriptor leads to, whatever else of the head was changed.
 * 1, 0, -errno.
 */
static int relocated_from(struct disc *disc, const void *head,
			  const struct volume *vol, uint32_t *ret_lba)
{
	struct volume own;
	uint32_t lba;
	int ret;

	if (!volume_relocated(head, &lba))
		return 0;
	ret = session_at(disc, lba, &own);
	if (ret <= 0)
		return ret;
	if (own.root_lba != vol->root_lba)
		return 0;
	*ret_lba = lba;
	return 1;
}

/* The session whose superblock @head has; @vol is parsed from it.  1, 0: it is
 * the head's own, at block 0; -errno. */
static int own_session(struct disc *disc, const void *head,
		       const struct volume *vol, uint32_t *ret_lba)
{
	int ret = relocated_from(disc, head, vol, ret_lba);

	if (ret == 0)
		ret = walk_native(disc, vol, ret_lba, NULL);
	if (ret == 0)
		ret = tail_of_root(disc, vol, ret_lba);
	return ret;
}

int chain_is_native(struct disc *disc, const void *head)
{
	struct volume vol;
	uint32_t last;

	if (!volume_parse_head(head, &vol))
		return 0;
	return walk_native(disc, &vol, &last, NULL);
}

int chain_last(struct disc *disc, const void *head, uint32_t *ret_lba)
{
	struct volume vol;
	uint32_t lba;
	int ret;

	if (!volume_parse_head(head, &vol))
		return -EMEDIUMTYPE;
	ret = own_session(disc, head, &vol, &lba);
	if (ret < 0)
		return ret;
	*ret_lba = ret ? lba : 0;
	return 0;
}

/* Behind the tree of a supplementary descriptor (ECMA-119 8.5), which ends
 * with the path table in big-endian order; 0 if @block is none. */
static uint64_t supplementary_end(const char *block)
{
	const unsigned char *b = (const unsigned char *)block;
	uint64_t lba;

	if (b[0] != DESCRIPTOR_SUPPLEMENTARY || memcmp(b + 1, "CD001", 5) != 0)
		return 0;
	lba = (uint64_t)b[TYPE_M_TABLE] << 24 | b[TYPE_M_TABLE + 1] << 16 |
	      b[TYPE_M_TABLE + 2] << 8 | b[TYPE_M_TABLE + 3];
	return lba + (volume_le32(b + PATH_TABLE_BYTES) + DISC_BLOCK - 1) /
			     DISC_BLOCK;
}

/* Where to look for a copied head in the session at @lba: behind its trees. */
static int copy_search_start(struct disc *disc, uint32_t lba, uint64_t *ret)
{
	uint64_t start_lba = (uint64_t)lba + VOLUME_SUPERBLOCK + 1;
	uint32_t i;

	for (i = VOLUME_SUPERBLOCK + 1; i < VOLUME_HEAD_BLOCKS; i++) {
		uint32_t pos, start, size, next;
		char block[DISC_BLOCK + 1], md5[16];
		uint64_t end;
		int type, err;

		err = disc_read(disc, block, DISC_BLOCK,
				((uint64_t)lba + i) * DISC_BLOCK);
		if (err < 0)
			return err;
		block[DISC_BLOCK] = 0;
		end = supplementary_end(block);
		if (end > start_lba)
			start_lba = end;
		if (iso_util_decode_md5_tag(block, &type, &pos, &start, &size,
					    &next, md5, 0) == 1 &&
		    type == TAG_SUPERBLOCK && pos == lba + i && next > pos) {
			if ((uint64_t)next + 1 > start_lba)
				start_lba = (uint64_t)next + 1;
			break;
		}
	}
	*ret = start_lba;
	return 0;
}

struct step {
	uint32_t lba;	   /* of the session before */
	struct volume vol; /* its descriptor */
	bool foreign;	   /* the oldest one, with a superblock at lba + 16 of
			    * which only this copy is left */
};

/* Whether the block right in front of @session, or one less than an alignment
 * away, holds something. */
static bool comes_behind_something(struct disc *disc, uint32_t session)
{
	unsigned char block[DISC_BLOCK];
	uint64_t lba;

	for (lba = session; lba-- > session - DISC_SESSION_ALIGN;)
		if (disc_read(disc, block, sizeof block, lba * DISC_BLOCK) <
			    0 ||
		    !blank_is_zero(block, sizeof block))
			return true;
	return false;
}

/* Whether @session begins where the last one of a dump ends, whose first one
 * ends at @from: mkisofs pads with zeros. */
static bool comes_behind_dump(struct disc *disc, uint64_t from,
			      uint32_t session)
{
	AUTO_FREE struct tail_session *found = NULL;
	size_t n = 0;

	return tail_sessions(disc, from, session, &found, &n) == 0 && n > 0 &&
	       behind(0, found[n - 1].end_lba) == session;
}

/*
 * Whether the session at @session can be the first that was written behind the
 * foreign image with @head.  It begins where that ends, or later: then its own
 * root must be where the head says, and something lie in between.
 */
static bool may_follow(struct disc *disc, const void *head,
		       const struct volume *vol, uint32_t session)
{
	uint64_t limit = (uint64_t)session * DISC_BLOCK, next;

	next = behind(0, max(vol->blocks, partitions_end(head, limit)));
	if (next >= session)
		return next == session;
	return tail_has_root(disc, vol) &&
	       (comes_behind_something(disc, session) ||
		comes_behind_dump(disc, vol->blocks, session));
}

/*
 * Is there at @lba the copy of the head that the session at @session replaced?
 * Returns 1, 0, -errno.
 */
static int copy_at(struct disc *disc, uint64_t lba, uint32_t session,
		   struct step *ret)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	int found;

	if (!head)
		return -ENOMEM;
	if (lba > UINT32_MAX ||
	    lba * DISC_BLOCK + DISC_HEAD_BYTES > disc_readable(disc))
		return 0;
	found = disc_read(disc, head, DISC_HEAD_BYTES, lba * DISC_BLOCK);
	if (found < 0)
		return found;
	if (!volume_parse_head(head, &ret->vol))
		return 0;
	ret->lba = 0;
	found = own_session(disc, head, &ret->vol, &ret->lba);
	if (found < 0)
		return found;
	if (found && ret->lba < session) {
		ret->foreign = false;
		return session_at(disc, ret->lba, &ret->vol);
	}
	/* A root that had to be moved is in the copy: that is its own. */
	if (!may_follow(disc, head, &ret->vol, session))
		return 0;
	ret->lba = (uint32_t)lba;
	ret->foreign = true;
	return 1;
}

/* In the session of @blocks blocks at @session: what follows is others'. */
static int step_by_copy(struct disc *disc, uint32_t session, uint64_t blocks,
			struct step *ret)
{
	uint64_t lba, end;
	int err;

	err = copy_search_start(disc, session, &lba);
	if (err < 0)
		return err;
	end = lba + CHAIN_COPY_SEARCH;
	if (end > session + blocks)
		end = session + blocks;
	for (; lba < end; lba++) {
		uint64_t pos = (lba + VOLUME_SUPERBLOCK) * DISC_BLOCK;
		unsigned char block[DISC_BLOCK];
		struct volume vol;

		if (pos + DISC_BLOCK > disc_readable(disc))
			return 0;
		err = disc_read(disc, block, sizeof block, pos);
		if (err < 0)
			return err;
		if (!volume_parse(block, &vol))
			continue;
		err = copy_at(disc, lba, session, ret);
		if (err)
			return err;
	}
	return 0;
}

static bool ends_before(uint64_t end, uint32_t session)
{
	return chain_align(end) == session ||
	       (end + SCAN_ALIGN - 1) / SCAN_ALIGN * SCAN_ALIGN == session;
}

/*
 * Another program's session keeps no copy: look for a session that ends where
 * this one begins.
 */
static int step_by_scan(struct disc *disc, uint32_t session, struct step *ret)
{
	uint64_t lba = session;
	int n, found;

	for (n = 0; n < SCAN_MAX && lba > DISC_SESSION_ALIGN; n++) {
		lba -= SCAN_ALIGN;
		found = session_at(disc, lba, &ret->vol);
		if (found < 0)
			return found;
		if (found && ends_before(lba + ret->vol.blocks, session)) {
			ret->lba = (uint32_t)lba;
			ret->foreign = false;
			return 1;
		}
	}
	return 0;
}

/* The sessions of a dump that begin in blocks @from to @to. */
static int add_tail(struct disc *disc, uint64_t from, uint64_t to,
		    struct list *list)
{
	AUTO_FREE struct tail_session *found = NULL;
	size_t n = 0, i;
	int err = tail_sessions(disc, from, to, &found, &n);

	for (i = 0; !err && i < n; i++) {
		err = list_add(list, found[i].lba, &found[i].volume);
		if (!err)
			list->v[list->n - 1].blocks =
				found[i].end_lba - found[i].lba;
	}
	return err;
}

/*
 * The first session behind a foreign one came behind all the sessions that
 * the dump of a write-once disc had.  @session is the first one's; the list is
 * newest first.
 */
static int add_foreign(struct disc *disc, const struct step *step,
		       uint32_t session, struct list *list)
{
	struct list between = {0};
	int err = add_tail(disc, step->vol.blocks, session, &between);

	while (!err && between.n > 0) {
		const struct disc_session *s = &between.v[--between.n];

		err = list_add(list, s->lba, &(struct volume){0});
		if (!err)
			list->v[list->n - 1] = *s;
	}
	free(between.v);
	if (!err)
		err = list_add(list, step->lba, &step->vol);
	if (!err)
		list->v[list->n - 1].copied = true;
	return err;
}

/* Back from the last session; the list comes out newest first. */
static int walk_back(struct disc *disc, uint32_t last, struct list *list)
{
	struct step step = {.lba = last};
	int n, ret;

	ret = session_at(disc, last, &step.vol);
	if (ret <= 0)
		return ret < 0 ? ret : -EIO;
	for (n = 0; n < CHAIN_MAX; n++) {
		uint32_t lba = step.lba;

		ret = list_add(list, lba, &step.vol);
		if (ret < 0)
			return ret;
		ret = step_by_copy(disc, lba, step.vol.blocks, &step);
		if (ret == 0)
			ret = step_by_scan(disc, lba, &step);
		if (ret <= 0)
			return ret;
		if (step.foreign)
			return add_foreign(disc, &step, lba, list);
	}
	return 0;
}

/* Of a medium without a native chain, oldest first. */
static int list_others(struct disc *disc, const void *head,
		       const struct volume *vol, struct list *list)
{
	uint32_t last = 0;
	int err = chain_last(disc, head, &last);

	if (err == 0 && last) {
		err = walk_back(disc, last, list);
		list_reverse(list);
	} else if (err == 0) {
		err = list_add(list, 0, vol);
		if (err == 0)
			err = add_tail(disc, vol->blocks,
				       disc_readable(disc) / DISC_BLOCK, list);
	}
	return err;
}

int chain_sessions(struct disc *disc, const void *head,
		   struct disc_session **ret, size_t *ret_n, struct why *why)
{
	struct list list = {0};
	struct volume vol;
	uint32_t last;
	int err;

	if (!volume_parse_head(head, &vol))
		return why_set(why, -EMEDIUMTYPE,
			       "%s holds no ISO 9660 file system",
			       disc_path(disc));
	err = walk_native(disc, &vol, &last, &list);
	if (err == 0) {
		list.n = 0;
		err = list_others(disc, head, &vol, &list);
	}
	if (err < 0) {
		free(list.v);
		return why_set(why, err, "cannot read the superblocks of %s",
			       disc_path(disc));
	}
	*ret = list.v;
	*ret_n = list.n;
	return 0;
}
