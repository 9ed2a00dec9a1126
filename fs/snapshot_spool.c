/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A drive that writes cannot read.  What a changed file still has on the disc
 * is burned anew, so it is copied beforehand: into a file without a name, in
 * which each changed file has a stretch as long as itself, with holes.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "fs/snapshot_internal.h"

enum { CHUNK = 1 << 20 };

static int open_spool(const char *folder, struct why *why)
{
	AUTO_FREE char *path = NULL;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	/* Not each file system has it. */
	if (fd < 0 && asprintf(&path, "%s/spool.XXXXXX", folder) > 0) {
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return why_set(why, -errno, "cannot make a file in %s: %s",
			       folder, strerror(errno));
	return fd;
}

static int copy(struct snapshot *s, const struct extent *e, uint64_t to,
		unsigned char *buf, struct why *why)
{
	uint64_t done = 0;
	int err = 0;

	while (!err && done < e->len) {
		size_t n =
			e->len - done < CHUNK ? (size_t)(e->len - done) : CHUNK;

		err = disc_read(s->disc, buf, n, e->pos + done);
		if (err < 0)
			return why_set(why, err,
				       "cannot read what a changed file has "
				       "at byte %llu of %s",
				       (unsigned long long)(e->pos + done),
				       disc_path(s->disc));
		err = io_write_at(s->spool_fd, buf, n, to + done);
		if (err < 0)
			return why_set(why, err,
				       "cannot copy what changed files have "
				       "on the disc next to the stage: %s",
				       strerror(-err));
		done += n;
	}
	return 0;
}

static int spool_file(struct snapshot *s, struct frozen_inode *f,
		      unsigned char *buf, const atomic_int *cancel,
		      struct why *why)
{
	struct extent_cursor c = {0};
	const struct extent *e;
	int err = 0;

	f->spool_pos = s->spool_end;
	s->spool_end += f->size;
	while (!err && (e = extent_map_next(&f->map, &c))) {
		if (cancel && atomic_load(cancel))
			return why_set(why, -ECANCELED,
				       "the burn was cancelled");
		if (e->source == EXTENT_DISC)
			err = copy(s, e, f->spool_pos + e->off, buf, why);
	}
	return err;
}

int snapshot_spool(struct snapshot *s, const char *folder,
		   const atomic_int *cancel, struct why *why)
{
	AUTO_FREE unsigned char *buf = NULL;
	int err = 0;

	for (uint32_t i = 0; !err && i < s->n_frozen; i++) {
		struct frozen_inode *f = s->frozen[i];

		if (!f->content || !extent_map_bytes(&f->map, EXTENT_DISC))
			continue;
		if (!buf) {
			buf = malloc(CHUNK);
			if (!buf)
				return why_set(why, -ENOMEM, "out of memory");
			s->spool_fd = open_spool(folder, why);
			if (s->spool_fd < 0)
				return s->spool_fd;
		}
		err = spool_file(s, f, buf, cancel, why);
	}
	return err;
}

int snapshot_read_spool(const struct snapshot *s, const struct frozen_inode *f,
			void *buf, size_t len, uint64_t off)
{
	return io_read_at(s->spool_fd, buf, len, f->spool_pos + off);
}
