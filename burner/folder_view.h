/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_FOLDER_VIEW_H
#define BURNER_FOLDER_VIEW_H

/*
 * Inside burner/ only: a folder's blocks with its records in another order.
 *
 * libisofs puts each entry into the folder's sorted list by walking along the
 * list.  Where the records stand in the order of the names that is one step
 * each; where they do not, half the list: 100,000 entries in any order take
 * minutes.  ECMA-119 9.3 sorts the records by their identifiers, but Rock
 * Ridge's names may be anything.  So it is given the records of a large folder
 * by their names: the same ones, in the same blocks.
 */

#include <stdbool.h>

#include "burner/same_names.h"

struct folder_record {
	uint32_t start; /* byte in the folder */
	uint32_t name;	/* index into same_names; FOLDER_NO_NAME */
	uint8_t len;
	bool chained; /* one of the extents of a file: they stay together */
};
#define FOLDER_NO_NAME UINT32_MAX

/* The records of the folder that is being read; "." and ".." stay in front. */
struct folder_records {
	struct folder_record *v;
	size_t n, room;
};

struct folder_view {
	uint32_t lba, blocks;
	unsigned char *data;
};

/* Zeroed memory is empty. */
struct folder_views {
	struct folder_view *v;
	uint32_t n;
};

/* folder_records_add - 0 or -ENOMEM. */
int folder_records_add(struct folder_records *r, uint32_t start, uint8_t len);

/*
 * folder_records_name - the last record is named so, and those before that
 * have no name yet and are extents of the same file.
 */
void folder_records_name(struct folder_records *r, uint32_t name,
			 size_t n_extents);

/* folder_is_unsorted - whether a view of it is worth while. */
bool folder_is_unsorted(const struct folder_records *r,
			const struct same_names *names);

/*
 * folder_view_make - put @r's records in order in @data, the folder's @blocks
 * blocks that begin with @head bytes of "." and "..".
 * Returns 0 with *@ret, blocks of which @ret is the owner, or NULL (they find
 * no room in this order); -ENOMEM.
 */
int folder_view_make(struct folder_records *r, const struct same_names *names,
		     const unsigned char *data, uint32_t blocks, size_t head,
		     unsigned char **ret);

/* folder_views_add - takes over @data, in any case.  0 or -ENOMEM. */
int folder_views_add(struct folder_views *v, uint32_t lba, uint32_t blocks,
		     unsigned char *data);

/* folder_views_end - all are added: now they can be asked. */
void folder_views_end(struct folder_views *v);

/* folder_views_block - what stands at @lba in a view, or NULL. */
const unsigned char *folder_views_block(const struct folder_views *v,
					uint32_t lba);
void folder_views_release(struct folder_views *v);

#endif
