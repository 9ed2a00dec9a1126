/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_UMOUNT_WAIT_H
#define CLI_UMOUNT_WAIT_H

/*
 * What an unmount waits for.  Each wait says what for once it has taken two
 * seconds.
 */

#include "cli/target.h"

/*
 * umount_wait_idle - until no burn runs that somebody else began.
 * Returns 0, or -errno with @why where the mount does not tell.
 */
int umount_wait_idle(struct target *t, struct why *why);

/*
 * umount_wait_end - until the process of the mount, which is no longer on its
 * folder, has ended and let the disc go.  Where something keeps it alive, a
 * mount in another namespace or an open file, that is named and not waited for.
 */
void umount_wait_end(struct target *t);

#endif
