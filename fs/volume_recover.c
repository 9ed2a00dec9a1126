/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a crash in mid-burn left, before anything else of the disc is believed:
 * its superblock may be torn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/session.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "fs/volume_internal.h"

struct search {
	const char *root;
	struct disc *disc;
	char *id; /* of the stage with an intent for the disc */
};

static bool is_of_disc(const struct stage_binding *b, struct disc *disc)
{
	uint64_t dev, ino;
	char serial[64];

	if (disc_identity(disc, &dev, &ino, serial) < 0)
		return false;
	if (ino)
		return b->image_dev == dev && b->image_ino == ino;
	return *serial && strcmp(b->serial, serial) == 0;
}

static int look_at(void *arg, const char *id)
{
	struct search *s = arg;
	struct stage_intent intent = {0};
	struct stage_binding b = {0};
	struct stage *st;

	/* One that cannot be looked at now is stage_find's to complain of. */
	if (stage_open(s->root, id, true, &st, NULL) < 0)
		return 0;
	if (stage_get_binding(st, &b, NULL) == 0 && is_of_disc(&b, s->disc) &&
	    stage_get_intent(st, &intent, NULL) == 1 && !s->id)
		s->id = strdup(id);
	stage_intent_release(&intent);
	stage_binding_release(&b);
	stage_close(st, false);
	return 0;
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
		log_info("%s: an interrupted burn was whole and is finished",
			 disc_path(disc));
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
	int err = 0;

	if (outcome == SESSION_WHOLE) {
		if (!intent->overwritable)
			return why_set(why, -EOPNOTSUPP,
				       "stage %s has changes from during the "
				       "burn of %s, which cannot be undone on "
				       "this medium",
				       stage_id(st), disc_path(disc));
		err = disc_write_head(disc, intent->old_head, why);
	}
	if (!err)
		err = stage_set_intent(st, NULL, why);
	if (!err)
		log_info("%s: an interrupted burn is undone; its changes are "
			 "still pending",
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
	si = (struct session_intent){
		.nwa = intent.nwa,
		.blocks = intent.blocks,
		.overwritable = intent.overwritable,
		.old_head = intent.old_head,
		.new_head = intent.new_head,
	};
	memcpy(si.volume_uuid, intent.volume_uuid, sizeof si.volume_uuid);
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
	struct stage *st;
	int err = stage_each(root, look_at, &s, why);
	AUTO_FREE char *id = s.id;

	if (err || !id)
		return err;
	err = stage_open(root, id, false, &st, why);
	if (err)
		return err;
	err = recover_stage(disc, st, why);
	stage_close(st, false);
	return err;
}
