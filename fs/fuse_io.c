/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_request.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/cleanup.h"

void mount_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		   struct fuse_file_info *fi)
{
	struct fs_mount *m = mount_of(req);
	struct mover *mv = mount_mover();
	enum { PIPED = 1, COPIED };
	struct file_io io;
	struct view view;
	int done = 0;
	int err = mount_view(m, ino, &view);

	(void)fi;
	if (!err) {
		err = file_read_begin(view.tree, view.ino, (uint64_t)off,
				      min_size(size, MOUNT_MAX_IO), &io);
		if (err)
			volume_view_end(m->volume, &view);
	}
	if (err) {
		reply_err(req, err);
		return;
	}
	mount_io_begin(m);
	if (io.len >= SPLICE_MIN)
		done = mover_pipe(mv, m->volume, &io);
	if (done == 0) {
		err = mover_read(mv, m->volume, &io);
		done = err ? err : COPIED;
	}
	mount_io_end(m);
	if (done == PIPED) {
		struct fuse_bufvec out = FUSE_BUFVEC_INIT(io.len);

		out.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_RETRY;
		out.buf[0].fd = mv->pipe[0];
		/*
		 * Not moved: taking pages out of the cache of the image or of
		 * the data file, which a commit reads soon, was slower by half.
		 */
		fuse_reply_data(req, &out, 0);
		if (out.idx < out.count)
			mover_drop(mv);
		/* Only now: the pipe held the pages of the data file. */
		file_read_end(view.tree, &io);
		volume_view_end(m->volume, &view);
		return;
	}
	file_read_end(view.tree, &io);
	volume_view_end(m->volume, &view);
	if (done < 0)
		reply_err(req, done);
	else
		fuse_reply_buf(req, mover_mem(mv), io.len);
}

/* Copy @in to where @io says; the bytes copied (fewer after an error), or
 * -errno if there are none. */
static ssize_t copy_in(struct volume *v, struct fuse_bufvec *in,
		       const struct file_io *io)
{
	size_t more = (io->n - 1) * sizeof(struct fuse_buf);
	AUTO_FREE struct fuse_bufvec *out = NULL;
	unsigned i;

	out = calloc(1, sizeof *out + more);
	if (!out)
		return -ENOMEM;
	out->count = io->n;
	for (i = 0; i < io->n; i++) {
		out->buf[i] = (struct fuse_buf){
			.size = io->pieces[i].len,
			.flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK |
				 FUSE_BUF_FD_RETRY,
			.fd = volume_data_fd(v),
			.pos = (off_t)io->pieces[i].pos,
		};
	}
	return fuse_buf_copy(out, in, 0);
}

/* Whether the kernel believes @ino to have bits that are cleared now: it does
 * not look again by itself. */
static bool has_set_id(struct tree *t, uint64_t ino)
{
	struct stat st;

	return tree_getattr(t, ino, &st) == 0 &&
	       (st.st_mode & (S_ISUID | S_ISGID)) != 0;
}

void mount_op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in,
			off_t off, struct fuse_file_info *fi)
{
	struct fs_mount *m = mount_of(req);
	struct cred cred = cred_of(req);
	size_t len = fuse_buf_size(in);
	bool kill = mount_write_flags() & FUSE_WRITE_KILL_SUIDGID;
	bool stale, kill_sgid;
	struct file_io io;
	struct stat st;
	ssize_t done;
	int err;

	(void)fi;
	if (len == 0) {
		fuse_reply_write(req, 0);
		return;
	}
	err = file_write_begin(m->tree, &cred, ino, (uint64_t)off, len, &io);
	if (err) {
		reply_err(req, err);
		return;
	}
	mount_io_begin(m);
	done = copy_in(m->volume, in, &io);
	stale = kill && has_set_id(m->tree, ino);
	kill_sgid = stale && mount_loses_sgid(req, ino);
	err = file_write_end(m->tree, &cred, &io, done > 0 ? (size_t)done : 0,
			     kill);
	if (kill_sgid && done > 0)
		(void)tree_setattr(m->tree, &cred, ino, TREE_SET_KILL_SGID, &st,
				   &st);
	mount_io_end(m);
	if (stale)
		mount_forget_attr(m, ino);
	if (done == -ENOSPC || done == -EDQUOT)
		volume_note_full(m->volume);
	if (done <= 0)
		reply_err(req, done ? (int)done : -EIO);
	else if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, (size_t)done);
}

/*
 * What a WRITE is told by a flag: these requests come without, so the user
 * decides, as in most cases CAP_FSETID does.
 */
static void kill_set_id(fuse_req_t req, const struct cred *cred, uint64_t ino)
{
	struct fs_mount *m = mount_of(req);
	unsigned set = TREE_SET_KILL_SUIDGID;
	struct stat st;

	if (!m->kill_priv || cred->uid == 0 || !has_set_id(m->tree, ino))
		return;
	if (mount_loses_sgid(req, ino))
		set |= TREE_SET_KILL_SGID;
	if (tree_setattr(m->tree, cred, ino, set, &st, &st) == 0)
		mount_forget_attr(m, ino);
}

void mount_op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off,
			off_t len, struct fuse_file_info *fi)
{
	struct cred cred = cred_of(req);
	int err = file_fallocate(tree_of(req), &cred, ino, mode, (uint64_t)off,
				 (uint64_t)len);

	(void)fi;
	if (!err)
		kill_set_id(req, &cred, ino);
	reply_err(req, err);
}

void mount_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		    struct fuse_file_info *fi)
{
	struct view view;
	int64_t pos = mount_view(mount_of(req), ino, &view);

	(void)fi;
	if (!pos) {
		pos = file_seek(view.tree, view.ino, (uint64_t)off, whence);
		volume_view_end(mount_of(req)->volume, &view);
	}
	if (pos < 0)
		reply_err(req, (int)pos);
	else
		fuse_reply_lseek(req, (off_t)pos);
}

void mount_op_copy_file_range(fuse_req_t req, fuse_ino_t src, off_t src_off,
			      struct fuse_file_info *src_fi, fuse_ino_t dst,
			      off_t dst_off, struct fuse_file_info *dst_fi,
			      size_t len, int flags)
{
	/* The answer has 32 bits; MAX_RW_COUNT, as read(2) has it. */
	const uint64_t max = 0x7ffff000;
	struct cred cred = cred_of(req);
	uint64_t done = 0;
	int64_t n = 0;

	(void)src_fi;
	(void)dst_fi;
	if (flags) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	if (len > max)
		len = max;
	while (done < len) {
		n = file_clone(tree_of(req), &cred, src,
			       (uint64_t)src_off + done, dst,
			       (uint64_t)dst_off + done, len - done);
		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	if (done)
		kill_set_id(req, &cred, dst);
	if (n < 0 && done == 0)
		reply_err(req, (int)n);
	else
		fuse_reply_write(req, done);
}
