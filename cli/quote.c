/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/quote.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629: how long a character is by its first byte, and the smallest
 * code that needs so many bytes. */
static size_t sequence_length(unsigned char first, long *ret_bits,
			      long *ret_least)
{
	if (first < 0x80) {
		*ret_bits = first;
		*ret_least = 0;
		return 1;
	}
	if (first >= 0xc2 && first < 0xe0) {
		*ret_bits = first & 0x1f;
		*ret_least = 0x80;
		return 2;
	}
	if (first >= 0xe0 && first < 0xf0) {
		*ret_bits = first & 0x0f;
		*ret_least = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first < 0xf5) {
		*ret_bits = first & 0x07;
		*ret_least = 0x10000;
		return 4;
	}
	return 0;
}

size_t quote_next(const char *text, long *ret_code)
{
	const unsigned char *s = (const unsigned char *)text;
	long code = 0, least = 0;
	size_t n;

	*ret_code = -1;
	if (!s[0])
		return 0;
	n = sequence_length(s[0], &code, &least);
	if (n == 0)
		return 1;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 1;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 1;
	*ret_code = code;
	return n;
}

static bool is_plain(long code)
{
	return code >= 0x20 && code != '\\' && !(code >= 0x7f && code < 0xa0) &&
	       code != 0x2028 && code != 0x2029;
}

char *quote_name(const char *name)
{
	char *quoted = malloc(4 * strlen(name) + 1), *out = quoted;
	size_t n;
	long code;

	if (!quoted)
		return NULL;
	for (; (n = quote_next(name, &code)) > 0; name += n) {
		if (code == '\\') {
			*out++ = '\\';
			*out++ = '\\';
		} else if (is_plain(code)) {
			memcpy(out, name, n);
			out += n;
		} else {
			for (size_t i = 0; i < n; i++)
				out += sprintf(out, "\\%03o",
					       (unsigned char)name[i]);
		}
	}
	*out = 0;
	return quoted;
}
