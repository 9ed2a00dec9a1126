/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_NAMES_H
#define BURNER_NAMES_H

/*
 * Inside burner/ only: the nodes of one folder as its directory records tell
 * them, put into the order in which libisofs keeps them, so that they get the
 * numbers that an import gives them (import_node.id).
 */

#include "burner/import.h"
#include "burner/susp.h"

struct names_entry {
	size_t name; /* offset in text */
	mode_t mode;
	uint64_t size;
	size_t first_run; /* index into runs */
	unsigned n_runs;
	uint32_t folder_lba;
};

/* Zero-initialized is empty; used again for each folder. */
struct names {
	import_visit visit;
	void *arg;
	struct names_entry *v;
	size_t n, room;
	char *text;
	size_t text_len, text_room;
	struct disc_run *runs;
	size_t n_runs, runs_room;
	size_t open_run; /* the first run of the file that is being read */
	uint32_t next_id;
};

/* names_clear - begin another folder. */
void names_clear(struct names *l);

/* names_run - one extent of a file, before its names_add.  0 or -ENOMEM. */
int names_run(struct names *l, uint64_t lba, uint64_t len_bytes);

/*
 * names_add - a node; the extents that were told since the last one are its
 * own.  @folder_lba: of a folder.
 * Returns 0, -EIO (no name that a file can have) or -ENOMEM.
 */
int names_add(struct names *l, const struct susp_facts *facts, mode_t mode,
	      uint32_t folder_lba);

/* names_sort - put the folder's nodes into their order. */
void names_sort(struct names *l);

/*
 * names_visit - hand the @i-th node of the sorted folder, which is in folder
 * @parent, to the visitor, with the next number.  0 or what the visitor said.
 */
int names_visit(struct names *l, size_t i, uint32_t parent);

void names_release(struct names *l);

#endif
