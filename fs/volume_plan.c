/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a commit, an export and a revert do alike before they begin.
 */
#include <string.h>

#include "common/cleanup.h"
#include "fs/volume_internal.h"

int volume_push_pages(struct volume *v, struct why *why)
{
	int (*sync)(void *arg);
	void *arg;
	int err;

	{
		LOCK_GUARD(&v->lock);
		sync = v->sync;
		arg = v->sync_arg;
	}
	err = sync ? sync(arg) : 0;
	return err ? why_set(why, err,
			     "cannot push the pages that programs changed "
			     "through mappings: %s",
			     strerror(-err))
		   : 0;
}

void volume_fill_plan(struct volume *v, struct snapshot *s,
		      uint32_t session_lba, struct session_plan *ret)
{
	snapshot_plan(s, ret);
	ret->base = (struct import_opts){
		.session_lba = session_lba,
		.no_rock_ridge = v->opts.no_rock_ridge && !v->rebased,
		.no_joliet = v->opts.no_joliet && !v->rebased,
	};
	ret->blank = v->blank;
	memcpy(ret->base_digest, v->info.digest, sizeof v->info.digest);
	ret->base_order = v->info.order;
	ret->volume_id = v->label;
	ret->joliet = !v->opts.no_joliet;
}
