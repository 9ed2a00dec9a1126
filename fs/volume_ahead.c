/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stage of an image file is looked for, and made if there is none, while
 * libisofs loads the tree: its files and their syncs are a tenth of the time of
 * a small mount.  Where the import fails after all, what was made goes.
 */
#include <stdlib.h>

#include "fs/volume_internal.h"

struct stage_ahead {
	pthread_t thread;
	bool joined;
	const char *root;
	struct stage_binding binding;
	/* What the thread found, and made. */
	int found, err;
	char *id;
	struct stage *made;
	struct why why;
};

static void *seek(void *arg)
{
	struct stage_ahead *a = arg;
	bool recover;

	a->found = stage_find(a->root, &a->binding, &a->id, &recover, &a->why);
	if (a->found == 0)
		a->err = stage_create(a->root, &a->binding, &a->made, &a->why);
	return NULL;
}

/* A drive's disc has its stage looked for by more than its binding, and with
 * -o rebase one is taken that does not fit. */
static bool is_plain(const struct volume *v, const struct stage_binding *b)
{
	return b->image_ino && !v->readonly_reason && !v->opts.offline &&
	       !v->opts.rebase;
}

void volume_seek_stage(void *arg, const struct import_info *info)
{
	struct volume *v = arg;
	struct stage_ahead *a;

	if (v->ahead)
		return;
	a = calloc(1, sizeof *a);
	if (!a)
		return;
	a->root = v->stage_root;
	if (volume_bind_now(v, info, &a->binding) == 0 &&
	    is_plain(v, &a->binding) &&
	    pthread_create(&a->thread, NULL, seek, a) == 0) {
		v->ahead = a;
		return;
	}
	stage_binding_release(&a->binding);
	free(a);
}

static void join(struct stage_ahead *a)
{
	if (!a->joined)
		pthread_join(a->thread, NULL);
	a->joined = true;
}

int volume_find_stage(struct volume *v, char **ret_id, struct why *why)
{
	struct stage_ahead *a = v->ahead;
	bool recover;

	if (!a)
		return stage_find(v->stage_root, &v->binding, ret_id, &recover,
				  why);
	join(a);
	*ret_id = a->id;
	a->id = NULL;
	return a->found < 0 ? why_set(why, a->found, "%s",
				      why_text(&a->why, a->found))
			    : a->found;
}

int volume_make_stage(struct volume *v, struct why *why)
{
	struct stage_ahead *a = v->ahead;

	if (!a)
		return stage_create(v->stage_root, &v->binding, &v->stage, why);
	join(a);
	v->stage = a->made;
	a->made = NULL;
	return a->err < 0
		       ? why_set(why, a->err, "%s", why_text(&a->why, a->err))
		       : 0;
}

void volume_drop_ahead(struct volume *v)
{
	struct stage_ahead *a = v->ahead;

	if (!a)
		return;
	v->ahead = NULL;
	join(a);
	stage_close(a->made, true);
	stage_binding_release(&a->binding);
	free(a->id);
	free(a);
}
