/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The committer's thread and its queue, and what asks for a commit.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/commit_internal.h"
#include "fs/stage_loan.h"
#include "fs/stage_way.h"

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
	const char *lender = stage_lender(v->stage, NULL);
	char text[sizeof v->last_result], lost[500] = "", moved[140] = "";
	char path[100];
	struct stage_way drop;
	struct why failed = {""};

	/* The first session of a disc that takes a lost one's place. */
	if (lender && c->plan.blank)
		snprintf(lost, sizeof lost,
			 "; stage %s of the lost disc is kept until \"%s\"",
			 lender, stage_way(&drop, v->stage_root, "drop", lender));
	if (c->moved)
		snprintf(moved, sizeof moved, "; the image is now %s",
			 stage_printable(disc_path(v->disc), path,
					 sizeof path));
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
			 "%s: session at lba %llu, %llu blocks%s%s%s%.100s",
			 how, (unsigned long long)c->facts.nwa,
			 (unsigned long long)blocks, moved, lost,
			 err ? "; the stage is behind: " : "",
			 err ? why_text(why, err) : "");
	if (stage_set_result(v->stage, text, &failed) < 0)
		log_warning("%s", why_text(&failed, -EIO));
	LOCK_GUARD(&v->lock);
	memcpy(v->last_result, text, sizeof text);
}

/* Whether nothing is to be begun any more.  What has nothing to burn is told
 * so all the same. */
static bool is_too_late(struct volume *v)
{
	{
		LOCK_GUARD(&v->lock);
		if (!v->winding)
			return false;
	}
	return volume_pending(v) > 0;
}

static int say_too_late(struct why *why)
{
	return why_set(why, -ESHUTDOWN,
		       "the mount's process was told to end; the changes stay "
		       "in the stage");
}

static int take_turn(struct commit *c, struct why *why)
{
	struct volume *v = c->v;
	int err;

	if (is_too_late(v))
		return say_too_late(why);
	if (volume_try_turn(v, "a commit"))
		return 0;
	commit_set_state(v, STATE_WAITING);
	err = volume_take_turn(v, "a commit", &c->sink, why);
	/* volume_wind_up alone does that. */
	if (err == -ECANCELED)
		return say_too_late(why);
	atomic_store(&v->cancel, 0);
	if (!err && is_too_late(v)) {
		volume_end_turn(v);
		err = say_too_late(why);
	}
	return err;
}

static void serve(struct volume *v, const struct commit_request *r)
{
	struct commit c = {.v = v, .hold = r->hold};
	struct why why = {""};
	uint64_t blocks = 0;
	char text[sizeof v->last_result];
	int err = 0;

	if (!v->stage) {
		/* Read-only: there cannot be anything to burn. */
		if (r->hold)
			volume_hold(v);
		r->done(r->arg, 0, 0, "nothing to burn");
		return;
	}
	c.sink = (struct progress_sink){
		.report = commit_report, .arg = &c, .cancel = &v->cancel};
	atomic_store(&v->cancel, 0);
	err = take_turn(&c, &why);
	if (!err) {
		err = commit_carry_out(&c, &blocks, &why);
		volume_end_turn(v);
	}
	if (err || blocks)
		keep_result(&c, err, blocks, &why);
	if (c.published)
		past_changed(v);
	if (err && c.published) {
		log_error("%s", why_text(&why, err));
		err = 0;
	}
	if (err) {
		snprintf(text, sizeof text, "%s%s", why_text(&why, err),
			 c.note);
		log_error("commit of %s failed: %s", v->source, text);
		commit_set_state(v, STATE_FAILED);
	} else {
		snprintf(text, sizeof text, "%s",
			 blocks ? v->last_result : "nothing to burn");
		log_info("%s: %s", v->source, text);
	}
	commit_set_state(v, STATE_IDLE);
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
		v->serving = true;
		pthread_mutex_unlock(&v->lock);
		serve(v, r);
		free(r);
		pthread_mutex_lock(&v->lock);
		v->serving = false;
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

void volume_wind_up(struct volume *v)
{
	LOCK_GUARD(&v->lock);

	v->winding = true;
	if (v->state == STATE_WAITING)
		atomic_store(&v->cancel, 1);
}

bool volume_is_committing(struct volume *v)
{
	LOCK_GUARD(&v->lock);

	return v->serving || v->queue;
}

bool volume_is_behind(struct volume *v, const void *arg)
{
	const struct commit_request *r;
	LOCK_GUARD(&v->lock);

	for (r = v->queue; r; r = r->next)
		if (r->arg == arg)
			return true;
	return false;
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
	c.sink = (struct progress_sink){.report = commit_report, .arg = &c};
	err = volume_take_turn(v, "a look at a commit's size", NULL, why);
	if (err)
		return err;
	err = commit_carry_out(&c, ret_blocks, why);
	volume_end_turn(v);
	return err;
}
