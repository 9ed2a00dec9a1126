/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs log: the sessions on the disc.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/exit_code.h"
#include "cli/quote.h"
#include "cli/show.h"
#include "cli/show_report.h"
#include "common/cleanup.h"

static void show(struct json_object *log)
{
	struct json_object *list;

	if (!json_object_object_get_ex(log, "sessions", &list) ||
	    !json_object_is_type(list, json_type_array))
		return;
	printf("%7s %10s %10s  %-20s %9s %9s  %s\n", "SESSION", "LBA", "BLOCKS",
	       "DATE", "ADDED", "REMOVED", "VOLUME ID");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *s = json_object_array_get_idx(list, i);
		AUTO_FREE char *id = quote_name(answer_text(s, "volume_id"));

		if (show_is_true(s, "unreadable")) {
			printf("%7" PRIu64 " %10" PRIu64 " %10" PRIu64
			       "  cannot be read\n",
			       answer_number(s, "number"),
			       answer_number(s, "lba"),
			       answer_number(s, "blocks"));
			continue;
		}
		printf("%7" PRIu64 " %10" PRIu64 " %10" PRIu64
		       "  %-20s %9" PRIu64 " %9" PRIu64 "  %s\n",
		       answer_number(s, "number"), answer_number(s, "lba"),
		       answer_number(s, "blocks"), answer_text(s, "date"),
		       answer_number(s, "added"), answer_number(s, "removed"),
		       id ? id : "");
		if (show_is_true(s, "damaged"))
			printf("%7s %10s %10s  of its content a part is "
			       "missing\n",
			       "", "", "");
	}
}

static int log_run(const struct command *self, int argc, char **argv)
{
	return show_report(self, argc, argv, target_log, show);
}

const struct command command_log = {
	.name = "log",
	.summary = "list the sessions",
	.usage = "Usage: discfs log [--json] DIR|SOURCE\n"
		 "\n"
		 "List the sessions of the disc that is mounted on DIR, or of "
		 "SOURCE: where each\n"
		 "is, when it was made, and how many files it added and "
		 "removed.\n"
		 "\n"
		 "  --json  as JSON\n"
		 "  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = log_run,
};
