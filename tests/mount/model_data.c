/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls on the content of files, by name and through descriptors that stay open
 * while the file is moved, removed, or burned.
 */
#include "tests/mount/model.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"

static long result(long rc)
{
	return rc < 0 ? -errno : rc;
}

static bool pick_file(struct model *m, struct call *c)
{
	return pick_node(m, S_IFREG, c->path);
}

static bool pick_write(struct model *m, struct call *c)
{
	c->off = random_offset(&m->rng);
	c->len = random_length(&m->rng);
	c->fill = rng_next(&m->rng);
	c->flags = 0;
	return pick_file(m, c);
}

static bool pick_append(struct model *m, struct call *c)
{
	bool ok = pick_write(m, c);

	c->flags = O_APPEND;
	return ok;
}

static bool pick_direct(struct model *m, struct call *c)
{
	bool ok = pick_write(m, c);

	c->flags = O_DIRECT;
	c->off &= ~4095;
	c->len = (c->len | 4095) + 1;
	return ok;
}

/* The shadow need not know O_DIRECT. */
static int open_side(const char *path, int flags, enum side side)
{
	if (side == SHADOW)
		flags &= ~O_DIRECT;
	return open(path, O_NOFOLLOW | flags);
}

static long run_write(struct model *m, const struct call *c, enum side side,
		      struct outcome *ret)
{
	AUTO_FD int fd = open_side(c->path, O_WRONLY | c->flags, side);

	(void)m;
	if (fd < 0)
		return -errno;
	rng_fill(c->fill, ret->data, c->len);
	if (c->flags & O_APPEND)
		return result(write(fd, ret->data, c->len));
	return result(pwrite(fd, ret->data, c->len, c->off));
}

static long run_read(struct model *m, const struct call *c, enum side side,
		     struct outcome *ret)
{
	AUTO_FD int fd = open_side(c->path, O_RDONLY | c->flags, side);
	ssize_t n;

	(void)m;
	if (fd < 0)
		return -errno;
	n = pread(fd, ret->data, c->len, c->off);
	ret->len = n < 0 ? 0 : (size_t)n;
	return result(n);
}

/* ---- shared mappings ---- */

/* Change bytes that are there; with c->flags, wait until they are written. */
static long change_mapped(int fd, const struct call *c)
{
	off_t from = c->off & ~4095;
	size_t len = c->len;
	struct stat st;
	unsigned char *p;
	long rc = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (c->off >= st.st_size || len == 0)
		return 0;
	if ((off_t)len > st.st_size - c->off)
		len = (size_t)(st.st_size - c->off);
	p = mmap(NULL, len + (size_t)(c->off - from), PROT_READ | PROT_WRITE,
		 MAP_SHARED, fd, from);
	if (p == MAP_FAILED)
		return -errno;
	rng_fill(c->fill, p + (c->off - from), len);
	if (c->flags)
		rc = msync(p, len + (size_t)(c->off - from), MS_SYNC);
	rc = result(rc);
	munmap(p, len + (size_t)(c->off - from));
	return rc;
}

static bool pick_mmap(struct model *m, struct call *c)
{
	bool ok = pick_write(m, c);

	c->flags = MS_SYNC;
	return ok;
}

static long run_mmap(struct model *m, const struct call *c, enum side side,
		     struct outcome *ret)
{
	AUTO_FD int fd = open_side(c->path, O_RDWR, side);

	(void)m, (void)ret;
	return fd < 0 ? -errno : change_mapped(fd, c);
}

/* ---- sizes ---- */

static bool pick_truncate(struct model *m, struct call *c)
{
	c->off = rng_chance(&m->rng, 4) ? 0 : random_offset(&m->rng);
	c->flags = rng_chance(&m->rng, 2); /* by its name, or not */
	return pick_file(m, c);
}

/* tmpfs keeps the time of a file that keeps its size; others do not. */
static long cut(int fd, off_t size, enum side side)
{
	static const struct timespec now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};

	int caller, err;

	if (ftruncate(fd, size) < 0)
		return -errno;
	if (side == REAL)
		return 0;
	/* Who may write may not do this alone. */
	caller = setfsuid(0);
	err = futimens(fd, now) < 0 ? -errno : 0;
	setfsuid((uid_t)caller);
	return err;
}

static long run_truncate(struct model *m, const struct call *c, enum side side,
			 struct outcome *ret)
{
	AUTO_FD int fd = open_side(c->path, O_WRONLY, side);

	(void)m, (void)ret;
	if (fd < 0)
		return -errno;
	if (c->flags == 0)
		return cut(fd, c->off, side);
	if (truncate(c->path, c->off) < 0)
		return -errno;
	return cut(fd, c->off, side);
}

static bool pick_fallocate(struct model *m, struct call *c)
{
	static const int modes[] = {
		0,
		FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};

	c->flags = modes[rng_below(&m->rng, 6)];
	c->off = random_offset(&m->rng);
	c->len = random_length(&m->rng);
	return pick_file(m, c);
}

/* tmpfs cannot zero a range, but it can punch one out. */
static long shadow_fallocate(int fd, const struct call *c)
{
	off_t len = (off_t)c->len;
	struct stat st;

	if (!(c->flags & FALLOC_FL_ZERO_RANGE))
		return result(fallocate(fd, c->flags, c->off, len));
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, c->off,
		      len) < 0 ||
	    fstat(fd, &st) < 0)
		return -errno;
	if (!(c->flags & FALLOC_FL_KEEP_SIZE) && c->off + len > st.st_size)
		return result(ftruncate(fd, c->off + len));
	return 0;
}

static long run_fallocate(struct model *m, const struct call *c, enum side side,
			  struct outcome *ret)
{
	AUTO_FD int fd = open_side(c->path, O_WRONLY, side);

	(void)m, (void)ret;
	if (fd < 0)
		return -errno;
	if (side == SHADOW)
		return shadow_fallocate(fd, c);
	return result(fallocate(fd, c->flags, c->off, (off_t)c->len));
}

/* ---- copies ---- */

static bool pick_copy(struct model *m, struct call *c)
{
	c->off = random_offset(&m->rng);
	c->off2 = random_offset(&m->rng);
	c->len = rng_chance(&m->rng, 3) ? 4 << 20 : random_length(&m->rng);
	if (rng_chance(&m->rng, 3))
		c->off = c->off2 = 0;
	return pick_file(m, c) && pick_node(m, S_IFREG, c->path2);
}

static long run_copy(struct model *m, const struct call *c, enum side side,
		     struct outcome *ret)
{
	AUTO_FD int from = open_side(c->path, O_RDONLY, side);
	AUTO_FD int to = -1;
	off_t off = c->off, off2 = c->off2;
	size_t done = 0;
	ssize_t n;

	(void)m, (void)ret;
	if (from < 0)
		return -errno;
	to = open_side(c->path2, O_WRONLY, side);
	if (to < 0)
		return -errno;
	/* As cp does, until no more comes: no call has to copy all. */
	do {
		n = copy_file_range(from, &off, to, &off2, c->len - done, 0);
		if (n < 0)
			return -errno;
		done += (size_t)n;
	} while (n > 0 && done < c->len);
	return (long)done;
}

/* ---- open files ---- */

static bool pick_slot(struct model *m, struct call *c)
{
	c->slot = (int)rng_below(&m->rng, SLOTS);
	c->off = random_offset(&m->rng);
	c->len = random_length(&m->rng);
	c->fill = rng_next(&m->rng);
	c->mode = random_mode(&m->rng);
	c->times[0] = random_time(&m->rng);
	c->times[1] = random_time(&m->rng);
	c->fsuid = 0;
	return m->slots[c->slot].fd[SHADOW] >= 0;
}

static bool pick_open(struct model *m, struct call *c)
{
	pick_slot(m, c);
	c->flags = rng_chance(&m->rng, 4) ? O_APPEND : 0;
	return m->slots[c->slot].fd[SHADOW] < 0 && pick_file(m, c);
}

static long run_open(struct model *m, const struct call *c, enum side side,
		     struct outcome *ret)
{
	int *fd = &m->slots[c->slot].fd[side];

	(void)ret;
	*fd = open_side(c->path, O_RDWR | c->flags, side);
	return *fd < 0 ? -errno : 0;
}

static long run_open_unlink(struct model *m, const struct call *c,
			    enum side side, struct outcome *ret)
{
	long rc = run_open(m, c, side, ret);

	return rc ? rc : result(unlink(c->path));
}

static long run_slot_write(struct model *m, const struct call *c,
			   enum side side, struct outcome *ret)
{
	rng_fill(c->fill, ret->data, c->len);
	return result(
		pwrite(m->slots[c->slot].fd[side], ret->data, c->len, c->off));
}

static long run_slot_read(struct model *m, const struct call *c, enum side side,
			  struct outcome *ret)
{
	ssize_t n =
		pread(m->slots[c->slot].fd[side], ret->data, c->len, c->off);

	ret->len = n < 0 ? 0 : (size_t)n;
	return result(n);
}

static bool pick_slot_mmap(struct model *m, struct call *c)
{
	bool ok = pick_slot(m, c);

	c->flags = MS_SYNC;
	return ok;
}

static long run_slot_mmap(struct model *m, const struct call *c, enum side side,
			  struct outcome *ret)
{
	(void)ret;
	return change_mapped(m->slots[c->slot].fd[side], c);
}

static long run_slot_truncate(struct model *m, const struct call *c,
			      enum side side, struct outcome *ret)
{
	(void)ret;
	return cut(m->slots[c->slot].fd[side], c->off, side);
}

static long run_slot_punch(struct model *m, const struct call *c,
			   enum side side, struct outcome *ret)
{
	(void)ret;
	return result(fallocate(m->slots[c->slot].fd[side],
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				c->off, (off_t)c->len + 1));
}

static long run_slot_fsync(struct model *m, const struct call *c,
			   enum side side, struct outcome *ret)
{
	(void)ret;
	return result(fsync(m->slots[c->slot].fd[side]));
}

static long run_slot_chmod(struct model *m, const struct call *c,
			   enum side side, struct outcome *ret)
{
	(void)ret;
	return result(fchmod(m->slots[c->slot].fd[side], c->mode));
}

static long run_slot_utimens(struct model *m, const struct call *c,
			     enum side side, struct outcome *ret)
{
	(void)ret;
	return result(futimens(m->slots[c->slot].fd[side], c->times));
}

static long run_slot_stat(struct model *m, const struct call *c, enum side side,
			  struct outcome *ret)
{
	struct stat st;

	if (fstat(m->slots[c->slot].fd[side], &st) < 0)
		return -errno;
	ret->len = (size_t)sprintf((char *)ret->data, "%o %u %u %lld %ju",
				   st.st_mode & ~(mode_t)S_ISGID, st.st_uid,
				   st.st_gid, (long long)st.st_size,
				   (uintmax_t)st.st_nlink);
	return 0;
}

static long run_slot_close(struct model *m, const struct call *c,
			   enum side side, struct outcome *ret)
{
	int *fd = &m->slots[c->slot].fd[side];
	long rc = result(close(*fd));

	(void)ret;
	*fd = -1;
	return rc;
}

/* ---- durability: nothing to see, but it must not change anything ---- */

static bool pick_fsync(struct model *m, struct call *c)
{
	if (rng_chance(&m->rng, 2))
		return pick_node(m, S_IFDIR, c->path);
	return pick_file(m, c);
}

static long run_fsync(struct model *m, const struct call *c, enum side side,
		      struct outcome *ret)
{
	AUTO_FD int fd = open_side(c->path, O_RDONLY, side);

	(void)m, (void)ret;
	return fd < 0 ? -errno : result(fsync(fd));
}

const struct op data_ops[] = {
	{"write", 10, 10, pick_write, run_write},
	{"append", 4, 4, pick_append, run_write},
	{"write-direct", 2, 2, pick_direct, run_write},
	{"write-mapped", 4, 4, pick_mmap, run_mmap},
	{"read", 4, 4, pick_write, run_read},
	{"read-direct", 1, 1, pick_direct, run_read},
	{"truncate", 5, 5, pick_truncate, run_truncate},
	{"fallocate", 5, 5, pick_fallocate, run_fallocate},
	{"copy-range", 6, 6, pick_copy, run_copy},
	{"open", 6, 6, pick_open, run_open},
	{"open-unlink", 1, 2, pick_open, run_open_unlink},
	{"fd-write", 8, 8, pick_slot, run_slot_write},
	{"fd-read", 6, 6, pick_slot, run_slot_read},
	{"fd-mapped", 3, 3, pick_slot_mmap, run_slot_mmap},
	{"fd-truncate", 3, 3, pick_slot, run_slot_truncate},
	{"fd-punch", 2, 2, pick_slot, run_slot_punch},
	{"fd-fsync", 1, 1, pick_slot, run_slot_fsync},
	{"fd-chmod", 1, 1, pick_slot, run_slot_chmod},
	{"fd-utimens", 1, 1, pick_slot, run_slot_utimens},
	{"fd-stat", 3, 3, pick_slot, run_slot_stat},
	{"fd-close", 4, 4, pick_slot, run_slot_close},
	{"fsync", 1, 1, pick_fsync, run_fsync},
};
const size_t n_data_ops = sizeof data_ops / sizeof *data_ops;
