/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DRIVE_MMC_FILE_H
#define TESTS_DRIVE_MMC_FILE_H

/*
 * A drive with its disc in a file, mapped by all processes that use it: the
 * state, the cache, the map and the blocks.  The file is sparse.  A copy of it
 * is another drive with another disc, equal up to then.
 */

#include "tests/drive/mmc.h"

struct mmc_file {
	struct mmc mmc;
	void *map;
	size_t len;
};

/*
 * mmc_file_create - a new file, or a new disc in place of the old one.  The
 * drive's serial is made of the file's name.
 * Returns 0 or -errno.
 */
int mmc_file_create(const char *path, enum mmc_media media, uint32_t capacity);

/*
 * mmc_file_open - map @path.  -EINVAL: it is no such file.  The descriptor is
 * not kept.
 */
int mmc_file_open(const char *path, struct mmc_file *ret);
void mmc_file_close(struct mmc_file *file);

/* Around all use of file->mmc, by any thread of any process. */
void mmc_file_lock(struct mmc_file *file);
void mmc_file_unlock(struct mmc_file *file);

#endif
