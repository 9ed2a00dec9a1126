/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

/*
 * The arguments of a command: options by a table, and the words between them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"

enum { ARGS_OPTIONS_MAX = 16, ARGS_LIST_MAX = 16 };

/* The values of an option that may be given several times, in order. */
struct args_list {
	const char *texts[ARGS_LIST_MAX];
	size_t n;
};

/* One option.  With no pointer it is passed over. */
struct args_option {
	const char *name;	/* without the dashes; NULL: only a letter */
	char letter;		/* 0: only a name */
	bool *flag;		/* set where it is given */
	const char **value;	/* it has a value; the last one counts */
	struct args_list *list; /* it has a value; all are kept */
};

/*
 * args_parse - take the options out of @argv, argv[0] being the command's name.
 * @options: up to one without name and letter, ARGS_OPTIONS_MAX at most. --help
 * and -h are everybody's.
 * @needed: what is said where the first, second, ... word is missing, up to
 * NULL.
 * @more: how many words may follow those.
 * Returns how many words there are; they stand in argv[0], argv[1], ...  Or -1
 * where the command is over, *@ret_code being its exit code: help was wanted,
 * or it is said what is wrong.
 */
int args_parse(const struct command *self, int argc, char **argv,
	       const struct args_option *options, const char *const *needed,
	       int more, int *ret_code);

#endif
