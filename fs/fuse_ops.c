/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_request.h"

#include <errno.h>
#include <string.h>

#include "common/crash.h"

/*
 * The kernel is the only one who changes the tree, so what it was told stays
 * true until it changes it itself.
 */
static const double forever_s = 24 * 3600;

/*
 * Numbers begin anew with each mount, and so do the tree's generations.  A file
 * handle that somebody kept from an earlier mount must not open another file.
 */
static uint32_t generation(const struct fs_mount *m, const struct tree_entry *e)
{
	return (m->epoch + e->generation) & INT32_MAX;
}

static struct fuse_entry_param entry_param(const struct fs_mount *m,
					   const struct tree_entry *e)
{
	struct fuse_entry_param p = {
		.ino = e->ino,
		.generation = generation(m, e),
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
	p = entry_param(mount_of(req), e);
	if (fuse_reply_entry(req, &p))
		tree_forget(t, e->ino, 1); /* nobody took it */
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

	mount_maybe_wait(mount_of(req), parent);
	err = volume_lookup(mount_of(req)->volume, parent, name, &e);
	mount_waited(mount_of(req), parent);
	if (err == -ENOENT)
		fuse_reply_entry(req, &none);
	else
		reply_entry(req, err, &e);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	tree_forget(tree_of(req), ino, n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count,
			    struct fuse_forget_data *forgets)
{
	size_t i;

	for (i = 0; i < count; i++)
		tree_forget(tree_of(req), forgets[i].ino, forgets[i].nlookup);
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
	struct view view;
	struct stat st;
	int err = mount_view(mount_of(req), ino, &view);

	(void)fi;
	if (!err) {
		err = tree_getattr(view.tree, view.ino, &st);
		volume_view_end(mount_of(req)->volume, &view);
	}
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
	unsigned set = tree_set_of(to_set);
	struct stat st;
	int err;

	(void)fi;
	if ((set & TREE_SET_KILL_SUIDGID) && mount_loses_sgid(req, ino))
		set |= TREE_SET_KILL_SGID;
	err = tree_setattr(tree_of(req), &cred, ino, set, attr, &st);
	reply_attr(req, err, ino, &st);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[4096];
	struct view view;
	int err = mount_view(mount_of(req), ino, &view);

	if (!err) {
		err = tree_readlink(view.tree, view.ino, target, sizeof target);
		volume_view_end(mount_of(req)->volume, &view);
	}
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

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			size_t size)
{
	struct fs_mount *m = mount_of(req);
	void *buf = mover_mem(mount_mover());
	ssize_t len = -ENOMEM;

	if (strcmp(name, m->barrier) == 0) {
		uint64_t pushed;

		crash_point("in-barrier");
		mount_io_begin(m);
		pushed = mount_settle(m);
		mount_io_end(m);
		reply_xattr(req, &pushed, size, sizeof pushed);
		return;
	}
	mount_maybe_wait(m, ino);
	if (buf)
		len = volume_getxattr(m->volume, ino, name, buf,
				      min_size(size, MOUNT_MAX_IO));
	mount_waited(m, ino);
	reply_xattr(req, buf, size, len);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	void *buf = mover_mem(mount_mover());
	struct cred cred = cred_of(req);
	ssize_t len = -ENOMEM;
	struct view view;

	if (buf)
		len = mount_view(mount_of(req), ino, &view);
	if (buf && !len) {
		len = tree_listxattr(view.tree, &cred, view.ino, buf,
				     min_size(size, MOUNT_MAX_IO));
		volume_view_end(mount_of(req)->volume, &view);
	}
	reply_xattr(req, buf, size, len);
}

bool mount_loses_sgid(fuse_req_t req, uint64_t ino)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	const int max = MOUNT_MAX_IO / sizeof(gid_t);
	gid_t *groups = mover_mem(mount_mover());
	struct stat st;
	int n;

	if (ctx->uid == 0 || tree_getattr(tree_of(req), ino, &st) ||
	    !(st.st_mode & S_ISGID) || st.st_gid == ctx->gid)
		return false;
	n = groups ? fuse_req_getgroups(req, max, groups) : 0;
	if (n > max)
		n = max;
	while (n > 0)
		if (groups[--n] == st.st_gid)
			return false;
	return true;
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			const char *value, size_t size, int flags)
{
	struct cred cred = cred_of(req);

	if (mount_loses_sgid(req, ino))
		flags |= TREE_KILL_SGID;
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
	struct fuse_entry_param p = entry_param(mount_of(f->req), entry);
	size_t room = f->size - f->used;
	size_t n;

	if (f->plus && (is_dot(name) || entry->uncounted))
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

	mount_maybe_wait(mount_of(req), ino);
	if (f.buf)
		err = volume_readdir(mount_of(req)->volume, ino, (uint64_t)off,
				     plus, fill_entry, &f);
	mount_waited(mount_of(req), ino);
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
	.read = mount_op_read,
	.write_buf = mount_op_write_buf,
	.fsync = mount_op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.fsyncdir = mount_op_fsyncdir,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.fallocate = mount_op_fallocate,
	.copy_file_range = mount_op_copy_file_range,
	.lseek = mount_op_lseek,
};
const size_t mount_ops_size = sizeof mount_ops;
