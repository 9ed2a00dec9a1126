/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/show_args.h"

#include "cli/args.h"

bool show_args_parse(const struct command *self, int argc, char **argv,
		     int max_paths, struct show_args *ret, int *ret_code)
{
	static const char *const needed[] = {"no disc is named", NULL};
	const struct args_option options[] = {
		{.name = "json", .flag = &ret->json},
		{0},
	};
	int n;

	*ret = (struct show_args){0};
	n = args_parse(self, argc, argv, options, needed, max_paths, ret_code);
	if (n < 0)
		return false;
	ret->target = argv[0];
	ret->paths = argv + 1;
	ret->n_paths = n - 1;
	return true;
}
