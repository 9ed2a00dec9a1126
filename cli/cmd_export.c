/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs export: what a mount shows, or a session, as an image of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/long_run.h"
#include "cli/new_file.h"
#include "cli/show.h"
#include "cli/target.h"
#include "common/cleanup.h"
#include "common/size.h"

struct args {
	const char *target, *file;
	unsigned session; /* 0: what is shown */
	bool force;
};

static int parse_session(const char *text, unsigned *ret)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || n < 1 || n > 999999)
		return -EINVAL;
	*ret = (unsigned)n;
	return 0;
}

/* False where the command is over, as args_parse. */
static bool parse(const struct command *self, int argc, char **argv,
		  struct args *ret, int *ret_code)
{
	static const char *const needed[] = {
		"no disc is named",
		"no file is named (\"-\" is standard output)",
		NULL,
	};
	const char *session = NULL;
	const struct args_option options[] = {
		{.name = "session", .letter = 's', .value = &session},
		{.name = "force", .letter = 'f', .flag = &ret->force},
		{0},
	};

	*ret = (struct args){0};
	if (args_parse(self, argc, argv, options, needed, 0, ret_code) < 0)
		return false;
	ret->target = argv[0];
	ret->file = argv[1];
	if (!session || !parse_session(session, &ret->session))
		return true;
	*ret_code = command_misuse(self, "%s: not the number of a session",
				   session);
	return false;
}

static int export_mount(struct target *t, const struct args *a, int fd,
			struct json_object **ret, struct why *why)
{
	struct json_object *request = json_object_new_object();
	int err;

	if (!request)
		return why_set(why, -ENOMEM, "out of memory");
	json_object_object_add(request, "op", json_object_new_string("export"));
	if (a->session)
		json_object_object_add(request, "session",
				       json_object_new_int((int)a->session));
	client_pass(t->client, fd);
	err = long_run_report(t->client, request, ret, why);
	json_object_put(request);
	return err;
}

static int export_volume(struct target *t, const struct args *a, int fd,
			 struct json_object **ret, struct why *why)
{
	struct long_run run;
	int err;

	long_run_begin(&run, false);
	err = volume_export(t->volume, a->session, fd, &run.sink, ret, why);
	long_run_end(&run);
	return err == -ECANCELED ? why_set(why, -EINTR, "interrupted") : err;
}

static int export_to(struct target *t, const struct args *a, int fd,
		     struct json_object **ret, struct why *why)
{
	return t->client ? export_mount(t, a, fd, ret, why)
			 : export_volume(t, a, fd, ret, why);
}

/* The image itself is no place for its export: its mount would lose it. */
static int check_not_source(const struct target *t, const struct args *a,
			    struct why *why)
{
	const char *source =
		t->volume ? volume_opts(t->volume)->source : t->mount.source;

	if (source && new_file_is_same(a->file, source))
		return why_set(why, -EINVAL, "that is the disc itself");
	return 0;
}

static int export_to_file(struct target *t, const struct args *a,
			  struct json_object **ret, struct why *why)
{
	struct new_file f;
	int err = check_not_source(t, a, why);

	if (!err)
		err = new_file_open(&f, a->file, a->force, why);
	if (err)
		return err;
	err = export_to(t, a, f.fd, ret, why);
	if (!err)
		err = new_file_keep(&f, why);
	new_file_close(&f);
	return err;
}

static void print(const struct args *a, struct json_object *report)
{
	uint64_t blocks = answer_number(report, "blocks");
	const char *left_out = answer_text(report, "left_out");
	char text[SIZE_TEXT];

	if (*left_out)
		command_say("%s: %s", a->target, left_out);
	show_beside(a->target, report);
	if (strcmp(a->file, "-") != 0)
		printf("exported: %" PRIu64 " blocks (%s)\n", blocks,
		       size_format(answer_number(report, "bytes"), text));
}

static int export_main(const struct command *self, int argc, char **argv)
{
	struct json_object *report = NULL;
	struct why why = {""};
	struct target t = {0};
	struct args a;
	bool out;
	int err;

	if (!parse(self, argc, argv, &a, &err))
		return err;
	out = strcmp(a.file, "-") == 0;
	if (out && isatty(STDOUT_FILENO))
		return command_misuse(self, "standard output is a terminal");
	err = a.session ? target_open_base(&t, a.target, &why)
			: target_open(&t, a.target, &why);
	if (err)
		command_fail(&why, err, "%s", a.target);
	else if (out)
		err = export_to(&t, &a, STDOUT_FILENO, &report, &why);
	else
		err = export_to_file(&t, &a, &report, &why);
	if (!err)
		print(&a, report);
	else if (t.client || t.volume)
		command_fail(&why, err, "%s to %s", a.target,
			     out ? "standard output" : a.file);
	json_object_put(report);
	target_close(&t);
	return exit_code_of(err);
}

const struct command command_export = {
	.name = "export",
	.summary = "write all of it as a new image",
	.usage =
		"Usage: discfs export [-s N] [-f] DIR|SOURCE FILE|-\n"
		"\n"
		"Write what DIR shows, or would show with the changes that "
		"wait "
		"for SOURCE, as an\n"
		"image with one session, to FILE or to standard output.  "
		"Nothing changes on the\n"
		"disc.\n"
		"\n"
		"  -s, --session N  session N as it was burned (\"discfs log\" "
		"lists them)\n"
		"  -f, --force      replace a FILE that is there, once the "
		"image is whole\n"
		"      --help       show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = export_main,
};
