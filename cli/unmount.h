/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_UNMOUNT_H
#define CLI_UNMOUNT_H

#include <stdbool.h>

#include "cli/mountinfo.h"
#include "common/why.h"

/* unmount_is_mounted - whether the very mount @m still stands on its folder, as
 * far as can be told. */
bool unmount_is_mounted(const struct mountinfo *m);

/*
 * unmount_now - take @m out of the mount table, as "umount -i" does: by
 * umount2(2) for root, who also cleans libmount's table, by fusermount3 for
 * others.
 * @lazy: at once out of sight, gone when it is no longer in use.
 * Somebody who only came by (a desktop's indexer) is waited for a moment.
 * Returns 0 (also when it is gone already) or -errno with @why; -EBUSY.
 */
int unmount_now(const struct mountinfo *m, bool lazy, struct why *why);

#endif
