/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_FUZZ_SPARSE_IMAGE_H
#define TESTS_FUZZ_SPARSE_IMAGE_H

/*
 * The form in which a fuzzer gets an image, and in which tests/fuzz/corpus/
 * keeps it (tests/fuzz/pack makes it of an image): without the zeros, which
 * are nearly all of a small image and of no use to who mutates bytes.
 *
 *	1 byte	what to do with it (import_fuzzer.c)
 *	2	blocks of the image, as all numbers here little-endian
 *	then pieces:
 *	2	a block
 *	2	how many bytes of it follow, up to 2048; the rest of it is zero
 *
 * Any bytes are an image: what is wrong about a piece ends it.
 */

#include <stddef.h>
#include <stdint.h>

enum { SPARSE_BLOCKS_MAX = 4096 };

/*
 * sparse_image_write - the image in @data as the file @path, which is made, or
 * emptied before.  *@ret_flags: the first byte.  0 or -errno.
 */
int sparse_image_write(const uint8_t *data, size_t size, const char *path,
		       uint8_t *ret_flags);

#endif
