/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reserve: room for the database where its file system is full.  Staged
 * bytes take all the room there is, and then the transaction that would give
 * some back, since files were removed, could not be written.  So the file
 * "reserve" holds some that nobody else gets; it is given up in two halves, so
 * that one large flush does not leave the next one without, and taken again
 * when there is room.  It holds no data.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "fs/stage_internal.h"

/*
 * An intent's two heads and the pages that a removal changes are some 300 KiB
 * in the log; a log is checkpointed at 4 MiB.
 */
enum {
	RESERVE_BYTES = 4 << 20,
	RESERVE_LEAST_BYTES = 1 << 20,
	/* On a small file system not more than such a part of it. */
	RESERVE_PART = 8,
	MOST_TRIES = 6,
};

static uint64_t wanted(const struct statvfs *v)
{
	uint64_t part = (uint64_t)v->f_blocks * v->f_frsize / RESERVE_PART;

	if (part > RESERVE_BYTES)
		return RESERVE_BYTES;
	return part < RESERVE_LEAST_BYTES ? part : RESERVE_LEAST_BYTES;
}

/* Zeros where the file system cannot allocate without writing. */
static int allocate(int fd, uint64_t from, uint64_t to)
{
	static const char zeros[65536];
	int err = 0;

	if (fallocate(fd, 0, (off_t)from, (off_t)(to - from)) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	while (err == 0 && from < to) {
		size_t n = to - from < sizeof zeros ? (size_t)(to - from)
						    : sizeof zeros;

		err = io_write_at(fd, zeros, n, from);
		from += n;
	}
	return err;
}

void stage_reserve_open(struct stage *st)
{
	struct stat s;

	st->reservefd = openat(st->dirfd, "reserve",
			       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
				       O_CLOEXEC,
			       0600);
	st->reserve = 0;
	if (st->reservefd < 0)
		return;
	if (fstat(st->reservefd, &s) < 0 || !S_ISREG(s.st_mode)) {
		close(st->reservefd);
		st->reservefd = -1;
		return;
	}
	/* What of it is there; a copy of the folder may have left holes. */
	st->reserve = (uint64_t)s.st_blocks * 512;
	if (st->reserve > (uint64_t)s.st_size)
		st->reserve = (uint64_t)s.st_size;
}

void stage_reserve_fill_locked(struct stage *st)
{
	struct statvfs v;
	uint64_t want;

	if (st->reservefd < 0 || fstatvfs(st->reservefd, &v) < 0)
		return;
	want = wanted(&v);
	/* Not the last bytes of it: what is written now comes first. */
	if (st->reserve >= want || (uint64_t)v.f_bavail * v.f_frsize < 2 * want)
		return;
	if (allocate(st->reservefd, 0, want) == 0)
		st->reserve = want;
	else if (ftruncate(st->reservefd, (off_t)st->reserve) < 0)
		st->reserve = 0;
}

void stage_reserve_fill(struct stage *st)
{
	struct statvfs v;
	LOCK_GUARD(&st->lock);

	if (st->readonly || st->reservefd < 0 ||
	    fstatvfs(st->reservefd, &v) < 0)
		return;
	if ((uint64_t)v.f_bavail * v.f_frsize < 2 * wanted(&v))
		stage_db_shrink(st);
	stage_reserve_fill_locked(st);
}

bool stage_reserve_give(struct stage *st, unsigned *tries)
{
	uint64_t left = st->reserve > RESERVE_LEAST_BYTES / 4 ? st->reserve / 2
							      : 0;
	bool given = st->reserve && ftruncate(st->reservefd, (off_t)left) == 0;

	if (given)
		st->reserve = left;
	/* What the failed transaction wrote to the log is room as well, and so
	 * is what others wrote there that the database can have now. */
	if (st->db && *tries == 0)
		given = stage_db_shrink(st) || given;
	return given && (*tries)++ < MOST_TRIES;
}
