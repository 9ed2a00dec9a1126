/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

/*
 * What the program answers to the shell: mount(8)'s codes, for every
 * subcommand but "diff" and "check", which answer as diff(1) does.
 */

enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_USAGE = 1,	   /* wrong arguments or options */
	EXIT_CODE_SYSTEM = 2,	   /* out of memory, cannot fork, ... */
	EXIT_CODE_INTERNAL = 4,	   /* a bug of ours */
	EXIT_CODE_INTERRUPTED = 8, /* SIGINT while waiting */
	EXIT_CODE_FAILURE = 32,	   /* not mounted, not unmounted, not burned */
};

enum diff_exit_code {
	DIFF_EXIT_SAME = 0,
	DIFF_EXIT_DIFFERS = 1,
	DIFF_EXIT_TROUBLE = 2,
};

enum check_exit_code {
	CHECK_EXIT_GOOD = 0,
	CHECK_EXIT_DAMAGED = 1,
	CHECK_EXIT_TROUBLE = 2,
};

/* exit_code_of - the code for a -errno. */
int exit_code_of(int err);

#endif
