/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burner/batch.h"
#include "burner/import_node.h"
#include "burner/session_parts.h"
#include "burner/stretch.h"
#include "common/cleanup.h"
#include "common/log.h"

enum {
	FIFO_LOOK = 64, /* blocks; libisofs wants 32 for the head's copy */
	FIFO_BURN = 2048,
	JOLIET_ONLY = 2,
	MTIME_IN_RECORDS = 1 | 2, /* ECMA-119 and Joliet */
	CHARSET_MAX = 8,
	LAYOUTS = 20, /* that are tried */
	/* As mkisofs pads: the end of a track on CD cannot always be read. */
	TAIL_BLOCKS = 150,
	SETTLE_MS = 1,
	SOURCE_ACTIVE = 1, /* iso_ring_buffer_get_status */
	SOURCE_ENDING = 2,
};

/* libisofs takes its words as char *, and copies them. */
static char charset[CHARSET_MAX] = "UTF-8";
static char attr_sums[] = "isofs.ca";

/*
 * The session's mark, as digits YYYYMMDDhhmmsscc: it becomes the creation and
 * modification time in the session's descriptors.
 */
static void choose_uuid(char uuid[17])
{
	struct timespec now;
	struct tm tm;
	char text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	snprintf(text, sizeof text, "%04d%02d%02d%02d%02d%02d%02ld",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, now.tv_nsec / 10000000);
	snprintf(uuid, 17, "%.16s", text);
}

int layout_options(struct session *s, struct why *why)
{
	IsoWriteOpts *o;
	int ret;

	if (s->options)
		return 0;
	ret = iso_write_opts_new(&o, 0);
	if (ret < 0)
		return library_error(ret, "write options", why);
	s->options = o;
	iso_write_opts_set_iso_level(o, 3);
	iso_write_opts_set_rockridge(o, 1);
	iso_write_opts_set_joliet(o, s->plan->joliet);
	iso_write_opts_set_joliet_long_names(o, 1);
	iso_write_opts_set_joliet_longer_paths(o, 1);
	/* To look for them is a tenth of the layout's time. */
	iso_write_opts_set_hardlinks(o, !s->plan->no_links);
	iso_write_opts_set_aaip(o, 1);
	/* Without an announcement in the root and two marks in each record:
	 * some readers take Rock Ridge's announcement only (pycdlib), and each
	 * record has room for ten more bytes of a name. */
	iso_write_opts_set_aaip_susp_1_10(o, 1);
	iso_write_opts_set_allow_deep_paths(o, 1);
	iso_write_opts_set_allow_longer_paths(o, 1);
	iso_write_opts_set_no_force_dots(o, JOLIET_ONLY);
	iso_write_opts_set_omit_version_numbers(o, JOLIET_ONLY);
	iso_write_opts_set_relaxed_vol_atts(o, 1);
	iso_write_opts_set_dir_rec_mtime(o, MTIME_IN_RECORDS);
	iso_write_opts_set_sort_files(o, 1);
	iso_write_opts_set_record_md5(o, 1, 1);
	iso_write_opts_set_always_gmt(o, 1);
	iso_write_opts_set_output_charset(o, charset);
	/* The base's files stay where they are, or come along. */
	iso_write_opts_set_appendable(o, !s->fresh);
	iso_write_opts_set_ms_block(o, (uint32_t)s->medium.nwa);
	if (s->fresh)
		iso_write_opts_set_tail_blocks(o, TAIL_BLOCKS);
	choose_uuid(s->volume_uuid);
	iso_write_opts_set_pvd_times(o, 0, 0, 0, 0, s->volume_uuid);
	return 0;
}

/* @head takes the disc's new head; unused on sequential media. */
static int create_source(struct session *s, unsigned char *head,
			 size_t fifo_blocks, struct burn_source **ret,
			 struct why *why)
{
	int err;

	if (s->old_head) {
		memcpy(head, s->old_head, DISC_HEAD_BYTES);
		iso_write_opts_set_overwrite_buf(s->options, head);
	}
	iso_write_opts_set_fifo_size(s->options, fifo_blocks);
	library_drain();
	err = iso_image_create_burn_source(s->image, s->options, ret);
	iso_write_opts_set_overwrite_buf(s->options, NULL);
	if (err < 0)
		return library_error(err, "cannot lay out the session", why);
	return 0;
}

static void cancel_source(struct burn_source *src)
{
	src->cancel(src);
	burn_source_free(src);
	/* The cancelling makes messages, which are nobody's. */
	library_drain();
}

/*
 * libisofs' words: each number as one byte of length and that many bytes, the
 * highest first; first block, end block, count, size, then the type in text.
 */
static int find_sums(struct session *s, struct stretch_sums *ret)
{
	IsoNode *root = (IsoNode *)iso_image_get_root(s->image);
	AUTO_FREE char *value = NULL;
	uint32_t numbers[3] = {0};
	size_t len = 0, pos = 0;
	unsigned i, k;

	if (iso_node_lookup_attr(root, attr_sums, &len, &value, 0) != 1)
		return -EIO;
	for (i = 0; i < 3; i++) {
		unsigned n = pos < len ? (unsigned char)value[pos] : 0;

		if (n == 0 || n > 4 || pos + 1 + n > len)
			return -EIO;
		for (k = 0; k < n; k++)
			numbers[i] = numbers[i] << 8 |
				     (unsigned char)value[pos + 1 + k];
		pos += 1 + n;
	}
	/* The end stands before the array: it is the array's first block. */
	ret->lba = numbers[1];
	ret->count = numbers[2];
	return 0;
}

static bool is_cancelled(const struct session *s)
{
	const atomic_int *cancel = atomic_load(&s->reader.cancel);

	return cancel && atomic_load(cancel);
}

/*
 * The tree is written once to nowhere, to learn how many blocks have to be put
 * in (stretch.h).  For a tree that needs none this is a fifth of the layout's
 * time, and libisofs leaks where it is stopped in a folder.  Takes @src over.
 */
static int measure(struct session *s, struct burn_source *src, struct why *why)
{
	unsigned char block[DISC_BLOCK];
	struct stretch *stretch = NULL;
	uint64_t n;
	int ret;

	ret = stretch_new(src, (uint32_t)s->medium.nwa, 0, NULL, &stretch);
	if (ret < 0) {
		cancel_source(src);
		return ret;
	}
	for (n = 0, ret = 1; ret == 1 && n < s->blocks; n++) {
		ret = is_cancelled(s) ? -ECANCELED
				      : stretch_next(stretch, block);
		if (stretch_tree_done(stretch))
			break;
	}
	s->stretched = stretch_inserted(stretch);
	if (ret == 1 && !stretch_tree_done(stretch))
		ret = -EIO;
	if (ret == 1)
		ret = 0;
	else if (ret == -ERANGE)
		why_set(why, ret,
			"a folder with long attributes does not fit its "
			"place in the session");
	else if (ret == -ECANCELED)
		ret = why_set(why, ret, "cancelled");
	else if (ret != -ENOMEM)
		ret = library_error(-1, "cannot lay out the tree", why);
	stretch_free(stretch);
	library_drain();
	if (ret == 0 && s->stretched)
		log_debug("%llu blocks put into the tree",
			  (unsigned long long)s->stretched);
	return ret;
}

static int check_space(const struct session *s, struct why *why)
{
	uint64_t free_blocks = s->medium.free_blocks;

	if (s->fresh ||
	    (s->blocks <= free_blocks && s->medium.min_blocks <= free_blocks))
		return 0;
	if (s->blocks <= free_blocks)
		return why_set(why, -ENOSPC,
			       "not enough space: the smallest session takes "
			       "%lu blocks of 2048 bytes, and %llu are free "
			       "on %s",
			       (unsigned long)s->medium.min_blocks,
			       (unsigned long long)free_blocks,
			       disc_path(s->disc));
	return why_set(
		why, -ENOSPC,
		"not enough space: the session takes %llu blocks of 2048 "
		"bytes, %llu more than are free on %s",
		(unsigned long long)s->blocks,
		(unsigned long long)(s->blocks - free_blocks),
		disc_path(s->disc));
}

static void look_at_layout(struct session *s, struct burn_source *src)
{
	s->blocks = (uint64_t)src->get_size(src) / DISC_BLOCK;
	if (iso_write_opts_get_data_start(s->options, &s->data_lba, 0) < 0)
		s->data_lba = (uint32_t)s->medium.nwa;
}

/* -ERANGE: a folder came out longer than its place. */
static int try_layout(struct session *s, struct why *why)
{
	struct burn_source *src;
	int err = create_source(s, s->new_head, FIFO_LOOK, &src, why);

	if (err < 0)
		return err;
	look_at_layout(s, src);
	return measure(s, src, why);
}

static int layout_measured(struct session *s, struct why *why)
{
	unsigned round = 0;
	int err;

	while ((err = try_layout(s, why)) == -ERANGE && ++round < LAYOUTS) {
		log_debug("%s; layout %u", why_text(why, err), round + 1);
		err = loosen_root(s, round, why);
		if (err < 0)
			return err;
	}
	return err == -ERANGE ? -EIO : err;
}

/* All below @dir. */
static bool all_short(IsoDir *dir)
{
	IsoDirIter *it;
	IsoNode *node;
	bool is_short = true;

	if (iso_dir_get_children(dir, &it) < 0)
		return false;
	while (is_short && iso_dir_iter_next(it, &node) == 1)
		is_short = node_is_short(node) &&
			   (iso_node_get_type(node) != LIBISO_DIR ||
			    all_short((IsoDir *)node));
	iso_dir_iter_free(it);
	return is_short;
}

/*
 * Without continuation areas libisofs' forecast is right (stretch.h), and a
 * layout, the better half of a commit's time, is made once.  The root always
 * has such an area; one piece of attributes in it, as libisofs' own are, is
 * forecast rightly, too (loosen.c).  The copy of an old head is changed by what
 * the layout says, before anybody reads it.
 */
static bool needs_two_layouts(const struct session *s)
{
	IsoDir *root = iso_image_get_root(s->image);

	return s->head_copy || !node_has_one_piece((IsoNode *)root) ||
	       !all_short(root);
}

/*
 * libisofs' writer begins at once.  It shall rest when the library lock is
 * given back: it fills its buffer and then waits for a reader.
 */
static int layout_once(struct session *s, struct why *why)
{
	const struct timespec pause = {.tv_nsec = SETTLE_MS * 1000000L};
	size_t size, room = 1;
	int err, state;

	err = create_source(s, s->new_head, FIFO_BURN, &s->source, why);
	if (err < 0)
		return err;
	look_at_layout(s, s->source);
	while ((state = iso_ring_buffer_get_status(s->source, &size, &room)) ==
		       SOURCE_ACTIVE &&
	       room >= DISC_BLOCK && !is_cancelled(s))
		nanosleep(&pause, NULL);
	if (is_cancelled(s))
		return why_set(why, -ECANCELED, "cancelled");
	if (state == SOURCE_ACTIVE || state == SOURCE_ENDING ||
	    atomic_load(&s->reader.failure))
		return 0; /* content that cannot be read is the burn's to tell
			   */
	return library_error(-1, "cannot lay out the session", why);
}

int layout_session(struct session *s, struct why *why)
{
	int err;

	err = layout_options(s, why);
	if (!err)
		err = needs_two_layouts(s) ? layout_measured(s, why)
					   : layout_once(s, why);
	if (!err)
		err = old_head_settle(s, why);
	return err < 0 ? err : check_space(s, why);
}

void layout_drop(struct session *s)
{
	if (s->source)
		cancel_source(s->source);
	s->source = NULL;
}

static int layout_again(struct session *s, struct burn_source **ret,
			struct why *why)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	struct burn_source *src;
	int err;

	if (!head)
		return -ENOMEM;
	err = create_source(s, head, FIFO_BURN, &src, why);
	if (err < 0)
		return err;
	/* The intent names these: never burn what it does not. */
	if ((uint64_t)src->get_size(src) != s->blocks * DISC_BLOCK ||
	    (s->old_head && memcmp(head, s->new_head, DISC_HEAD_BYTES))) {
		cancel_source(src);
		return why_set(why, -EIO,
			       "libisofs laid the session out differently at "
			       "the second time");
	}
	*ret = src;
	return 0;
}

/* Takes @src over, whatever comes of it. */
static int stretch_all(struct session *s, struct burn_source *src,
		       uint32_t volume_end, struct burn_source **ret,
		       struct why *why)
{
	struct stretch *stretch = NULL;
	struct stretch_sums sums;
	int err = find_sums(s, &sums);

	if (!err)
		err = stretch_new(src, (uint32_t)s->medium.nwa, volume_end,
				  &sums, &stretch);
	if (err < 0) {
		cancel_source(src);
		return why_set(why, err, "no place for file checksums");
	}
	*ret = stretch_source(stretch);
	if (!*ret)
		stretch_free(stretch);
	return *ret ? 0 : -ENOMEM;
}

int layout_source(struct session *s, struct burn_source **ret, struct why *why)
{
	struct burn_source *src = s->source, *batch;
	uint32_t volume_end = 0;
	int err = 0;

	if (!s->fresh && !s->medium.overwritable)
		volume_end = (uint32_t)(s->medium.nwa + s->blocks);
	s->source = NULL;
	if (!src)
		err = layout_again(s, &src, why);
	if (err < 0)
		return err;
	batch = batch_source(src);
	if (!batch) {
		cancel_source(src);
		return -ENOMEM;
	}
	if (s->stretched || volume_end)
		return stretch_all(s, batch, volume_end, ret, why);
	*ret = batch;
	return 0;
}
