/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fuzz/sparse_image.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "burner/disc.h"
#include "common/cleanup.h"

enum { HEAD = 3, PIECE_HEAD = 4 };

static unsigned number(const uint8_t *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

int sparse_image_write(const uint8_t *data, size_t size, const char *path,
		       uint8_t *ret_flags)
{
	AUTO_FD int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned blocks;
	size_t pos;

	if (fd < 0)
		return -errno;
	if (size < HEAD)
		return -EINVAL;
	*ret_flags = data[0];
	blocks = number(data + 1) % SPARSE_BLOCKS_MAX;
	if (ftruncate(fd, (off_t)blocks * DISC_BLOCK) < 0)
		return -errno;
	for (pos = HEAD; size - pos >= PIECE_HEAD;) {
		unsigned lba = number(data + pos);
		size_t len = number(data + pos + 2);

		pos += PIECE_HEAD;
		if (len > DISC_BLOCK)
			len = DISC_BLOCK;
		if (len > size - pos)
			len = size - pos;
		if (lba < blocks &&
		    pwrite(fd, data + pos, len, (off_t)lba * DISC_BLOCK) < 0)
			return -errno;
		pos += len;
	}
	return 0;
}
