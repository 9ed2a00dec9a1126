/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs revert: what was changed at and below some paths is again as on the
 * disc.
 */
#include <stdio.h>

#include "cli/exit_code.h"
#include "cli/show.h"
#include "cli/show_args.h"
#include "cli/show_report.h"
#include "cli/target.h"

static void print(struct json_object *report)
{
	struct json_object *list;

	if (!json_object_object_get_ex(report, "deltas", &list) ||
	    !json_object_array_length(list))
		puts("nothing to revert");
	else
		show_deltas(list);
}

static int revert_main(const struct command *self, int argc, char **argv)
{
	struct json_object *report = NULL;
	struct why why = {""};
	struct show_args args;
	struct target t;
	int err;

	if (!show_args_parse(self, argc, argv, argc, &args, &err))
		return err;
	if (!args.n_paths)
		return command_misuse(self, "no path is named");
	err = target_open_mount(&t, args.target, true, &why);
	if (!err)
		err = target_revert(&t, args.paths, args.n_paths, &report,
				    &why);
	show_result(&why, err, args.target, report, args.json, print);
	json_object_put(report);
	target_close(&t);
	return exit_code_of(err);
}

const struct command command_revert = {
	.name = "revert",
	.summary = "drop changes that are not burned yet",
	.usage =
		"Usage: discfs revert [--json] DIR PATH...\n"
		"\n"
		"Drop what was changed in DIR at and below each PATH since the "
		"last session, and\n"
		"list it as \"discfs diff\" does: new files are deleted, "
		"removed ones come back,\n"
		"moved ones go back, changed ones are as on the disc.  It is "
		"done for all PATHs\n"
		"or for none.  PATH is relative to the disc's root, or begins "
		"with DIR; \".\" is\n"
		"everything.\n"
		"\n"
		"  --json  as JSON\n"
		"  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = revert_main,
};
