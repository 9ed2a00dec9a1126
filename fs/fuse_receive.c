/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * Not by libfuse, which puts all requests through a pipe or none.  Small ones
 * cost less by read(2); a large WRITE, which comes behind others of the kind,
 * is copied once less out of a pipe.
 */

/* What the kernel may send: a WRITE with its header. */
enum { REQUEST_MAX = MOUNT_MAX_IO + 4096 };

void receiver_init(struct receiver *r)
{
	*r = (struct receiver){.in = {-1, -1}, .peek = {-1, -1}};
}

static void close_pipe(int fds[2])
{
	if (fds[0] < 0)
		return;
	close(fds[0]);
	close(fds[1]);
	fds[0] = fds[1] = -1;
}

void receiver_release(struct receiver *r)
{
	close_pipe(r->peek);
	close_pipe(r->in);
	free(r->mem);
}

/* A pipe for a whole request, if we may have one of that size. */
static bool have_pipe(struct receiver *r, const struct fs_mount *m)
{
	int size = (int)m->max_request;

	if (r->in[0] >= 0)
		return true;
	if (r->no_pipe || pipe2(r->in, O_CLOEXEC)) {
		r->in[0] = r->in[1] = -1;
		return false;
	}
	r->no_pipe = fcntl(r->in[0], F_SETPIPE_SZ, size) < size;
	if (r->no_pipe)
		close_pipe(r->in);
	return !r->no_pipe;
}

/* What a call on the device returned, as receiver_next tells it. */
static int received(struct fs_mount *m, ssize_t n)
{
	if (n >= (ssize_t)sizeof(struct fuse_in_header))
		return (int)n;
	if (n >= 0)
		return -EIO;
	if (errno == ENODEV) {
		fuse_session_exit(m->session); /* unmounted */
		return 0;
	}
	/* ENOENT: who asked was interrupted. */
	return errno == ENOENT ? -EINTR : -errno;
}

static int next_by_splice(struct receiver *r, struct fs_mount *m)
{
	int n = received(m, splice(fuse_session_fd(m->session), NULL, r->in[1],
				   NULL, REQUEST_MAX, 0));

	if (n <= 0)
		return n;
	if (n >= SPLICE_MIN) {
		r->buf = (struct fuse_buf){.flags = FUSE_BUF_IS_FD,
					   .fd = r->in[0],
					   .size = (size_t)n};
		return n;
	}
	r->buf = (struct fuse_buf){.mem = r->mem, .size = (size_t)n};
	/* A pipe gives all that it has. */
	return read(r->in[0], r->mem, (size_t)n) == n ? n : -EIO;
}

int receiver_next(struct receiver *r, struct fs_mount *m)
{
	int n;

	if (!r->mem)
		r->mem = malloc(REQUEST_MAX);
	if (!r->mem)
		return -ENOMEM;
	if (r->large && have_pipe(r, m))
		return next_by_splice(r, m);
	n = received(m, read(fuse_session_fd(m->session), r->mem, REQUEST_MAX));
	r->buf = (struct fuse_buf){.mem = r->mem, .size = (size_t)n};
	return n;
}

bool receiver_peek(struct receiver *r, struct request_head *ret)
{
	size_t len = r->buf.size < sizeof *ret ? r->buf.size : sizeof *ret;

	*ret = (struct request_head){.head = {.opcode = 0}};
	if (!(r->buf.flags & FUSE_BUF_IS_FD)) {
		memcpy(ret, r->buf.mem, len);
		return true;
	}
	if (r->peek[0] < 0 && pipe2(r->peek, O_CLOEXEC | O_NONBLOCK)) {
		r->peek[0] = r->peek[1] = -1;
		return false;
	}
	return tee(r->buf.fd, r->peek[1], len, SPLICE_F_NONBLOCK) > 0 &&
	       read(r->peek[0], ret, len) >= (ssize_t)sizeof ret->head;
}

void receiver_served(struct receiver *r, uint32_t opcode)
{
	int left = 0;

	r->large = opcode == FUSE_WRITE && r->buf.size >= SPLICE_MIN;
	/* What was refused may not have been taken out. */
	if ((r->buf.flags & FUSE_BUF_IS_FD) &&
	    (ioctl(r->in[0], FIONREAD, &left) || left))
		close_pipe(r->in);
}
