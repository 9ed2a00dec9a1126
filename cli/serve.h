/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

/*
 * The life of a mount, from opening the disc to closing it: what the process
 * that launch.h starts does.
 */

#include <stdbool.h>

#include "cli/launch.h"
#include "cli/options.h"

struct serve_plan {
	struct options *options; /* finished; volume.source, mount.dir and
				  * mount.source are absolute */
	bool no_utab;
	bool verbose;
};

/*
 * serve - mount, serve until unmounted or told by a signal to end, burn what
 * is pending if that is what the unmount means, close.  @arg: a struct
 * serve_plan.
 * Returns the exit code; each error was said.
 */
int serve(struct launch *l, void *arg);

/* serve_try - what mounting would do short of mounting (mount -f): nothing is
 * changed.  Returns the exit code. */
int serve_try(struct serve_plan *plan);

#endif
