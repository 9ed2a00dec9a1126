/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_ERASE_H
#define BURNER_ERASE_H

/*
 * Inside burner/ only: what was written reads zero again.  Nothing here asks
 * whose bytes they are.
 */

#include <stdint.h>

#include "burner/disc.h"

struct burn_drive;

/*
 * erase_file - the bytes of @fd from @pos to before @end; how long the file is
 * stays, what it takes is given back where its file system can.  Durable.
 * 0 or -errno.
 */
int erase_file(int fd, uint64_t pos, uint64_t end);

/*
 * erase_list - the parts of @disc, an overwritable medium in a drive, that lie
 * in the @blocks from @lba on, are looked at (blank_places), and do not read
 * zero.
 * erase_parts - writes zeros to those of the list, of whole
 * BLANK_PLACE_BLOCKS, by @drive.  0 or -EIO, libburn's messages not drained.
 */
enum { ERASE_PARTS_MAX = 256 };
size_t erase_list(struct disc *disc, uint64_t lba, uint64_t blocks,
		  uint64_t ret_lbas[ERASE_PARTS_MAX]);
int erase_parts(struct burn_drive *drive, uint64_t medium_blocks,
		const uint64_t *lbas, size_t n);

#endif
