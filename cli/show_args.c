/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/show_args.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

int show_args_parse(const struct command *self, int argc, char **argv,
		    const char *letters, int max_paths, struct show_args *ret)
{
	bool can_dry_run = strchr(letters, 'n') != NULL;
	const struct option long_options[] = {
		{"help", no_argument, NULL, 'h'},
		{"json", no_argument, NULL, 'j'},
		{can_dry_run ? "dry-run" : NULL, no_argument, NULL, 'n'},
		{0},
	};
	char accepted[16];
	int opt;

	*ret = (struct show_args){0};
	snprintf(accepted, sizeof accepted, ":%s", letters);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, accepted, long_options, NULL)) !=
	       -1) {
		if (opt == 'h')
			ret->help = true;
		else if (opt == 'j')
			ret->json = true;
		else if (opt == 'n')
			ret->dry_run = true;
		else
			return command_bad_option(self, opt, argv);
	}
	if (ret->help)
		return 0;
	if (optind == argc)
		return command_misuse(self, "no disc is named");
	ret->target = argv[optind];
	ret->paths = argv + optind + 1;
	ret->n_paths = argc - optind - 1;
	if (ret->n_paths > max_paths)
		return command_misuse(self, "%s: too many arguments",
				      ret->paths[max_paths]);
	return 0;
}
