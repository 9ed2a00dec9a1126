/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who lets no changes in: those who unmount after a commit, as long as they
 * hold it, and the volume itself for good where its tree is not what the disc
 * has.
 */
#include <assert.h>

#include "common/cleanup.h"
#include "fs/volume_internal.h"

void volume_hold(struct volume *v)
{
	LOCK_GUARD(&v->hold_lock);

	v->holds++;
	tree_set_readonly(v->tree, true);
}

bool volume_hold_too(struct volume *v)
{
	LOCK_GUARD(&v->hold_lock);

	if (!v->holds)
		return false;
	v->holds++;
	return true;
}

void volume_commit_release(struct volume *v)
{
	LOCK_GUARD(&v->hold_lock);

	assert(v->holds);
	if (--v->holds == 0)
		tree_set_readonly(v->tree, v->locked_up || v->readonly_reason);
}

void volume_lock_up(struct volume *v)
{
	LOCK_GUARD(&v->hold_lock);

	v->locked_up = true;
	tree_set_readonly(v->tree, true);
}

bool volume_is_held(struct volume *v)
{
	LOCK_GUARD(&v->hold_lock);

	return v->holds > 0;
}
