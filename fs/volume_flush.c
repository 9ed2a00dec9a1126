/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changed is made durable in the stage: every few seconds, and when
 * somebody asks.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/cond.h"
#include "common/log.h"
#include "fs/volume_internal.h"

enum { FLUSH_MS = 5000 };

int volume_flush_locked(struct volume *v, struct why *why)
{
	int err;

	/* Also where nothing waits: what was kept before is gone with it. */
	if (stage_is_lost(v->stage))
		return stage_trouble(v->stage, why);
	if (v->rebase_pending) {
		err = record_rebase(v->tree, v->stage, &v->binding, why);
		v->rebase_pending = err != 0;
	} else {
		err = record_flush(v->tree, v->stage, why);
	}
	if (!err)
		stage_reserve_fill(v->stage);
	return err;
}

/* Said when it begins, and when it is over; not every few seconds. */
static void tell_trouble(struct volume *v, int err, const struct why *failed)
{
	struct why why = {""};
	int trouble = stage_trouble(v->stage, &why);
	int before;

	if (!trouble && err) {
		trouble = err;
		why = *failed;
	}
	before = atomic_exchange(&v->stage_trouble, trouble);
	if (trouble && trouble != before)
		log_error("%s: %s", v->source, why_text(&why, trouble));
	else if (!trouble && before)
		log_info("%s: the stage can be written again", v->source);
}

void volume_note_full(struct volume *v)
{
	int none = 0;

	if (v->stage && atomic_compare_exchange_strong(&v->stage_trouble, &none,
						       -ENOSPC))
		log_error("%s: the stage's file system (%s) is full: deleting "
			  "files in the mount, or burning, gives room back",
			  v->source, stage_path(v->stage));
}

int volume_flush(struct volume *v, struct why *why)
{
	int err, earlier;

	if (!v->stage || v->readonly_reason)
		return 0;
	LOCK_GUARD(&v->flush_lock);
	err = volume_flush_locked(v, why);
	earlier = v->flush_error;
	v->flush_error = 0;
	if (!err && earlier)
		return why_set(why, earlier,
			       "an earlier flush of the stage failed: %s",
			       strerror(-earlier));
	return err;
}

void *volume_flush_thread(void *arg)
{
	struct volume *v = arg;
	struct timespec until;

	until = cond_in_ms(FLUSH_MS);
	pthread_mutex_lock(&v->lock);
	while (!v->stopping) {
		struct why why = {""};
		int err;

		if (cond_wait_until(&v->changed, &v->lock, &until) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&v->lock);
		{
			LOCK_GUARD(&v->flush_lock);
			err = volume_flush_locked(v, &why);
			if (err && !v->flush_error)
				v->flush_error = err;
		}
		tell_trouble(v, err, &why);
		until = cond_in_ms(FLUSH_MS);
		pthread_mutex_lock(&v->lock);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}
