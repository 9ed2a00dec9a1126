/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_ARRAY_H
#define COMMON_ARRAY_H

#include <stddef.h>
#include <stdint.h>

/*
 * array_append - one more element of @size bytes at the end of the heap array
 * that the pointer at @array points to; *@n counts its elements (NULL and 0 at
 * first).  Room doubles at powers of two and is stored nowhere.
 * Returns the new element, not initialized, or NULL with the array as it was.
 */
void *array_append(void *array, uint32_t *n, size_t size);

#endif
