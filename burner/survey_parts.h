/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_SURVEY_PARTS_H
#define BURNER_SURVEY_PARTS_H

/*
 * The parts of a survey (survey.h), for themselves only.
 *
 *	survey.c	 the walk over the tree
 *	survey_folders.c folders that are still to be walked, and their paths
 *	survey_head.c	 descriptors, boot catalog, checksum tags
 */

#include "burner/block_window.h"
#include "burner/folder_view.h"
#include "burner/lba_set.h"
#include "burner/names.h"
#include "burner/same_names.h"
#include "burner/survey.h"
#include "burner/susp.h"

struct folder {
	uint32_t lba;
	uint32_t depth;
	uint32_t id;		/* where names are told */
	uint32_t index, parent; /* its own, and its folder's, in the queue */
	size_t name;		/* in walk.text */
	uint32_t path_bytes;
	/* What it costs libisofs to put together the path of this folder: of
	 * each of those it is in, and its own. */
	uint64_t path_cost;
};

struct walk {
	struct disc *disc;
	struct why *why;
	bool rock_ridge; /* is to be obeyed */
	bool ucs2;	 /* Joliet's tree */
	struct susp_reader susp;
	struct lba_set seen;
	struct folder *queue;
	size_t n, room;
	char *text; /* the folders' names */
	size_t text_len, text_room;
	uint64_t blocks,
		max_blocks; /* of folders: no more than the medium has */
	uint64_t nodes;
	struct sum128 folder_sum; /* of the folder that is walked */
	uint64_t sum[2];	  /* of all of them so far */
	uint32_t content_in_head, catalog_lba;
	bool has_md5;
	struct names *names;	       /* NULL: only a look */
	struct same_names same;	       /* of the folder that is walked */
	struct folder_records records; /* of it, where libisofs reads it */
	struct folder_views views;
	/* What libisofs may still do, see survey.c. */
	uint64_t name_steps, path_bytes;
	struct block_window window;
};

/* What a session's descriptors name. */
struct roots {
	uint32_t primary, joliet, enhanced, catalog;
	bool has_joliet, has_enhanced, has_catalog;
};

/* survey_extent_of - where the extent of a directory record begins. */
uint32_t survey_extent_of(const unsigned char *record);

/* survey_read_block - 0 or -errno with w->why. */
int survey_read_block(struct walk *w, uint64_t lba, unsigned char *buf);

/* survey_bad - -EIO, with w->why: @what is wrong at block @lba. */
int survey_bad(struct walk *w, uint64_t lba, const char *what);

/* survey_bad_entry - the same of the entry @name of folder @in: its path is
 * told, as far as there is room. */
int survey_bad_entry(struct walk *w, const struct folder *in, const char *name,
		     size_t len, const char *what);

/*
 * survey_enqueue - a folder at @lba is to be walked; @in: the one that it is
 * in, NULL for the root; its entry stands at block @from_lba.
 * Returns 0, -EIO (it was met before, or is too deep), -ENOMEM.
 */
int survey_enqueue(struct walk *w, uint32_t lba, const struct folder *in,
		   uint32_t id, const char *name, size_t len,
		   uint64_t from_lba);

/* survey_charge_path - an entry of @in with a name of @len bytes: libisofs
 * puts its path together.  0 or -EIO. */
int survey_charge_path(struct walk *w, const struct folder *in, size_t len);

/* survey_charge_names - the folder is read: its names are told apart.  0,
 * -EIO, -ENOMEM. */
int survey_charge_names(struct walk *w, const struct folder *in);

/* survey_charge_unsorted - libisofs is to sort the entries of the folder that
 * was just read.  0 or -EIO. */
int survey_charge_unsorted(struct walk *w, const struct folder *in);

int survey_descriptors(struct walk *w, uint32_t start, struct roots *roots);
int survey_catalog(struct walk *w, uint32_t lba);
int survey_tags(struct walk *w, uint32_t start, bool may_relocate);

#endif
