/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_UMOUNT_PARTS_H
#define CLI_UMOUNT_PARTS_H

/* For cmd_umount.c and umount_clone.c. */

#include <stdbool.h>

#include "cli/target.h"

struct umount_args {
	const char *dir, *namespace; /* -N, or NULL */
	bool keep, lazy, verbose;
	bool helper; /* of umount(8) */
	bool quiet;  /* results are not printed: who runs it reads them */
};

/* umount_fail, umount_refuse_busy - a line that says why DIR stays mounted; the
 * exit code. */
int umount_fail(const struct umount_args *a, const struct why *why, int err);
int umount_refuse_busy(const struct umount_args *a, const struct target *t);

/*
 * umount_clone - unmount one of several mounts of a disc: nothing is burned,
 * nor kept from being burned later, for the others need the disc as it is.
 * Returns the exit code.
 */
int umount_clone(const struct umount_args *a, struct target *t);

#endif
