/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"

/*
 * Why the bytes are gathered in a pipe of ours before libfuse gets them: given
 * the files' descriptors, fuse_reply_data answers a read that fails in the
 * middle with the bytes before it.  The kernel takes a short answer for the
 * end of the file, and would show an unreadable block as a shorter file.
 */

enum { PAGE = 4096, ZEROS = 64 * 1024 };

/* Never written: costs no memory. */
static char zeros[ZEROS] __attribute__((aligned(PAGE)));

void mover_release(struct mover *mv)
{
	mover_drop(mv);
	free(mv->mem);
	mv->mem = NULL;
}

void mover_drop(struct mover *mv)
{
	if (mv->pipe[0] < 0)
		return;
	close(mv->pipe[0]);
	close(mv->pipe[1]);
	mv->pipe[0] = mv->pipe[1] = -1;
	mv->pipe_size = 0;
}

/* How many pages of a pipe @io may take: a piece that begins within a page
 * takes one more. */
static size_t pages_of(const struct file_io *io)
{
	size_t pages = 0;
	unsigned i;

	for (i = 0; i < io->n; i++)
		pages += io->pieces[i].len / PAGE + 2;
	return pages;
}

static bool pipe_room(struct mover *mv, size_t pages)
{
	int size;

	if (mv->pipe[0] < 0) {
		if (pipe2(mv->pipe, O_CLOEXEC)) {
			mv->pipe[0] = mv->pipe[1] = -1;
			return false;
		}
		size = fcntl(mv->pipe[0], F_GETPIPE_SZ);
		mv->pipe_size = size > 0 ? (size_t)size : 0;
	}
	if (mv->pipe_size >= pages * PAGE)
		return true;
	if (mv->pipe_stuck)
		return false;
	/* A user is bounded in the size of one pipe and of all of them. */
	size = fcntl(mv->pipe[0], F_SETPIPE_SZ, (int)(pages * PAGE));
	if (size < 0) {
		mv->pipe_stuck = true;
		return false;
	}
	mv->pipe_size = (size_t)size;
	return mv->pipe_size >= pages * PAGE;
}

/* 0, -EIO at the end of the source, -EAGAIN with the pipe full, or -errno. */
static int splice_file(int fd, uint64_t pos, uint64_t len, int to)
{
	off_t off = (off_t)pos;

	while (len) {
		ssize_t n = splice(fd, &off, to, NULL, len, SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		len -= (uint64_t)n;
	}
	return 0;
}

static int splice_zeros(uint64_t len, int to)
{
	while (len) {
		struct iovec v = {zeros, len < ZEROS ? len : ZEROS};
		ssize_t n = vmsplice(to, &v, 1, SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		len -= (uint64_t)n;
	}
	return 0;
}

static int splice_piece(struct mover *mv, struct volume *v,
			const struct file_piece *p)
{
	switch (p->source) {
	case EXTENT_HOLE:
		return splice_zeros(p->len, mv->pipe[1]);
	case EXTENT_DISC:
		return splice_file(volume_disc_fd(v), p->pos, p->len,
				   mv->pipe[1]);
	default:
		return splice_file(volume_data_fd(v), p->pos, p->len,
				   mv->pipe[1]);
	}
}

int mover_pipe(struct mover *mv, struct volume *v, const struct file_io *io)
{
	unsigned i;
	int err = 0;

	for (i = 0; i < io->n; i++)
		if (io->pieces[i].source == EXTENT_DISC &&
		    volume_disc_fd(v) < 0)
			return 0;
	if (!pipe_room(mv, pages_of(io)))
		return 0;
	for (i = 0; i < io->n && !err; i++)
		err = splice_piece(mv, v, &io->pieces[i]);
	if (!err)
		return 1;
	mover_drop(mv);
	/* A source that cannot be spliced, or fragments that fill the pipe. */
	return err == -EAGAIN || err == -EINVAL ? 0 : err;
}

static int read_piece(struct volume *v, char *buf, const struct file_piece *p)
{
	int fd = p->source == EXTENT_DISC ? volume_disc_fd(v)
					  : volume_data_fd(v);

	if (p->source == EXTENT_HOLE) {
		memset(buf, 0, p->len);
		return 0;
	}
	if (p->source == EXTENT_DISC && fd < 0)
		return volume_read_disc(v, buf, p->len, p->pos);
	return io_read_at(fd, buf, p->len, p->pos);
}

void *mover_mem(struct mover *mv)
{
	if (!mv->mem && posix_memalign(&mv->mem, PAGE, MOUNT_MAX_IO))
		mv->mem = NULL;
	return mv->mem;
}

int mover_read(struct mover *mv, struct volume *v, const struct file_io *io)
{
	char *buf = mover_mem(mv);
	unsigned i;

	assert(io->len <= MOUNT_MAX_IO);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < io->n; i++) {
		int err = read_piece(v, buf, &io->pieces[i]);

		if (err)
			return err;
		buf += io->pieces[i].len;
	}
	return 0;
}
