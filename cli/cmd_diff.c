/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs diff: what differs from the last session, one line a delta.
 */
#include <errno.h>

#include "cli/exit_code.h"
#include "cli/show.h"
#include "cli/show_args.h"
#include "cli/show_report.h"
#include "cli/target.h"

static struct json_object *list_of(struct json_object *diff)
{
	struct json_object *list;

	if (json_object_object_get_ex(diff, "deltas", &list) &&
	    json_object_is_type(list, json_type_array))
		return list;
	return NULL;
}

static void print(struct json_object *diff)
{
	show_deltas(list_of(diff));
}

static int diff_run(const struct command *self, int argc, char **argv)
{
	struct json_object *diff = NULL, *list;
	int err, code = DIFF_EXIT_TROUBLE;
	struct why why = {""};
	struct show_args args;
	struct target t;

	if (!show_args_parse(self, argc, argv, argc, &args, &err))
		return err;
	err = target_open(&t, args.target, &why);
	if (!err)
		err = target_diff(&t, args.paths, args.n_paths, &diff, &why);
	list = err ? NULL : list_of(diff);
	if (!err && !list)
		err = why_set(&why, -EPROTO, "no list of deltas in the answer");
	show_result(&why, err, args.target, diff, args.json, print);
	if (!err)
		code = json_object_array_length(list) ? DIFF_EXIT_DIFFERS
						      : DIFF_EXIT_SAME;
	json_object_put(diff);
	target_close(&t);
	return command_flush() ? code : DIFF_EXIT_TROUBLE;
}

const struct command command_diff = {
	.name = "diff",
	.summary = "list what differs from the last session",
	.usage = "Usage: discfs diff [--json] DIR|SOURCE [PATH...]\n"
		 "\n"
		 "List the changes that wait to be burned, one a line: A path "
		 "(added), D path\n"
		 "(removed), M path (content), T path (attributes only), R old "
		 "-> new (moved).\n"
		 "With PATHs only what is at and below them.  Exit code 0: no "
		 "changes, 1: some,\n"
		 "2: trouble.\n"
		 "\n"
		 "  --json  as JSON\n"
		 "  --help  show this\n",
	.usage_code = DIFF_EXIT_TROUBLE,
	.run = diff_run,
};
