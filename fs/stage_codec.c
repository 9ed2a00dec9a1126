/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "fs/stage_internal.h"

enum {
	XATTR_HEAD = 6, /* u16 name length, u32 value length */
	EXTENT_POS_MAX_SHIFT = 63,
};

static unsigned char *put16(unsigned char *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static unsigned char *put32(unsigned char *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static unsigned char *put64(unsigned char *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof v);
	return p + sizeof v;
}

static uint16_t get16(const unsigned char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return le16toh(v);
}

static uint32_t get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

static uint64_t get64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

static int grow(struct stage *st, size_t size)
{
	unsigned char *p;

	if (size <= st->scratch_size)
		return 0;
	p = realloc(st->scratch, size);
	if (!p)
		return -ENOMEM;
	st->scratch = p;
	st->scratch_size = size;
	return 0;
}

int64_t stage_encode_extents(struct stage *st, const struct extent *v,
			     uint32_t n)
{
	size_t size = (size_t)n * STAGE_EXTENT_BYTES;
	unsigned char *p;
	uint32_t i;

	if (grow(st, size) < 0)
		return -ENOMEM;
	p = st->scratch;
	for (i = 0; i < n; i++) {
		p = put64(p, v[i].off);
		p = put64(p, v[i].len);
		p = put64(p, v[i].pos);
		*p++ = v[i].source;
	}
	return (int64_t)size;
}

int stage_decode_extents(const void *blob, size_t len, uint64_t size,
			 uint64_t data_size, struct extent **ret,
			 uint32_t *ret_n)
{
	const uint64_t pos_max = UINT64_C(1) << EXTENT_POS_MAX_SHIFT;
	const unsigned char *p = blob;
	size_t n = len / STAGE_EXTENT_BYTES, i;
	struct extent *v;
	uint64_t at = 0;

	if (len % STAGE_EXTENT_BYTES || n > UINT32_MAX)
		return -EBADMSG;
	v = calloc(n + 1, sizeof *v);
	if (!v)
		return -ENOMEM;
	for (i = 0; i < n; i++, p += STAGE_EXTENT_BYTES) {
		struct extent *e = &v[i];

		e->off = get64(p);
		e->len = get64(p + 8);
		e->pos = get64(p + 16);
		e->source = p[24];
		if (e->off < at || e->off > size || e->len == 0 ||
		    e->len > size - e->off || e->pos >= pos_max ||
		    e->len > pos_max - e->pos)
			break;
		if (e->source != EXTENT_DISC && e->source != EXTENT_DATA)
			break;
		if (e->source == EXTENT_DATA && e->pos + e->len > data_size)
			break;
		at = e->off + e->len;
	}
	if (i < n) {
		free(v);
		return -EBADMSG;
	}
	*ret = v;
	*ret_n = (uint32_t)n;
	return 0;
}

int64_t stage_encode_xattrs(struct stage *st, const struct xattrs *x)
{
	const char *name;
	const void *value;
	size_t name_len, value_len;
	uint32_t cursor = 0;
	unsigned char *p;

	if (grow(st, x->size_bytes) < 0)
		return -ENOMEM;
	p = st->scratch;
	while (xattrs_next(x, &cursor, &name, &name_len, &value, &value_len)) {
		p = put16(p, (uint16_t)name_len);
		p = put32(p, (uint32_t)value_len);
		memcpy(p, name, name_len);
		p += name_len;
		if (value_len)
			memcpy(p, value, value_len);
		p += value_len;
	}
	return p - st->scratch;
}

int stage_decode_xattrs(const void *blob, size_t len, uint32_t count,
			struct xattrs **ret)
{
	const unsigned char *p = blob;
	struct xattrs *x;
	size_t at = 0;

	if (len == 0 || len > UINT32_MAX)
		return -EBADMSG;
	x = malloc(sizeof *x + len);
	if (!x)
		return -ENOMEM;
	x->size_bytes = (uint32_t)len;
	x->count = count;
	memcpy(x->data, p, len);
	/* The lengths, from the file's byte order into ours. */
	while (len - at >= XATTR_HEAD) {
		uint16_t name_len = get16(p + at);
		uint32_t value_len = get32(p + at + 2);

		memcpy(x->data + at, &name_len, sizeof name_len);
		memcpy(x->data + at + 2, &value_len, sizeof value_len);
		at += XATTR_HEAD;
		if (name_len > len - at || value_len > len - at - name_len)
			break;
		at += (size_t)name_len + value_len;
	}
	if (!xattrs_check(x->data, len, count)) {
		free(x);
		return -EBADMSG;
	}
	*ret = x;
	return 0;
}

bool stage_name_ok(const char *name, size_t len)
{
	if (len == 0 || len > 255 || memchr(name, 0, len) ||
	    memchr(name, '/', len))
		return false;
	return !(len <= 2 && memcmp(name, "..", len) == 0);
}

bool stage_path_ok(const char *path, size_t len)
{
	const char *slash;

	if (len == 0)
		return true;
	while ((slash = memchr(path, '/', len))) {
		if (!stage_name_ok(path, (size_t)(slash - path)))
			return false;
		len -= (size_t)(slash - path) + 1;
		path = slash + 1;
	}
	return stage_name_ok(path, len);
}
