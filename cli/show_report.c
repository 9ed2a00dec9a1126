/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/show_report.h"

#include "cli/exit_code.h"
#include "cli/show_args.h"

int show_report(const struct command *self, int argc, char **argv,
		int (*get)(struct target *t, struct json_object **ret,
			   struct why *why),
		void (*print)(struct json_object *report))
{
	struct json_object *report = NULL;
	struct why why = {""};
	struct show_args args;
	struct target t;
	int err;

	if (!show_args_parse(self, argc, argv, 0, &args, &err))
		return err;
	err = target_open(&t, args.target, &why);
	if (!err)
		err = get(&t, &report, &why);
	if (err)
		command_fail(&why, err, "%s", args.target);
	else if (args.json)
		command_print_json(report);
	else
		print(report);
	json_object_put(report);
	target_close(&t);
	return exit_code_of(err);
}
