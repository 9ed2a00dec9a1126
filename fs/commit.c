/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commit: deltas become a session.
 *
 *   WAITING    (only while an export or the like has its turn)
 *              undone by: nothing is done yet
 *   FREEZING   dirty mappings pushed, flush and snapshot in one cut; the
 *              medium must be the one we know
 *              undone by: snapshot_free
 *   AUTHORING  base and plan laid out: size and heads exact; the intent made
 *              durable
 *              undone by: session_free, intent cleared
 *   BURNING    the session's blocks, from nwa on
 *              undone by: the same: no old block is touched
 *   CLOSING    track and session closed; an image: fsync
 *              undone by: the same
 *   VERIFYING  read back: MD5, then the tree; then published (overwritable
 *              media: the superblock)
 *              undone by: until published: the same
 *   REBASING   the session is the base, the stage's rows anew
 *              undone by: nothing: from here on forward
 *
 * Any state fails into FAILED and IDLE, the deltas still pending.  A crash
 * leaves the intent: volume_recover.c decides at the next mount by what is on
 * the medium.
 *
 * Invariants:
 *   1. before the intent is durable nothing was written to the disc;
 *   2. before the session was read back no superblock names it;
 *   3. before the session is published no staged byte is freed, and none of the
 *      stage's rows dropped.
 *
 * On sequential media in a drive the session is there as soon as BURNING has
 * ended, well or not, and nothing undoes it.  There "published" means that the
 * stage takes it for the base: after VERIFYING, never before.  Until then the
 * binding has the old base, and after a failure also where the medium ends now
 * (commit_settle.c).  So invariant 2 reads: before the session was read back no
 * stage takes it for the base.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/crash.h"
#include "common/log.h"
#include "fs/commit_internal.h"

/* Somebody changed the medium since we looked: nothing must be written to it.
 */
static int check_medium(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	AUTO_FREE unsigned char *head = NULL;
	struct medium now;
	int err = volume_in_place(v, why);

	if (!err)
		err = disc_look_again(v->disc, &now, why);
	if (err)
		return err;
	if (now.status != v->medium.status || now.nwa != v->medium.nwa ||
	    now.last_lba != v->medium.last_lba ||
	    now.base_lba != v->medium.base_lba ||
	    now.overwritable != v->medium.overwritable)
		return why_set(why, -ESTALE,
			       "%s is not the disc that was mounted, or "
			       "another program wrote to it",
			       disc_path(v->disc));
	if (!v->head)
		return 0;
	head = malloc(DISC_HEAD_BYTES);
	if (!head)
		return -ENOMEM;
	err = disc_read_head(v->disc, head);
	if (err)
		return why_set(why, err, "cannot read the head of %s",
			       disc_path(v->disc));
	if (memcmp(head, v->head, DISC_HEAD_BYTES) != 0)
		return why_set(why, -ESTALE,
			       "the head of %s was changed by another "
			       "program",
			       disc_path(v->disc));
	{
		LOCK_GUARD(&v->lock);
		v->medium = now;
	}
	return 0;
}

/*
 * While another one holds changes off, no page can have been changed; and who
 * looks at the mount to push pages keeps that one from unmounting it.
 */
static int hold_and_push(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	int err = 0;

	if (c->hold)
		c->held = volume_hold_too(v);
	if (!c->dry && !c->held && !volume_is_held(v))
		err = volume_push_pages(v, why);
	if (err)
		return err;
	if (c->hold && !c->held) {
		volume_hold(v);
		c->held = true;
	}
	return 0;
}

static int freeze(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	struct why detail = {""};
	int unflushed = 0, err;

	err = hold_and_push(c, why);
	if (err)
		return err;
	{
		LOCK_GUARD(&v->flush_lock);
		if (v->rebase_pending)
			err = volume_flush_locked(v, why);
		/* What is lost takes no rows, of whatever base. */
		if (stage_is_lost(v->stage))
			err = 0;
		if (!err)
			err = snapshot_take(v->tree, v->stage, v->disc,
					    &c->snapshot, &unflushed, why);
	}
	if (!err && unflushed && !c->dry)
		log_warning("%s: burning what is not in the stage: %s",
			    v->source, why_text(why, unflushed));
	if (err || !snapshot_deltas(c->snapshot))
		return err;
	if (!c->dry)
		err = disc_prepare(v->disc, &v->opts.burn, &detail);
	if (!err)
		err = check_medium(c, &detail);
	if (err == -ESTALE || err == -ENOMEDIUM)
		return why_set(why, err,
			       "%s; the changes stay in the stage: put it back "
			       "as it was, and ask again",
			       why_text(&detail, err));
	return err ? why_set(why, err, "%s", why_text(&detail, err)) : 0;
}

static int keep_intent(struct commit *c, struct stage *keeper, struct why *why)
{
	struct stage_intent intent = {
		.nwa = c->facts.nwa,
		.blocks = c->facts.blocks,
		.overwritable = c->facts.overwritable,
	};
	int err;

	memcpy(intent.volume_uuid, c->facts.volume_uuid,
	       sizeof intent.volume_uuid);
	if (c->facts.overwritable) {
		intent.old_head = malloc(DISC_HEAD_BYTES);
		intent.new_head = malloc(DISC_HEAD_BYTES);
		if (!intent.old_head || !intent.new_head) {
			stage_intent_release(&intent);
			return -ENOMEM;
		}
		memcpy(intent.old_head, c->facts.old_head, DISC_HEAD_BYTES);
		memcpy(intent.new_head, c->facts.new_head, DISC_HEAD_BYTES);
	}
	{
		LOCK_GUARD(&c->v->flush_lock);
		/* The rows of one that is lost will never be seen again. */
		intent.exact = c->stand_in || snapshot_exact(c->snapshot);
		err = stage_set_intent(keeper, &intent, why);
	}
	stage_intent_release(&intent);
	c->intent = !err;
	return err;
}

static int author(struct commit *c, struct why *why)
{
	struct stage *keeper;
	char text[256];
	int err;

	volume_fill_plan(c->v, c->snapshot, IMPORT_LAST, &c->plan);
	c->plan.burn = c->v->opts.burn;
	err = session_author(c->v->disc, &c->plan, &c->sink, &c->session, why);
	if (err)
		return err;
	session_facts(c->session, &c->facts);
	if (c->dry)
		return 0;
	if (volume_clock_behind(c->v, text, sizeof text))
		log_warning("%s: %s", c->v->source, text);
	err = commit_keeper(c, &keeper, why);
	/* The burn itself must not read a drive. */
	if (!err && disc_fd(c->v->disc) < 0)
		err = snapshot_spool(c->snapshot, stage_path(keeper),
				     c->sink.cancel, why);
	return err ? err : keep_intent(c, keeper, why);
}

static int burn(struct commit *c, struct why *why)
{
	AUTO_FREE char *reason = NULL;

	if (asprintf(&reason, "a session is burned to %s", c->v->source) >= 0)
		c->inhibit = inhibit_begin(reason);
	return session_burn(c->session, &c->sink, why);
}

static int close_session(struct commit *c, struct why *why)
{
	return session_close(c->session, &c->sink, why);
}

/*
 * Success is said of a session that is where the user looks for it: so the
 * image's place is looked at before the session is published, and once more
 * when it is.
 */
static int publish(struct commit *c, struct why *why)
{
	int err = volume_in_place(c->v, why);

	if (err)
		return err;
	c->moved = volume_was_moved(c->v);
	err = session_publish(c->session, why);
	if (err)
		return err;
	err = volume_in_place(c->v, why);
	if (err)
		session_withdraw(c->session);
	c->published = !err;
	return err;
}

static int verify(struct commit *c, struct why *why)
{
	struct import_opts opts = {.session_lba = (uint32_t)c->facts.nwa};
	enum verify_level level = c->v->opts.verify;
	int err = 0;

	if (level != VERIFY_NONE)
		err = session_verify(c->session, level, &c->sink, why);
	/* The tree is read back in any case: it becomes the base. */
	if (!err)
		err = snapshot_import(c->snapshot, &opts, &c->info, why);
	if (err)
		return err;
	crash_point("after-data");
	return publish(c, why);
}

static int rebase(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	int err;

	crash_point("before-rebase");
	LOCK_GUARD(&v->flush_lock);
	err = snapshot_switch(c->snapshot, why);
	if (err)
		return err;
	{
		LOCK_GUARD(&v->lock);
		v->info = c->info;
		v->blank = false;
	}
	v->rebased = true;
	v->rebase_pending = true;
	err = volume_look(v, why);
	if (!err) {
		stage_binding_release(&v->binding);
		err = volume_fill_binding(v->disc, &v->medium, &v->info, false,
					  &v->binding);
	}
	if (!err)
		err = volume_flush_locked(v, why);
	/* It has nothing to be behind with. */
	if (err && stage_is_lost(v->stage))
		err = 0;
	volume_set_limit(v);
	return err;
}

static const struct step {
	enum commit_state state;
	const char *name;
	int (*run)(struct commit *c, struct why *why);
} steps[] = {
	{STATE_FREEZING, "freezing", freeze},
	{STATE_AUTHORING, "authoring", author},
	{STATE_BURNING, "burning", burn},
	{STATE_CLOSING, "closing", close_session},
	{STATE_VERIFYING, "verifying", verify},
	{STATE_REBASING, "rebasing", rebase},
};

const char *commit_state_name(enum commit_state state)
{
	if (state == STATE_IDLE)
		return "idle";
	if (state == STATE_FAILED)
		return "failed";
	if (state == STATE_WAITING)
		return "waiting";
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (steps[i].state == state)
			return steps[i].name;
	assert(0);
	return "";
}

static int run_steps(struct commit *c, uint64_t *ret_blocks, struct why *why)
{
	int err = 0;

	*ret_blocks = 0;
	for (size_t i = 0; !err && i < sizeof steps / sizeof steps[0]; i++) {
		if (!c->dry)
			commit_set_state(c->v, steps[i].state);
		err = steps[i].run(c, why);
		if (!err && atomic_load(&c->v->cancel) && !c->published)
			err = why_set(why, -ECANCELED,
				      "the burn was cancelled");
		if (!err && !snapshot_deltas(c->snapshot))
			break;
		c->simulated = !err && steps[i].state == STATE_BURNING &&
			       c->plan.burn.dummy;
		if (c->simulated)
			break;
		if (!err && steps[i].state == STATE_AUTHORING) {
			*ret_blocks = c->facts.blocks;
			if (c->dry)
				break;
		}
	}
	return err;
}

int commit_carry_out(struct commit *c, uint64_t *ret_blocks, struct why *why)
{
	int err = run_steps(c, ret_blocks, why);

	commit_settle(c, err);
	inhibit_end(c->inhibit);
	return err;
}
