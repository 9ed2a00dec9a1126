/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/quote.h"
#include "common/cleanup.h"
#include "fs/stage_way.h"

struct json_object *show_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(object, key, &value) &&
	    json_object_is_type(value, json_type_object))
		return value;
	return NULL;
}

bool show_is_true(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) &&
	       json_object_get_boolean(value);
}

void show_beside(const char *name, struct json_object *report)
{
	const char *text = report ? answer_text(report, "beside") : "";

	if (*text)
		command_say("%s: %s", name, text);
}

void show_row(const char *name, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL, *quoted = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return;
	}
	quoted = quote_name(text);
	printf("%-12s %s\n", name, quoted ? quoted : "");
}

void show_lost(struct json_object *stage)
{
	struct json_object *lost = show_member(stage, "lost");
	AUTO_FREE char *root = strdup(answer_text(stage, "path"));
	char *slash = root ? strrchr(root, '/') : NULL;
	uint64_t missing = answer_number(lost, "missing");
	struct stage_way way;

	if (!lost || !slash)
		return;
	*slash = 0;
	show_row("", "of the lost disc of stage %s",
		 answer_text(lost, "stage"));
	if (missing)
		show_row("",
			 "without %" PRIu64 " of its changes: \"%s\"", missing,
			 stage_way(&way, root, "missing",
				   answer_text(lost, "stage")));
}

void show_deltas(struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);
		AUTO_FREE char *path = quote_name(answer_text(d, "path"));
		AUTO_FREE char *old = quote_name(answer_text(d, "old_path"));
		const char *kind = answer_text(d, "kind");

		if (!path || !old)
			return;
		if (*old)
			printf("%s %s -> %s\n", kind, old, path);
		else
			printf("%s %s\n", kind, path);
	}
}

void show_speeds(struct json_object *list)
{
	char text[256];
	size_t len = 0;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		double bytes = (double)json_object_get_int64(
			json_object_array_get_idx(list, i));
		int n = snprintf(text + len, sizeof text - len, "%s%.1f",
				 i ? ", " : "", bytes / 1e6);

		if (n < 0 || (size_t)n >= sizeof text - len)
			break;
		len += (size_t)n;
	}
	if (len)
		show_row("speeds:", "%s MB/s", text);
}

void show_notes(struct json_object *medium)
{
	static const char *const notes[] = {"head_note", "tail_note"};

	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
		if (*answer_text(medium, notes[i]))
			show_row("note:", "%s", answer_text(medium, notes[i]));
}
