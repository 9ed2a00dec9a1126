/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/library.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "burner/block_window.h"
#include "burner/disc_ops.h"
#include "common/cleanup.h"
#include "common/heap.h"
#include "common/log.h"

static pthread_mutex_t library_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t start_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool started; /* under start_mutex */

/* The libraries take their words as char *, and only read them. */
static char word_note[] = "NOTE";
static char word_all[] = "ALL";
static char word_never[] = "NEVER";
static char word_utf8[] = "UTF-8";
static char word_none[] = "";

struct worst {
	int rank; /* of libisofs' and libburn's severities, which are the same
		   */
	int os_errno; /* what the system said to libburn, 0: nothing */
	char text[sizeof((struct why *)0)->text];
};

int library_start(struct why *why)
{
	LOCK_GUARD(&start_mutex);

	if (started)
		return 0;
	heap_prepare();
	if (!burn_initialize())
		return why_set(why, -EIO, "libburn does not start");
	burn_msgs_set_severities(word_note, word_never, word_none);
	burn_preset_device_open(1, 0, 0);
	if (iso_init() < 0) {
		burn_finish();
		return why_set(why, -EIO, "libisofs does not start");
	}
	iso_set_msgs_severities(word_note, word_never, word_none);
	/*
	 * Names pass through as the disc holds them; what the process's
	 * locale is must not change a session.
	 */
	iso_set_local_charset(word_utf8, 0);
	started = true;
	return 0;
}

void library_lock(void)
{
	pthread_mutex_lock(&library_mutex);
}

void library_unlock(void)
{
	pthread_mutex_unlock(&library_mutex);
}

static int rank_of(const char *severity)
{
	char name[80];
	int rank = 0;

	snprintf(name, sizeof name, "%s", severity);
	return burn_text_to_sev(name, &rank, 0) > 0 ? rank : 0;
}

/* libisofs' message that its writer ended too early; what stopped it says
 * more. */
enum { END_MISMATCH = 0x00040001 };

/* What the system said is the cause, whatever graver followed from it. */
static void worst_note(struct worst *worst, const char *severity,
		       const char *text, int os_errno)
{
	int rank = rank_of(severity);
	bool is_cause = os_errno > 0 && rank >= rank_of("SORRY");

	if (!worst || (worst->os_errno && !is_cause))
		return;
	if (is_cause && !worst->os_errno) {
		worst->rank = rank;
		worst->os_errno = os_errno;
		snprintf(worst->text, sizeof worst->text, "%s (%s)", text,
			 strerror(os_errno));
	} else if (rank > worst->rank) {
		worst->rank = rank;
		snprintf(worst->text, sizeof worst->text, "%s", text);
	}
}

/* Empties both queues; @worst may be NULL. */
static void drain(struct worst *worst)
{
	char text[BURN_MSGS_MESSAGE_LEN + ISO_MSGS_MESSAGE_LEN];
	char severity[80];
	int code, number;

	while (iso_obtain_msgs(word_all, &code, &number, text, severity) > 0) {
		log_debug("libisofs %s %08x: %s", severity, (unsigned)code,
			  text);
		/* Only ever the consequence of something else. */
		if (code != iso_error_get_code((int)ISO_IMAGE_WRITE_CANCELED))
			worst_note(worst,
				   code == END_MISMATCH ? word_note : severity,
				   text, 0);
	}
	while (burn_msgs_obtain(word_all, &code, text, &number, severity) > 0) {
		log_debug("libburn %s %08x: %s", severity, (unsigned)code,
			  text);
		worst_note(worst, severity, text, number);
	}
}

static int to_errno(int ret)
{
	switch ((unsigned)ret) {
	case ISO_OUT_OF_MEM:
		return -ENOMEM;
	case ISO_CANCELED:
	case ISO_INTERRUPTED:
		return -ECANCELED;
	case ISO_WRONG_PVD:
		return -EMEDIUMTYPE;
	case ISO_NULL_POINTER:
	case ISO_WRONG_ARG_VALUE:
	case ISO_ASSERT_FAILURE:
		return -EINVAL;
	default:
		return -EIO;
	}
}

/* What the caller can act upon as it is. */
static bool is_plain(int os_errno)
{
	return os_errno == ENOSPC || os_errno == EDQUOT || os_errno == EFBIG ||
	       os_errno == EROFS;
}

int library_error(int ret, const char *what, struct why *why)
{
	struct worst worst = {0};
	const char *text = worst.text;

	drain(&worst);
	if (!worst.text[0])
		text = ret < 0 ? iso_error_to_msg(ret) : "failed";
	return why_set(
		why, is_plain(worst.os_errno) ? -worst.os_errno : to_errno(ret),
		"%s: %s", what, text);
}

void library_drain(void)
{
	drain(NULL);
}

struct source {
	struct disc *disc;
	uint32_t start_lba;
	bool loaded; /* the tree: it may change on the medium */
	const struct folder_views *views; /* until then; NULL: none */
	struct block_window window;
	library_block watch; /* NULL: nobody */
	void *watch_arg;
	int failure; /* -errno of the first block that could not be read */
	uint32_t failed_lba;
};

static int source_open(IsoDataSource *src)
{
	(void)src;
	return ISO_SUCCESS;
}

static int source_read_block(IsoDataSource *src, uint32_t lba, uint8_t *buffer)
{
	struct source *s = src->data;
	const unsigned char *view;
	uint64_t one = DISC_BLOCK;
	int err;

	view = s->views ? folder_views_block(s->views, lba) : NULL;
	if (view) {
		memcpy(buffer, view, DISC_BLOCK);
		return ISO_SUCCESS;
	}
	/* It reads a whole head even of an image that is smaller than that. */
	if (lba < DISC_HEAD_BYTES / DISC_BLOCK &&
	    (uint64_t)lba * DISC_BLOCK >= disc_readable(s->disc)) {
		memset(buffer, 0, DISC_BLOCK);
		return ISO_SUCCESS;
	}
	/* In mid-burn nothing is read through libisofs but by the burn itself,
	 * whose end it would wait for. */
	if (s->disc->ops->is_burning && s->disc->ops->is_burning(s->disc))
		err = -EBUSY;
	else if (s->loaded)
		err = disc_read(s->disc, buffer, DISC_BLOCK,
				(uint64_t)lba * DISC_BLOCK);
	else
		err = window_read(&s->window, s->disc, lba, buffer);
	if (err == 0) {
		if (s->watch)
			s->watch(s->watch_arg,
				 (uint32_t)disc_place(s->disc, lba, &one),
				 buffer);
		return ISO_SUCCESS;
	}
	if (!s->loaded && err != -EBUSY && lba < DISC_HEAD_BYTES / DISC_BLOCK &&
	    s->start_lba >= DISC_HEAD_BYTES / DISC_BLOCK) {
		memset(buffer, 0, DISC_BLOCK);
		return ISO_SUCCESS;
	}
	if (!s->failure) {
		s->failure = err;
		s->failed_lba = lba;
	}
	/* Anything milder lets libisofs go on without the unreadable part. */
	return (int)ISO_FATAL_ERROR;
}

static void source_free(IsoDataSource *src)
{
	free(src->data);
	src->data = NULL;
}

int library_source(struct disc *disc, uint32_t start_lba,
		   const struct folder_views *views, IsoDataSource **ret)
{
	AUTO_FREE struct source *s = calloc(1, sizeof *s);
	IsoDataSource *src = calloc(1, sizeof *src);

	if (!s || !src) {
		free(src);
		return -ENOMEM;
	}
	s->disc = disc;
	s->start_lba = start_lba;
	s->views = views;
	src->refcount = 1;
	src->open = source_open;
	src->close = source_open;
	src->read_block = source_read_block;
	src->free_data = source_free;
	src->data = STEAL_PTR(s);
	*ret = src;
	return 0;
}

void library_source_loaded(IsoDataSource *src)
{
	struct source *s = src->data;

	s->loaded = true;
	s->views = NULL;
}

void library_source_watch(IsoDataSource *src, library_block fn, void *arg)
{
	struct source *s = src->data;

	s->watch = fn;
	s->watch_arg = arg;
}

int library_source_failed(IsoDataSource *src, uint32_t *ret_lba)
{
	struct source *s = src->data;

	if (s->failure)
		*ret_lba = s->failed_lba;
	return s->failure;
}
