/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "cli/ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <string.h>
#include <unistd.h>

#include "cli/quote.h"
#include "common/cleanup.h"

bool ask_can(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int ask(struct why *why, const char *question, ...)
{
	AUTO_FREE char *text = NULL, *quoted = NULL;
	char line[64];
	va_list ap;
	int n;

	va_start(ap, question);
	n = vasprintf(&text, question, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	/* A volume id may hold what a terminal would act on. */
	quoted = quote_name(text);
	if (!quoted)
		return -ENOMEM;
	fprintf(stderr, "%s [y/N] ", quoted);
	fflush(stderr);
	if (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\r\n")] = 0;
		if (!strcasecmp(line, "y") || !strcasecmp(line, "yes"))
			return 0;
	} else {
		fputc('\n', stderr);
	}
	return why_set(why, -ECANCELED, "nothing was done");
}
