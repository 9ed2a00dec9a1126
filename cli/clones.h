/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CLONES_H
#define CLI_CLONES_H

/*
 * The other mounts that show the same disc: bind mounts of all of it, of a
 * folder or of one file, and copies in other mount namespaces.  The disc stays
 * mounted as long as there is one of them, so an unmount that is not the last
 * one is no reason to burn.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/mountinfo.h"

/*
 * clones_left - what of @list (mountinfo_load) still shows the file system of
 * @m once @m is unmounted; NULL: nothing.  Those on which the kernel undoes
 * what it made there, since they are mounted on a peer or a slave of @m's
 * parent, go with it (mount_namespaces(7)), and so do those on @m itself.
 */
const struct mountinfo *clones_left(const struct mountinfo *list, size_t n,
				    const struct mountinfo *m);

/*
 * clones_look - whether the disc of @m stays mounted without @m: in this
 * namespace, or in that of the process @daemon (0: not known) which has it,
 * where that is another one.  A copy in a third one does not count: it may be a
 * sandbox that nobody thinks of.
 * Returns 1 with where it is in words in *@ret (heap), 0, or -errno with @why.
 */
int clones_look(const struct mountinfo *m, pid_t daemon, char **ret,
		struct why *why);

#endif
