/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_SUSP_H
#define BURNER_SUSP_H

/*
 * Inside burner/ only: the System Use entries of a directory record (SUSP,
 * IEEE P1281) with Rock Ridge's (IEEE P1282) among them, as far as they decide
 * about the shape of the tree, and a check of all that libisofs takes on
 * trust: lengths, components, continuation areas that lead in a circle.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "burner/disc.h"
#include "common/sum128.h"

#define SUSP_NAME_MAX 255 /* bytes of a name that a file can have */

struct susp_reader {
	struct disc *disc;
	uint8_t skip;	      /* SP's LEN_SKP: bytes in front of the entries */
	uint64_t area_budget; /* bytes of continuation areas left to read: the
			       * areas of one tree cannot exceed the medium */
	uint64_t area_bytes;  /* read so far */
	struct sum128 *sum;   /* takes what was read of them */
	unsigned char *area;  /* the reader's own buffer */
};

struct susp_facts {
	bool is_susp;	 /* begins with a sound SP entry */
	uint8_t skip;	 /* of it */
	bool rock_ridge; /* an ER entry names Rock Ridge */
	bool has_mode;	 /* PX */
	mode_t mode;
	bool relocated;	    /* RE: stands here for its CL entry elsewhere */
	uint32_t child_lba; /* CL: the folder that belongs here; else 0 */
	/* SL: bytes of the target.  All pieces of one take less than 4 GiB. */
	uint32_t target_len;
	bool target_joins;  /* amid a component */
	uint32_t name_rest; /* a sum of what is cut off the name */
	/* NM, not terminated; a length beyond the maximum: too long, cut off.
	 */
	size_t name_len;
	char name[SUSP_NAME_MAX];
};

/*
 * susp_check - all entries of @record (whole and sound as far as ECMA-119 9.1
 * goes), continuation areas included.
 * Returns 0 with @ret filled, -EIO (unreadable or malformed) with @why,
 * -ENOMEM.
 */
int susp_check(struct susp_reader *r, const unsigned char *record,
	       struct susp_facts *ret, struct why *why);

/* susp_begins - whether the System Use field of @record begins with SP. */
bool susp_begins(const unsigned char *record);

void susp_reader_release(struct susp_reader *r);

#endif
