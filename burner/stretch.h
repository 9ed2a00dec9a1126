/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_STRETCH_H
#define BURNER_STRETCH_H

/*
 * Inside burner/ only: mends a session's tree as libisofs 1.5.4 writes it.
 *
 * libisofs lays the folders out one behind the other, each followed by its
 * Rock Ridge continuation area (SUSP 1.12, 5.1).  Where an entry's
 * continuation would cross a block boundary, its forecast counts the padding
 * twice, so that a folder with many long names gets more blocks assigned than
 * are then written, and all that follows stands at lower addresses than every
 * reference says.  Since the addresses are right and the written blocks are
 * too, it suffices to put blocks of zeros behind each folder that came out
 * short, so that the next one begins where it is expected; and to correct
 * libisofs' checksum tags, which cover those blocks.
 *
 * And on media where the session's own descriptors are what everybody mounts,
 * it makes them tell the volume's end.  libisofs counts from the start of the
 * session; Linux takes that for the end of all addresses, and leaves out each
 * Rock Ridge continuation area behind it, so that long names vanish.
 *
 * A stretch reads the blocks from libisofs' burn source and delivers the
 * mended ones, and is a burn source itself.
 */

#include <stdbool.h>
#include <stdint.h>

#include <libburn/libburn.h>

#include "common/why.h"

struct stretch;

/*
 * Where the array of file checksums stands: libisofs' own words for it, from
 * the attribute "isofs.ca" of the root (doc of libisofs:
 * susp_aaip_isofs_names).
 */
struct stretch_sums {
	uint32_t lba;	/* of the array's first block */
	uint32_t count; /* of 16-byte entries, the session's own and the last,
			 * the array's own, included */
};

/*
 * stretch_new - takes over @inner, which must not have been read from and whose
 * first block is to stand at @nwa.  With @sums (copied) the checksums are
 * mended; NULL for a dry run that does not look at them.
 * @volume_end: what the session's volume descriptors are to say of the volume's
 * size (ECMA-119 8.4.8); 0: as libisofs says, the size of the session alone.
 * Returns 0 or -ENOMEM; @inner is not taken over then.
 */
int stretch_new(struct burn_source *inner, uint32_t nwa, uint32_t volume_end,
		const struct stretch_sums *sums, struct stretch **ret);
void stretch_free(struct stretch *s);

/*
 * stretch_next - the next block (2048 bytes) of the session.
 * Returns 1, 0 at the end, -EIO where libisofs failed, or -ERANGE where a
 * folder came out longer than its place.
 */
int stretch_next(struct stretch *s, unsigned char *block);

/* stretch_tree_done - whether the folders and the path tables' start passed. */
bool stretch_tree_done(const struct stretch *s);
/* stretch_inserted - blocks of zeros put in so far. */
uint64_t stretch_inserted(const struct stretch *s);

/*
 * stretch_source - a burn source that reads @s and takes it over; release with
 * burn_source_free.  NULL without memory (@s is not taken over then).
 */
struct burn_source *stretch_source(struct stretch *s);

#endif
