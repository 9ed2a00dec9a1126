/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling the kernel what changed behind its back: names, attributes, pages.
 *
 * A notice of a name waits for the lock of its folder, which may be held by
 * somebody who waits for our answer.  So notices are sent while the workers
 * serve, and the end of the mount waits for them.
 */
#include "config.h"

#include "fs/fuse_request.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/cond.h"
#include "common/log.h"
#include "fs/revert.h"

static bool begin(struct fs_mount *m)
{
	LOCK_GUARD(&m->lock);

	if (m->no_notices)
		return false;
	m->n_notices++;
	return true;
}

static void end(struct fs_mount *m)
{
	LOCK_GUARD(&m->lock);

	m->n_notices--;
	pthread_cond_broadcast(&m->noticed);
}

/* -ENOENT: it knows none; the others: the mount is gone. */
static bool is_told(int err)
{
	return !err || err == -ENOENT || err == -ENODEV || err == -ENOTCONN ||
	       err == -EBADF;
}

void mount_invalidate(void *arg, const struct stale *stale)
{
	struct fs_mount *m = arg;
	bool told = true;

	if (!begin(m))
		return;
	for (uint32_t i = 0; i < stale->n_names; i++) {
		const struct stale_name *n = &stale->names[i];

		told &= is_told(fuse_lowlevel_notify_inval_entry(
			m->session, n->parent, n->name, strlen(n->name)));
	}
	for (uint32_t i = 0; i < stale->n_nodes; i++)
		told &= is_told(fuse_lowlevel_notify_inval_inode(
			m->session, stale->nodes[i].ino,
			stale->nodes[i].content ? 0 : -1, 0));
	end(m);
	if (!told)
		log_warning("%s: the kernel may show what was reverted until "
			    "the next mount",
			    m->dir);
}

void mount_end_notices(struct fs_mount *m)
{
	enum { STEP_MS = 1000 };
	struct timespec until;

	pthread_mutex_lock(&m->lock);
	m->no_notices = true;
	while (m->n_notices) {
		pthread_mutex_unlock(&m->lock);
		/* "sync DIR" holds the lock of the root for a whole burn. */
		mount_end_waits(m);
		pthread_mutex_lock(&m->lock);
		until = cond_in_ms(STEP_MS);
		if (m->n_notices)
			cond_wait_until(&m->noticed, &m->lock, &until);
	}
	pthread_mutex_unlock(&m->lock);
}
