/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs drives: the optical drives of this machine.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/mountinfo.h"
#include "cli/show.h"
#include "common/size.h"
#include "fs/report_media.h"

/* Words in a list, one row. */
static void show_words(const char *name, struct json_object *list)
{
	char text[1024];
	size_t len = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		int n = snprintf(text + len, sizeof text - len, "%s%s",
				 i ? ", " : "",
				 json_object_get_string(
					 json_object_array_get_idx(list, i)));

		if (n < 0 || (size_t)n >= sizeof text - len)
			break;
		len += (size_t)n;
	}
	show_row(name, "%s", len ? text : "none");
}

static void show_name(struct json_object *d)
{
	show_row("drive:", "%s, %s %s %s", answer_text(d, "path"),
		 answer_text(d, "vendor"), answer_text(d, "product"),
		 answer_text(d, "revision"));
	if (*answer_text(d, "serial"))
		show_row("", "serial %s", answer_text(d, "serial"));
}

static void show_drive(struct json_object *d)
{
	struct json_object *m = show_member(d, "medium");
	uint64_t buffer = answer_number(d, "buffer_bytes");
	char size[SIZE_TEXT];

	show_name(d);
	if (*answer_text(d, "mountpoint"))
		show_row("mounted on:", "%s", answer_text(d, "mountpoint"));
	else if (show_is_true(d, "in_use"))
		show_row("in use:", "%s", answer_text(d, "holder"));
	if (*answer_text(d, "trouble"))
		show_row("trouble:", "%s", answer_text(d, "trouble"));
	if (!m)
		return;
	if (*answer_text(m, "type"))
		show_row("medium:", "%s, %s", answer_text(m, "type"),
			 answer_text(m, "status"));
	else
		show_row("medium:", "%s", answer_text(m, "status"));
	show_speeds(json_object_object_get(m, "write_speeds"));
	show_words("reads:", json_object_object_get(d, "reads"));
	show_words("writes:", json_object_object_get(d, "writes"));
	if (buffer)
		show_row("buffer:", "%s", size_format(buffer, size));
}

static void add_mountpoint(struct json_object *d)
{
	struct mountinfo mount = {0};
	int found =
		mountinfo_lookup(answer_text(d, "path"), true, &mount, NULL);

	json_object_object_add(d, "mountpoint",
			       found == 1 ? json_object_new_string(mount.dir)
					  : NULL);
	mountinfo_release(&mount);
}

static int drives_run(const struct command *self, int argc, char **argv)
{
	static const char *const needed[] = {NULL};
	struct json_object *report = NULL, *list;
	bool json = false;
	const struct args_option options[] = {
		{.name = "json", .flag = &json},
		{0},
	};
	struct why why = {""};
	size_t n;
	int err;

	if (args_parse(self, argc, argv, options, needed, 0, &err) < 0)
		return err;
	err = report_drives(&report, &why);
	if (err) {
		command_fail(&why, err, "drives");
		return exit_code_of(err);
	}
	list = json_object_object_get(report, "drives");
	n = json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *d = json_object_array_get_idx(list, i);

		add_mountpoint(d);
		if (json)
			continue;
		if (i)
			putchar('\n');
		show_drive(d);
	}
	if (json)
		command_print_json(report);
	else if (n == 0)
		command_say("this machine has no optical drive");
	json_object_put(report);
	return EXIT_CODE_OK;
}

const struct command command_drives = {
	.name = "drives",
	.summary = "list the optical drives",
	.usage = "Usage: discfs drives [--json]\n"
		 "\n"
		 "List the optical drives of this machine: which media each "
		 "reads and writes, which\n"
		 "medium is in it, who has it.  A drive that is in use is "
		 "left alone.\n"
		 "\n"
		 "  --json  as JSON, with sizes in bytes\n"
		 "  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = drives_run,
};
