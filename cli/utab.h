/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_UTAB_H
#define CLI_UTAB_H

/*
 * libmount's table of what umount(8) must know of a mount beside what the
 * kernel does: ours says that umount.discfs does the unmounting.  Only root
 * can write it; for users umount(8) finds umount.fuse.discfs by its name.
 */

#include "common/why.h"

/* utab_add - name the helper for the mount of @source on @dir.
 * Returns 0 or -errno with @why; 0 and nothing done without root. */
int utab_add(const char *source, const char *dir, struct why *why);

/* utab_remove - drop the entry of @dir, where there is one. */
void utab_remove(const char *dir);

#endif
