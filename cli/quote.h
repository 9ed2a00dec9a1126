/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_QUOTE_H
#define CLI_QUOTE_H

/*
 * Names from a disc may hold any byte.  These make them harmless to a
 * terminal, and keep what stands on one line there.
 */

#include <stddef.h>

/*
 * quote_name - @name with every control character, every byte that is not of
 * UTF-8, and every backslash written as ls -b does: \ooo, and \\.
 * Heap; NULL when out of memory.
 */
char *quote_name(const char *name);

/*
 * quote_next - the next character of UTF-8 at @text: returns its length in
 * bytes and sets *@ret_code; a byte that belongs to none has length 1 and
 * code -1.  At the end 0.
 */
size_t quote_next(const char *text, long *ret_code);

#endif
