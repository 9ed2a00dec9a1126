/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

/*
 * Reports in words, on standard output.  Names are quoted (quote.h).
 */

#include <stdbool.h>
#include <json-c/json.h>

/* show_member - the object that is the value of @key, or NULL. */
struct json_object *show_member(struct json_object *object, const char *key);

/* show_is_true - whether the value of @key is there and true. */
bool show_is_true(struct json_object *object, const char *key);

/* show_row - a line of "NAME: VALUE" lists; @name "" continues the last one. */
void show_row(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* show_lost - where a stage was made of a lost disc's: which, and what that
 * has and this one lacks.  @stage, a stage's report, may tell of none. */
void show_lost(struct json_object *stage);

/* show_beside - on standard error, what else is on the disc @name that a
 * @report, which may be NULL, is about. */
void show_beside(const char *name, struct json_object *report);

/* show_speeds - a row with speeds in bytes a second; @list may be NULL. */
void show_speeds(struct json_object *list);

/* show_deltas - the list of a report's deltas, one a line. */
void show_deltas(struct json_object *list);

/* show_notes - a row each for what a person should know of a "medium". */
void show_notes(struct json_object *medium);

#endif
