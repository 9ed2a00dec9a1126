/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/survey_parts.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	/* ECMA-119 9.1, a directory record */
	DR_BYTES = 10,
	DR_FLAGS = 25,
	DR_NAME_LEN = 32,
	DR_NAME = 33,
	FLAG_FOLDER = 0x02,
	FLAG_MORE = 0x80,  /* not the last extent of the file */
	TARGET_MAX = 1023, /* bytes that libisofs carries */
};

/*
 * What libisofs may do beyond what grows with the image, about two seconds of
 * it: steps along the names of folders, and bytes of paths, which it puts
 * together anew for each entry from each of its folders.
 */
#define NAME_STEPS_MAX (UINT64_C(1) << 27)
#define PATH_BYTES_MAX (UINT64_C(1) << 35)

/* A whole record is at @pos of @block, with its name. */
static bool record_is_sound(const unsigned char *block, size_t pos)
{
	const unsigned char *r = block + pos;
	size_t room = DISC_BLOCK - pos;

	return room > DR_NAME && r[0] > DR_NAME && r[0] <= room &&
	       DR_NAME + (size_t)r[DR_NAME_LEN] <= r[0];
}

/* The "." and ".." that a folder begins with (ECMA-119 6.8.2.2). */
static bool begins_as_folder(const unsigned char *block)
{
	const unsigned char *up = block + block[0];

	return record_is_sound(block, 0) && block[DR_NAME_LEN] == 1 &&
	       block[DR_NAME] == 0 && record_is_sound(block, block[0]) &&
	       up[DR_NAME_LEN] == 1 && up[DR_NAME] == 1;
}

/* libisofs reads it by the address in its own "." record. */
static int check_own_extent(struct walk *w, uint32_t lba)
{
	unsigned char block[DISC_BLOCK];
	int err = survey_read_block(w, lba, block);

	if (err < 0)
		return err;
	if (!begins_as_folder(block) || survey_extent_of(block) != lba ||
	    !(block[DR_FLAGS] & FLAG_FOLDER))
		return survey_bad(w, lba, "there should be a folder");
	return 0;
}

static int tell_runs(struct walk *w, uint64_t lba, uint64_t bytes)
{
	int err = 0;

	while (!err && bytes) {
		uint64_t len = bytes, place = disc_place(w->disc, lba, &len);

		err = names_run(w->names, place, len);
		lba += len / DISC_BLOCK;
		bytes -= len;
	}
	return err;
}

/* One of the extents of a file: not all of its records come to take_record. */
static int take_extent(struct walk *w, const unsigned char *record)
{
	uint64_t lba = survey_extent_of(record);
	uint32_t bytes = volume_le32(record + DR_BYTES);
	uint64_t end = lba + ((uint64_t)bytes + DISC_BLOCK - 1) / DISC_BLOCK;

	if (w->names && bytes) {
		int err;

		if (lba * DISC_BLOCK + bytes > disc_readable(w->disc))
			return survey_bad(w, lba,
					  "content behind the end of the "
					  "medium (damaged or truncated)");
		err = tell_runs(w, lba, bytes);
		if (err < 0)
			return err;
	}
	if (lba == w->catalog_lba)
		return 0;
	for (; lba < end && lba < VOLUME_HEAD_BLOCKS; lba++)
		w->content_in_head |= UINT32_C(1) << lba;
	return 0;
}

/* The name by which libisofs takes the entry: the last one of w->same. */
static int take_name(struct walk *w, const unsigned char *record,
		     const struct susp_facts *facts)
{
	char name[SUSP_NAME_MAX + 9];

	if (!w->rock_ridge || !facts->name_len)
		return same_names_add_identifier(&w->same, record + DR_NAME,
						 record[DR_NAME_LEN], w->ucs2);
	if (facts->name_len <= SUSP_NAME_MAX)
		return same_names_add(&w->same, facts->name, facts->name_len);
	/* It is cut off, with a checksum of all of it at its end. */
	memcpy(name, facts->name, SUSP_NAME_MAX);
	snprintf(name + SUSP_NAME_MAX, 9, "%08x", facts->name_rest);
	return same_names_add(&w->same, name, sizeof name - 1);
}

/* A node; @folder_lba: of a folder, 0 of others. */
static int take_node(struct walk *w, const struct folder *in, uint64_t lba,
		     const struct susp_facts *facts, uint32_t folder_lba)
{
	mode_t mode = folder_lba	? S_IFDIR | (facts->mode & 07777)
		      : facts->has_mode ? facts->mode
					: S_IFREG;
	const struct same_name *last = &w->same.v[w->same.n - 1];
	const char *name = w->same.text + last->start;
	int err = survey_charge_path(w, in, last->len);

	if (err < 0)
		return err;
	if (S_ISLNK(mode) && facts->target_len > TARGET_MAX)
		return survey_bad_entry(w, in, name, last->len,
					"the target of a link has more than "
					"1023 bytes");
	if (!w->names)
		return folder_lba ? survey_enqueue(w, folder_lba, in, 0, name,
						   last->len, lba)
				  : 0;
	err = names_add(w->names, facts, mode, folder_lba);
	return err == -EIO ? survey_bad(w, lba, "a name that no file can have")
			   : err;
}

/* What is malformed is told with its block. */
static int check_susp(struct walk *w, const unsigned char *record, uint64_t lba,
		      struct susp_facts *ret)
{
	struct why fault = {""};
	int err = susp_check(&w->susp, record, ret, &fault);

	if (err == 0 || err == -ENOMEM)
		return err;
	return survey_bad(w, lba, why_text(&fault, err));
}

static int take_record(struct walk *w, const struct folder *in, uint64_t lba,
		       const unsigned char *record)
{
	bool is_folder = record[DR_FLAGS] & FLAG_FOLDER;
	struct susp_facts facts;
	int err = 0;

	facts.has_mode = facts.relocated = false;
	facts.mode = 0;
	facts.child_lba = 0;
	facts.target_len = 0;
	if (w->rock_ridge)
		err = check_susp(w, record, lba, &facts);
	if (err < 0 || facts.relocated)
		return err;
	w->nodes++;
	err = take_name(w, record, &facts);
	if (err < 0)
		return err;
	if (facts.child_lba) {
		err = check_own_extent(w, facts.child_lba);
		if (err < 0)
			return err;
		return take_node(w, in, lba, &facts, facts.child_lba);
	}
	if (facts.has_mode && S_ISDIR(facts.mode) && !is_folder)
		return survey_bad(w, lba, "a file that is called a folder");
	if (facts.has_mode)
		is_folder = S_ISDIR(facts.mode);
	if (is_folder)
		return take_node(w, in, lba, &facts, survey_extent_of(record));
	err = take_extent(w, record);
	return err < 0 ? err : take_node(w, in, lba, &facts, 0);
}

/*
 * One record at byte @at of the folder; *@more counts the extents that a file
 * has so far and to which this one belongs.
 */
static int walk_record(struct walk *w, const struct folder *in, uint64_t lba,
		       const unsigned char *record, uint64_t at, size_t *more)
{
	size_t names = w->same.n;
	int err = 0;

	/* Who tells names does not let libisofs read. */
	if (!w->names)
		err = folder_records_add(&w->records, (uint32_t)at, record[0]);
	if (err < 0)
		return err;
	if (record[DR_FLAGS] & FLAG_MORE) {
		++*more;
		return take_extent(w, record);
	}
	err = take_record(w, in, lba, record);
	if (err == 0 && !w->names && w->same.n > names)
		folder_records_name(&w->records, (uint32_t)names, *more);
	*more = 0;
	return err;
}

/* The records of one block. */
static int walk_block(struct walk *w, const struct folder *in, uint64_t lba,
		      const unsigned char *block, size_t pos, size_t len,
		      size_t *more)
{
	uint64_t at = (lba - in->lba) * DISC_BLOCK;
	int err = 0;

	while (err == 0 && pos < len && block[pos] != 0) {
		const unsigned char *record = block + pos;

		if (!record_is_sound(block, pos))
			return survey_bad(w, lba,
					  "a malformed directory record");
		err = walk_record(w, in, lba, record, at + pos, more);
		pos += record[0];
	}
	return err;
}

/* Of the folder that was just walked, if libisofs had much to sort in it. */
static int make_view(struct walk *w, const struct folder *in, uint32_t bytes,
		     size_t head)
{
	AUTO_FREE unsigned char *data = NULL;
	uint32_t blocks = bytes / DISC_BLOCK;
	unsigned char *view = NULL;
	int err;

	if (w->names || bytes % DISC_BLOCK ||
	    !folder_is_unsorted(&w->records, &w->same))
		return 0;
	data = malloc(bytes);
	if (!data)
		return -ENOMEM;
	err = disc_read(w->disc, data, bytes, (uint64_t)in->lba * DISC_BLOCK);
	if (err < 0)
		return survey_bad(w, in->lba, "a folder that cannot be read");
	err = folder_view_make(&w->records, &w->same, data, blocks, head,
			       &view);
	if (err < 0)
		return err;
	if (view)
		return folder_views_add(&w->views, in->lba, blocks, view);
	return survey_charge_unsorted(w, in);
}

static int walk_folder(struct walk *w, const struct folder *in)
{
	unsigned char block[DISC_BLOCK];
	struct susp_facts facts;
	uint64_t lba = in->lba, left;
	uint32_t bytes;
	size_t pos, head, more = 0;
	bool hole = false;
	int err;

	sum128_init(&w->folder_sum, lba);
	err = survey_read_block(w, lba, block);
	if (err < 0)
		return err;
	if (!begins_as_folder(block))
		return survey_bad(w, lba, "there should be a folder");
	if (w->rock_ridge) {
		err = check_susp(w, block, lba, &facts);
		if (err < 0)
			return err;
	}
	same_names_clear(&w->same);
	w->records.n = 0;
	left = bytes = volume_le32(block + DR_BYTES);
	pos = head = (size_t)block[0] + block[block[0]];
	for (;;) {
		size_t len = left < DISC_BLOCK ? (size_t)left : DISC_BLOCK;

		if (++w->blocks > w->max_blocks)
			return survey_bad(w, lba, "folders overlap");
		/* ECMA-119 6.8.1.1: no block without records before the end. */
		if (hole && block[0])
			return survey_bad(w, lba - 1,
					  "a part of a folder is missing");
		hole = block[0] == 0;
		sum128_add(&w->folder_sum, block, sizeof block);
		err = walk_block(w, in, lba, block, pos, len, &more);
		if (err < 0)
			return err;
		left -= len;
		pos = 0;
		if (!left)
			break;
		err = survey_read_block(w, ++lba, block);
		if (err < 0)
			return err;
	}
	if (more)
		return survey_bad(w, lba, "a file lacks its last extent");
	err = survey_charge_names(w, in);
	return err < 0 ? err : make_view(w, in, bytes, head);
}

/* The nodes of the folder that was just walked, in their order. */
static int tell_names(struct walk *w, const struct folder *in)
{
	struct names *l = w->names;
	int err = 0;

	names_sort(l);
	for (size_t i = 0; err == 0 && i < l->n; i++) {
		uint32_t id = l->next_id, lba = l->v[i].folder_lba;

		err = names_visit(l, i, in->id);
		if (err == 0 && lba)
			err = survey_enqueue(w, lba, in, id,
					     l->text + l->v[i].name,
					     SUSP_NAME_MAX, in->lba);
	}
	names_clear(l);
	return err;
}

static int tell_root(struct walk *w)
{
	struct import_node node = {
		.id = IMPORT_ROOT, .name = "", .attr.mode = S_IFDIR};

	w->names->next_id = IMPORT_ROOT + 1;
	return w->names->visit(w->names->arg, &node);
}

static int walk_tree(struct walk *w, uint32_t root)
{
	uint64_t sum[2];
	size_t i;
	int err;

	w->nodes = 1;
	err = check_own_extent(w, root);
	if (err == 0)
		err = survey_enqueue(w, root, NULL, IMPORT_ROOT, "", 0, root);
	if (err == 0 && w->names)
		err = tell_root(w);
	for (i = 0; err == 0 && i < w->n; i++) {
		struct folder in = w->queue[i];

		err = walk_folder(w, &in);
		sum128_end(&w->folder_sum, sum);
		w->sum[0] += sum[0];
		w->sum[1] += sum[1];
		if (err == 0 && w->names)
			err = tell_names(w, &in);
	}
	return err;
}

/*
 * Rock Ridge is there if the root's "." record begins with SP and names it in
 * an ER entry (SUSP 5.3, 5.5): libisofs parses that record in any case.
 */
static int find_rock_ridge(struct walk *w, uint32_t root, bool *ret)
{
	unsigned char block[DISC_BLOCK];
	struct susp_facts facts = {0};
	int err;

	*ret = false;
	err = survey_read_block(w, root, block);
	if (err < 0)
		return err;
	if (!begins_as_folder(block))
		return survey_bad(w, root, "there should be the root folder");
	if (!susp_begins(block))
		return 0;
	err = check_susp(w, block, root, &facts);
	if (err < 0)
		return err;
	*ret = facts.is_susp && facts.rock_ridge;
	if (facts.is_susp)
		w->susp.skip = facts.skip;
	return 0;
}

static int survey(struct walk *w, uint32_t start,
		  const struct import_opts *opts, struct survey *ret)
{
	struct roots roots = {0};
	uint32_t root;
	bool rock_ridge = false;
	int err;

	err = survey_tags(w, start, start == 0);
	if (err == 0)
		err = survey_descriptors(w, start, &roots);
	if (err == 0 && roots.has_catalog) {
		w->catalog_lba = roots.catalog;
		err = survey_catalog(w, roots.catalog);
	}
	if (err == 0)
		err = find_rock_ridge(w, roots.primary, &rock_ridge);
	if (err < 0)
		return err;
	w->rock_ridge = rock_ridge && !opts->no_rock_ridge;
	/* What libisofs will choose. */
	root = roots.primary;
	w->ucs2 = !w->rock_ridge && roots.has_joliet && !opts->no_joliet;
	if (w->ucs2)
		root = roots.joliet;
	else if (!w->rock_ridge && roots.has_enhanced)
		root = roots.enhanced;
	ret->rock_ridge = w->rock_ridge;
	ret->has_joliet = roots.has_joliet;
	ret->has_catalog = roots.has_catalog;
	if (w->names && !w->rock_ridge)
		return -ENOTSUP;
	/* The same blocks can be read in more than one way. */
	w->sum[0] = w->rock_ridge;
	return walk_tree(w, root);
}

int survey_session(struct disc *disc, uint32_t start_lba,
		   const struct import_opts *opts, import_visit visit,
		   void *arg, struct survey *ret, struct why *why)
{
	uint64_t bytes = disc_readable(disc);
	struct names names = {.visit = visit, .arg = arg};
	struct walk w = {
		.disc = disc,
		.why = why,
		.max_blocks = bytes / DISC_BLOCK,
		.susp = {.disc = disc, .area_budget = bytes},
		.names = visit ? &names : NULL,
		.name_steps = NAME_STEPS_MAX,
		.path_bytes = PATH_BYTES_MAX,
	};
	int err;

	ret->views = (struct folder_views){0};
	w.susp.sum = &w.folder_sum;
	sum128_init(&w.folder_sum, 0);
	err = survey(&w, start_lba, opts, ret);
	if (err == 0) {
		ret->nodes = w.nodes;
		ret->tree_blocks = w.blocks + (w.susp.area_bytes + DISC_BLOCK -
					       1) / DISC_BLOCK;
		ret->has_md5 = w.has_md5;
		ret->content_in_head = w.content_in_head;
		ret->sum[0] = w.sum[0];
		ret->sum[1] = w.sum[1];
		folder_views_end(&w.views);
		ret->views = w.views;
	} else {
		folder_views_release(&w.views);
	}
	susp_reader_release(&w.susp);
	lba_set_release(&w.seen);
	names_release(&names);
	same_names_release(&w.same);
	free(w.records.v);
	free(w.queue);
	free(w.text);
	return err;
}
