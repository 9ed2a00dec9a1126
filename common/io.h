/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_IO_H
#define COMMON_IO_H

/*
 * All the bytes or an error, over short counts and interruptions.
 */

#include <stddef.h>
#include <stdint.h>

/* io_read_at - exactly @len bytes at @pos of @fd.  0, -EIO where the file ends
 * before, or -errno. */
int io_read_at(int fd, void *buf, size_t len, uint64_t pos);

/* io_write_at - @len bytes to @pos of @fd.  0 or -errno. */
int io_write_at(int fd, const void *buf, size_t len, uint64_t pos);

#endif
