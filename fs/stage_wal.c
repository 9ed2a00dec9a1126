/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the log of a stage without an owner is one.  SQLite takes a log that
 * it cannot read for the end of it, and goes on without what stood there: after
 * a power cut that is right, after damage it passes changes over that were
 * durable.  The two can be told apart (https://sqlite.org/fileformat2.html, 4):
 *
 *   - the header is written and synced before the first frame;
 *   - behind the frames that count stands what a log of before left, whose
 *     first salt is smaller by the number of restarts, or zeros;
 *   - a transaction is synced before the next one begins, so that not more than
 *     one can be torn.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "fs/stage_internal.h"

enum {
	HEADER_BYTES = 32,
	FRAME_HEADER_BYTES = 24,
	PAGE_BYTES_LEAST = 512,
	PAGE_BYTES_MOST = 65536,
	RESTARTS_MOST = 1 << 20,
};
#define LOG_MAGIC 0x377f0682u /* or with the lowest bit: sums are big-endian */

struct log {
	int fd;
	bool big_endian;
	uint32_t page_bytes;
	uint32_t salt[2], sum[2];
	unsigned char *frame;
};

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint32_t sum_word(const struct log *l, const unsigned char *p)
{
	return l->big_endian ? get32(p)
			     : ((uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
				(uint32_t)p[1] << 8 | p[0]);
}

static void sum_add(struct log *l, const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		l->sum[0] += sum_word(l, p + i) + l->sum[1];
		l->sum[1] += sum_word(l, p + i + 4) + l->sum[0];
	}
}

static bool read_header(struct log *l)
{
	unsigned char h[HEADER_BYTES];

	if (io_read_at(l->fd, h, sizeof h, 0) < 0 ||
	    (get32(h) & ~1u) != LOG_MAGIC)
		return false;
	l->big_endian = get32(h) & 1;
	l->page_bytes = get32(h + 8);
	l->salt[0] = get32(h + 16);
	l->salt[1] = get32(h + 20);
	sum_add(l, h, 24);
	return l->page_bytes >= PAGE_BYTES_LEAST &&
	       l->page_bytes <= PAGE_BYTES_MOST &&
	       l->sum[0] == get32(h + 24) && l->sum[1] == get32(h + 28);
}

/* Whether the frame that was read follows on those before it. */
static bool follows(struct log *l)
{
	if (get32(l->frame + 8) != l->salt[0] ||
	    get32(l->frame + 12) != l->salt[1])
		return false;
	sum_add(l, l->frame, 8);
	sum_add(l, l->frame + FRAME_HEADER_BYTES, l->page_bytes);
	return get32(l->frame + 16) == l->sum[0] &&
	       get32(l->frame + 20) == l->sum[1];
}

/* What may stand behind the frames that count. */
static bool is_left_over(const struct log *l)
{
	uint32_t salt = get32(l->frame + 8);

	return salt == 0 || l->salt[0] - salt <= RESTARTS_MOST;
}

/* Whether the frame is the last of a transaction of this log. */
static bool is_end(const struct log *l)
{
	return get32(l->frame + 4) && get32(l->frame + 8) == l->salt[0] &&
	       get32(l->frame + 12) == l->salt[1];
}

static bool check_frames(struct log *l, uint64_t size)
{
	size_t step = FRAME_HEADER_BYTES + l->page_bytes;
	unsigned torn_ends = 0;
	bool good = true;

	for (uint64_t at = HEADER_BYTES; at + step <= size; at += step) {
		size_t n = good ? step : FRAME_HEADER_BYTES;

		if (io_read_at(l->fd, l->frame, n, at) < 0)
			return false;
		good = good && follows(l);
		if (good)
			continue;
		torn_ends += is_end(l);
		if (!is_left_over(l) || torn_ends > 1)
			return false;
	}
	return true;
}

int stage_wal_check(const struct stage *st, struct why *why)
{
	AUTO_FD int fd = openat(st->dirfd, "stage.db-wal",
				O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE unsigned char *frame = NULL;
	struct log l = {.fd = fd};
	struct stat s;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &s) < 0)
		return why_set(why, -errno, "stage %s: cannot open its log: %s",
			       st->id, strerror(errno));
	/* Just begun: it holds no frame. */
	if (s.st_size <= HEADER_BYTES)
		return 0;
	if (!read_header(&l))
		return stage_db_bad(st, why, "its log (stage.db-wal) is none");
	l.frame = frame = malloc(FRAME_HEADER_BYTES + PAGE_BYTES_MOST);
	if (!frame)
		return why_set(why, -ENOMEM, "out of memory");
	if (!check_frames(&l, (uint64_t)s.st_size))
		return stage_db_bad(st, why,
				    "changes in its log (stage.db-wal) cannot "
				    "be read");
	return 0;
}
