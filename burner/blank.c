/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/blank.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "burner/disc_ops.h"
#include "common/cleanup.h"
#include "common/io.h"

enum {
	CHUNK = 1 << 20,
	RUNS_MAX = 4096, /* asked for at once */
	/* Two writes within a tick of the clock leave the same time (FAT: two
	 * seconds). */
	SETTLED_SECONDS = 3,
	START_BLOCKS = (4 << 20) / DISC_BLOCK,
	END_BLOCKS = (1 << 20) / DISC_BLOCK,
	PARTS = 16,
	/* Each may cost a drive many seconds of trying. */
	ERRORS_MAX = 3,
};

bool blank_is_zero(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* The first byte that counts in @len bytes from byte @pos of the medium;
 * @pos + @len if there is none. */
static uint64_t first_byte(const unsigned char *p, size_t len, uint64_t pos,
			   const struct blank_rest *rest)
{
	uint64_t from = rest->lba * DISC_BLOCK;
	uint64_t to = from + rest->blocks * DISC_BLOCK;
	size_t i = 0;

	if (blank_is_zero(p, len))
		return pos + len;
	while (i < len && (p[i] == 0 || (pos + i >= from && pos + i < to)))
		i++;
	return pos + i;
}

/* ---- a file ---- */

/* The next stretch of @fd from *@pos on that is no hole; false: none. */
static bool next_data(int fd, uint64_t size, uint64_t *pos, uint64_t *ret_end)
{
	off_t at = lseek(fd, (off_t)*pos, SEEK_DATA);

	*ret_end = size;
	if (at < 0 && errno == ENXIO)
		return false;
	/* A file system without holes, or that does not tell. */
	if (at < 0)
		return *pos < size;
	*pos = (uint64_t)at;
	at = lseek(fd, at, SEEK_HOLE);
	if (at >= 0 && (uint64_t)at < size)
		*ret_end = (uint64_t)at;
	return *pos < size;
}

struct data_run {
	uint64_t pos, end;
};

/* As blank_file, of the run @s. */
static int read_run(int fd, const struct data_run *s,
		    const struct blank_rest *rest, unsigned char *buf,
		    uint64_t *ret_pos)
{
	uint64_t pos;

	for (pos = s->pos; pos < s->end; pos += CHUNK) {
		size_t n =
			s->end - pos < CHUNK ? (size_t)(s->end - pos) : CHUNK;
		int err = io_read_at(fd, buf, n, pos);

		if (err < 0)
			return err;
		*ret_pos = first_byte(buf, n, pos, rest);
		if (*ret_pos < pos + n)
			return 0;
	}
	return 1;
}

/*
 * Where the holes are is asked before anything is read: what was read, also
 * ahead, is in the page cache, and so no hole any more to the kernel; what was
 * reserved only (fallocate) would be read to its end.
 */
static int read_file(int fd, uint64_t size, const struct blank_rest *rest,
		     uint64_t *ret_pos)
{
	AUTO_FREE unsigned char *buf = malloc(CHUNK);
	AUTO_FREE struct data_run *list = malloc(RUNS_MAX * sizeof *list);
	uint64_t pos = 0;
	size_t n = 0;
	int ret = 1;

	if (!buf || !list)
		return -ENOMEM;
	do {
		for (n = 0;
		     n < RUNS_MAX && next_data(fd, size, &pos, &list[n].end);
		     n++) {
			list[n].pos = pos;
			pos = list[n].end;
		}
		for (size_t i = 0; i < n && ret > 0; i++)
			ret = read_run(fd, &list[i], rest, buf, ret_pos);
	} while (n == RUNS_MAX && ret > 0);
	return ret;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

int blank_file(int fd, const struct blank_rest *rest,
	       struct blank_memory *memory, uint64_t *ret_pos)
{
	struct timespec now;
	struct stat st;
	int ret;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (memory->known && st.st_size == memory->size &&
	    same_time(&st.st_mtim, &memory->mtime) &&
	    same_time(&st.st_ctim, &memory->ctime))
		return 1;
	clock_gettime(CLOCK_REALTIME, &now);
	ret = read_file(fd, (uint64_t)st.st_size, rest, ret_pos);
	/* Only what nobody wrote to just now is known again by its times. */
	*memory = (struct blank_memory){
		.known = ret == 1 && !rest->blocks &&
			 now.tv_sec > st.st_ctim.tv_sec + SETTLED_SECONDS,
		.size = st.st_size,
		.mtime = st.st_mtim,
		.ctime = st.st_ctim,
	};
	return ret;
}

/* ---- a medium in a drive ---- */

static int by_lba(const void *a, const void *b)
{
	const struct blank_place *x = a, *y = b;

	return x->lba < y->lba ? -1 : x->lba > y->lba;
}

/* Places that touch or overlap become one. */
static size_t merge(struct blank_place *p, size_t n)
{
	size_t last = 0;

	qsort(p, n, sizeof *p, by_lba);
	for (size_t i = 1; i < n; i++) {
		uint64_t end = p[i].lba + p[i].blocks;

		if (p[i].lba > p[last].lba + p[last].blocks)
			p[++last] = p[i];
		else if (end > p[last].lba + p[last].blocks)
			p[last].blocks = end - p[last].lba;
	}
	return n ? last + 1 : 0;
}

size_t blank_places(uint64_t blocks, struct blank_place ret[BLANK_PLACES_MAX])
{
	uint64_t end = blocks > END_BLOCKS ? blocks - END_BLOCKS : 0;
	size_t n = 0;

	if (blocks == 0)
		return 0;
	ret[n++] = (struct blank_place){0, START_BLOCKS};
	for (uint64_t lba = 2 * START_BLOCKS;
	     lba < blocks && n < BLANK_PLACES_MAX / 2; lba *= 2)
		ret[n++] = (struct blank_place){lba, BLANK_PLACE_BLOCKS};
	for (unsigned i = 1; i < PARTS; i++)
		ret[n++] = (struct blank_place){blocks / PARTS * i /
							BLANK_PLACE_BLOCKS *
							BLANK_PLACE_BLOCKS,
						BLANK_PLACE_BLOCKS};
	end -= end % BLANK_PLACE_BLOCKS;
	ret[n++] = (struct blank_place){end, blocks - end};
	n = merge(ret, n);
	if (ret[n - 1].lba + ret[n - 1].blocks > blocks)
		ret[n - 1].blocks = blocks - ret[n - 1].lba;
	return n;
}

int blank_medium(struct disc *disc, const struct blank_rest *rest,
		 uint64_t *ret_pos)
{
	const size_t step = (size_t)BLANK_PLACE_BLOCKS * DISC_BLOCK;
	AUTO_FREE unsigned char *buf = malloc(step);
	struct blank_place places[BLANK_PLACES_MAX];
	size_t n = blank_places(disc_readable(disc) / DISC_BLOCK, places);
	unsigned errors = 0;

	if (!buf)
		return -ENOMEM;
	for (size_t i = 0; i < n && errors < ERRORS_MAX; i++) {
		uint64_t pos = places[i].lba * DISC_BLOCK;
		uint64_t end = pos + places[i].blocks * DISC_BLOCK;

		for (; pos < end && errors < ERRORS_MAX; pos += step) {
			size_t len =
				end - pos < step ? (size_t)(end - pos) : step;

			if (disc_read(disc, buf, len, pos) < 0) {
				errors++;
				break;
			}
			*ret_pos = first_byte(buf, len, pos, rest);
			if (*ret_pos < pos + len)
				return 0;
		}
	}
	return 1;
}
