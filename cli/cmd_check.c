/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs check: read all files and compare with their recorded checksums.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/exit_code.h"
#include "cli/long_run.h"
#include "cli/quote.h"
#include "cli/show.h"
#include "cli/show_args.h"
#include "cli/show_report.h"
#include "cli/target.h"
#include "common/cleanup.h"
#include "common/size.h"

static int check_mount(struct target *t, struct json_object **ret,
		       struct why *why)
{
	struct json_object *request = json_object_new_object();
	int err;

	if (!request)
		return why_set(why, -ENOMEM, "out of memory");
	json_object_object_add(request, "op", json_object_new_string("check"));
	err = long_run_report(t->client, request, ret, why);
	json_object_put(request);
	return err;
}

static int check_volume(struct target *t, struct json_object **ret,
			struct why *why)
{
	struct long_run run;
	int err;

	long_run_begin(&run, false);
	err = volume_check(t->volume, &run.sink, ret, why);
	long_run_end(&run);
	return err == -ECANCELED ? why_set(why, -EINTR, "interrupted") : err;
}

/* The list of @key; how many there are. */
static size_t list_of(struct json_object *report, const char *key,
		      struct json_object **ret)
{
	if (!json_object_object_get_ex(report, key, ret) ||
	    !json_object_is_type(*ret, json_type_array))
		return 0;
	return json_object_array_length(*ret);
}

static size_t bad_files(struct json_object *report)
{
	struct json_object *list;

	return list_of(report, "damaged", &list) +
	       list_of(report, "unreadable", &list);
}

static const char *damage_of(struct json_object *report)
{
	const char *text = answer_text(report, "damage");

	return *text ? text : NULL;
}

static void print_list(struct json_object *report, const char *key)
{
	struct json_object *list;
	size_t n = list_of(report, key, &list);

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		AUTO_FREE char *path = quote_name(answer_text(o, "path"));

		printf("%s %s\n", key, path ? path : "?");
	}
}

static void print(struct json_object *report)
{
	uint64_t files = answer_number(report, "files");
	uint64_t without = answer_number(report, "no_checksum");
	size_t bad = bad_files(report);
	char text[SIZE_TEXT];

	print_list(report, "damaged");
	print_list(report, "unreadable");
	printf("%" PRIu64 " file%s (%s) read", files, files == 1 ? "" : "s",
	       size_format(answer_number(report, "bytes"), text));
	if (bad)
		printf(", %zu not good", bad);
	else if (without < files)
		fputs(", as recorded", stdout);
	if (without)
		printf(", %" PRIu64 " without a checksum", without);
	putchar('\n');
}

static int check_main(const struct command *self, int argc, char **argv)
{
	struct json_object *report = NULL;
	int err, code = CHECK_EXIT_TROUBLE;
	struct why why = {""};
	struct show_args args;
	struct target t;

	if (!show_args_parse(self, argc, argv, 0, &args, &err))
		return err;
	err = target_open_base(&t, args.target, &why);
	if (!err)
		err = t.client ? check_mount(&t, &report, &why)
			       : check_volume(&t, &report, &why);
	show_result(&why, err, args.target, report, args.json, print);
	if (!err && t.client && damage_of(report))
		command_say("%s: damaged: %s", args.target, damage_of(report));
	show_beside(args.target, report);
	/* Of a session that cannot be read nothing was checked. */
	if (!err)
		code = bad_files(report)   ? CHECK_EXIT_DAMAGED
		       : damage_of(report) ? CHECK_EXIT_TROUBLE
					   : CHECK_EXIT_GOOD;
	json_object_put(report);
	target_close(&t);
	return command_flush() ? code : CHECK_EXIT_TROUBLE;
}

const struct command command_check = {
	.name = "check",
	.summary = "read all files and compare with their checksums",
	.usage = "Usage: discfs check [--json] DIR|SOURCE\n"
		 "\n"
		 "Read the last session's tree and the content of all its "
		 "files, "
		 "those from older\n"
		 "sessions too, and compare with the MD5 sums that were "
		 "recorded "
		 "when they were\n"
		 "burned.  Each file that differs or cannot be read is named.  "
		 "Of a mount what is on\n"
		 "the disc is read, not what waits to be burned.  Exit code 0: "
		 "all good, 1: some\n"
		 "are not, 2: trouble.\n"
		 "\n"
		 "  --json  as JSON\n"
		 "  --help  show this\n",
	.usage_code = CHECK_EXIT_TROUBLE,
	.run = check_main,
};
