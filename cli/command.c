/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/json_text.h"

#define LINE_BYTES 4096

int command_help(const struct command *c)
{
	fputs(c->usage, stdout);
	return 0;
}

static void put_line(char *line)
{
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "discfs: %s\n", line);
}

void command_say(const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	put_line(line);
}

void command_fail(const struct why *why, int err, const char *fmt, ...)
{
	char line[LINE_BYTES];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	len = strlen(line);
	snprintf(line + len, sizeof line - len, ": %s", why_text(why, err));
	put_line(line);
}

int command_misuse(const struct command *c, const char *fmt, ...)
{
	char text[LINE_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	command_say("%s: %s (\"%s%s --help\" tells more)", c->name, text,
		    strchr(c->name, '.') ? "" : "discfs ", c->name);
	return c->usage_code;
}

void command_print_json(struct json_object *object)
{
	json_text_mend(object);
	puts(json_object_to_json_string_ext(
		object,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
}

bool command_flush(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	command_say("standard output: %s", strerror(errno));
	return false;
}
