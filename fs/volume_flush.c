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

	if (v->rebase_pending) {
		err = record_rebase(v->tree, v->stage, &v->binding, why);
		v->rebase_pending = err != 0;
		return err;
	}
	return record_flush(v->tree, v->stage, why);
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
		if (err)
			log_error("cannot write the stage of %s: %s", v->source,
				  why_text(&why, err));
		until = cond_in_ms(FLUSH_MS);
		pthread_mutex_lock(&v->lock);
	}
	pthread_mutex_unlock(&v->lock);
	return NULL;
}
