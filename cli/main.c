/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: finds the subcommand by the name it was called by
 * (mount.discfs, umount.discfs) or by its first argument.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "config.h"

static const struct command *const commands[] = {
	&command_mount,	 &command_umount, &command_status,  &command_diff,
	&command_commit, &command_revert, &command_log,	    &command_check,
	&command_export, &command_drives, &command_info,    &command_blank,
	&command_format, &command_close,  &command_recover, &command_eject,
	&command_load,	 &command_stage,
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static const struct {
	const char *name;
	const struct command *command;
} helpers[] = {
	{"mount.discfs", &helper_mount},
	{"mount.fuse.discfs", &helper_mount},
	{"umount.discfs", &helper_umount},
	{"umount.fuse.discfs", &helper_umount},
};

static int help(void)
{
	puts("Usage: discfs COMMAND [OPTION...] ARGUMENT...\n"
	     "\n"
	     "Use a disc, or an image file of one, as a folder to write to;\n"
	     "what was changed there is burned as a new session when it is\n"
	     "unmounted.\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->summary);
	puts("\n"
	     "\"discfs COMMAND --help\" tells the options of each, discfs(1) "
	     "all.\n"
	     "\n"
	     "  --help     show this\n"
	     "  --version  show the version");
	return EXIT_CODE_OK;
}

static const struct command *helper_by_name(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;

	for (size_t i = 0; i < sizeof helpers / sizeof helpers[0]; i++)
		if (!strcmp(name, helpers[i].name))
			return helpers[i].command;
	return NULL;
}

static int run(int argc, char **argv)
{
	const struct command *helper = helper_by_name(argc ? argv[0] : "");

	if (helper)
		return helper->run(helper, argc, argv);
	if (argc < 2) {
		command_say("no command given (\"discfs --help\" lists them)");
		return EXIT_CODE_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("discfs " PACKAGE_VERSION);
		return EXIT_CODE_OK;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(commands[i], argc - 1,
						argv + 1);
	command_say("%s: no such command (\"discfs --help\" lists them)",
		    argv[1]);
	return EXIT_CODE_USAGE;
}

/* Nothing that we open may become standard output. */
static void fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	int code;

	fill_standard_files();
	/* Widths of characters, and what the system says. */
	setlocale(LC_CTYPE, "");
	setlocale(LC_MESSAGES, "");
	/* A reader that went away is an error of write(2), not our end. */
	signal(SIGPIPE, SIG_IGN);
	/* So is a file that may not become larger (ulimit -f). */
	signal(SIGXFSZ, SIG_IGN);
	code = run(argc, argv);
	if (!command_flush() && code == EXIT_CODE_OK)
		code = EXIT_CODE_FAILURE;
	return code;
}
