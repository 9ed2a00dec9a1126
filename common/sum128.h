/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_SUM128_H
#define COMMON_SUM128_H

/*
 * A checksum of 128 bits that tells data apart at the speed of memory.  It is
 * no cryptographic one: who wants two texts of one sum can make them.  Stages
 * are found by it (docs/stage-format.md): it must stay as it is.
 */

#include <stddef.h>
#include <stdint.h>

enum { SUM128_BYTES = 16, SUM128_STRIPE = 32 };

struct sum128 {
	uint64_t lane[4];
	uint64_t len_bytes;
	unsigned char tail[SUM128_STRIPE]; /* what does not fill a stripe yet */
};

/* How the bytes are cut into calls of sum128_add does not matter. */
void sum128_init(struct sum128 *s, uint64_t seed);
void sum128_add(struct sum128 *s, const void *data, size_t len);
void sum128_end(struct sum128 *s, uint64_t ret[2]);

#endif
