/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_OLD_SUMS_H
#define BURNER_OLD_SUMS_H

/*
 * Inside burner/ only: compares what libisofs copies of old content, block by
 * block as it reads it, with the MD5 sums that the disc has of the files.  In
 * the copy they would be made anew, and damage would look sound.
 *
 *	old_sums_note	each node that the import visits
 *	old_sums_load	once it is loaded: which files have a sum
 *	old_sums_block	each block that is then read, by one thread
 *	old_sums_failed	by any thread
 *
 * A file that is not read in order from its first block on is not compared.
 */

#include <stdatomic.h>

#include "burner/library.h"
#include "burner/node_paths.h"
#include "burner/session.h"

enum { OLD_SUM_BYTES = 16 };

struct old_sums {
	struct node_paths paths;
	struct old_file *files;
	uint32_t n;

	/* The file that is being read. */
	const struct old_file *now;
	void *md5;
	unsigned run;
	uint64_t next_lba, left; /* of its run; left in bytes */

	atomic_uint failed; /* import id of the first one; 0: none */
};

/* 0 or -ENOMEM. */
int old_sums_note(struct old_sums *s, const struct import_node *node);
void old_sums_load(struct old_sums *s, const struct base_image *base);
void old_sums_block(struct old_sums *s, uint32_t lba, const uint8_t *data);

/* old_sums_failed - whether a file was not as recorded; its path on the disc
 * into *@ret_path, which is in @buf. */
bool old_sums_failed(struct old_sums *s, const char **ret_path,
		     char buf[NODE_PATH_BYTES]);
void old_sums_release(struct old_sums *s);

#endif
