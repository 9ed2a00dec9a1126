/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commit: deltas become a session.
 *
 *   state      what it does                                     undone by
 *   ---------  -----------------------------------------------  ----------------
 *   FREEZING   dirty mappings pushed, flush and snapshot in one  snapshot_free
 *              cut; the medium must be the one we know
 *   AUTHORING  base and plan laid out: size and heads exact;     session_free,
 *              the intent made durable                           intent cleared
 *   BURNING    the session's blocks, from nwa on                 the same: no old
 *                                                                block is touched
 *   CLOSING    track and session closed; an image: fsync         the same
 *   VERIFYING  read back: MD5, then the tree; then published     until published:
 *              (overwritable media: the superblock)              the same
 *   REBASING   the session is the base, the stage's rows anew    nothing: from
 *                                                                here on forward
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
 * (pass_over).  So invariant 2 reads: before the session was read back no stage
 * takes it for the base.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/crash.h"
#include "common/log.h"
#include "fs/volume_internal.h"

struct commit {
	struct volume *v;
	bool hold;
	bool dry; /* stop once the size is known */
	struct snapshot *snapshot;
	struct session_plan plan;
	struct session *session;
	struct session_facts facts;
	struct import_info info;
	bool intent;	/* is in the stage */
	char note[240]; /* what a failed burn left on the medium */
	bool published;
	bool simulated; /* -o dummy: nothing was written */
	bool touched; /* a burn was begun */
	struct progress_sink sink;
};

/* ---- events ---- */

static void tell_locked(struct volume *v)
{
	for (struct volume_watch *w = v->watchers; w; w = w->next)
		w->fn(w->arg, &v->progress);
}

static void report(void *arg, const struct progress *p)
{
	struct commit *c = arg;
	struct volume *v = c->v;

	if (c->dry)
		return;
	LOCK_GUARD(&v->lock);
	v->progress = *p;
	v->progress.phase = commit_state_name(v->state);
	snprintf(v->progress_file, sizeof v->progress_file, "%s",
		 p->file ? p->file : "");
	v->progress.file = p->file ? v->progress_file : NULL;
	tell_locked(v);
}

static void set_state(struct volume *v, enum commit_state state)
{
	LOCK_GUARD(&v->lock);
	v->state = state;
	v->progress = (struct progress){.phase = commit_state_name(state)};
	tell_locked(v);
}

void volume_watch(struct volume *v, struct volume_watch *w)
{
	LOCK_GUARD(&v->lock);
	w->next = v->watchers;
	v->watchers = w;
}

void volume_unwatch(struct volume *v, struct volume_watch *w)
{
	struct volume_watch **p;

	/* Events are told with the lock held: none is running now. */
	LOCK_GUARD(&v->lock);
	for (p = &v->watchers; *p; p = &(*p)->next)
		if (*p == w) {
			*p = w->next;
			return;
		}
}

/* ---- the states ---- */

/* Somebody changed the medium since we looked: nothing must be written to it.
 */
static int check_medium(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	AUTO_FREE unsigned char *head = NULL;
	struct medium now;
	int err = disc_look(v->disc, &now, why);

	if (err)
		return err;
	if (now.status != v->medium.status || now.nwa != v->medium.nwa ||
	    now.last_lba != v->medium.last_lba ||
	    now.base_lba != v->medium.base_lba ||
	    now.overwritable != v->medium.overwritable)
		return why_set(why, -ESTALE,
			       "%s is not the disc that was mounted, or "
			       "another program wrote to it; the changes "
			       "stay in the stage",
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
			       "program; the changes stay in the stage",
			       disc_path(v->disc));
	{
		LOCK_GUARD(&v->lock);
		v->medium = now;
	}
	return 0;
}

static int freeze(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	int (*sync)(void *arg);
	void *sync_arg;
	int err = 0;

	{
		LOCK_GUARD(&v->lock);
		sync = v->sync;
		sync_arg = v->sync_arg;
	}
	if (sync && !c->dry)
		err = sync(sync_arg);
	if (err)
		return why_set(why, err,
			       "cannot push the pages that programs changed "
			       "through mappings");
	if (c->hold)
		tree_set_readonly(v->tree, true);
	{
		LOCK_GUARD(&v->flush_lock);
		if (v->rebase_pending)
			err = volume_flush_locked(v, why);
		if (!err)
			err = snapshot_take(v->tree, v->stage, v->disc,
					    &c->snapshot, why);
	}
	if (err || !snapshot_deltas(c->snapshot))
		return err;
	if (!c->dry)
		err = disc_prepare(v->disc, &v->opts.burn, why);
	return err ? err : check_medium(c, why);
}

static void fill_plan(struct commit *c)
{
	struct volume *v = c->v;

	snapshot_plan(c->snapshot, &c->plan);
	c->plan.base = (struct import_opts){
		.session_lba = IMPORT_LAST,
		.no_rock_ridge = v->opts.no_rock_ridge && !v->rebased,
		.no_joliet = v->opts.no_joliet && !v->rebased,
	};
	c->plan.blank = v->blank;
	memcpy(c->plan.base_digest, v->info.digest, sizeof v->info.digest);
	c->plan.volume_id = v->label;
	c->plan.joliet = !v->opts.no_joliet;
	c->plan.burn = v->opts.burn;
}

static int keep_intent(struct commit *c, struct why *why)
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
		intent.exact = snapshot_exact(c->snapshot);
		err = stage_set_intent(c->v->stage, &intent, why);
	}
	stage_intent_release(&intent);
	c->intent = !err;
	return err;
}

static int author(struct commit *c, struct why *why)
{
	int err;

	fill_plan(c);
	err = session_author(c->v->disc, &c->plan, &c->sink, &c->session, why);
	if (err)
		return err;
	session_facts(c->session, &c->facts);
	if (c->dry)
		return 0;
	/* The burn itself must not read a drive. */
	if (disc_fd(c->v->disc) < 0)
		err = snapshot_spool(c->snapshot, stage_path(c->v->stage),
				     c->sink.cancel, why);
	return err ? err : keep_intent(c, why);
}

static int burn(struct commit *c, struct why *why)
{
	return session_burn(c->session, &c->sink, why);
}

static int close_session(struct commit *c, struct why *why)
{
	return session_close(c->session, &c->sink, why);
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
	err = session_publish(c->session, why);
	c->published = !err;
	return err;
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
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if (steps[i].state == state)
			return steps[i].name;
	assert(0);
	return "";
}

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

/* What is left of a commit that ended, well or not. */
static void settle(struct commit *c, int err)
{
	struct volume *v = c->v;
	bool unsettled = c->session && session_unsettled(c->session);
	bool known;
	struct why why = {""};

	c->touched = c->session && session_touched(c->session);
	session_free(c->session);
	snapshot_free(c->snapshot);
	known = settle_medium(c);
	/*
	 * A session that is not published does not exist.  One that is, but
	 * that the tree could not be switched to, is the next mount's.
	 */
	if (c->intent && !c->published && !unsettled && known &&
	    stage_set_intent(v->stage, NULL, &why) < 0)
		log_warning("%s", why_text(&why, -EIO));
	if (unsettled) {
		tree_set_readonly(v->tree, true);
		log_error("the superblock of %s could not be written; the "
			  "changes are in the stage, and the next mount "
			  "recovers the disc",
			  v->source);
	} else if (err && c->published && !v->rebase_pending) {
		tree_set_readonly(v->tree, true);
		log_error("the session is burned, but could not be taken up: "
			  "unmount with --keep and mount again");
	} else if (err && c->hold) {
		tree_set_readonly(v->tree, false);
	}
}

static int run_steps(struct commit *c, uint64_t *ret_blocks, struct why *why)
{
	int err = 0;

	*ret_blocks = 0;
	for (size_t i = 0; !err && i < sizeof steps / sizeof steps[0]; i++) {
		if (!c->dry)
			set_state(c->v, steps[i].state);
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

/* ---- the committer ---- */

/*
 * The line that a person gets, and what "status" shows from now on.  A session
 * that is published is burned, whatever went wrong behind it.
 */
static void keep_result(struct commit *c, int err, uint64_t blocks,
			const struct why *why)
{
	struct volume *v = c->v;
	const char *how = v->opts.verify == VERIFY_NONE ? "burned, not verified"
			  : v->opts.verify == VERIFY_QUICK
				  ? "burned and verified (tree only)"
				  : "burned and verified";
	char text[sizeof v->last_result];
	struct why failed = {""};

	if (err && !c->published)
		snprintf(text, sizeof text, "not burned: %s%s",
			 why_text(why, err), c->note);
	else if (c->simulated)
		snprintf(text, sizeof text,
			 "simulated a session at lba %llu, %llu blocks: "
			 "nothing was burned, the changes stay in the stage%s",
			 (unsigned long long)c->facts.nwa,
			 (unsigned long long)blocks, c->note);
	else
		snprintf(text, sizeof text,
			 "%s: session at lba %llu, %llu blocks%s%.200s", how,
			 (unsigned long long)c->facts.nwa,
			 (unsigned long long)blocks,
			 err ? "; the stage is behind: " : "",
			 err ? why_text(why, err) : "");
	if (stage_set_result(v->stage, text, &failed) < 0)
		log_warning("%s", why_text(&failed, -EIO));
	LOCK_GUARD(&v->lock);
	memcpy(v->last_result, text, sizeof text);
}

static void serve(struct volume *v, const struct commit_request *r)
{
	struct commit c = {.v = v, .hold = r->hold};
	struct why why = {""};
	uint64_t blocks = 0;
	char text[sizeof v->last_result];
	int err;

	if (!v->stage) {
		/* Read-only: there cannot be anything to burn. */
		r->done(r->arg, 0, 0, "nothing to burn");
		return;
	}
	c.sink = (struct progress_sink){
		.report = report, .arg = &c, .cancel = &v->cancel};
	{
		LOCK_GUARD(&v->commit_lock);
		atomic_store(&v->cancel, 0);
		err = run_steps(&c, &blocks, &why);
		settle(&c, err);
	}
	if (err || blocks)
		keep_result(&c, err, blocks, &why);
	if (err && c.published) {
		log_error("%s", why_text(&why, err));
		err = 0;
	}
	if (err) {
		snprintf(text, sizeof text, "%s%s", why_text(&why, err),
			 c.note);
		log_error("commit of %s failed: %s", v->source, text);
		set_state(v, STATE_FAILED);
	} else {
		snprintf(text, sizeof text, "%s",
			 blocks ? v->last_result : "nothing to burn");
		log_info("%s: %s", v->source, text);
	}
	{
		LOCK_GUARD(&v->lock);
		v->held = r->hold && !err;
	}
	set_state(v, STATE_IDLE);
	r->done(r->arg, err, blocks, text);
}

void *commit_thread(void *arg)
{
	struct volume *v = arg;

	pthread_mutex_lock(&v->lock);
	for (;;) {
		struct commit_request *r = v->queue;

		if (!r) {
			if (v->stopping)
				break;
			pthread_cond_wait(&v->changed, &v->lock);
			continue;
		}
		v->queue = r->next;
		pthread_mutex_unlock(&v->lock);
		serve(v, r);
		free(r);
		pthread_mutex_lock(&v->lock);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

int volume_commit(struct volume *v, bool hold, commit_done done, void *arg)
{
	struct commit_request *r = calloc(1, sizeof *r), **p;

	if (!r)
		return -ENOMEM;
	*r = (struct commit_request){.hold = hold, .done = done, .arg = arg};
	LOCK_GUARD(&v->lock);
	if (!v->started || v->stopping) {
		free(r);
		return -ESHUTDOWN;
	}
	for (p = &v->queue; *p; p = &(*p)->next)
		;
	*p = r;
	pthread_cond_broadcast(&v->changed);
	return 0;
}

void volume_commit_release(struct volume *v)
{
	{
		LOCK_GUARD(&v->lock);
		if (!v->held)
			return;
		v->held = false;
	}
	tree_set_readonly(v->tree, v->readonly_reason != NULL);
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool done;
	int err;
	struct why *why;
};

static void wake(void *arg, int err, uint64_t blocks, const char *text)
{
	struct waiter *w = arg;

	(void)blocks;
	LOCK_GUARD(&w->lock);
	w->err = err;
	if (err)
		why_set(w->why, err, "%s", text);
	w->done = true;
	pthread_cond_signal(&w->over);
}

int volume_commit_wait(struct volume *v, bool hold, struct why *why)
{
	struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER,
			   .over = PTHREAD_COND_INITIALIZER,
			   .why = why};
	int err = volume_commit(v, hold, wake, &w);

	if (err)
		return why_set(why, err, "no commit can be made now");
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.over, &w.lock);
	pthread_mutex_unlock(&w.lock);
	return w.err;
}

int volume_commit_size(struct volume *v, uint64_t *ret_blocks, struct why *why)
{
	struct commit c = {.v = v, .dry = true};
	int err;

	*ret_blocks = 0;
	if (!v->stage)
		return 0;
	c.sink = (struct progress_sink){.report = report, .arg = &c};
	LOCK_GUARD(&v->commit_lock);
	err = run_steps(&c, ret_blocks, why);
	settle(&c, err);
	return err;
}

void volume_commit_cancel(struct volume *v)
{
	atomic_store(&v->cancel, 1);
}
