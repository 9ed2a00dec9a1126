/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_request.h"

static _Thread_local struct server *self;

void server_init(struct server *s, struct fs_mount *m)
{
	*s = (struct server){.m = m, .mover.pipe = {-1, -1}};
}

void server_release(struct server *s)
{
	mover_release(&s->mover);
}

void server_enter(struct server *s)
{
	self = s;
}

struct server *server_self(void)
{
	return self;
}

uint32_t mount_write_flags(void)
{
	return self->write_flags;
}

struct mover *mount_mover(void)
{
	return &self->mover;
}

/* What the answer may be patched with (fuse_session.c). */
static void note_init(struct fs_mount *m, const struct request_head *req)
{
	m->init_flags = req->in.init.flags;
	atomic_store(&m->init_unique, req->head.unique);
}

void server_count(struct fs_mount *m, const struct request_head *req)
{
	/* What cannot be seen is taken for a WRITE of a mapped page. */
	if (!req || (req->head.opcode == FUSE_WRITE &&
		     (req->in.write.write_flags & FUSE_WRITE_CACHE)))
		atomic_fetch_add(&m->pushed, 1);
	if (!req)
		return;
	if (req->head.opcode < MOUNT_MAX_OPCODES)
		atomic_fetch_add_explicit(&m->counts[req->head.opcode], 1,
					  memory_order_relaxed);
	if (req->head.opcode == FUSE_INIT)
		note_init(m, req);
}

void server_begin(struct server *s, const struct request_head *req)
{
	/* And for one of an ordinary user. */
	s->write_flags = FUSE_WRITE_KILL_SUIDGID;
	if (req)
		s->write_flags = req->head.opcode == FUSE_WRITE
					 ? req->in.write.write_flags
					 : 0;
}

/* ---- counters ---- */

static const char *const opcode_names[MOUNT_MAX_OPCODES] = {
	[FUSE_LOOKUP] = "lookup",
	[FUSE_FORGET] = "forget",
	[FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr",
	[FUSE_READLINK] = "readlink",
	[FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod",
	[FUSE_MKDIR] = "mkdir",
	[FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir",
	[FUSE_RENAME] = "rename",
	[FUSE_LINK] = "link",
	[FUSE_OPEN] = "open",
	[FUSE_READ] = "read",
	[FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs",
	[FUSE_RELEASE] = "release",
	[FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr",
	[FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr",
	[FUSE_REMOVEXATTR] = "removexattr",
	[FUSE_FLUSH] = "flush",
	[FUSE_INIT] = "init",
	[FUSE_OPENDIR] = "opendir",
	[FUSE_READDIR] = "readdir",
	[FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir",
	[FUSE_ACCESS] = "access",
	[FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt",
	[FUSE_BMAP] = "bmap",
	[FUSE_DESTROY] = "destroy",
	[FUSE_IOCTL] = "ioctl",
	[FUSE_POLL] = "poll",
	[FUSE_BATCH_FORGET] = "batch_forget",
	[FUSE_FALLOCATE] = "fallocate",
	[FUSE_READDIRPLUS] = "readdirplus",
	[FUSE_RENAME2] = "rename2",
	[FUSE_LSEEK] = "lseek",
	[FUSE_COPY_FILE_RANGE] = "copy_file_range",
	[FUSE_SYNCFS] = "syncfs",
	[51] = "tmpfile", /* named in later headers only */
	[52] = "statx",
	[53] = "copy_file_range_64",
};

void fs_mount_counts(const struct fs_mount *m,
		     void (*fn)(void *arg, const char *name, uint64_t count),
		     void *arg)
{
	unsigned i;

	for (i = 0; i < MOUNT_MAX_OPCODES; i++) {
		uint64_t n = atomic_load_explicit(&m->counts[i],
						  memory_order_relaxed);

		if (n)
			fn(arg, opcode_names[i] ? opcode_names[i] : "other", n);
	}
}
