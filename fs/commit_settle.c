/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/commit_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"

/*
 * A burn that failed on a sequential medium may have left a session, or a track
 * that was closed after it: that does not count, and the next session comes
 * behind it.  The stage learns of it before it forgets the burn.
 */
static int pass_over(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	struct stage_binding b = {0};
	struct medium m;
	int err;

	LOCK_GUARD(&v->flush_lock);
	err = disc_look(v->disc, &m, why);
	if (err)
		return err;
	/* Where nothing was written, the next session begins there. */
	if (m.nwa == c->facts.nwa && !m.why_not_writable)
		return 0;
	err = disc_distrust(v->disc, (uint32_t)c->facts.nwa);
	if (!err)
		err = disc_look(v->disc, &m, why);
	if (!err && m.status == DISC_NONE)
		return why_set(why, -ENOMEDIUM, "the disc is gone");
	if (!err && (v->blank ? m.has_base : m.base_lba != v->info.lba))
		return why_set(why, -ESTALE, "it is another disc");
	if (!err)
		err = volume_look(v, why);
	if (err)
		return err;
	if (m.nwa != c->facts.nwa)
		snprintf(c->note, sizeof c->note,
			 "; what was written of it stays on the disc from "
			 "block %llu on and does not count",
			 (unsigned long long)c->facts.nwa);
	if (m.why_not_writable)
		snprintf(c->note + strlen(c->note),
			 sizeof c->note - strlen(c->note),
			 "; the disc takes no more: %s; the changes stay in "
			 "the stage",
			 m.why_not_writable);
	volume_set_limit(v);
	err = volume_fill_binding(v->disc, &m, &v->info, v->blank, &b);
	if (!err) {
		b.import_flags = v->binding.import_flags;
		err = stage_set_binding(v->stage, &b, why);
		stage_binding_release(&v->binding);
		v->binding = b;
	}
	return err;
}

int commit_keeper(struct commit *c, struct stage **ret, struct why *why)
{
	struct volume *v = c->v;
	int err = 0;

	if (!c->stand_in && stage_is_lost(v->stage))
		err = stage_create(v->stage_root, &v->binding, &c->stand_in,
				   why);
	*ret = c->stand_in ? c->stand_in : v->stage;
	return err;
}

/* What stood in for the stage has nothing but the intent. */
static void dismiss_stand_in(struct commit *c)
{
	struct why why = {""};

	if (!c->stand_in)
		return;
	if (c->published && stage_set_intent(c->stand_in, NULL, &why) < 0)
		log_warning("%s", why_text(&why, -EIO));
	stage_close(c->stand_in, stage_is_empty(c->stand_in));
	c->stand_in = NULL;
}

/* Whether the medium is known to be as it was before, or as it is now. */
static bool settle_medium(struct commit *c)
{
	struct why why = {""};
	int err;

	if (!c->touched || c->published || c->facts.overwritable)
		return true;
	err = pass_over(c, &why);
	if (err)
		log_error("what the burn left on %s is not known (%s): the "
			  "changes are in the stage, and the next mount looks "
			  "at it",
			  c->v->source, why_text(&why, err));
	return !err;
}

void commit_settle(struct commit *c, int err)
{
	struct volume *v = c->v;
	bool unsettled, known;
	struct why why = {""};

	if (c->session)
		session_give_up(c->session);
	unsettled = c->session && session_unsettled(c->session);
	c->touched = c->session && session_touched(c->session);
	session_free(c->session);
	snapshot_free(c->snapshot);
	known = settle_medium(c);
	/*
	 * A session that is not published does not exist.  One that is, but
	 * that the tree could not be switched to, is the next mount's.
	 */
	if (c->intent && !c->published && !unsettled && known &&
	    stage_set_intent(c->stand_in ? c->stand_in : v->stage, NULL,
			     &why) < 0)
		log_warning("%s", why_text(&why, -EIO));
	dismiss_stand_in(c);
	if (unsettled) {
		volume_lock_up(v);
		log_error("%s could not be written, nor made what it was "
			  "before; the changes are in the stage, and the next "
			  "mount recovers the disc",
			  v->source);
	} else if (err && c->published && !v->rebase_pending) {
		volume_lock_up(v);
		log_error("the session is burned, but could not be taken up: "
			  "unmount with --keep and mount again");
	}
	/* Who asked for it is told that it failed, and releases nothing. */
	if (err && c->held && !c->published)
		volume_commit_release(v);
}
