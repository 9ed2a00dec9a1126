/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REMOUNT_H
#define CLI_REMOUNT_H

/*
 * mount -o remount: read-only or writable, nosuid, nodev, noexec and noatime,
 * by the kernel.  The mount's process goes on as it is; what else was given is
 * said to stay as it was.
 */

#include <stdbool.h>

#include "cli/command.h"
#include "cli/options.h"

/*
 * remount - the mount on @dir as @o has it.  @fake: find out only whether that
 * can be done.  Returns the exit code; an error is said.
 */
int remount(const struct command *self, const char *dir,
	    const struct options *o, bool fake);

#endif
