/* SPDX-License-Identifier: GPL-2.0-or-later */
#define FUSE_USE_VERSION 314

#include "config.h"

#include "fs/fuse_internal.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"

/*
 * The kernel is the only one who changes the tree, so what it was told stays
 * true until it changes it itself.
 */
static const double forever_s = 24 * 3600;

/* Below this, copying costs less than the calls that avoid it. */
enum { SPLICE_MIN = 32 * 1024 };

static struct fs_mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct tree *tree_of(fuse_req_t req)
{
	return mount_of(req)->tree;
}

static struct cred cred_of(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct cred){ctx->uid, ctx->gid, ctx->pid, ctx->umask};
}

/* @err: 0 or -errno. */
static void reply_err(fuse_req_t req, int err)
{
	fuse_reply_err(req, -err);
}

/* ---- the barrier (mount_settle) ---- */

/* No inode of the tree: those count from 1. */
static const uint64_t barrier_ino = UINT64_MAX - 1;
enum { BARRIER_SIZE = 4096 };

static struct tree_entry barrier_entry(void)
{
	return (struct tree_entry){
		.ino = barrier_ino,
		.st = {.st_mode = S_IFREG | 0400,
		       .st_nlink = 1,
		       .st_uid = geteuid(),
		       .st_gid = getegid(),
		       .st_size = BARRIER_SIZE},
	};
}

static void forget(struct tree *t, uint64_t ino, uint64_t n)
{
	if (ino != barrier_ino)
		tree_forget(t, ino, n);
}

static struct fuse_entry_param entry_param(const struct tree_entry *e)
{
	struct fuse_entry_param p = {
		.ino = e->ino,
		.generation = e->generation,
		.attr = e->st,
		.attr_timeout = forever_s,
		.entry_timeout = forever_s,
	};

	p.attr.st_ino = e->ino;
	return p;
}

/* Answer what counted a reference, or an error. */
static void reply_entry(fuse_req_t req, int err, const struct tree_entry *e)
{
	struct tree *t = tree_of(req);
	struct fuse_entry_param p;

	if (err) {
		reply_err(req, err);
		return;
	}
	p = entry_param(e);
	if (fuse_reply_entry(req, &p))
		forget(t, e->ino, 1); /* nobody took it */
}

static void reply_attr(fuse_req_t req, int err, uint64_t ino, struct stat *st)
{
	if (err) {
		reply_err(req, err);
		return;
	}
	st->st_ino = ino;
	fuse_reply_attr(req, st, forever_s);
}

/* ---- names ---- */

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct fuse_entry_param none = {
		.entry_timeout = 24 * 3600,
	};
	struct tree_entry e;
	int err;

	if (parent == TREE_ROOT &&
	    strcmp(name, mount_of(req)->barrier_name) == 0) {
		e = barrier_entry();
		reply_entry(req, 0, &e);
		return;
	}
	err = tree_lookup(tree_of(req), parent, name, &e);
	if (err == -ENOENT)
		fuse_reply_entry(req, &none);
	else
		reply_entry(req, err, &e);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	forget(tree_of(req), ino, n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count,
			    struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		forget(tree_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode, dev_t rdev)
{
	struct cred cred = cred_of(req);
	struct tree_entry e;

	reply_entry(
		req,
		tree_mknod(tree_of(req), &cred, parent, name, mode, rdev, &e),
		&e);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode)
{
	struct cred cred = cred_of(req);
	struct tree_entry e;

	reply_entry(req,
		    tree_mkdir(tree_of(req), &cred, parent, name, mode, &e),
		    &e);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		       const char *name)
{
	struct cred cred = cred_of(req);
	struct tree_entry e;

	reply_entry(req,
		    tree_symlink(tree_of(req), &cred, parent, name, target, &e),
		    &e);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
		    const char *name)
{
	struct cred cred = cred_of(req);
	struct tree_entry e;

	reply_entry(req, tree_link(tree_of(req), &cred, ino, parent, name, &e),
		    &e);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct cred cred = cred_of(req);

	reply_err(req, tree_unlink(tree_of(req), &cred, parent, name));
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct cred cred = cred_of(req);

	reply_err(req, tree_rmdir(tree_of(req), &cred, parent, name));
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		      fuse_ino_t new_parent, const char *new_name,
		      unsigned flags)
{
	struct cred cred = cred_of(req);

	reply_err(req, tree_rename(tree_of(req), &cred, parent, name,
				   new_parent, new_name, flags));
}

/* ---- attributes ---- */

static void op_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct stat st = barrier_entry().st;
	int err = 0;

	(void)fi;
	if (ino != barrier_ino)
		err = tree_getattr(tree_of(req), ino, &st);
	reply_attr(req, err, ino, &st);
}

static unsigned tree_set_of(int to_set)
{
	static const struct {
		int from;
		unsigned to;
	} map[] = {
		{FUSE_SET_ATTR_MODE, TREE_SET_MODE},
		{FUSE_SET_ATTR_UID, TREE_SET_UID},
		{FUSE_SET_ATTR_GID, TREE_SET_GID},
		{FUSE_SET_ATTR_SIZE, TREE_SET_SIZE},
		{FUSE_SET_ATTR_ATIME, TREE_SET_ATIME},
		{FUSE_SET_ATTR_MTIME, TREE_SET_MTIME},
		{FUSE_SET_ATTR_CTIME, TREE_SET_CTIME},
		{FUSE_SET_ATTR_ATIME_NOW, TREE_SET_ATIME_NOW},
		{FUSE_SET_ATTR_MTIME_NOW, TREE_SET_MTIME_NOW},
		/* FATTR_KILL_SUIDGID, which libfuse passes by this name */
		{1 << 11, TREE_SET_KILL_SUIDGID},
	};
	unsigned set = 0;
	size_t i;

	for (i = 0; i < sizeof map / sizeof *map; i++)
		if (to_set & map[i].from)
			set |= map[i].to;
	return set;
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		       int to_set, struct fuse_file_info *fi)
{
	struct cred cred = cred_of(req);
	struct stat st;
	int err;

	(void)fi;
	err = tree_setattr(tree_of(req), &cred, ino, tree_set_of(to_set), attr,
			   &st);
	reply_attr(req, err, ino, &st);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[4096];
	int err = tree_readlink(tree_of(req), ino, target, sizeof target);

	if (err)
		reply_err(req, err);
	else
		fuse_reply_readlink(req, target);
}

static void reply_xattr(fuse_req_t req, const void *buf, size_t size,
			ssize_t len)
{
	if (len < 0)
		reply_err(req, (int)len);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)len);
	else
		fuse_reply_buf(req, buf, (size_t)len);
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			size_t size)
{
	void *buf = mover_mem(mount_mover());
	ssize_t len = -ENOMEM;

	if (buf)
		len = tree_getxattr(tree_of(req), ino, name, buf,
				    min_size(size, MOUNT_MAX_IO));
	reply_xattr(req, buf, size, len);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	void *buf = mover_mem(mount_mover());
	ssize_t len = -ENOMEM;

	if (buf)
		len = tree_listxattr(tree_of(req), ino, buf,
				     min_size(size, MOUNT_MAX_IO));
	reply_xattr(req, buf, size, len);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			const char *value, size_t size, int flags)
{
	struct cred cred = cred_of(req);

	reply_err(req, tree_setxattr(tree_of(req), &cred, ino, name, value,
				     size, flags));
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct cred cred = cred_of(req);

	reply_err(req, tree_removexattr(tree_of(req), &cred, ino, name));
}

/* ---- open: nothing hangs on it ---- */

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (mount_of(req)->no_open) {
		fuse_reply_err(req, ENOSYS); /* not asked again */
		return;
	}
	fi->keep_cache = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	(void)ino;
	if (mount_of(req)->no_opendir) {
		fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->keep_cache = 1;
	fi->cache_readdir = 1;
	fuse_reply_open(req, fi);
}

/* ---- content ---- */

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	struct fs_mount *m = mount_of(req);
	struct mover *mv = mount_mover();
	struct file_io io;
	int done = 0, err;

	(void)fi;
	if (ino == barrier_ino) {
		static const char zeros[BARRIER_SIZE];

		mount_settle(m);
		fuse_reply_buf(req, zeros, min_size(size, sizeof zeros));
		return;
	}
	err = file_read_begin(m->tree, ino, (uint64_t)off,
			      min_size(size, MOUNT_MAX_IO), &io);
	if (err) {
		reply_err(req, err);
		return;
	}
	if (io.len >= SPLICE_MIN)
		done = mover_pipe(mv, m->volume, &io);
	if (done == 1) {
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
		file_read_end(m->tree, &io);
		return;
	}
	if (done == 0)
		done = mover_read(mv, m->volume, &io);
	file_read_end(m->tree, &io);
	if (done < 0)
		reply_err(req, done);
	else
		fuse_reply_buf(req, mv->mem, io.len);
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

static void op_write_buf(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in,
			 off_t off, struct fuse_file_info *fi)
{
	struct fs_mount *m = mount_of(req);
	struct cred cred = cred_of(req);
	size_t len = fuse_buf_size(in);
	bool kill = mount_write_flags() & FUSE_WRITE_KILL_SUIDGID, stale;
	struct file_io io;
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
	done = copy_in(m->volume, in, &io);
	stale = kill && has_set_id(m->tree, ino);
	err = file_write_end(m->tree, &cred, &io, done > 0 ? (size_t)done : 0,
			     kill);
	if (stale)
		mount_forget_attr(m, ino);
	if (done <= 0)
		reply_err(req, done ? (int)done : -EIO);
	else if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, (size_t)done);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off,
			 off_t len, struct fuse_file_info *fi)
{
	struct cred cred = cred_of(req);

	(void)fi;
	reply_err(req, file_fallocate(tree_of(req), &cred, ino, mode,
				      (uint64_t)off, (uint64_t)len));
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
		     struct fuse_file_info *fi)
{
	int64_t pos = file_seek(tree_of(req), ino, (uint64_t)off, whence);

	(void)fi;
	if (pos < 0)
		reply_err(req, (int)pos);
	else
		fuse_reply_lseek(req, (off_t)pos);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t src, off_t src_off,
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
	if (n < 0 && done == 0)
		reply_err(req, (int)n);
	else
		fuse_reply_write(req, done);
}

/* ---- folders ---- */

struct fill {
	fuse_req_t req;
	char *buf;
	size_t size, used;
	bool plus;
};

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* A tree_emit. */
static int fill_entry(void *arg, const char *name, uint64_t cookie,
		      const struct tree_entry *entry)
{
	struct fill *f = arg;
	struct fuse_entry_param p = entry_param(entry);
	size_t room = f->size - f->used;
	size_t n;

	if (f->plus && is_dot(name))
		p.ino = 0; /* not counted as looked up */
	n = f->plus ? fuse_add_direntry_plus(f->req, f->buf + f->used, room,
					     name, &p, (off_t)cookie)
		    : fuse_add_direntry(f->req, f->buf + f->used, room, name,
					&p.attr, (off_t)cookie);
	if (n > room)
		return 1;
	f->used += n;
	return 0;
}

/* Take back the references of an answer that nobody took. */
static void forget_filled(struct tree *t, const struct fill *f)
{
	size_t at = 0;

	while (f->plus && at < f->used) {
		const struct fuse_direntplus *d = (const void *)(f->buf + at);

		if (d->entry_out.nodeid)
			tree_forget(t, d->entry_out.nodeid, 1);
		at += FUSE_DIRENTPLUS_SIZE(d);
	}
}

static void read_folder(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			bool plus)
{
	struct tree *t = tree_of(req);
	struct fill f = {
		.req = req,
		.buf = mover_mem(mount_mover()),
		.size = min_size(size, MOUNT_MAX_IO),
		.plus = plus,
	};
	int err = -ENOMEM;

	if (f.buf)
		err = tree_readdir(t, ino, (uint64_t)off, plus, fill_entry, &f);
	if (err) {
		forget_filled(t, &f);
		reply_err(req, err);
	} else if (fuse_reply_buf(req, f.buf, f.used)) {
		forget_filled(t, &f);
	}
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)fi;
	read_folder(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			   off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	read_folder(req, ino, size, off, true);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct volume_statfs s;
	struct statvfs st;

	(void)ino;
	volume_statfs(mount_of(req)->volume, &s);
	st = (struct statvfs){
		.f_bsize = 2048,
		.f_frsize = 2048,
		.f_blocks = s.total_blocks,
		.f_bfree = s.free_blocks,
		.f_bavail = s.free_blocks,
		/* A new node takes less than a block. */
		.f_files = s.files + s.free_blocks,
		.f_ffree = s.free_blocks,
		.f_favail = s.free_blocks,
		.f_namemax = TREE_NAME_MAX,
	};
	fuse_reply_statfs(req, &st);
}

/* ---- fsync ---- */

static int flush(struct fs_mount *m)
{
	struct why why = {""};
	int err = volume_flush(m->volume, &why);

	if (err)
		log_error("%s: cannot save the changes: %s", m->dir,
			  why_text(&why, err));
	return err;
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
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

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			struct fuse_file_info *fi)
{
	struct fs_mount *m = mount_of(req);

	(void)datasync;
	(void)fi;
	if (ino == TREE_ROOT && volume_commits_on(m->volume, COMMIT_ON_SYNC) &&
	    !tree_changed_by(m->tree, fuse_req_ctx(req)->pid))
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

/*
 * Missing on purpose, so that libfuse answers ENOSYS and the kernel does not
 * ask again: CREATE (it sends MKNOD), FLUSH (nothing is to be done at close),
 * ACCESS (the kernel checks permissions itself).  RELEASE and RELEASEDIR are
 * answered by libfuse.
 */
const struct fuse_lowlevel_ops mount_ops = {
	.init = mount_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write_buf = op_write_buf,
	.fsync = op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.fsyncdir = op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.fallocate = op_fallocate,
	.copy_file_range = op_copy_file_range,
	.lseek = op_lseek,
};
const size_t mount_ops_size = sizeof mount_ops;
