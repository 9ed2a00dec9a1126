/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_UTAB_H
#define CLI_UTAB_H

/*
 * libmount's table of what umount(8) must know of a mount beside what the
 * kernel does: ours says that umount.discfs does the unmounting.  Only root
 * can write it; for users umount(8) finds umount.fuse.discfs by its name.
 */

#include <sys/types.h>

#include "common/why.h"

/* utab_add - name the helper for the mount of @source on @dir.
 * Returns 0 or -errno with @why; 0 and nothing done without root. */
int utab_add(const char *source, const char *dir, struct why *why);

/* utab_remove - drop the entry of @dir, where there is one. */
void utab_remove(const char *dir);

/*
 * utab_cover - one mount of the file system @dev was unmounted, and others are
 * left: umount(8) is to know of our helper for these, too.
 * @dropped: umount(8) runs us, and will drop one entry of this folder when we
 * have ended; if another mount is left there, it gets one entry more.  NULL:
 * all that have none get one.
 */
void utab_cover(dev_t dev, const char *dropped);

#endif
