/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "burner/disc_ops.h"
#include "burner/session_parts.h"
#include "common/cleanup.h"

enum {
	POLL_MS = 20,
	REPORT_MS = 100,
	/* After a failure a stdio drive is called idle while its worker still
	 * sleeps; to let it go earlier would pull it from under the worker. */
	SETTLE_MS = 600,
	FILE_TEXT_MAX = 4096,
};

/* A source that knows how many blocks were taken from it. */
struct counted {
	struct burn_source *inner;
	_Atomic uint64_t blocks; /* by libburn's thread */
};

/* What libburn needs to write one track. */
struct burning {
	struct session *s;
	const struct progress_sink *sink;
	struct counted counted;
	struct burn_source source;
	struct burn_drive *drive;
	struct burn_disc *disc;
	struct burn_session *session;
	struct burn_track *track;
	struct burn_write_opts *opts;
	struct timespec began, reported;
};

static int counted_read(struct burn_source *src, unsigned char *buf, int size)
{
	struct counted *c = src->data;
	int n = c->inner->read_xt(c->inner, buf, size);

	/* Also orders what this thread did before what its starter does once
	 * it has read the count. */
	atomic_fetch_add(&c->blocks, n > 0 ? (uint64_t)n / DISC_BLOCK : 0);
	return n;
}

static off_t counted_get_size(struct burn_source *src)
{
	struct counted *c = src->data;

	return c->inner->get_size(c->inner);
}

static int counted_set_size(struct burn_source *src, off_t size)
{
	struct counted *c = src->data;

	return c->inner->set_size(c->inner, size);
}

static int counted_cancel(struct burn_source *src)
{
	struct counted *c = src->data;

	return c->inner->cancel(c->inner);
}

/* The source is a local one: libburn's references to it end with the track. */
static void counted_free(struct burn_source *src)
{
	(void)src;
}

static void count(struct burning *b, struct burn_source *inner)
{
	b->counted.inner = inner;
	b->source.refcount = 2; /* ours is never given back */
	b->source.version = 1;
	b->source.read_xt = counted_read;
	b->source.get_size = counted_get_size;
	b->source.set_size = counted_set_size;
	b->source.cancel = counted_cancel;
	b->source.free_data = counted_free;
	b->source.data = &b->counted;
}

static void sleep_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000,
			     .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static int64_t ms_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - then->tv_sec) * 1000 +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

static void report(struct burning *b, uint64_t done)
{
	struct session *s = b->s;
	struct progress p = {.phase = "burning",
			     .blocks_done = done,
			     .blocks_total = s->blocks};
	int64_t ms = ms_since(&b->began);
	char path[FILE_TEXT_MAX];
	unsigned current;

	if (!b->sink || !b->sink->report)
		return;
	if (p.blocks_done > s->blocks)
		p.blocks_done = s->blocks;
	current = atomic_load(&s->reader.current);
	if (current != CONTENT_NO_NODE && done < s->blocks) {
		content_path(s->plan, current, path, sizeof path);
		p.file = path;
	}
	if (ms >= 500) {
		p.bytes_per_second =
			p.blocks_done * DISC_BLOCK * 1000 / (uint64_t)ms;
		if (p.bytes_per_second)
			p.seconds_left =
				(uint32_t)((s->blocks - p.blocks_done) *
					   DISC_BLOCK / p.bytes_per_second);
	}
	b->sink->report(b->sink->arg, &p);
	clock_gettime(CLOCK_MONOTONIC, &b->reported);
}

static int describe(struct burning *b, struct why *why)
{
	b->disc = burn_disc_create();
	b->session = burn_session_create();
	b->track = burn_track_create();
	if (!b->disc || !b->session || !b->track)
		return -ENOMEM;
	if (!burn_disc_add_session(b->disc, b->session, BURN_POS_END) ||
	    !burn_session_add_track(b->session, b->track, BURN_POS_END))
		return -ENOMEM;
	burn_track_define_data(b->track, 0, 0, 1, BURN_MODE1);
	if (burn_track_set_source(b->track, &b->source) != BURN_SOURCE_OK)
		return library_error(-1, "track", why);
	return 0;
}

/*
 * A dummy burn on a drive that cannot is refused: it would be a real one.
 */
static int check_dummy(struct burning *b, struct why *why)
{
	struct burn_multi_caps *caps = NULL;
	bool can;

	can = burn_disc_get_multi_caps(b->drive, BURN_WRITE_NONE, &caps, 0) >
		      0 &&
	      caps && caps->might_simulate;
	if (caps)
		burn_disc_free_multi_caps(&caps);
	if (can && b->s->medium.simulates)
		return 0;
	return why_set(why, -ENOTSUP,
		       "%s: no burn for a test with this medium and drive",
		       disc_path(b->s->disc));
}

static int choose(struct burning *b, struct why *why)
{
	const struct burn_settings *settings = &b->s->plan->burn;
	struct disc *disc = b->s->disc;
	char reasons[BURN_REASONS_LEN];
	bool at_once;
	int err;

	b->opts = burn_write_opts_new(b->drive);
	if (!b->opts)
		return -ENOMEM;
	burn_write_opts_set_perform_opc(b->opts, 0);
	burn_write_opts_set_multi(b->opts, 0);
	at_once = disc->ops->burn_choose(disc, b->s->medium.nwa, settings,
					 b->opts);
	if (settings->dummy) {
		err = check_dummy(b, why);
		if (err < 0)
			return err;
		burn_write_opts_set_simulate(b->opts, 1);
	}
	if (at_once &&
	    burn_write_opts_set_write_type(b->opts, BURN_WRITE_TAO,
					   BURN_BLOCK_MODE1) > 0 &&
	    burn_precheck_write(b->opts, b->disc, reasons, 1) > 0)
		return 0;
	if (burn_write_opts_auto_write_type(b->opts, b->disc, reasons, 0) ==
	    BURN_WRITE_NONE)
		return why_set(why, -EIO, "%s: no way to write: %s",
			       disc_path(disc), reasons);
	return 0;
}

static void wait_idle(struct burning *b)
{
	struct burn_progress p;

	while (burn_drive_get_status(b->drive, &p) != BURN_DRIVE_IDLE)
		sleep_ms(POLL_MS);
}

static bool wants_cancel(const struct burning *b)
{
	return b->sink && b->sink->cancel && atomic_load(b->sink->cancel);
}

/* Why the burn failed, by what is known best. */
static int failed(struct burning *b, struct why *why)
{
	struct session *s = b->s;
	int failure = atomic_load(&s->reader.failure);
	char text[300];

	if (wants_cancel(b)) {
		library_drain();
		return why_set(why, -ECANCELED, "the burn was cancelled");
	}
	if (failure) {
		content_path(s->plan, atomic_load(&s->reader.failed), text,
			     sizeof text);
		library_drain();
		return why_set(why, failure,
			       "cannot read the content of %s: %s", text,
			       strerror(-failure));
	}
	snprintf(text, sizeof text, "cannot write %.200s", disc_path(s->disc));
	return library_error(-1, text, why);
}

static int write_track(struct burning *b, struct why *why)
{
	struct burn_progress p;
	bool stopped = false;
	int failure = 0;

	library_drain();
	clock_gettime(CLOCK_MONOTONIC, &b->began);
	report(b, 0);
	burn_disc_write(b->opts, b->disc);
	while (burn_drive_get_status(b->drive, &p) != BURN_DRIVE_IDLE) {
		if (ms_since(&b->reported) >= REPORT_MS)
			report(b, p.sector > 0 ? (uint64_t)p.sector : 0);
		failure = atomic_load(&b->s->reader.failure);
		if (!stopped && (failure || wants_cancel(b))) {
			burn_drive_cancel(b->drive);
			stopped = true;
		}
		sleep_ms(POLL_MS);
	}
	/* Of a write that it did not begin, libburn says that it went well. */
	if (stopped || atomic_load(&b->s->reader.failure) ||
	    !burn_drive_wrote_well(b->drive) ||
	    atomic_load(&b->counted.blocks) != b->s->blocks) {
		sleep_ms(SETTLE_MS);
		return failed(b, why);
	}
	report(b, b->s->blocks);
	return 0;
}

static void release(struct burning *b)
{
	if (b->opts)
		burn_write_opts_free(b->opts);
	if (b->track)
		burn_track_free(b->track);
	if (b->session)
		burn_session_free(b->session);
	if (b->disc)
		burn_disc_free(b->disc);
}

int burn_blocks(struct session *s, struct burn_source *src,
		const struct progress_sink *sink, struct why *why)
{
	struct burning b = {.s = s, .sink = sink};
	struct disc *disc = s->disc;
	int err;

	count(&b, src);
	err = disc->ops->burn_begin(disc, &b.drive, why);
	if (!err)
		err = describe(&b, why);
	if (!err)
		err = choose(&b, why);
	if (!err) {
		/* From here on there may be something to undo. */
		s->touched = true;
		err = write_track(&b, why);
	}
	if (b.drive)
		wait_idle(&b);
	if (err < 0)
		src->cancel(src);
	release(&b);
	(void)atomic_load(&b.counted.blocks);
	burn_source_free(src);
	content_reader_settle(&s->reader);
	if (b.drive)
		disc->ops->burn_end(disc);
	library_drain();
	return err;
}
