/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs eject, load: the tray of a drive.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "burner/tray.h"
#include "cli/args.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/mountinfo.h"
#include "common/cleanup.h"

static int move(const char *drive, int (*how)(const char *path, struct why *),
		struct why *why)
{
	AUTO_FREE char *path = realpath(drive, NULL);
	struct stat st;
	int err;

	if (!path || stat(path, &st) < 0)
		return why_set(why, -errno, "%s", strerror(errno));
	if (!S_ISBLK(st.st_mode))
		return why_set(why, -ENOTSUP, "it is no optical drive");
	err = mountinfo_refuse(path, why);
	return err ? err : how(path, why);
}

static int tray_command(const struct command *self, int argc, char **argv,
			int (*how)(const char *path, struct why *))
{
	static const char *const needed[] = {"no drive is named", NULL};
	static const struct args_option options[] = {{0}};
	struct why why = {""};
	int err;

	if (args_parse(self, argc, argv, options, needed, 0, &err) < 0)
		return err;
	err = move(argv[0], how, &why);
	if (err)
		command_fail(&why, err, "%s %s", self->name, argv[0]);
	return exit_code_of(err);
}

static int eject_run(const struct command *self, int argc, char **argv)
{
	return tray_command(self, argc, argv, tray_open);
}

static int load_run(const struct command *self, int argc, char **argv)
{
	return tray_command(self, argc, argv, tray_close);
}

const struct command command_eject = {
	.name = "eject",
	.summary = "open the tray of a drive",
	.usage = "Usage: discfs eject DRIVE\n"
		 "\n"
		 "Open the tray of DRIVE.  Not while it is mounted, or in use "
		 "by others.\n"
		 "\n"
		 "  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = eject_run,
};

const struct command command_load = {
	.name = "load",
	.summary = "close the tray of a drive",
	.usage = "Usage: discfs load DRIVE\n"
		 "\n"
		 "Close the tray of DRIVE, and wait until the disc can be "
		 "used.\n"
		 "\n"
		 "  --help  show this\n",
	.usage_code = EXIT_CODE_USAGE,
	.run = load_run,
};
