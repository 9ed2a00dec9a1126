/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_DISC_STUB_H
#define TESTS_UNIT_DISC_STUB_H

/*
 * A disc whose blocks hold their number all over, for the tests of what reads;
 * by several threads, too.
 */

#include <stdatomic.h>

#include "burner/disc_ops.h"

struct disc_stub {
	struct disc disc;
	uint64_t bytes;		 /* that it has */
	uint64_t bad;		 /* this block cannot be read */
	atomic_uint calls;	 /* of disc_read */
	_Atomic uint64_t blocks; /* that were asked for */
};

/* disc_stub_init - without a bad block; @fd: as disc_fd tells it. */
void disc_stub_init(struct disc_stub *s, int fd, uint64_t bytes);

/* disc_stub_check - that @data is what stands at byte @pos. */
void disc_stub_check(const unsigned char *data, size_t len, uint64_t pos);

#endif
