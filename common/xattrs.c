/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENTRY_HEAD = 6, /* u16 name_len, u32 value_len */
	NAME_MAX_LEN = 255,
	VALUE_MAX_LEN = 65536,
};

struct entry {
	const char *name;
	const unsigned char *value;
	size_t name_len, value_len;
	size_t size; /* in the block */
};

static int entry_at(const unsigned char *data, size_t size, size_t pos,
		    struct entry *ret)
{
	uint16_t name_len;
	uint32_t value_len;

	if (size - pos < ENTRY_HEAD)
		return -EINVAL;
	memcpy(&name_len, data + pos, sizeof name_len);
	memcpy(&value_len, data + pos + sizeof name_len, sizeof value_len);
	if (size - pos - ENTRY_HEAD < name_len ||
	    size - pos - ENTRY_HEAD - name_len < value_len)
		return -EINVAL;
	ret->name = (const char *)data + pos + ENTRY_HEAD;
	ret->value = data + pos + ENTRY_HEAD + name_len;
	ret->name_len = name_len;
	ret->value_len = value_len;
	ret->size = ENTRY_HEAD + (size_t)name_len + value_len;
	return 0;
}

static int name_cmp(const struct entry *e, const char *name, size_t len)
{
	size_t n = e->name_len < len ? e->name_len : len;
	int c = memcmp(e->name, name, n);

	if (c)
		return c;
	return (e->name_len > len) - (e->name_len < len);
}

/* The entry of @name, or where it would be inserted; 1 if it is there. */
static int find(const struct xattrs *x, const char *name, size_t *ret_pos,
		struct entry *ret)
{
	size_t pos = 0, len = strlen(name);

	while (x && pos < x->size_bytes) {
		int c;

		if (entry_at(x->data, x->size_bytes, pos, ret) < 0)
			break;
		c = name_cmp(ret, name, len);
		if (c >= 0) {
			*ret_pos = pos;
			return c == 0;
		}
		pos += ret->size;
	}
	*ret_pos = pos;
	return 0;
}

int xattrs_get(const struct xattrs *x, const char *name,
	       const void **ret_value)
{
	struct entry e;
	size_t pos;

	if (!find(x, name, &pos, &e))
		return -ENODATA;
	*ret_value = e.value;
	return (int)e.value_len;
}

int xattrs_set(const struct xattrs *x, const char *name, const void *value,
	       size_t len, struct xattrs **ret)
{
	size_t name_len = strlen(name), old_size = x ? x->size_bytes : 0;
	size_t pos, cut = 0, add = 0;
	struct xattrs *n;
	struct entry e;
	int there;

	if (name_len == 0 || name_len > NAME_MAX_LEN || len > VALUE_MAX_LEN)
		return -E2BIG;
	there = find(x, name, &pos, &e);
	if (there)
		cut = e.size;
	else if (!value)
		return -ENODATA;
	if (value)
		add = ENTRY_HEAD + name_len + len;
	if (old_size - cut + add == 0) {
		*ret = NULL;
		return 0;
	}
	n = malloc(sizeof *n + old_size - cut + add);
	if (!n)
		return -ENOMEM;
	n->size_bytes = (uint32_t)(old_size - cut + add);
	n->count = (x ? x->count : 0) - (cut ? 1 : 0) + (add ? 1 : 0);
	if (pos)
		memcpy(n->data, x->data, pos);
	if (value) {
		uint16_t u16 = (uint16_t)name_len;
		uint32_t u32 = (uint32_t)len;

		memcpy(n->data + pos, &u16, sizeof u16);
		memcpy(n->data + pos + sizeof u16, &u32, sizeof u32);
		memcpy(n->data + pos + ENTRY_HEAD, name, name_len);
		if (len)
			memcpy(n->data + pos + ENTRY_HEAD + name_len, value, len);
	}
	if (old_size > pos + cut)
		memcpy(n->data + pos + add, x->data + pos + cut,
		       old_size - pos - cut);
	*ret = n;
	return 0;
}

int xattrs_next(const struct xattrs *x, uint32_t *cursor,
		const char **ret_name, size_t *ret_name_len,
		const void **ret_value, size_t *ret_value_len)
{
	struct entry e;

	if (!x || *cursor >= x->size_bytes ||
	    entry_at(x->data, x->size_bytes, *cursor, &e) < 0)
		return 0;
	*ret_name = e.name;
	*ret_name_len = e.name_len;
	*ret_value = e.value;
	*ret_value_len = e.value_len;
	*cursor += (uint32_t)e.size;
	return 1;
}

int xattrs_dup(const struct xattrs *x, struct xattrs **ret)
{
	struct xattrs *n = NULL;

	if (x) {
		n = malloc(sizeof *n + x->size_bytes);
		if (!n)
			return -ENOMEM;
		memcpy(n, x, sizeof *n + x->size_bytes);
	}
	*ret = n;
	return 0;
}

int xattrs_equal(const struct xattrs *a, const struct xattrs *b)
{
	if (!a || !b)
		return a == b;
	return a->size_bytes == b->size_bytes &&
	       memcmp(a->data, b->data, a->size_bytes) == 0;
}

int xattrs_check(const void *data, size_t size, uint32_t count)
{
	struct entry e, last;
	size_t pos = 0;
	uint32_t n = 0;

	if (size > UINT32_MAX)
		return 0;
	while (pos < size) {
		if (entry_at(data, size, pos, &e) < 0 || e.name_len == 0 ||
		    e.name_len > NAME_MAX_LEN || e.value_len > VALUE_MAX_LEN ||
		    memchr(e.name, 0, e.name_len))
			return 0;
		if (n && name_cmp(&last, e.name, e.name_len) >= 0)
			return 0;
		last = e;
		pos += e.size;
		n++;
	}
	return n == count;
}
