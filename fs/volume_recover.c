/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What burns that did not end well left, before anything else of the disc is
 * believed: a superblock may be torn, a last session may be none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/session.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "fs/stage_base.h"
#include "fs/stage_loan.h"
#include "fs/volume_internal.h"

/* ---- is it this disc? ---- */

/*
 * Whether the session that the stage's changes were made to is on the disc in
 * the drive.  Returns 1, 0 or -ENOMEM.
 */
static int has_base(struct disc *disc, const struct medium *m,
		    const struct stage_binding *b)
{
	unsigned char digest[sizeof b->digest];
	struct stage_binding now = {0};
	bool same;
	int err;

	if (!b->blank) {
		if (m->sessions == 0 || b->base_lba > m->last_lba)
			return 0;
		err = stage_base_digest(b, disc, digest, NULL);
		if (err == -ENOMEM)
			return err;
		return err == 0 && memcmp(digest, b->digest, sizeof digest) == 0;
	}
	/* A disc that was blank is known by the drive and its size only. */
	err = volume_fill_binding(disc, m, NULL, true, &now);
	if (err < 0)
		return err;
	same = stage_same_blank(b, &now);
	stage_binding_release(&now);
	return same;
}

static bool is_drive(struct disc *disc)
{
	uint64_t dev = 0, ino = 0;
	char serial[64];

	return disc_identity(disc, &dev, &ino, serial) == 0 && ino == 0;
}

static struct session_intent intent_of(const struct stage_intent *i)
{
	struct session_intent ret = {
		.nwa = i->nwa,
		.blocks = i->blocks,
		.overwritable = i->overwritable,
		.old_head = i->old_head,
		.new_head = i->new_head,
	};

	memcpy(ret.volume_uuid, i->volume_uuid, sizeof ret.volume_uuid);
	return ret;
}

/* As has_base, for a burn that was not finished.  @lent: the stage's disc was
 * given up. */
static int is_of_disc(struct disc *disc, const struct medium *m,
		      const struct stage_binding *b,
		      const struct stage_intent *intent, bool lent)
{
	struct session_intent si = intent_of(intent);
	uint64_t dev, ino;
	char serial[64];

	if (disc_identity(disc, &dev, &ino, serial) < 0)
		return 0;
	/* The inode of an image that is gone may be another one's now. */
	if (ino)
		return b->image_dev == dev && b->image_ino == ino &&
		       ((!lent && (b->blank || !medium_is_blank(m))) ||
			session_fits(disc, &si));
	if (b->image_ino || m->overwritable != intent->overwritable)
		return 0;
	/* Another disc in the same drive has another head. */
	return m->overwritable ? session_fits(disc, &si) : has_base(disc, m, b);
}

/* ---- sessions that do not count ---- */

/* All that stand behind the base, up to block @end. */
static int distrust(struct disc *disc, const struct stage_binding *b,
		    uint64_t end)
{
	AUTO_FREE struct disc_session *sessions = NULL;
	size_t n = 0;
	int err = disc_sessions(disc, &sessions, &n, NULL);

	for (size_t i = 0; !err && i < n; i++) {
		if (sessions[i].lba < end &&
		    (b->blank || sessions[i].lba > b->base_lba))
			err = disc_distrust(disc, sessions[i].lba);
	}
	return err;
}

struct doubt {
	const char *root;
	struct disc *disc;
	struct medium medium;
};

/*
 * A burn to a blank medium that can be written over: nothing leads to what it
 * left, so that the medium looks like one of somebody else's.
 */
static int doubt_rest(void *arg, const char *id)
{
	struct doubt *d = arg;
	struct stage_intent intent = {0};
	struct stage_binding b = {0};
	struct stage *st;
	int err = 0;

	if (stage_open(d->root, id, true, &st, NULL) < 0)
		return 0;
	if (stage_get_binding(st, &b, NULL) == 0 && b.blank &&
	    stage_get_intent(st, &intent, NULL) == 1 && intent.overwritable)
		err = is_of_disc(d->disc, &d->medium, &b, &intent,
				 stage_is_lent(st));
	if (err > 0) {
		struct session_intent si = intent_of(&intent);

		if (session_fits(d->disc, &si))
			disc_disregard(d->disc, si.nwa, si.blocks);
	}
	stage_intent_release(&intent);
	stage_binding_release(&b);
	stage_close(st, false);
	return err < 0 ? err : 0;
}

/*
 * A stage that has sessions behind its base keeps them apart from it: they are
 * failed burns of its own as long as the medium is as it left it.
 */
static int doubt_stage(void *arg, const char *id)
{
	struct doubt *d = arg;
	const struct medium *m = &d->medium;
	struct stage_intent intent = {0};
	struct stage_binding b = {0};
	bool burning;
	struct stage *st;
	int err = 0;

	if (stage_open(d->root, id, true, &st, NULL) < 0)
		return 0;
	if (stage_get_binding(st, &b, NULL) == 0 && b.image_ino == 0) {
		burning = stage_get_intent(st, &intent, NULL) == 1;
		if ((b.blank || b.tip_lba > b.base_lba) &&
		    (burning ? !intent.overwritable
			     : b.tip_lba == m->last_lba && b.nwa == m->nwa))
			err = has_base(d->disc, m, &b);
		if (err > 0)
			err = distrust(d->disc, &b,
				       burning ? intent.nwa : UINT64_MAX);
	}
	stage_intent_release(&intent);
	stage_binding_release(&b);
	stage_close(st, false);
	return err;
}

int volume_doubt(struct disc *disc, const char *root, struct why *why)
{
	struct doubt d = {.root = root, .disc = disc};
	int err;

	err = disc_look(disc, &d.medium, why);
	if (!err && d.medium.overwritable && d.medium.status == DISC_FOREIGN)
		return stage_each(root, doubt_rest, &d, why);
	if (err < 0 || !is_drive(disc) || d.medium.overwritable ||
	    d.medium.sessions == 0)
		return err;
	err = stage_each(root, doubt_stage, &d, why);
	/* What is not to be trusted says nothing.  Who wants a stage is told. */
	return err == -EPERM ? 0 : err;
}

/* ---- a burn that was not finished ---- */

struct search {
	const char *root;
	struct disc *disc;
	struct medium medium;
	char *id; /* of the stage with an intent for the disc */
};

static int look_at(void *arg, const char *id)
{
	struct search *s = arg;
	struct stage_intent intent = {0};
	struct stage_binding b = {0};
	struct stage *st;
	int err = 0;

	/* One that cannot be looked at now is stage_find's to complain of. */
	if (s->id || stage_open(s->root, id, true, &st, NULL) < 0)
		return 0;
	if (stage_get_binding(st, &b, NULL) == 0 &&
	    stage_get_intent(st, &intent, NULL) == 1)
		err = is_of_disc(s->disc, &s->medium, &b, &intent,
				 stage_is_lent(st));
	if (err > 0) {
		s->id = strdup(id);
		err = s->id ? 0 : -ENOMEM;
	}
	stage_intent_release(&intent);
	stage_binding_release(&b);
	stage_close(st, false);
	return err;
}

/* The session is whole and published: its deltas are on the disc. */
static int forward(struct disc *disc, struct stage *st, struct why *why)
{
	struct import_opts opts = {.session_lba = IMPORT_LAST};
	struct stage_binding b = {0};
	struct stage_batch nothing = {0};
	struct import_info info;
	struct medium m;
	int err = disc_look(disc, &m, why);

	if (!err)
		err = import_session(disc, &opts, NULL, NULL, &info, why);
	if (!err)
		err = volume_fill_binding(disc, &m, &info, false, &b);
	if (!err)
		err = stage_rebase(st, &b, &nothing, why);
	stage_binding_release(&b);
	if (!err)
		log_warning("%s: the last burn was cut off, but its session is "
			    "whole: it counts",
			    disc_path(disc));
	return err;
}

/*
 * What was written to a sequential medium stays there, and the next session
 * comes behind it; but it does not count, not even if it is whole: the stage
 * has written more since, and all its rows are against the base from before.
 * *@ret_left: something was written.
 */
static int pass_over(struct disc *disc, struct stage *st,
		     const struct stage_intent *intent, bool *ret_left,
		     struct why *why)
{
	struct stage_binding b = {0};
	struct medium m;
	int err = disc_look(disc, &m, why);

	/* Where nothing was written, the next session begins there. */
	*ret_left = !err && m.nwa != intent->nwa;
	if (!err && (m.nwa != intent->nwa || m.why_not_writable)) {
		err = disc_distrust(disc, (uint32_t)intent->nwa);
		if (!err)
			err = disc_look(disc, &m, why);
	}
	if (!err)
		err = stage_get_binding(st, &b, why);
	if (!err) {
		b.tip_lba = m.last_lba;
		b.nwa = m.nwa;
		err = stage_set_binding(st, &b, why);
	}
	stage_binding_release(&b);
	return err;
}

/*
 * The deltas are still pending.  That goes also for a session that is whole but
 * that the stage has written more after: the disc goes back to what its rows
 * are against, and the next commit burns all of it.
 */
static int back(struct disc *disc, struct stage *st,
		const struct stage_intent *intent, enum session_outcome outcome,
		struct why *why)
{
	struct session_intent si = intent_of(intent);
	bool left = false;
	int err = 0;

	if (!intent->overwritable)
		err = pass_over(disc, st, intent, &left, why);
	else if (outcome == SESSION_WHOLE)
		err = session_take_back(disc, &si, why);
	if (!err && intent->overwritable)
		session_discard(disc, &si);
	if (!err)
		err = stage_set_intent(st, NULL, why);
	if (!err && left)
		log_warning("%s: the last burn was cut off: what it wrote "
			    "stays on the disc from block %llu on and does not "
			    "count; its changes wait for the next burn",
			    disc_path(disc), (unsigned long long)intent->nwa);
	else if (!err)
		log_warning("%s: the last burn was cut off: the disc is as it "
			    "was before, and its changes wait for the next "
			    "burn",
			    disc_path(disc));
	return err;
}

static int recover_stage(struct disc *disc, struct stage *st, struct why *why)
{
	struct stage_intent intent = {0};
	struct session_intent si;
	enum session_outcome outcome;
	int err = stage_get_intent(st, &intent, why);

	if (err != 1)
		return err;
	si = intent_of(&intent);
	err = session_recover(disc, &si, &outcome, why);
	if (!err)
		err = outcome == SESSION_WHOLE && intent.exact
			      ? forward(disc, st, why)
			      : back(disc, st, &intent, outcome, why);
	stage_intent_release(&intent);
	return err;
}

int volume_recover(struct disc *disc, const char *root, struct why *why)
{
	struct search s = {.root = root, .disc = disc};
	struct why reason = {""};
	struct stage *st;
	int err = disc_look(disc, &s.medium, why);

	if (!err)
		err = stage_each(root, look_at, &s, why);
	AUTO_FREE char *id = s.id;

	if (err || !id)
		return err;
	err = stage_open(root, id, false, &st, why);
	if (err)
		return err;
	err = recover_stage(disc, st, &reason);
	stage_close(st, false);
	if (err == -ESTALE)
		return why_set(why, err,
			       "%s; its changes are in stage %s: \"discfs stage "
			       "export %s DIR\" saves their files, \"discfs "
			       "stage drop %s\" gives them up",
			       why_text(&reason, err), id, id, id);
	return err ? why_set(why, err, "%s", why_text(&reason, err)) : 0;
}
