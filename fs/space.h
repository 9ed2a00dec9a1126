/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_SPACE_H
#define FS_SPACE_H

/*
 * How many blocks a session will need: an upper bound that can be kept as a
 * running sum, one call a change (docs/architecture.md, Space).  Measured
 * against libisofs 1.5.4 by tests/unit/test_space.c; the exact size is computed
 * at the commit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * space_entry_bytes - what one name in a folder costs in the tree: directory
 * records (ECMA-119 9.1) with Rock Ridge fields (RRIP 4.1), continuation
 * areas (SUSP 5.1), its Joliet twin, its MD5 sum.
 * @xattr_bytes: of the inode's attributes block; @target_len: of a symlink;
 * @size: of a regular file (one record for each 4 GiB).
 */
uint64_t space_entry_bytes(size_t name_len, bool folder, size_t xattr_bytes,
			   size_t target_len, uint64_t size, bool joliet);

/* space_data_blocks - blocks that @size bytes of content take. */
uint64_t space_data_blocks(uint64_t size);

/* space_session_blocks - a whole session: fixed parts, tree, data, alignment. */
uint64_t space_session_blocks(uint64_t tree_bytes, uint64_t data_blocks);

#endif
