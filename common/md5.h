/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_MD5_H
#define COMMON_MD5_H

/*
 * MD5 (RFC 1321), for the checksums that sessions carry.  Copying the struct
 * copies the computation.
 */

#include <stddef.h>
#include <stdint.h>

enum { MD5_BYTES = 16, MD5_BLOCK = 64 };

struct md5 {
	uint32_t state[4];
	uint64_t len_bytes;
	unsigned char tail[MD5_BLOCK]; /* what does not fill a block yet */
};

void md5_init(struct md5 *m);
void md5_add(struct md5 *m, const void *data, size_t len);
/* md5_end - @m is used up. */
void md5_end(struct md5 *m, unsigned char ret[MD5_BYTES]);

#endif
