/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/same_names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/sum128.h"

enum {
	FIRST_ROOM = 64,
	/* How libisofs 1.5.4 makes a name one that can be counted up: so many
	 * characters at least before the suffixes, which are two at most of so
	 * many together; a short name gets one more in any case. */
	COUNTED_MIN = 7,
	SUFFIX_MAX = 12,
	SHORT_BELOW = 64,
	VERSION = 2, /* bytes of ";1" */
};

void same_names_clear(struct same_names *s)
{
	s->n = s->text_len = 0;
}

static int reserve(struct same_names *s, size_t len)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : FIRST_ROOM;
		struct same_name *v = realloc(s->v, room * sizeof *v);

		if (!v)
			return -ENOMEM;
		s->v = v;
		s->room = room;
	}
	if (s->text_room - s->text_len <= len) {
		size_t room = 2 * s->text_room + FIRST_ROOM * SAME_NAME_MAX;
		char *text = realloc(s->text, room);

		if (!text)
			return -ENOMEM;
		s->text = text;
		s->text_room = room;
	}
	return 0;
}

int same_names_add(struct same_names *s, const char *name, size_t len)
{
	const char *slash;

	len = strnlen(name, len < SAME_NAME_MAX ? len : SAME_NAME_MAX);
	slash = memrchr(name, '/', len);
	if (slash) {
		len -= (size_t)(slash + 1 - name);
		name = slash + 1;
	}
	if (reserve(s, len) < 0)
		return -ENOMEM;
	memcpy(s->text + s->text_len, name, len);
	s->v[s->n++] =
		(struct same_name){.start = s->text_len, .len = (uint16_t)len};
	s->text_len += len;
	return 0;
}

/* One unit of UCS-2 in UTF-8; so is each half of a pair: who counts names needs
 * no characters. */
static size_t put_unit(char *p, unsigned unit)
{
	if (unit < 0x80) {
		p[0] = (char)unit;
		return 1;
	}
	if (unit < 0x800) {
		p[0] = (char)(0xc0 | unit >> 6);
		p[1] = (char)(0x80 | (unit & 0x3f));
		return 2;
	}
	p[0] = (char)(0xe0 | unit >> 12);
	p[1] = (char)(0x80 | (unit >> 6 & 0x3f));
	p[2] = (char)(0x80 | (unit & 0x3f));
	return 3;
}

int same_names_add_identifier(struct same_names *s, const unsigned char *id,
			      size_t len, int ucs2)
{
	char name[SAME_NAME_MAX];
	size_t n = 0, i;

	if (ucs2) {
		for (i = 0; i + 1 < len; i += 2)
			n += put_unit(name + n,
				      (unsigned)id[i] << 8 | id[i + 1]);
	} else {
		memcpy(name, id, len);
		n = len;
	}
	if (n >= VERSION && !memcmp(name + n - VERSION, ";1", VERSION)) {
		n -= VERSION;
		if (n && name[n - 1] == '.')
			n--;
	}
	return same_names_add(s, name, n);
}

/* Where the part that is counted up ends: before the suffixes. */
static size_t counted_end(const char *name, size_t len)
{
	const char *dot = memchr(name, '.', len), *before;
	size_t end;

	if (dot && dot - name < COUNTED_MIN)
		dot = memrchr(name, '.', len);
	if (!dot)
		return len;
	end = (size_t)(dot - name);
	if (end > 0 && len - end < SUFFIX_MAX) {
		before = memrchr(name, '.', end);
		if (before && len - (size_t)(before - name) <= SUFFIX_MAX)
			end = (size_t)(before - name);
	}
	return end;
}

/* Makes room in @name for the part that is counted up: returns how many
 * characters were put in at *@end, which moves behind them. */
static size_t widen(char *name, size_t *len, size_t *end)
{
	size_t n = 0;

	if (*end < COUNTED_MIN && *len - *end <= SUFFIX_MAX)
		n = COUNTED_MIN - *end;
	else if (*len < SHORT_BELOW)
		n = 1;
	memmove(name + *end + n, name + *end, *len - *end);
	memset(name + *end, '_', n);
	*len += n;
	*end += n;
	return n;
}

/* The next name: digits, then A to Z, _, a to z, and the character before. */
static void count_up(char *name, size_t len, size_t end, bool all)
{
	static const char order[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				    "abcdefghijklmnopqrstuvwxyz";
	size_t pos = end, wraps = 0;

	for (;;) {
		const char *at;

		if (pos == 0) {
			if (!all || wraps++)
				return;
			pos = len;
		}
		pos--;
		at = name[pos] ? strchr(order, name[pos]) : NULL;
		if (!at) {
			name[pos] = pos + 1 == len || name[pos + 1] == '.'
					    ? '_'
					    : '0';
			return;
		}
		name[pos] = at[1] ? at[1] : order[0];
		if (at[1])
			return;
	}
}

/* Whether @name was in; then it is. */
static bool was_in(struct same_names *s, const char *name, size_t len)
{
	struct sum128 sum;
	uint64_t key[2];
	size_t i;

	sum128_init(&sum, s->seed);
	sum128_add(&sum, name, len);
	sum128_end(&sum, key);
	key[0] |= 1;
	i = (size_t)(key[0] >> 20) & (s->slots_room - 1);
	while (s->slots[i] && s->slots[i] != key[0])
		i = (i + 1) & (s->slots_room - 1);
	if (s->slots[i])
		return true;
	s->slots[i] = key[0];
	return false;
}

/* As many tries as libisofs needs for a name that was in; 0: beyond @max. */
static uint64_t tries(struct same_names *s, const struct same_name *e,
		      uint64_t max)
{
	char name[SAME_NAME_MAX + COUNTED_MIN];
	size_t len = e->len, end;
	uint64_t n = 0;
	bool all, as_it_is;

	memcpy(name, s->text + e->start, len);
	end = counted_end(name, len);
	as_it_is = widen(name, &len, &end) > 0;
	all = end < COUNTED_MIN;
	do {
		if (++n > max)
			return 0;
		if (!as_it_is)
			count_up(name, len, end, all);
		as_it_is = false;
	} while (was_in(s, name, len));
	return n;
}

static int make_slots(struct same_names *s)
{
	size_t room = FIRST_ROOM;

	while (room < 2 * s->n)
		room *= 2;
	if (s->slots && s->slots_room >= room && s->slots_room <= 4 * room) {
		memset(s->slots, 0, s->slots_room * sizeof *s->slots);
		return 0;
	}
	free(s->slots);
	s->slots = calloc(room, sizeof *s->slots);
	s->slots_room = room;
	return s->slots ? 0 : -ENOMEM;
}

int same_names_count(struct same_names *s, uint64_t *budget, const char **ret,
		     size_t *ret_len)
{
	if (s->n < 2)
		return 0;
	/* Nobody can make names for this that fall into one slot. */
	if (!s->seed && getrandom(&s->seed, sizeof s->seed, 0) < 0)
		s->seed = 1;
	if (make_slots(s) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const struct same_name *e = &s->v[i];
		uint64_t n;

		if (!was_in(s, s->text + e->start, e->len))
			continue;
		n = tries(s, e, *budget / s->n + 1);
		if (!n) {
			*ret = s->text + e->start;
			*ret_len = e->len;
			return -E2BIG;
		}
		/* The first one costs no more than an entry in any case. */
		*budget -= (n - 1) * s->n;
	}
	return 0;
}

void same_names_release(struct same_names *s)
{
	free(s->v);
	free(s->text);
	free(s->slots);
	*s = (struct same_names){0};
}
