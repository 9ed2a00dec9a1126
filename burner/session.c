/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/session_parts.h"
#include "burner/volume.h"
#include "common/cleanup.h"

static void report(const struct progress_sink *sink, const char *phase,
		   uint64_t done, uint64_t total)
{
	struct progress p = {
		.phase = phase, .blocks_done = done, .blocks_total = total};

	if (sink && sink->report)
		sink->report(sink->arg, &p);
}

static int cancelled(const struct progress_sink *sink, struct why *why)
{
	if (sink && sink->cancel && atomic_load(sink->cancel))
		return why_set(why, -ECANCELED, "cancelled");
	return 0;
}

int session_check_base(const struct session *s, struct why *why)
{
	if (memcmp(s->base.info.digest, s->plan->base_digest,
		   sizeof s->plan->base_digest) == 0 &&
	    s->base.info.order == s->plan->base_order)
		return 0;
	return why_set(why, -ESTALE,
		       "%s does not hold what the changes were made to: "
		       "another disc, or another program wrote",
		       disc_path(s->disc));
}

static int load_base(struct session *s, struct why *why)
{
	int err;

	err = import_image(s->disc, &s->plan->base, NULL, NULL, &s->base, why);
	if (err < 0)
		return err;
	s->image = s->base.image;
	return session_check_base(s, why);
}

static int start_image(struct session *s, struct why *why)
{
	const char *id = s->plan->volume_id;
	int ret = iso_image_new(id ? id : "ISOIMAGE", &s->image);

	return ret < 0 ? library_error(ret, "new image", why) : 0;
}

static int check_medium(struct session *s, struct why *why)
{
	const struct medium *m = &s->medium;
	bool blank;
	int err;

	err = disc_look(s->disc, &s->medium, why);
	if (err < 0)
		return err;
	blank = medium_is_blank(m);
	if (blank != s->plan->blank)
		return why_set(why, -ESTALE, "%s is %s blank",
			       disc_path(s->disc), blank ? "now" : "not");
	if (m->why_not_writable)
		return why_set(why, -EROFS, "%s cannot be written: %s",
			       disc_path(s->disc), m->why_not_writable);
	if (m->nwa > UINT32_MAX - DISC_SESSION_ALIGN)
		return why_set(why, -ENOSPC, "%s is full", disc_path(s->disc));
	if (!m->overwritable)
		return 0;
	s->old_head = malloc(DISC_HEAD_BYTES);
	s->new_head = malloc(DISC_HEAD_BYTES);
	if (!s->old_head || !s->new_head)
		return -ENOMEM;
	err = disc_read_head(s->disc, s->old_head);
	return err < 0 ? why_set(why, err, "cannot read the head of %s",
				 disc_path(s->disc))
		       : 0;
}

static int author_locked(struct session *s, const struct progress_sink *sink,
			 struct why *why)
{
	int err;

	err = s->plan->blank ? start_image(s, why) : load_base(s, why);
	if (!err)
		err = cancelled(sink, why);
	if (err < 0)
		return err;
	err = author_plan(s, why);
	if (!err)
		err = cancelled(sink, why);
	if (!err)
		err = layout_session(s, why);
	return err;
}

int session_author(struct disc *disc, const struct session_plan *plan,
		   const struct progress_sink *sink, struct session **ret,
		   struct why *why)
{
	struct session *s;
	int err;

	err = library_start(why);
	if (err < 0)
		return err;
	s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->disc = disc;
	s->plan = plan;
	content_reader_init(&s->reader, plan);
	atomic_store(&s->reader.cancel, sink ? sink->cancel : NULL);
	report(sink, "authoring", 0, 0);
	err = check_medium(s, why);
	if (err == 0) {
		library_lock();
		err = author_locked(s, sink, why);
		library_unlock();
	}
	if (err < 0) {
		session_free(s);
		return err;
	}
	atomic_store(&s->reader.cancel, NULL);
	report(sink, "authoring", s->blocks, s->blocks);
	*ret = s;
	return 0;
}

void session_facts(const struct session *s, struct session_facts *ret)
{
	ret->nwa = s->medium.nwa;
	ret->blocks = s->blocks;
	memcpy(ret->volume_uuid, s->volume_uuid, sizeof ret->volume_uuid);
	ret->overwritable = s->medium.overwritable;
	ret->old_head = s->old_head;
	ret->new_head = s->new_head;
}

/* The medium may have been swapped or written since session_author. */
static int check_unchanged(struct session *s, struct why *why)
{
	AUTO_FREE unsigned char *head = NULL;
	struct medium m;
	bool same;
	int err;

	err = disc_look(s->disc, &m, why);
	if (err < 0)
		return err;
	same = m.nwa == s->medium.nwa && m.status == s->medium.status &&
	       m.last_lba == s->medium.last_lba &&
	       m.base_lba == s->medium.base_lba;
	if (same && s->old_head) {
		head = malloc(DISC_HEAD_BYTES);
		if (!head)
			return -ENOMEM;
		err = disc_read_head(s->disc, head);
		if (err < 0)
			return why_set(why, err, "cannot read the head of %s",
				       disc_path(s->disc));
		same = memcmp(head, s->old_head, DISC_HEAD_BYTES) == 0;
	}
	if (!same)
		return why_set(why, -ESTALE,
			       "%s was changed by another program",
			       disc_path(s->disc));
	return 0;
}

static struct session_intent intent_of(const struct session *s)
{
	struct session_intent ret = {
		.nwa = s->medium.nwa,
		.blocks = s->blocks,
		.overwritable = s->medium.overwritable,
		.old_head = s->old_head,
		.new_head = s->new_head,
	};

	memcpy(ret.volume_uuid, s->volume_uuid, sizeof ret.volume_uuid);
	return ret;
}

/* It does not count.  What was written is given back where that is possible. */
static void undo(struct session *s)
{
	const struct session_intent intent = intent_of(s);
	int err = 0;

	if (!s->touched || s->state == SESSION_UNDONE) {
		tail_own(s->disc, 0, 0);
		s->state = SESSION_UNDONE;
		return;
	}
	s->disc->ops->burn_undo(s->disc);
	/* Else it would not be blank any more, and hold nothing; but another
	 * program may be why it failed. */
	if (intent.overwritable && s->plan->blank &&
	    session_fits(s->disc, &intent)) {
		err = s->disc->ops->erase(s->disc, s->medium.nwa, s->blocks,
					  NULL);
		if (!err)
			disc_disregard(s->disc, 0, 0);
	}
	tail_own(s->disc, 0, 0);
	s->state = err ? SESSION_TORN : SESSION_UNDONE;
}

void session_release_image(struct session *s)
{
	layout_drop(s);
	if (s->options)
		iso_write_opts_free(s->options);
	if (s->base.image)
		base_image_release(&s->base);
	else if (s->image)
		iso_image_unref(s->image);
	s->options = NULL;
	s->image = NULL;
}

int session_burn(struct session *s, const struct progress_sink *sink,
		 struct why *why)
{
	struct burn_source *src = NULL;
	int err;

	if (s->state != SESSION_AUTHORED)
		return why_set(why, -EINVAL, "the session was burned already");
	err = check_unchanged(s, why);
	if (!err)
		err = cancelled(sink, why);
	if (err < 0)
		return err;
	/* What is behind a head of zeros is this session, until it has one. */
	if (s->medium.overwritable && s->plan->blank)
		disc_disregard(s->disc, s->medium.nwa, s->blocks);
	atomic_store(&s->reader.cancel, sink ? sink->cancel : NULL);
	tail_own(s->disc, s->medium.nwa, s->blocks);
	library_lock();
	err = layout_source(s, &src, why);
	if (!err)
		err = burn_blocks(s, src, sink, why);
	/* As large as the tree, and nobody asks it anything any more. */
	if (!err)
		session_release_image(s);
	library_unlock();
	atomic_store(&s->reader.cancel, NULL);
	if (err < 0 || s->plan->burn.dummy)
		undo(s);
	else
		s->state = SESSION_BURNED;
	return err;
}

int session_close(struct session *s, const struct progress_sink *sink,
		  struct why *why)
{
	int err;

	if (s->state != SESSION_BURNED)
		return why_set(why, -EINVAL, "the session is not burned");
	report(sink, "closing", 0, 0);
	err = s->disc->ops->burn_sync(s->disc, s->medium.nwa, s->blocks, why);
	if (err < 0)
		return err;
	report(sink, "closing", s->blocks, s->blocks);
	s->state = SESSION_CLOSED_STATE;
	return 0;
}

int session_verify(struct session *s, enum verify_level level,
		   const struct progress_sink *sink, struct why *why)
{
	if (s->state != SESSION_CLOSED_STATE)
		return why_set(why, -EINVAL, "the session is not closed");
	return verify_range(s->disc, s->medium.nwa, s->blocks, s->volume_uuid,
			    level, sink, why);
}

int session_publish(struct session *s, struct why *why)
{
	int err;

	if (s->state != SESSION_CLOSED_STATE)
		return why_set(why, -EINVAL, "the session is not closed");
	if (!s->medium.overwritable) {
		s->state = SESSION_PUBLISHED;
		return 0;
	}
	err = check_unchanged(s, why);
	if (err < 0)
		return err;
	err = disc_write_head(s->disc, s->new_head, why);
	if (err == 0) {
		s->state = SESSION_PUBLISHED;
		disc_disregard(s->disc, 0, 0);
		tail_own(s->disc, 0, 0);
	} else if (disc_write_head(s->disc, s->old_head, NULL) < 0) {
		s->state = SESSION_TORN;
	}
	return err;
}

void session_give_up(struct session *s)
{
	if (s->state == SESSION_BURNED || s->state == SESSION_CLOSED_STATE)
		undo(s);
}

void session_withdraw(struct session *s)
{
	if (s->state != SESSION_PUBLISHED || !s->medium.overwritable)
		return;
	tail_own(s->disc, s->medium.nwa, s->blocks);
	s->state = disc_write_head(s->disc, s->old_head, NULL) < 0
			   ? SESSION_TORN
			   : SESSION_CLOSED_STATE;
}

bool session_touched(const struct session *s)
{
	return s->touched;
}

bool session_unsettled(const struct session *s)
{
	return s->state == SESSION_TORN;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	session_give_up(s);
	library_lock();
	session_release_image(s);
	library_unlock();
	free(s->old_head);
	free(s->new_head);
	free(s);
}
