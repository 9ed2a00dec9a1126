/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reverting on a mount: the tree, and what the kernel knows of it.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "fs/report_internal.h"
#include "fs/revert.h"
#include "fs/volume_internal.h"

void volume_set_invalidate(struct volume *v, volume_invalidate fn, void *arg)
{
	LOCK_GUARD(&v->lock);
	v->invalidate = fn;
	v->invalidate_arg = arg;
	/* Who is about to be freed is not called any more. */
	while (v->invalidating)
		pthread_cond_wait(&v->changed, &v->lock);
}

void volume_tell_kernel(struct volume *v, const struct stale *stale)
{
	volume_invalidate fn;
	void *arg;

	{
		LOCK_GUARD(&v->lock);
		fn = v->invalidate;
		arg = v->invalidate_arg;
		v->invalidating += fn != NULL;
	}
	if (!fn)
		return;
	fn(arg, stale);
	LOCK_GUARD(&v->lock);
	v->invalidating--;
	pthread_cond_broadcast(&v->changed);
}

int volume_revert(struct volume *v, const char *const *paths, size_t n,
		  struct json_object **ret, struct why *why)
{
	struct json_object *deltas;
	struct revert r;
	int err;

	if (v->readonly_reason)
		return why_set(why, -EROFS, "mounted read-only: %s",
			       v->readonly_reason);
	err = volume_push_pages(v, why);
	if (!err)
		err = revert_paths(v->tree, paths, n, &r, why);
	if (err)
		return err;
	volume_tell_kernel(v, &r.stale);
	deltas = json_object_new_array();
	for (uint32_t i = 0; i < r.n; i++)
		json_object_array_add(deltas, report_delta(&r.entries[i]));
	*ret = json_object_new_object();
	put(*ret, "deltas", deltas);
	log_info("%s: %u change%s reverted", v->source, r.n,
		 r.n == 1 ? "" : "s");
	revert_release(&r);
	return 0;
}
