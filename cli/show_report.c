/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/show_report.h"

#include "cli/exit_code.h"
#include "cli/show_args.h"

void show_result(const struct why *why, int err, const char *what,
		 struct json_object *report, bool json,
		 void (*print)(struct json_object *report))
{
	if (err)
		command_fail(why, err, "%s", what);
	else if (json)
		command_print_json(report);
	else
		print(report);
}

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
	show_result(&why, err, args.target, report, args.json, print);
	json_object_put(report);
	target_close(&t);
	return exit_code_of(err);
}
