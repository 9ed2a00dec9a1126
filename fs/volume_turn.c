/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has libisofs for long, or takes a snapshot: one at a time.  Those who
 * wait say what for.
 */
#include <errno.h>
#include <time.h>

#include "common/cleanup.h"
#include "fs/volume_internal.h"

enum { POLL_MS = 100 };

bool volume_try_turn(struct volume *v, const char *who)
{
	if (pthread_mutex_trylock(&v->commit_lock))
		return false;
	LOCK_GUARD(&v->lock);
	v->turn = who;
	return true;
}

void volume_end_turn(struct volume *v)
{
	{
		LOCK_GUARD(&v->lock);
		v->turn = NULL;
	}
	pthread_mutex_unlock(&v->commit_lock);
}

int volume_take_turn(struct volume *v, const char *who,
		     const struct progress_sink *sink, struct why *why)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	struct progress p = {.phase = "waiting"};
	const char *turn;

	while (!volume_try_turn(v, who)) {
		if (sink && sink->cancel && atomic_load(sink->cancel))
			return why_set(why, -ECANCELED, "cancelled");
		{
			LOCK_GUARD(&v->lock);
			turn = v->turn;
		}
		/* NULL: its end is near. */
		if (turn && turn != p.waits_for && sink && sink->report) {
			p.waits_for = turn;
			sink->report(sink->arg, &p);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}
