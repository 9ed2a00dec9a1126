/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef why_set /* the analyzer's */

int why_set(struct why *why, int err, const char *fmt, ...)
{
	va_list ap;
	char *p;

	if (!why)
		return err;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
	/* One line, whatever a path or a library's message holds. */
	for (p = why->text; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	return err;
}

const char *why_text(const struct why *why, int err)
{
	if (why && why->text[0])
		return why->text;
	return strerror(err < 0 ? -err : err);
}
