/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "cli/json_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* The bytes of the character at @s (RFC 3629, 4), or 0: it is none. */
static size_t char_len(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t n;

	if (*s < 0x80)
		return 1;
	n = *s >= 0xc2 && *s <= 0xdf   ? 2
	    : *s >= 0xe0 && *s <= 0xef ? 3
	    : *s >= 0xf0 && *s <= 0xf4 ? 4
				       : 0;
	if (*s == 0xe0)
		low = 0xa0;
	else if (*s == 0xed)
		high = 0x9f;
	else if (*s == 0xf0)
		low = 0x90;
	else if (*s == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < n; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

static bool is_utf8(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		size_t n = char_len(s);

		if (!n)
			return false;
		s += n;
	}
	return true;
}

/* With U+FFFD for each byte that is of no character.  Heap, or NULL. */
static char *readable(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *ret = malloc(3 * strlen(text) + 1), *out = ret;

	while (ret && *s) {
		size_t n = char_len(s);

		if (n) {
			memcpy(out, s, n);
			out += n;
		} else {
			out = stpcpy(out, "\xef\xbf\xbd");
		}
		s += n ? n : 1;
	}
	if (ret)
		*out = 0;
	return ret;
}

/* RFC 4648, 4.  Heap, or NULL. */
static char *base64(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *s = (const unsigned char *)text;
	size_t len = strlen(text);
	char *ret = malloc((len + 2) / 3 * 4 + 1), *out = ret;

	if (!ret)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		unsigned b1 = i + 1 < len ? s[i + 1] : 0;
		unsigned b2 = i + 2 < len ? s[i + 2] : 0;
		unsigned bits = (unsigned)s[i] << 16 | b1 << 8 | b2;

		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = i + 1 < len ? digits[bits >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[bits & 63] : '=';
	}
	*out = 0;
	return ret;
}

static bool is_bad(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       !is_utf8(json_object_get_string(value));
}

/* A key of @object whose value is to be mended, or NULL. */
static const char *find_bad(struct json_object *object)
{
	json_object_object_foreach(object, key, value)
	{
		if (is_bad(value))
			return key;
	}
	return NULL;
}

static void mend_member(struct json_object *object, const char *key)
{
	const char *text =
		json_object_get_string(json_object_object_get(object, key));
	AUTO_FREE char *words = readable(text), *code = base64(text);
	AUTO_FREE char *copy = strdup(key), *name = NULL;

	if (asprintf(&name, "%s_base64", key) < 0)
		name = NULL;
	if (!words || !code || !copy || !name)
		abort();
	json_object_object_add(object, copy, json_object_new_string(words));
	json_object_object_add(object, name, json_object_new_string(code));
}

void json_text_mend(struct json_object *value)
{
	const char *key;

	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			json_text_mend(json_object_array_get_idx(value, i));
	if (!json_object_is_type(value, json_type_object))
		return;
	while ((key = find_bad(value)))
		mend_member(value, key);
	json_object_object_foreach(value, name, member)
	{
		(void)name;
		json_text_mend(member);
	}
}
