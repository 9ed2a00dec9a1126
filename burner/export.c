/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/export.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "burner/blank.h"
#include "burner/old_sums.h"
#include "burner/session_parts.h"
#include "common/cleanup.h"

enum {
	CHUNK_BYTES = 64 * 1024,
	/* So much a pipe takes at once without making us wait. */
	PIPE_BYTES = 4096,
	POLL_MS = 200,
	REPORT_MS = 100,
	SYSTEM_AREA_BYTES = 32768, /* ECMA-119 6.2.1 */
	SECTOR = 512,
	MBR_TABLE = 446,
	MBR_TABLE_BYTES = 64,
	/* iso_write_opts_set_system_area */
	AREA_REWRITES_TABLE = 1 | 2, /* protective label, isohybrid */
	AREA_TYPE = 63 << 2,
	AREA_LEADS_TO_IMAGE = 2 | 1 << 14, /* isohybrid, GRUB's MBR */
};

struct exporting {
	struct session s;
	const struct progress_sink *sink;
	struct why *why;
	int fd;
	bool regular;
	uint64_t done; /* bytes */
	struct timespec began, reported;
	struct old_sums sums;
};

static bool is_cancelled(const struct exporting *e)
{
	return e->sink && e->sink->cancel && atomic_load(e->sink->cancel);
}

static int cancelled(const struct exporting *e)
{
	return is_cancelled(e) ? why_set(e->why, -ECANCELED, "cancelled") : 0;
}

static int64_t ms_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - then->tv_sec) * 1000 +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

static void report(struct exporting *e, bool must)
{
	uint64_t left = e->s.blocks * DISC_BLOCK - e->done;
	struct progress p = {
		.phase = "exporting",
		.blocks_done = e->done / DISC_BLOCK,
		.blocks_total = e->s.blocks,
	};
	int64_t ms;

	if (!e->sink || !e->sink->report ||
	    (!must && ms_since(&e->reported) < REPORT_MS))
		return;
	ms = ms_since(&e->began);
	if (ms >= 500)
		p.bytes_per_second = e->done * 1000 / (uint64_t)ms;
	if (p.bytes_per_second)
		p.seconds_left = (uint32_t)(left / p.bytes_per_second);
	e->sink->report(e->sink->arg, &p);
	clock_gettime(CLOCK_MONOTONIC, &e->reported);
}

/* ---- boot records ---- */

/*
 * Whether libisofs writes the system area anew for another image: what names
 * places in it has to be of a kind that it knows.
 */
static bool can_move(const char *area, int options, int boot_images)
{
	const char *second = area + SECTOR;

	if ((options & AREA_TYPE) ||
	    ((options & AREA_LEADS_TO_IMAGE) && !boot_images))
		return false;
	/* GPT, and Apple's partition map. */
	if (memcmp(second, "EFI PART", 8) == 0 || memcmp(second, "PM", 2) == 0)
		return false;
	return (options & AREA_REWRITES_TABLE) ||
	       blank_is_zero(area + MBR_TABLE, MBR_TABLE_BYTES);
}

/* What libisofs finds the system area to be: the options that make it so.  Only
 * its report for people has them. */
static int area_options(IsoImage *image)
{
	static const char key[] = "System area options: ";
	char **lines = NULL;
	int n = 0, i, options = 0;

	if (iso_image_report_system_area(image, &lines, &n, 0) <= 0)
		return 0;
	for (i = 0; i < n; i++)
		if (strncmp(lines[i], key, sizeof key - 1) == 0)
			options = (int)strtoul(lines[i] + sizeof key - 1, NULL,
					       0);
	iso_image_report_system_area(image, &lines, &n, 1 << 15);
	return options;
}

/* *@ret_left: what of the base's ways to boot has to stay behind. */
static int move_boot(struct exporting *e, const char **ret_left)
{
	AUTO_FREE char *area = calloc(1, SYSTEM_AREA_BYTES);
	int options = 0, images = 0, dropped = 0, ret;
	bool sector = true;

	if (!area)
		return -ENOMEM;
	ret = iso_image_get_system_area(e->s.image, area, &options, 0);
	if (ret == 1 && !blank_is_zero(area, SYSTEM_AREA_BYTES))
		options = area_options(e->s.image);
	if (ret >= 0) {
		int err = boot_move(&e->s, &images, &dropped, e->why);

		if (err)
			return err;
	}
	if (ret == 1 && !blank_is_zero(area, SYSTEM_AREA_BYTES))
		sector = can_move(area, options, images);
	if (!sector)
		memset(area, 0, SYSTEM_AREA_BYTES);
	if (ret == 1)
		ret = iso_write_opts_set_system_area(e->s.options, area,
						     sector ? options : 0, 0);
	if (ret < 0)
		return library_error(ret, "system area", e->why);
	if (dropped && sector)
		*ret_left = "boot images that are partitions or hidden are "
			    "left out";
	else if (dropped)
		*ret_left = "the partition table, and boot images that are "
			    "partitions or hidden, are left out";
	else if (!sector && images)
		*ret_left = "the partition table and boot sector for disks are "
			    "left out; booting from optical media is kept";
	else if (!sector)
		*ret_left = "the boot sector for disks is left out: it leads "
			    "to nothing that is taken along";
	return 0;
}

/* ---- writing ---- */

/* A pipe that nobody empties must not keep us from being cancelled. */
static int wait_writable(struct exporting *e)
{
	struct pollfd p = {.fd = e->fd, .events = POLLOUT};
	int n, err;

	for (;;) {
		err = cancelled(e);
		if (err)
			return err;
		n = poll(&p, 1, POLL_MS);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int write_all(struct exporting *e, const unsigned char *p, size_t len)
{
	int err = cancelled(e);

	while (!err && len) {
		size_t part = e->regular || len < PIPE_BYTES ? len : PIPE_BYTES;
		ssize_t n;

		if (!e->regular)
			err = wait_writable(e);
		n = err ? 0 : write(e->fd, p, part);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			err = -errno;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
			e->done += (uint64_t)n;
		}
	}
	if (err && err != -ECANCELED)
		why_set(e->why, err, "cannot write the image: %s",
			strerror(-err));
	return err;
}

/* What libisofs does not stop at: it puts zeros where it cannot read. */
static int reading_failed(struct exporting *e)
{
	struct session *s = &e->s;
	int failure = atomic_load(&s->reader.failure);
	char path[300], buf[NODE_PATH_BYTES];
	const char *name;
	uint32_t lba;

	if (is_cancelled(e))
		return cancelled(e);
	if (failure) {
		content_path(s->plan, atomic_load(&s->reader.failed), path,
			     sizeof path);
		return why_set(e->why, failure,
			       "cannot read the content of %s: %s", path,
			       strerror(-failure));
	}
	if (!s->base.source)
		return 0;
	if (old_sums_failed(&e->sums, &name, buf))
		return why_set(e->why, -EIO,
			       "the content of %.300s is not what was burned: "
			       "its checksum is another (\"discfs check\" "
			       "names all of them)",
			       name);
	failure = library_source_failed(s->base.source, &lba);
	return failure ? why_set(e->why, failure,
				 "cannot read block %lu of %s, which holds a "
				 "file's content (\"discfs check\" tells "
				 "which)",
				 (unsigned long)lba, disc_path(s->disc))
		       : 0;
}

static int copy_blocks(struct exporting *e, struct burn_source *src)
{
	AUTO_FREE unsigned char *chunk = malloc(CHUNK_BYTES);
	uint64_t size = e->s.blocks * DISC_BLOCK;
	int err = chunk ? 0 : -ENOMEM;

	clock_gettime(CLOCK_MONOTONIC, &e->began);
	report(e, true);
	while (!err && e->done < size) {
		size_t want = size - e->done < CHUNK_BYTES
				      ? (size_t)(size - e->done)
				      : CHUNK_BYTES;
		int n = src->read_xt(src, chunk, (int)want);

		err = reading_failed(e);
		if (!err && n <= 0)
			err = library_error(-1, "cannot make the image",
					    e->why);
		if (!err)
			err = write_all(e, chunk, (size_t)n);
		report(e, false);
	}
	/* The last ones may still have been on their way. */
	if (!err)
		err = reading_failed(e);
	if (!err)
		report(e, true);
	return err;
}

static int check_room(const struct exporting *e)
{
	uint64_t need = e->s.blocks * DISC_BLOCK, room;
	struct statvfs st;

	if (!e->regular || fstatvfs(e->fd, &st) < 0)
		return 0;
	room = (uint64_t)st.f_bavail * st.f_frsize;
	if (need <= room)
		return 0;
	return why_set(e->why, -ENOSPC,
		       "not enough space: the image takes %llu bytes, and %llu "
		       "are free there",
		       (unsigned long long)need, (unsigned long long)room);
}

/* ---- all of it ---- */

static int note_node(void *arg, const struct import_node *node)
{
	struct exporting *e = arg;

	return is_cancelled(e) ? -ECANCELED : old_sums_note(&e->sums, node);
}

static void take_block(void *arg, uint32_t lba, const uint8_t *data)
{
	struct exporting *e = arg;

	old_sums_block(&e->sums, lba, data);
}

static int load(struct exporting *e)
{
	struct session *s = &e->s;
	int err, ret;

	if (s->plan->blank) {
		ret = iso_image_new("ISOIMAGE", &s->image);
		return ret < 0 ? library_error(ret, "new image", e->why) : 0;
	}
	err = import_image(s->disc, &s->plan->base, note_node, e, &s->base,
			   e->why);
	if (err == -ECANCELED)
		return cancelled(e);
	if (err)
		return err;
	s->image = s->base.image;
	old_sums_load(&e->sums, &s->base);
	library_source_watch(s->base.source, take_block, e);
	if (blank_is_zero(s->plan->base_digest, sizeof s->plan->base_digest))
		return 0;
	return session_check_base(s, e->why);
}

static int run(struct exporting *e, struct export_result *ret)
{
	struct session *s = &e->s;
	struct burn_source *src = NULL;
	int err = load(e);

	if (!err)
		err = author_plan(s, e->why);
	if (!err)
		err = layout_options(s, e->why);
	if (!err)
		err = move_boot(e, &ret->left_out);
	if (!err)
		err = cancelled(e);
	if (!err)
		err = layout_session(s, e->why);
	if (!err)
		err = check_room(e);
	if (!err)
		err = layout_source(s, &src, e->why);
	if (err)
		return err;
	ret->blocks = s->blocks;
	err = copy_blocks(e, src);
	if (err)
		src->cancel(src);
	burn_source_free(src);
	content_reader_settle(&s->reader);
	library_drain();
	return err;
}

int export_image(struct disc *disc, const struct session_plan *plan, int fd,
		 const struct progress_sink *sink, struct export_result *ret,
		 struct why *why)
{
	struct exporting e = {
		/* As an image is: its superblock is all that names it. */
		.s = {.disc = disc,
		      .plan = plan,
		      .medium = {.overwritable = true},
		      .fresh = true},
		.sink = sink,
		.why = why,
		.fd = fd,
	};
	struct stat st;
	int err = library_start(why);

	*ret = (struct export_result){0};
	if (err)
		return err;
	if (fstat(fd, &st) < 0)
		return why_set(why, -errno, "%s", strerror(errno));
	e.regular = S_ISREG(st.st_mode);
	content_reader_init(&e.s.reader, plan);
	e.s.reader.cancel = sink ? sink->cancel : NULL;
	library_lock();
	err = run(&e, ret);
	session_release_image(&e.s);
	library_unlock();
	old_sums_release(&e.sums);
	if (err == -ENOMEM)
		why_set(why, err, "out of memory");
	return err;
}
