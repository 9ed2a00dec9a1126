/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/blank.h"
#include "burner/disc_ops.h"
#include "burner/session_parts.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum { SECTOR = 512 }; /* no drive or disk writes less at once */

/*
 * Each sector of a head whose writing was cut short is the old one or the
 * new one.
 */
static bool is_mix(const unsigned char *head,
		   const struct session_intent *intent)
{
	size_t pos;

	for (pos = 0; pos < DISC_HEAD_BYTES; pos += SECTOR)
		if (memcmp(head + pos, intent->old_head + pos, SECTOR) != 0 &&
		    memcmp(head + pos, intent->new_head + pos, SECTOR) != 0)
			return false;
	return true;
}

static bool was_blank(const struct session_intent *intent)
{
	return blank_is_zero(intent->old_head, DISC_HEAD_BYTES);
}

/*
 * Whether the burn of @intent can have left what stands where its session
 * begins: each sector of system area and descriptor is that of the new head, in
 * which the volume's size alone is another one, or was not written yet.  Other
 * programs' data may be there now, behind a head of zeros too: btrfs has its
 * superblock in the very first of these blocks.
 */
static bool is_rest(struct disc *disc, const struct session_intent *intent)
{
	enum {
		BYTES = (VOLUME_SUPERBLOCK + 1) * DISC_BLOCK,
		/* ECMA-119 8.4.8 */
		SIZE = VOLUME_SUPERBLOCK * DISC_BLOCK + 80,
		SIZE_BYTES = 8,
	};
	AUTO_FREE unsigned char *stands = calloc(1, BYTES);
	AUTO_FREE unsigned char *mine = malloc(BYTES);
	uint64_t pos = intent->nwa * DISC_BLOCK;
	uint64_t readable = disc_readable(disc);
	size_t n = 0;

	if (!stands || !mine)
		return false;
	if (readable > pos)
		n = readable - pos < BYTES ? (size_t)(readable - pos) : BYTES;
	/* A drive may not be able to read what was never written. */
	if (n > 0 && disc_read(disc, stands, n, pos) < 0)
		return true;
	memcpy(mine, intent->new_head, BYTES);
	memcpy(mine + SIZE, stands + SIZE, SIZE_BYTES);
	for (pos = 0; pos < BYTES; pos += SECTOR)
		if (!blank_is_zero(stands + pos, SECTOR) &&
		    memcmp(stands + pos, mine + pos, SECTOR) != 0)
			return false;
	return true;
}

static bool fits(struct disc *disc, const unsigned char *head,
		 const struct session_intent *intent)
{
	return is_mix(head, intent) &&
	       (!was_blank(intent) || is_rest(disc, intent));
}

bool session_fits(struct disc *disc, const struct session_intent *intent)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);

	return head && disc_read_head(disc, head) == 0 &&
	       fits(disc, head, intent);
}

/* What the burn wrote is in nobody's way where something was before it. */
static int take_back(struct disc *disc, const struct session_intent *intent,
		     struct why *why)
{
	int err;

	if (!was_blank(intent))
		return 0;
	err = disc->ops->erase(disc, intent->nwa, intent->blocks, why);
	if (!err)
		disc_disregard(disc, 0, 0);
	return err;
}

int session_take_back(struct disc *disc, const struct session_intent *intent,
		      struct why *why)
{
	int err;

	if (was_blank(intent))
		disc_disregard(disc, intent->nwa, intent->blocks);
	err = disc_write_head(disc, intent->old_head, why);
	return err ? err : take_back(disc, intent, why);
}

/* Returns 1 if the session is whole, 0 if not, or -errno. */
static int is_whole(struct disc *disc, const struct session_intent *intent,
		    struct why *why)
{
	int err = verify_range(disc, intent->nwa, intent->blocks,
			       intent->volume_uuid, VERIFY_FULL, NULL, why);

	if (err == 0)
		return 1;
	/* -EIO: behind the end of a file that did not grow that far, or a bad
	 * block: not whole in either case. */
	return err == -EBADMSG || err == -EIO ? 0 : err;
}

static int put_head(struct disc *disc, const unsigned char *stands,
		    const unsigned char *head, struct why *why)
{
	if (memcmp(stands, head, DISC_HEAD_BYTES) == 0)
		return 0;
	return disc_write_head(disc, head, why);
}

static int recover_overwritable(struct disc *disc,
				const struct session_intent *intent,
				enum session_outcome *ret, struct why *why)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	int err, whole;

	if (!head)
		return -ENOMEM;
	err = disc_read_head(disc, head);
	if (err < 0)
		return why_set(why, err, "cannot read the head of %s",
			       disc_path(disc));
	if (!fits(disc, head, intent))
		return why_set(why, -ESTALE,
			       "another program wrote to %s after a commit was "
			       "interrupted",
			       disc_path(disc));
	/* Before the new head stands, nothing leads to the session. */
	if (was_blank(intent))
		disc_disregard(disc, intent->nwa, intent->blocks);
	whole = is_whole(disc, intent, why);
	if (whole < 0)
		return whole;
	if (whole)
		err = disc->ops->burn_sync(disc, intent->nwa, intent->blocks,
					   why);
	if (err < 0)
		return err;
	err = put_head(disc, head, whole ? intent->new_head : intent->old_head,
		       why);
	if (!err && !whole)
		err = take_back(disc, intent, why);
	if (err < 0)
		return err;
	if (whole)
		disc_disregard(disc, 0, 0);
	*ret = whole ? SESSION_WHOLE : SESSION_LOST;
	return 0;
}

/* Blocks that are there without a session around them do not count. */
static int recover_sequential(struct disc *disc,
			      const struct session_intent *intent,
			      enum session_outcome *ret, struct why *why)
{
	struct medium m;
	int whole = 0, err = disc_look(disc, &m, why);

	if (err < 0)
		return err;
	if (m.sessions > 0 && m.last_lba == intent->nwa)
		whole = is_whole(disc, intent, why);
	if (whole < 0)
		return whole;
	/* A track that is open, or full of what nobody knows, is closed. */
	if (!whole)
		disc->ops->burn_undo(disc);
	*ret = whole ? SESSION_WHOLE : SESSION_LOST;
	return 0;
}

/* The descriptor at @nwa + 16 is that of the burn named @uuid. */
static bool is_ours(struct disc *disc, uint64_t nwa, const char *uuid)
{
	enum { CREATED = 813, DIGITS = 16 }; /* ECMA-119 8.4.26 */
	uint64_t pos = (nwa + VOLUME_SUPERBLOCK) * DISC_BLOCK;
	unsigned char block[DISC_BLOCK];
	struct volume vol;

	return pos + DISC_BLOCK <= disc_readable(disc) &&
	       disc_read(disc, block, sizeof block, pos) == 0 &&
	       volume_parse(block, &vol) &&
	       memcmp(block + CREATED, uuid, DIGITS) == 0;
}

void session_discard(struct disc *disc, const struct session_intent *intent)
{
	if (intent->overwritable && disc->ops->discard &&
	    is_ours(disc, intent->nwa, intent->volume_uuid))
		disc->ops->discard(disc, intent->nwa, intent->blocks);
}

int session_recover(struct disc *disc, const struct session_intent *intent,
		    enum session_outcome *ret, struct why *why)
{
	int err = library_start(why);

	if (err < 0)
		return err;
	return intent->overwritable
		       ? recover_overwritable(disc, intent, ret, why)
		       : recover_sequential(disc, intent, ret, why);
}
