/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SHOW_ARGS_H
#define CLI_SHOW_ARGS_H

/*
 * The arguments of the commands that show something: [--json] DIR|SOURCE.
 */

#include <stdbool.h>

#include "cli/command.h"

struct show_args {
	bool json;
	const char *target;
	char **paths; /* what stands behind the target; n_paths of them */
	int n_paths;
};

/*
 * show_args_parse - @max_paths: how many arguments may follow the target.
 * Returns false where the command is over, as args_parse.
 */
bool show_args_parse(const struct command *self, int argc, char **argv,
		     int max_paths, struct show_args *ret, int *ret_code);

#endif
