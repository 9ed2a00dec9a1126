/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/survey.h"

#include <stdlib.h>
#include <string.h>

#include "burner/block_window.h"
#include "burner/disc_ops.h"
#include "burner/library.h"
#include "burner/lba_set.h"
#include "burner/names.h"
#include "burner/susp.h"
#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	/* ECMA-119 9.1, a directory record */
	DR_XATTR_LEN = 1,
	DR_EXTENT = 2,
	DR_BYTES = 10,
	DR_FLAGS = 25,
	DR_NAME_LEN = 32,
	DR_NAME = 33,
	FLAG_FOLDER = 0x02,
	FLAG_MORE = 0x80, /* not the last extent of the file */
	DEPTH_MAX = 1024, /* libisofs recurses */
	DESCRIPTORS_MAX = 64,
	/* ECMA-119 8.1, 8.5 */
	VD_BOOT = 0,
	VD_SUPPLEMENTARY = 2,
	VD_TERMINATOR = 255,
	VD_VERSION = 6,
	VD_ROOT = 156,
	VD_ESCAPE = 88,
	VD_CATALOG = 71,    /* El Torito 2.0, figure 7 */
	TAG_SUPERBLOCK = 2, /* as iso_util_decode_md5_tag counts them */
	TAG_TREE = 3,
	TAG_RELOCATED = 4,
};

struct folder {
	uint32_t lba;
	uint32_t depth;
	uint32_t id; /* where names are told */
};

struct walk {
	struct disc *disc;
	struct why *why;
	bool rock_ridge; /* is to be obeyed */
	struct susp_reader susp;
	struct lba_set seen;
	struct folder *queue;
	size_t n, room;
	uint64_t blocks,
		max_blocks; /* of folders: no more than the medium has */
	uint64_t nodes;
	struct sum128 folder_sum; /* of the folder that is walked */
	uint64_t sum[2];	  /* of all of them so far */
	uint32_t content_in_head, catalog_lba;
	bool has_md5;
	struct names *names; /* NULL: only a look */
	struct block_window window;
};

/* What a session's descriptors name. */
struct roots {
	uint32_t primary, joliet, enhanced, catalog;
	bool has_joliet, has_enhanced, has_catalog;
};

static uint32_t extent_of(const unsigned char *record)
{
	return volume_le32(record + DR_EXTENT) + record[DR_XATTR_LEN];
}

static int read_block(struct walk *w, uint64_t lba, unsigned char *buf)
{
	int err = window_read(&w->window, w->disc, lba, buf);

	if (err < 0)
		return why_set(w->why, err,
			       "cannot read block %llu of %s, which holds "
			       "part of the tree",
			       (unsigned long long)lba, disc_path(w->disc));
	return 0;
}

static int bad(struct walk *w, uint64_t lba, const char *what)
{
	return why_set(w->why, -EIO, "%s is damaged: block %llu: %s",
		       disc_path(w->disc), (unsigned long long)lba, what);
}

static int enqueue(struct walk *w, uint32_t lba, uint32_t depth, uint32_t id,
		   uint64_t from_lba)
{
	int err;

	if (depth > DEPTH_MAX)
		return bad(w, from_lba, "folders are nested too deeply");
	err = lba_set_add(&w->seen, lba);
	if (err == -EEXIST)
		return bad(w, from_lba, "a folder stands in two places");
	if (err < 0)
		return err;
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 256;
		struct folder *queue = realloc(w->queue, room * sizeof *queue);

		if (!queue)
			return -ENOMEM;
		w->queue = queue;
		w->room = room;
	}
	w->queue[w->n++] =
		(struct folder){.lba = lba, .depth = depth, .id = id};
	return 0;
}

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
	int err = read_block(w, lba, block);

	if (err < 0)
		return err;
	if (!begins_as_folder(block) || extent_of(block) != lba ||
	    !(block[DR_FLAGS] & FLAG_FOLDER))
		return bad(w, lba, "there should be a folder");
	return 0;
}

/* One of the extents of a file: not all of its records come to take_record. */
static int take_extent(struct walk *w, const unsigned char *record)
{
	uint64_t lba = extent_of(record);
	uint32_t bytes = volume_le32(record + DR_BYTES);
	uint64_t end = lba + ((uint64_t)bytes + DISC_BLOCK - 1) / DISC_BLOCK;

	if (w->names && bytes) {
		int err;

		if (lba * DISC_BLOCK + bytes > disc_readable(w->disc))
			return bad(w, lba,
				   "content behind the end of the "
				   "medium (damaged or truncated)");
		err = names_run(w->names, lba, bytes);
		if (err < 0)
			return err;
	}
	if (lba == w->catalog_lba)
		return 0;
	for (; lba < end && lba < VOLUME_HEAD_BLOCKS; lba++)
		w->content_in_head |= UINT32_C(1) << lba;
	return 0;
}

/* A node; @folder_lba: of a folder, 0 of others. */
static int take_node(struct walk *w, const struct folder *in, uint64_t lba,
		     const struct susp_facts *facts, uint32_t folder_lba)
{
	mode_t mode = folder_lba	? S_IFDIR | (facts->mode & 07777)
		      : facts->has_mode ? facts->mode
					: S_IFREG;
	int err;

	if (!w->names)
		return folder_lba
			       ? enqueue(w, folder_lba, in->depth + 1, 0, lba)
			       : 0;
	err = names_add(w->names, facts, mode, folder_lba);
	return err == -EIO ? bad(w, lba, "a name that no file can have") : err;
}

static int take_record(struct walk *w, const struct folder *in, uint64_t lba,
		       const unsigned char *record)
{
	bool is_folder = record[DR_FLAGS] & FLAG_FOLDER;
	struct susp_facts facts;
	int err;

	facts.has_mode = false;
	facts.mode = 0;
	if (w->rock_ridge) {
		struct why fault = {""};

		err = susp_check(&w->susp, record, &facts, &fault);
		if (err < 0)
			return err == -ENOMEM
				       ? err
				       : bad(w, lba, why_text(&fault, err));
		if (facts.relocated)
			return 0;
		w->nodes++;
		if (facts.child_lba) {
			err = check_own_extent(w, facts.child_lba);
			if (err < 0)
				return err;
			return take_node(w, in, lba, &facts, facts.child_lba);
		}
		if (facts.has_mode && S_ISDIR(facts.mode) && !is_folder)
			return bad(w, lba, "a file that is called a folder");
		if (facts.has_mode)
			is_folder = S_ISDIR(facts.mode);
	} else {
		w->nodes++;
	}
	if (is_folder)
		return take_node(w, in, lba, &facts, extent_of(record));
	err = take_extent(w, record);
	return err < 0 ? err : take_node(w, in, lba, &facts, 0);
}

/* The records of one block; @more: amid the extents of a file. */
static int walk_block(struct walk *w, const struct folder *in, uint64_t lba,
		      const unsigned char *block, size_t pos, size_t len,
		      bool *more)
{
	int err;

	while (pos < len && block[pos] != 0) {
		const unsigned char *record = block + pos;

		if (!record_is_sound(block, pos))
			return bad(w, lba, "a malformed directory record");
		pos += record[0];
		if (record[DR_FLAGS] & FLAG_MORE) {
			*more = true;
			err = take_extent(w, record);
			if (err < 0)
				return err;
			continue;
		}
		*more = false;
		err = take_record(w, in, lba, record);
		if (err < 0)
			return err;
	}
	return 0;
}

static int walk_folder(struct walk *w, const struct folder *in)
{
	unsigned char block[DISC_BLOCK];
	struct susp_facts facts;
	uint64_t lba = in->lba, left;
	size_t pos;
	bool more = false, hole = false;
	int err;

	sum128_init(&w->folder_sum, lba);
	err = read_block(w, lba, block);
	if (err < 0)
		return err;
	if (!begins_as_folder(block))
		return bad(w, lba, "there should be a folder");
	if (w->rock_ridge) {
		struct why fault = {""};

		err = susp_check(&w->susp, block, &facts, &fault);
		if (err < 0)
			return err == -ENOMEM
				       ? err
				       : bad(w, lba, why_text(&fault, err));
	}
	left = volume_le32(block + DR_BYTES);
	pos = (size_t)block[0] + block[block[0]];
	for (;;) {
		size_t len = left < DISC_BLOCK ? (size_t)left : DISC_BLOCK;

		if (++w->blocks > w->max_blocks)
			return bad(w, lba, "folders overlap");
		/* ECMA-119 6.8.1.1: no block without records before the end. */
		if (hole && block[0])
			return bad(w, lba - 1, "a part of a folder is missing");
		hole = block[0] == 0;
		sum128_add(&w->folder_sum, block, sizeof block);
		err = walk_block(w, in, lba, block, pos, len, &more);
		if (err < 0)
			return err;
		left -= len;
		pos = 0;
		if (!left)
			break;
		err = read_block(w, ++lba, block);
		if (err < 0)
			return err;
	}
	if (more)
		return bad(w, lba, "a file lacks its last extent");
	return 0;
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
			err = enqueue(w, lba, in->depth + 1, id, in->lba);
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
		err = enqueue(w, root, 0, IMPORT_ROOT, root);
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
	struct why fault = {""};
	int err;

	*ret = false;
	err = read_block(w, root, block);
	if (err < 0)
		return err;
	if (!begins_as_folder(block))
		return bad(w, root, "there should be the root folder");
	if (!susp_begins(block))
		return 0;
	err = susp_check(&w->susp, block, &facts, &fault);
	if (err < 0)
		return err == -ENOMEM ? err
				      : bad(w, root, why_text(&fault, err));
	*ret = facts.is_susp && facts.rock_ridge;
	if (facts.is_susp)
		w->susp.skip = facts.skip;
	return 0;
}

static void take_descriptor(const unsigned char *d, struct roots *roots)
{
	const unsigned char *esc = d + VD_ESCAPE;

	if (d[0] == VD_BOOT && !memcmp(d + 1, "CD001\1", 6) &&
	    !memcmp(d + 7, "EL TORITO SPECIFICATION", 23)) {
		roots->catalog = volume_le32(d + VD_CATALOG);
		roots->has_catalog = true;
	}
	if (d[0] != VD_SUPPLEMENTARY)
		return;
	/* Joliet's escape sequences: UCS-2 levels 1 to 3 */
	if (esc[0] == 0x25 && esc[1] == 0x2f &&
	    (esc[2] == 0x40 || esc[2] == 0x43 || esc[2] == 0x45)) {
		roots->joliet = extent_of(d + VD_ROOT);
		roots->has_joliet = true;
	} else if (d[VD_VERSION] == 2) {
		roots->enhanced = extent_of(d + VD_ROOT);
		roots->has_enhanced = true;
	}
}

static int read_descriptors(struct walk *w, uint32_t start, struct roots *roots)
{
	uint64_t lba = (uint64_t)start + VOLUME_SUPERBLOCK;
	unsigned char block[DISC_BLOCK];
	struct volume vol;
	int n, err;

	err = read_block(w, lba, block);
	if (err < 0)
		return err;
	if (!volume_parse(block, &vol))
		return why_set(w->why, -EMEDIUMTYPE,
			       "there is no ISO 9660 session at block %lu of "
			       "%s",
			       (unsigned long)start, disc_path(w->disc));
	roots->primary = vol.root_lba;
	for (n = 1; n < DESCRIPTORS_MAX; n++) {
		err = read_block(w, lba + (unsigned)n, block);
		if (err < 0)
			return err;
		w->blocks++;
		if (block[0] == VD_TERMINATOR)
			return 0;
		take_descriptor(block, roots);
	}
	return bad(w, lba, "the volume descriptors have no end");
}

/*
 * El Torito 2.2 to 2.5: validation entry, default entry, then sections of a
 * header and entries; libisofs reads one block of them.  A boot image at the
 * address of the catalog itself makes it mistake one for the other.
 */
static int check_catalog(struct walk *w, uint32_t lba)
{
	enum { ENTRY = 32, ENTRY_LBA = 8 };
	unsigned char block[DISC_BLOCK];
	size_t pos = ENTRY, left = 1;
	bool last = false;
	int err;

	err = read_block(w, lba, block);
	if (err < 0)
		return err;
	if (block[0] != 1 || block[30] != 0x55 || block[31] != 0xaa)
		return 0; /* libisofs does without it */
	for (; pos + ENTRY <= DISC_BLOCK; pos += ENTRY) {
		if (left) {
			left--;
			if (volume_le32(block + pos + ENTRY_LBA) == lba)
				return bad(w, lba,
					   "the boot catalog boots "
					   "itself");
		} else if (!last && (block[pos] & 0xfe) == 0x90) {
			last = block[pos] & 1;
			left = volume_le16(block + pos + 2);
		} else {
			return 0;
		}
	}
	return bad(w, lba, "the boot catalog has no end");
}

/*
 * libisofs searches its checksum tags for words as if they were terminated
 * strings.
 */
static int check_tag(struct walk *w, uint64_t lba, int *ret_type,
		     uint32_t *ret_next)
{
	uint32_t pos, range_start, range_size;
	char block[DISC_BLOCK + 1], md5[16];
	unsigned char raw[DISC_BLOCK];
	int err;

	*ret_type = 0;
	err = read_block(w, lba, raw);
	if (err < 0)
		return err;
	if (memcmp(raw, "libisofs_", 9))
		return 0;
	if (!memchr(raw, 0, sizeof raw))
		return bad(w, lba, "a malformed checksum tag");
	memcpy(block, raw, sizeof raw);
	block[DISC_BLOCK] = 0;
	if (iso_util_decode_md5_tag(block, ret_type, &pos, &range_start,
				    &range_size, ret_next, md5, 0) != 1)
		*ret_type = 0;
	return 0;
}

static int check_tags(struct walk *w, uint32_t start, bool may_relocate)
{
	uint32_t i, next, ignored;
	int type, err;

	for (i = VOLUME_SUPERBLOCK; i < VOLUME_HEAD_BLOCKS; i++) {
		if (((uint64_t)start + i + 1) * DISC_BLOCK >
		    disc_readable(w->disc))
			return 0;
		err = check_tag(w, (uint64_t)start + i, &type, &next);
		if (err < 0)
			return err;
		if (type == TAG_SUPERBLOCK) {
			err = check_tag(w, next, &type, &ignored);
			w->has_md5 |= err == 0 && type == TAG_TREE;
		} else if (type == TAG_RELOCATED && may_relocate)
			err = check_tags(w, next, false);
		if (err < 0)
			return err;
	}
	return 0;
}

static int survey(struct walk *w, uint32_t start,
		  const struct import_opts *opts, struct survey *ret)
{
	struct roots roots = {0};
	uint32_t root;
	bool rock_ridge = false;
	int err;

	err = check_tags(w, start, start == 0);
	if (err == 0)
		err = read_descriptors(w, start, &roots);
	if (err == 0 && roots.has_catalog) {
		w->catalog_lba = roots.catalog;
		err = check_catalog(w, roots.catalog);
	}
	if (err == 0)
		err = find_rock_ridge(w, roots.primary, &rock_ridge);
	if (err < 0)
		return err;
	w->rock_ridge = rock_ridge && !opts->no_rock_ridge;
	/* What libisofs will choose. */
	root = roots.primary;
	if (!w->rock_ridge && roots.has_joliet && !opts->no_joliet)
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
	};
	int err;

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
	}
	susp_reader_release(&w.susp);
	lba_set_release(&w.seen);
	names_release(&names);
	free(w.queue);
	return err;
}
