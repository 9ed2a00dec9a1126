/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/session_parts.h"
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

bool session_fits(struct disc *disc, const struct session_intent *intent)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);

	return head && disc_read_head(disc, head) == 0 && is_mix(head, intent);
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
	if (!is_mix(head, intent))
		return why_set(why, -ESTALE,
			       "another program wrote to %s after a commit was "
			       "interrupted",
			       disc_path(disc));
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
	if (err < 0)
		return err;
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
