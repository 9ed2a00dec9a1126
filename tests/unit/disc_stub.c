/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/disc_stub.h"

#include <check.h>
#include <errno.h>
#include <string.h>

static unsigned char content_of(uint64_t lba)
{
	return (unsigned char)(lba * 31 % 251);
}

static int read_stub(struct disc *disc, void *buf, size_t len, uint64_t pos)
{
	struct disc_stub *s = (struct disc_stub *)disc;
	uint64_t lba = pos / DISC_BLOCK;
	unsigned char *p = buf;

	ck_assert_uint_eq(pos % DISC_BLOCK, 0);
	atomic_fetch_add(&s->calls, 1);
	if (pos + len > s->bytes)
		return -EIO;
	for (size_t i = 0; i < len; i += DISC_BLOCK, lba++) {
		size_t n = len - i < DISC_BLOCK ? len - i : DISC_BLOCK;

		atomic_fetch_add(&s->blocks, 1);
		if (lba == s->bad)
			return -EIO;
		memset(p + i, content_of(lba), n);
	}
	return 0;
}

static uint64_t readable_stub(struct disc *disc)
{
	return ((struct disc_stub *)disc)->bytes;
}

void disc_stub_init(struct disc_stub *s, int fd, uint64_t bytes)
{
	static const struct disc_ops ops = {.read = read_stub,
					    .readable = readable_stub};

	s->disc = (struct disc){.ops = &ops, .fd = fd};
	s->bytes = bytes;
	s->bad = UINT64_MAX;
	atomic_store(&s->calls, 0);
	atomic_store(&s->blocks, 0);
}

void disc_stub_check(const unsigned char *data, size_t len, uint64_t pos)
{
	size_t i = 0;

	while (i < len && data[i] == content_of((pos + i) / DISC_BLOCK))
		i++;
	ck_assert_uint_eq(i, len);
}
