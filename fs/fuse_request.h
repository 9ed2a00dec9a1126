/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_FUSE_REQUEST_H
#define FS_FUSE_REQUEST_H

/*
 * Where libfuse is met: the one header that includes it, for the files that
 * serve requests.
 */

#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>

#include "fs/fuse_internal.h"
#include "fs/past.h"

static inline struct fs_mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct tree *tree_of(fuse_req_t req)
{
	return mount_of(req)->tree;
}

static inline struct cred cred_of(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct cred){ctx->uid, ctx->gid, ctx->pid, ctx->umask};
}

/* @err: 0 or -errno. */
static inline void reply_err(fuse_req_t req, int err)
{
	fuse_reply_err(req, -err);
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * mount_maybe_wait, mount_waited - around what may import an older session;
 * nothing for nodes of the live tree.  mount_view - volume_view so.
 */
static inline void mount_maybe_wait(struct fs_mount *m, uint64_t ino)
{
	if (ino >= TREE_OTHERS)
		mount_io_begin(m);
}

static inline void mount_waited(struct fs_mount *m, uint64_t ino)
{
	if (ino >= TREE_OTHERS)
		mount_io_end(m);
}

static inline int mount_view(struct fs_mount *m, uint64_t ino, struct view *ret)
{
	int err;

	mount_maybe_wait(m, ino);
	err = volume_view(m->volume, ino, ret);
	mount_waited(m, ino);
	return err;
}

/* ---- fuse_serve.c ---- */

/* The beginning of a request. */
struct request_head {
	struct fuse_in_header head;
	union {
		struct fuse_write_in write;
		struct fuse_init_in init;
	} in;
};

/* What a thread has that serves requests. */
struct server {
	struct fs_mount *m;
	struct mover mover;
	uint32_t write_flags; /* of the WRITE, see mount_write_flags */
};

/*
 * server_enter - the calling thread is @s from now on; server_self - it.
 * server_count - @req came (NULL: its head cannot be seen), once a request.
 * server_begin - it is about to be served by @s.
 */
void server_init(struct server *s, struct fs_mount *m);
void server_release(struct server *s);
void server_enter(struct server *s);
struct server *server_self(void);
void server_count(struct fs_mount *m, const struct request_head *req);
void server_begin(struct server *s, const struct request_head *req);

/* The bits of the WRITE that this thread serves (FUSE_WRITE_*), which libfuse
 * does not pass on; and this thread's mover. */
uint32_t mount_write_flags(void);
struct mover *mount_mover(void);

/* ---- fuse_receive.c ---- */

/* Takes one thread's requests from the device. */
struct receiver {
	struct fuse_buf buf; /* the request: in mem, or in the pipe in */
	void *mem;	     /* NULL: not needed yet */
	bool large;	     /* the last request was a large WRITE */
	bool no_pipe;	     /* we may have none that is large enough */
	int in[2], peek[2];  /* pipes, -1: not made yet */
};

/*
 * receiver_next - wait for the next request: its length, 0 when the mount is
 * gone, -EINTR (try again), or another -errno.
 * receiver_peek - its first bytes, zeros for what is missing; r->buf stays as
 * it is.  False: they cannot be seen.
 * receiver_served - it was served, and r->buf is void.  @opcode may be 0.
 */
void receiver_init(struct receiver *r);
void receiver_release(struct receiver *r);
int receiver_next(struct receiver *r, struct fs_mount *m);
bool receiver_peek(struct receiver *r, struct request_head *ret);
void receiver_served(struct receiver *r, uint32_t opcode);

/* ---- fuse_session.c ---- */

/* The answer to INIT. */
void mount_init(void *userdata, struct fuse_conn_info *conn);

/* mount_forget_attr - let the kernel ask for the attributes of @ino anew. */
void mount_forget_attr(struct fs_mount *m, uint64_t ino);

/* ---- fuse_ops.c, and in it from fuse_io.c and fuse_fsync.c ---- */

extern const struct fuse_lowlevel_ops mount_ops;
extern const size_t mount_ops_size;

/* mount_loses_sgid - whether the caller lacks what it takes to keep a set-gid
 * bit of @ino, as Linux has it since 6.2: to be of its group, or root.  The
 * kernel's word for it does not come with a request, or libfuse keeps it. */
bool mount_loses_sgid(fuse_req_t req, uint64_t ino);

void mount_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi);
void mount_op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in,
			off_t off, struct fuse_file_info *fi);
void mount_op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off,
			off_t len, struct fuse_file_info *fi);
void mount_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		    struct fuse_file_info *fi);
void mount_op_copy_file_range(fuse_req_t req, fuse_ino_t src, off_t src_off,
			      struct fuse_file_info *src_fi, fuse_ino_t dst,
			      off_t dst_off, struct fuse_file_info *dst_fi,
			      size_t len, int flags);
void mount_op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		    struct fuse_file_info *fi);
void mount_op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
		       struct fuse_file_info *fi);

#endif
