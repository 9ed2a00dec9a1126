/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/io.h"

#include <errno.h>
#include <unistd.h>

int io_read_at(int fd, void *buf, size_t len, uint64_t pos)
{
	unsigned char *p = buf;

	if (pos > (uint64_t)INT64_MAX - len)
		return -EIO;
	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		pos += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int io_write_at(int fd, const void *buf, size_t len, uint64_t pos)
{
	const unsigned char *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		pos += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}
