/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_FUSE_INTERNAL_H
#define FS_FUSE_INTERNAL_H

/*
 * What the files of the mount share.  fuse_session.c has the session,
 * fuse_serve.c what each thread has that serves it, fuse_worker.c those at
 * /dev/fuse, for which fuse_receive.c takes the requests; fuse_signals.c has its
 * signals; fuse_ops.c, fuse_io.c and fuse_fsync.c answer the requests; fuse_data.c
 * brings the bytes of a file together; fuse_mountpoint.c knows mount tables and
 * paths, fuse_mount.c mounts.  libfuse is met in fuse_request.h only.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/why.h"
#include "fs/file.h"
#include "fs/fuse.h"

struct fuse_session;
struct sync_wait;

enum {
	MOUNT_MAX_THREADS = 32,
	/*
	 * More that wait for a request at the same time do harm: the kernel
	 * wakes the one that slept longest, most likely on another CPU.
	 */
	MOUNT_MAX_IDLE = 2,
	MOUNT_MAX_OPCODES = 64,
	MOUNT_MAX_IO = 1 << 20, /* bytes in one READ or WRITE */
	/* Below this, copying costs less than the calls that avoid it. */
	SPLICE_MIN = 32 * 1024,
};

/* Moves the bytes of one thread's requests; zero-initialized but for pipe[]. */
struct mover {
	int pipe[2];	  /* -1: not made yet */
	size_t pipe_size; /* bytes that fit if all pages are full */
	bool pipe_stuck;  /* the pipe may not grow: do not ask again */
	void *mem;	  /* MOUNT_MAX_IO bytes, page aligned, or NULL */
};

struct fs_mount {
	struct volume *volume;
	struct tree *tree;
	struct fuse_session *session;
	char *dir; /* real path */
	dev_t dev;
	uid_t owner; /* who mounted it */

	/* An xattr of the root for who knows its name, which is a secret: what
	 * mount_settle returns (uint64_t), when what came before it has been
	 * served. */
	char barrier[48];
	uint32_t epoch; /* added to the generations: no other mount has it */

	/* from INIT on */
	bool no_open, no_opendir;     /* the kernel does without an answer */
	bool kill_priv;		      /* it leaves clearing set-id bits to us */
	uint32_t max_request;	      /* bytes, with its header */
	uint64_t init_flags;	      /* that INIT offered */
	_Atomic uint64_t init_unique; /* whose answer is to be patched */

	/* the loop */
	int wake_fd;	    /* eventfd: a worker ended, or a signal came */
	atomic_bool ending; /* the mount is gone or to be left */
	int error;	    /* of the device; guarded by lock */
	pthread_mutex_t lock;
	struct worker *workers; /* guarded by lock */
	unsigned n_workers;	/* guarded by lock */
	atomic_int idle; /* workers that wait for a request, or will soon */
	pthread_cond_t called; /* with lock: parked workers are */
	unsigned n_parked;     /* guarded by lock; not in idle */
	unsigned n_calls;      /* guarded by lock: how many of them may go on */

	/* folders' fsyncs that wait for a commit: guarded by one lock for all
	 * mounts, which outlives them (fuse_fsync.c) */
	struct sync_wait *waits;
	unsigned n_replying;

	/* Notices to the kernel (fuse_notify.c): guarded by lock. */
	unsigned n_notices;
	bool no_notices; /* the session is about to end */
	pthread_cond_t noticed;

	atomic_ulong pushed; /* WRITEs of mapped pages taken from the device */
	atomic_ulong counts[MOUNT_MAX_OPCODES];
};

/* ---- fuse_worker.c ---- */

/*
 * mount_start_worker - one more thread that serves, if there may be one; it
 * starts others as they are needed.  0 or -errno.
 * mount_io_begin - this thread's request is going to wait, for a disk or for
 * another thread: somebody else shall be there for the next one.  Requests that
 * only look into the tree do without.
 * mount_io_end - it will not wait any more; best before its answer.
 * mount_end_workers - let all of them finish what they do, and end.
 * mount_end - let the loop end, since nothing comes any more.
 */
int mount_start_worker(struct fs_mount *m);
void mount_io_begin(struct fs_mount *m);
void mount_io_end(struct fs_mount *m);
void mount_end_workers(struct fs_mount *m);
void mount_end(struct fs_mount *m);

/*
 * mount_settle - return when every WRITE that was taken from the device before
 * this call has been served; the number of those so far that came not from
 * write(2) but from the page cache.  For a request handler: others go on.
 */
uint64_t mount_settle(struct fs_mount *m);

/* ---- fuse_fsync.c ---- */

/* mount_end_waits - answer the fsyncs that wait for a commit (with EINTR), and
 * return when no commit's end is about to use @m any more. */
void mount_end_waits(struct fs_mount *m);

/* ---- fuse_notify.c ---- */

/*
 * mount_invalidate - a volume_invalidate: let the kernel forget.  Waits for the
 * locks of folders, so never from a thread that serves requests.
 * mount_end_notices - return when none is under way, and let no other one
 * begin; while there are workers, who answer those that hold the locks.
 */
void mount_invalidate(void *arg, const struct stale *stale);
void mount_end_notices(struct fs_mount *m);

/* ---- fuse_signals.c ---- */

/*
 * mount_signals_take - from now on SIGTERM, SIGINT and SIGHUP (if that is not
 * ignored) set mount_signal to the first that came, mount_signal_again at
 * another one, and write to the eventfd @wake_fd; SIGPIPE is ignored.
 */
extern atomic_int mount_signal;
extern atomic_bool mount_signal_again;
void mount_signals_take(int wake_fd);
/* Does nothing but make a call that waits return with EINTR. */
int mount_wake_signal(void);
void mount_signals_give_back(void);

/* ---- fuse_data.c ---- */

void mover_release(struct mover *mv);

/* mover_mem - MOUNT_MAX_IO bytes, or NULL (no memory). */
void *mover_mem(struct mover *mv);

/*
 * mover_pipe - put the bytes of @io into mv->pipe, all of them, without
 * copying.  Returns 1, 0 if that cannot be done (take mover_read), or -errno
 * with the pipe empty.
 * mover_drop - the pipe was not read to its end: forget what is in it.
 */
int mover_pipe(struct mover *mv, struct volume *v, const struct file_io *io);
void mover_drop(struct mover *mv);

/*
 * mover_read - read the bytes of @io into what mover_mem gives.  0 or -errno: a
 * piece that cannot be read whole is -EIO.
 */
int mover_read(struct mover *mv, struct volume *v, const struct file_io *io);

/* ---- fuse_places.c ---- */

/* mountpoint_dev - the device of the topmost discfs mount at the real path
 * @dir, from /proc/self/mountinfo.  0 or -errno (-ENOENT: none). */
int mountpoint_dev(const char *dir, dev_t *ret);

/* mountpoint_is - whether the mount of @dev is on top at @dir. */
bool mountpoint_is(const char *dir, dev_t dev);

/*
 * mountpoint_find - where the mount of @dev can be reached: @dir if it can,
 * which may have been unmounted, or moved, while a bind mount shows it yet.
 * Heap; NULL: nowhere.
 */
char *mountpoint_find(const char *dir, dev_t dev);

/* mountpoint_detach_all - unmount it, lazily, wherever it is on top in this
 * namespace.  0 or -errno. */
int mountpoint_detach_all(const char *dir, dev_t dev);

/* ---- fuse_mountpoint.c ---- */

/*
 * mountpoint_check - whether a mount at @dir can be tried; *@ret is its real
 * path (heap).  0 or -errno with @why.
 */
int mountpoint_check(const char *dir, char **ret, struct why *why);

/*
 * mountpoint_read_ahead - let the kernel read up to @bytes ahead of a program
 * that reads in order, where it lets us (root).  What is answered to INIT
 * bounds it, too: so before that.
 */
void mountpoint_read_ahead(dev_t dev, size_t bytes);

/*
 * mountpoint_sync - push the pages that programs dirtied through mappings of
 * files of the mount of @dev at @dir, and wait until they are written (@barrier
 * is fs_mount.barrier).  Waits @timeout_ms at most (-ETIMEDOUT; the call itself
 * then goes on).  The mount not being there any more is a success.
 */
int mountpoint_sync(const char *dir, dev_t dev, const char *barrier,
		    int timeout_ms);

/* mountpoint_leave - the same, then detach the mount lazily; returns soon after
 * *@cut became true (-ECANCELED). */
int mountpoint_leave(const char *dir, dev_t dev, const char *barrier,
		     int timeout_ms, const atomic_bool *cut);

/* ---- fuse_mount.c ---- */

/*
 * mountpoint_mount - mount at the real path @dir, by mount(2) where that is
 * allowed, else by fusermount3.  *@ret_fd is the open /dev/fuse.  0 or -errno
 * with @why.
 * mountpoint_detach - unmount what is on top at @dir, lazily.  0 or -errno.
 */
int mountpoint_mount(const char *dir, const struct mount_opts *opts,
		     int *ret_fd, struct why *why);
int mountpoint_detach(const char *dir);

#endif
