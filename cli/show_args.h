/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SHOW_ARGS_H
#define CLI_SHOW_ARGS_H

/*
 * The arguments of the commands that show something: [--json] DIR|SOURCE.
 */

#include <stdbool.h>

#include "cli/command.h"

struct show_args {
	bool json, dry_run, help;
	const char *target;
	char **paths; /* what stands behind the target; n_paths of them */
	int n_paths;
};

/*
 * show_args_parse - @letters: the short options that @self has ("h", "hn").
 * @max_paths: how many arguments may follow the target.
 * Returns 0, or the exit code after it said what is wrong.
 */
int show_args_parse(const struct command *self, int argc, char **argv,
		    const char *letters, int max_paths, struct show_args *ret);

#endif
