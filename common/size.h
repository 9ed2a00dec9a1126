/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_SIZE_H
#define COMMON_SIZE_H

/*
 * Sizes as people write and read them.
 */

#include <stddef.h>
#include <stdint.h>

/*
 * size_parse - the bytes that @text means: a decimal number, alone or
 * followed by K, M, G or T (powers of 1024, either case), or the name of a
 * medium: cd, dvd, dvd-dl, bd, bd-dl.  A medium counts as the smallest usual
 * one of its kind, so that what fits into it fits all of them.
 * Returns 0, -EINVAL (not a size), -ERANGE (more than 2^63 - 1).
 */
int size_parse(const char *text, uint64_t *ret_bytes);

/* Fits the longest text of size_format. */
#define SIZE_TEXT 24

/*
 * size_format - @bytes in the units that discs are sold in (powers of 1000),
 * with three digits that count: "999 bytes", "1.00 kB", "4.70 GB".
 * Returns @buf.
 */
const char *size_format(uint64_t bytes, char buf[SIZE_TEXT]);

#endif
