/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What burns at the end of a mount, and what is told where nothing does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/volume_internal.h"

/* Whether there is something to say; a burn that runs says it itself. */
static bool set_keep(struct volume *v)
{
	LOCK_GUARD(&v->lock);

	v->keep = true;
	return v->started &&
	       (v->state == STATE_IDLE || v->state == STATE_FAILED);
}

void volume_keep(struct volume *v, const char *reason)
{
	char text[sizeof v->last_result];
	struct why why = {""};

	if (!set_keep(v) || !reason || !volume_pending(v))
		return;
	snprintf(text, sizeof text, "not burned: %s", reason);
	log_warning("%s: %s", v->source, text);
	if (stage_set_result(v->stage, text, &why) < 0)
		log_warning("%s", why_text(&why, -EIO));
	LOCK_GUARD(&v->lock);
	memcpy(v->last_result, text, sizeof text);
}

void volume_unkeep(struct volume *v)
{
	LOCK_GUARD(&v->lock);
	v->keep = false;
}

void volume_leaving(struct volume *v, bool begins)
{
	LOCK_GUARD(&v->lock);
	v->leaving += begins ? 1u : -1u;
}

void volume_unmounted(struct volume *v)
{
	LOCK_GUARD(&v->lock);
	v->leaving++;
	v->unmounted = true;
}

bool volume_is_leaving(struct volume *v)
{
	LOCK_GUARD(&v->lock);
	return v->leaving > 0;
}

bool volume_commits_on(struct volume *v, enum commit_trigger trigger)
{
	LOCK_GUARD(&v->lock);
	if (!v->stage || v->readonly_reason || v->opts.offline)
		return false;
	if (trigger == COMMIT_ON_UNMOUNT && v->keep)
		return false;
	return v->opts.triggers & (unsigned)trigger;
}

void volume_last_result(struct volume *v, char *buf, size_t size)
{
	LOCK_GUARD(&v->lock);
	snprintf(buf, size, "%s", v->last_result);
}

const char *volume_stage_id(const struct volume *v)
{
	return v->stage ? stage_id(v->stage) : NULL;
}
