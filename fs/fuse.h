/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_FUSE_H
#define FS_FUSE_H

/*
 * The mount: libfuse's session around a volume, translating each request into
 * a call of the tree and its answer into a reply.  libfuse is seen by
 * fuse_request.h only.  One mount a process, since signals are the process's.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/why.h"
#include "fs/volume.h"

struct mount_opts {
	const char *dir;    /* absolute */
	const char *source; /* as the mount table shows it */
	bool readonly;
	bool allow_other; /* default for root */
	bool nosuid, nodev, noexec, noatime;
	bool debug; /* libfuse's own trace on standard error */
};

struct fs_mount;

/*
 * fs_mount_new - mount @v at opts->dir.  Requests are answered once
 * fs_mount_loop runs.  From here to fs_mount_free SIGPIPE is ignored, and
 * SIGTERM, SIGINT and SIGHUP end the loop (the one running or the next one);
 * a fork in between is fine.  Returns 0 or -errno with @why (-ENOENT, -ENOTDIR,
 * -EBUSY for a mountpoint in use by us already, -ENODEV without /dev/fuse,
 * -EPERM).
 */
int fs_mount_new(struct volume *v, const struct mount_opts *opts,
		 struct fs_mount **ret, struct why *why);

/* fs_mount_dev - the device number of the mount (st_dev of its root), read
 * from /proc/self/mountinfo: no request is sent. */
dev_t fs_mount_dev(const struct fs_mount *m);

/*
 * fs_mount_loop - serve until the mount is gone (returns 0) or SIGTERM, SIGINT
 * or SIGHUP came (returns its number; the mount is then detached).  On a
 * signal, pages dirtied through shared mappings are pushed first by syncfs(2)
 * from a process of its own; a second signal cuts that short.
 * -errno if it could not serve.
 */
int fs_mount_loop(struct fs_mount *m);

/* fs_mount_free - unmount what is still mounted, free.  Takes NULL. */
void fs_mount_free(struct fs_mount *m);

/*
 * fs_mount_counts - call @fn for each kind of request that came so far, with
 * its name ("lookup", "write"; in lower case, as in linux/fuse.h) and how many.
 */
void fs_mount_counts(const struct fs_mount *m,
		     void (*fn)(void *arg, const char *name, uint64_t count),
		     void *arg);

#endif
