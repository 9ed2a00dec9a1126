/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SHOW_REPORT_H
#define CLI_SHOW_REPORT_H

/*
 * Commands that show one report: [--json] DIR|SOURCE.
 */

#include <json-c/json.h>

#include "cli/command.h"
#include "cli/target.h"

/* show_result - print @report, by @print unless it is wanted as JSON; or, where
 * @err is not 0, what went wrong with @what. */
void show_result(const struct why *why, int err, const char *what,
		 struct json_object *report, bool json,
		 void (*print)(struct json_object *report));

/* show_report - the whole of such a command: @get the report of the target, and
 * @print it unless it is wanted as JSON.  Returns the exit code. */
int show_report(const struct command *self, int argc, char **argv,
		int (*get)(struct target *t, struct json_object **ret,
			   struct why *why),
		void (*print)(struct json_object *report));

#endif
