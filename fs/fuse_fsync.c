/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_request.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"

static int flush(struct fs_mount *m)
{
	struct why why = {""};
	int err;

	mount_io_begin(m);
	err = volume_flush(m->volume, &why);
	mount_io_end(m);
	if (err)
		log_error("%s: cannot save the changes: %s", m->dir,
			  why_text(&why, err));
	return err;
}

void mount_op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		    struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	reply_err(req, flush(mount_of(req)));
}

/*
 * A fsync of the root that waits for a commit.  The commit's end,
 * FUSE_INTERRUPT and the end of the mount race for the answer: whoever takes
 * req under waits_lock answers.  The object itself is freed by the commit's
 * end, which may come after the end of the mount.
 */
struct sync_wait {
	struct fs_mount *m;
	fuse_req_t req; /* NULL: taken */
	bool registering, interrupted;
	struct sync_wait *next; /* in m->waits, while req is not taken */
};

static pthread_mutex_t waits_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t waits_cond = PTHREAD_COND_INITIALIZER;

/* The request to answer, or NULL; wait_answered must follow. */
static fuse_req_t wait_take_locked(struct sync_wait *w)
{
	fuse_req_t req = w->req;
	struct sync_wait **p;

	if (!req)
		return NULL;
	for (p = &w->m->waits; *p != w; p = &(*p)->next)
		;
	*p = w->next;
	w->req = NULL;
	w->m->n_replying++;
	return req;
}

static fuse_req_t wait_take(struct sync_wait *w)
{
	LOCK_GUARD(&waits_lock);

	return wait_take_locked(w);
}

static void wait_answer(struct fs_mount *m, fuse_req_t req, int err)
{
	reply_err(req, err);
	pthread_mutex_lock(&waits_lock);
	m->n_replying--;
	pthread_cond_broadcast(&waits_cond);
	pthread_mutex_unlock(&waits_lock);
}

/* A commit_done. */
static void sync_done(void *arg, int err, uint64_t blocks, const char *text)
{
	struct sync_wait *w = arg;
	fuse_req_t req = wait_take(w);

	(void)blocks;
	(void)text;
	if (req)
		wait_answer(w->m, req, err);
	free(w);
}

/* A fuse_interrupt_func_t: libfuse holds @req, but the waiting may be over, so
 * it is looked for and not passed. */
static void on_interrupt(fuse_req_t req, void *data)
{
	struct fs_mount *m = data;
	fuse_req_t taken = NULL;
	struct sync_wait *w;

	pthread_mutex_lock(&waits_lock);
	for (w = m->waits; w && w->req != req; w = w->next)
		;
	/* Not to be answered within fuse_req_interrupt_func: it uses the
	 * request afterwards. */
	if (w && w->registering)
		w->interrupted = true;
	else if (w)
		taken = wait_take_locked(w);
	pthread_mutex_unlock(&waits_lock);
	if (taken)
		wait_answer(m, taken, -EINTR);
}

static void commit_for_sync(struct fs_mount *m, fuse_req_t req)
{
	struct sync_wait *w = calloc(1, sizeof *w);
	fuse_req_t taken;
	int err = -EINTR;
	bool interrupted;

	if (!w) {
		reply_err(req, -ENOMEM);
		return;
	}
	w->m = m;
	w->req = req;
	w->registering = true;
	pthread_mutex_lock(&waits_lock);
	w->next = m->waits;
	m->waits = w;
	pthread_mutex_unlock(&waits_lock);

	fuse_req_interrupt_func(req, on_interrupt, m);
	pthread_mutex_lock(&waits_lock);
	w->registering = false;
	interrupted = w->interrupted;
	pthread_mutex_unlock(&waits_lock);
	if (!interrupted)
		err = volume_commit(m->volume, false, sync_done, w);
	if (!err)
		return; /* @w is sync_done's */
	taken = wait_take(w);
	if (taken)
		wait_answer(m, taken, err);
	free(w);
}

/*
 * Whether a fsync of the root by @ctx asks for a burn.  A session is for good,
 * and a disc takes only so many: the same may ask as on the control socket.
 * The uid is as this process's user namespace has it.
 */
static bool may_commit(const struct fs_mount *m, const struct fuse_ctx *ctx)
{
	return (ctx->uid == 0 || ctx->uid == m->owner) &&
	       volume_commits_on(m->volume, COMMIT_ON_SYNC) &&
	       !tree_changed_by(m->tree, ctx->pid);
}

void mount_op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
		       struct fuse_file_info *fi)
{
	struct fs_mount *m = mount_of(req);

	(void)datasync;
	(void)fi;
	if (ino == TREE_ROOT && may_commit(m, fuse_req_ctx(req)))
		commit_for_sync(m, req);
	else
		reply_err(req, flush(m));
}

void mount_end_waits(struct fs_mount *m)
{
	pthread_mutex_lock(&waits_lock);
	while (m->waits) {
		fuse_req_t req = wait_take_locked(m->waits);

		pthread_mutex_unlock(&waits_lock);
		wait_answer(m, req, -EINTR);
		pthread_mutex_lock(&waits_lock);
	}
	while (m->n_replying)
		pthread_cond_wait(&waits_cond, &waits_lock);
	pthread_mutex_unlock(&waits_lock);
}
