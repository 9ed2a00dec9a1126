/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_WHY_H
#define COMMON_WHY_H

/*
 * What a person must know of an error, beside its -errno: one line in words,
 * without a newline and without the program's name ("cannot read block 1234
 * of disc.iso: Input/output error").  The function that fails fills it in,
 * the one that handles the error prints it.  Every function takes NULL for
 * "nobody wants to know".
 */
struct why {
	char text[1024]; /* commands with long paths are whole */
};

/*
 * why_set - put a formatted line into @why and pass on @err (a -errno), so
 * that a function can end with "return why_set(why, -EIO, ...)".
 */
int why_set(struct why *why, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__
/* It looks into one file at a time, and would not know what comes back. */
#define why_set(why, err, ...) (why_set(why, err, __VA_ARGS__), (err))
#endif

/* why_text - the line, or strerror(-@err) where none was given. */
const char *why_text(const struct why *why, int err);

#endif
