/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/*
 * A subcommand, and how all of them speak: results on standard output, every
 * error as one line "discfs: WHAT: WHY" on standard error.
 */

#include <stdbool.h>
#include <json-c/json.h>

#include "common/why.h"

struct command {
	const char *name;
	const char *summary; /* for "discfs --help" */
	const char *usage;   /* for its own --help; ends with a newline */
	int usage_code;	     /* exit code for wrong arguments */
	/* @argv[0] is the command's name.  Returns the exit code. */
	int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command command_mount;
extern const struct command command_umount;
extern const struct command command_status;
extern const struct command command_diff;
extern const struct command command_commit;
extern const struct command command_log;
extern const struct command command_revert;
extern const struct command command_check;
extern const struct command command_export;
extern const struct command command_stage;
extern const struct command command_drives;
extern const struct command command_info;
extern const struct command command_blank;
extern const struct command command_format;
extern const struct command command_close;
extern const struct command command_recover;
extern const struct command command_eject;
extern const struct command command_load;

/* mount.discfs and umount.discfs, as mount(8) and umount(8) call them. */
extern const struct command helper_mount;
extern const struct command helper_umount;

/* command_help - print the usage; returns 0. */
int command_help(const struct command *c);

/* command_misuse - one line and how to get help; returns the usage code. */
int command_misuse(const struct command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * command_say - a line "discfs: ..." on standard error, with '?' for what a
 * terminal would act on.  command_fail - the same with what went wrong:
 * "discfs: WHAT: WHY".
 */
void command_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void command_fail(const struct why *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* command_print_json - the object as it is, on standard output. */
void command_print_json(struct json_object *object);

/* command_flush - whether all of standard output could be written; says so
 * if not. */
bool command_flush(void);

#endif
