/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/beside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/volume.h"
#include "common/cleanup.h"

/*
 * A mount looks many times; a drive takes seconds.  Its tray is locked
 * meanwhile, and nobody else writes.
 */
enum { SEEN_FOR_SECONDS = 30 };

/* For ", 'NAME'", or nothing. */
#define QUOTED(name) (name)[0] ? ", '" : "", (name), (name)[0] ? "'" : ""

void beside_init(struct beside *b)
{
	*b = (struct beside){0};
	pthread_mutex_init(&b->lock, NULL);
}

void beside_release(struct beside *b)
{
	pthread_mutex_destroy(&b->lock);
}

void beside_forget(struct disc *disc)
{
	LOCK_GUARD(&disc->beside.lock);
	disc->beside.seen = BESIDE_UNKNOWN;
	disc->beside.memory.known = false;
}

void disc_disregard(struct disc *disc, uint64_t lba, uint64_t blocks)
{
	beside_forget(disc);
	LOCK_GUARD(&disc->beside.lock);
	disc->beside.rest = (struct blank_rest){lba, blocks};
}

/* Written only if it is another text: somebody may be reading it. */
static const char *keep_text(char *to, size_t size, const char *text)
{
	if (strncmp(to, text, size - 1) != 0)
		snprintf(to, size, "%s", text);
	return to;
}

/* Whether the medium in a drive need not be asked again. */
static bool is_fresh(const struct beside *b)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return b->seen != BESIDE_UNKNOWN &&
	       now.tv_sec - b->seen_at.tv_sec < SEEN_FOR_SECONDS;
}

/* ---- blank, or something else ---- */

static int is_blank_medium(struct disc *disc, struct beside *b,
			   uint64_t *ret_pos)
{
	int ret;

	if (b->seen == BESIDE_BLANK && is_fresh(b))
		return 1;
	ret = blank_medium(disc, &b->rest, ret_pos);
	b->seen = ret == 1 ? BESIDE_BLANK : BESIDE_UNKNOWN;
	clock_gettime(CLOCK_MONOTONIC, &b->seen_at);
	return ret;
}

/* As beside_foreign.  The lock is held. */
static void set_foreign(struct disc *disc, const char *reason, struct medium *m)
{
	struct beside *b = &disc->beside;
	char text[GUESS_TEXT] = "";

	m->status = DISC_FOREIGN;
	m->why_not_writable = keep_text(b->reason, sizeof b->reason, reason);
	/* Where it is not at the start, nothing is known of it. */
	if (m->overwritable || m->last_lba == 0)
		guess(disc, text);
	keep_text(b->looks_like, sizeof b->looks_like, text);
	m->looks_like = text[0] ? b->looks_like : NULL;
}

int beside_zeros(struct disc *disc, struct medium *m)
{
	struct beside *b = &disc->beside;
	char reason[120];
	uint64_t pos = 0;
	int ret;
	LOCK_GUARD(&b->lock);

	ret = disc_fd(disc) >= 0
		      ? blank_file(disc_fd(disc), &b->rest, &b->memory, &pos)
		      : is_blank_medium(disc, b, &pos);
	if (ret < 0)
		return ret;
	if (ret > 0) {
		m->status = DISC_BLANK;
		return 0;
	}
	snprintf(reason, sizeof reason,
		 "it begins with zeros, but is not blank: there is data at "
		 "byte %llu",
		 (unsigned long long)pos);
	set_foreign(disc, reason, m);
	return 0;
}

/* UDF alone.  The lock is held. */
static void set_udf(struct disc *disc, struct medium *m)
{
	struct beside *b = &disc->beside;
	char text[sizeof b->reason];
	struct udf_volume udf;

	if (udf_look(disc, m->last_lba, m->overwritable, m->end_lba, &udf) &&
	    memcmp(&b->udf, &udf, sizeof udf) != 0)
		b->udf = udf;
	m->udf = &b->udf;
	m->status = DISC_FOREIGN;
	snprintf(text, sizeof text,
		 "it holds a UDF file system%s%s%s and no ISO 9660; \"mount "
		 "-t udf -o ro %s DIR\" shows it",
		 QUOTED(b->udf.label), disc->path);
	m->why_not_writable = keep_text(b->reason, sizeof b->reason, text);
}

void beside_foreign(struct disc *disc, const unsigned char *head,
		    struct medium *m)
{
	LOCK_GUARD(&disc->beside.lock);

	if (head && volume_is_udf(head))
		set_udf(disc, m);
	else
		set_foreign(disc,
			    disc_fd(disc) >= 0
				    ? "it is neither blank nor an ISO 9660 "
				      "image"
				    : "it holds no ISO 9660 file system",
			    m);
}

/* ---- UDF beside it ---- */

static bool has_udf(struct disc *disc, uint32_t lba, const struct medium *m)
{
	struct beside *b = &disc->beside;
	struct udf_volume udf;
	bool found;

	if (disc_fd(disc) < 0 && b->seen_lba == lba && is_fresh(b) &&
	    b->seen != BESIDE_BLANK)
		return b->seen == BESIDE_UDF;
	found = udf_look(disc, lba, m->overwritable, m->end_lba, &udf);
	if (found && memcmp(&b->udf, &udf, sizeof udf) != 0)
		b->udf = udf;
	b->seen = found ? BESIDE_UDF : BESIDE_NO_UDF;
	b->seen_lba = lba;
	clock_gettime(CLOCK_MONOTONIC, &b->seen_at);
	return found;
}

void beside_udf(struct disc *disc, struct medium *m)
{
	uint32_t lba = m->has_base ? m->base_lba : m->last_lba;
	struct beside *b = &disc->beside;
	char text[sizeof b->reason];
	LOCK_GUARD(&b->lock);

	if (!has_udf(disc, lba, m))
		return;
	m->udf = &b->udf;
	if (m->why_not_writable)
		return;
	snprintf(text, sizeof text,
		 "it also holds a UDF file system%s%s%s, which a new session "
		 "would hide or leave behind",
		 QUOTED(b->udf.label));
	m->why_not_writable = keep_text(b->reason, sizeof b->reason, text);
	m->udf_forbids = true;
}
