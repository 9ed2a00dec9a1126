/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/commit_internal.h"

#include <stdio.h>

#include "common/cleanup.h"

static void tell_locked(struct volume *v)
{
	for (struct volume_watch *w = v->watchers; w; w = w->next)
		w->fn(w->arg, &v->progress);
}

void commit_report(void *arg, const struct progress *p)
{
	struct commit *c = arg;
	struct volume *v = c->v;

	if (c->dry)
		return;
	LOCK_GUARD(&v->lock);
	v->progress = *p;
	v->progress.phase = commit_state_name(v->state);
	v->progress.waits_for = v->state == STATE_WAITING ? p->waits_for : NULL;
	snprintf(v->progress_file, sizeof v->progress_file, "%s",
		 p->file ? p->file : "");
	v->progress.file = p->file ? v->progress_file : NULL;
	tell_locked(v);
}

void commit_set_state(struct volume *v, enum commit_state state)
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
