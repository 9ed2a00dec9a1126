/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/mount/model.h"

#include <endian.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* splitmix64: every seed is a good one. */
uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

bool rng_chance(struct rng *r, unsigned n)
{
	return rng_below(r, n) == 0;
}

void rng_fill(uint64_t seed, unsigned char *buf, size_t len)
{
	struct rng r = {seed};
	size_t i;

	if (seed % 16 == 0) {
		memset(buf, 0, len);
		return;
	}
	for (i = 0; i < len; i += 8) {
		uint64_t v = rng_next(&r);

		memcpy(buf + i, &v, len - i < 8 ? len - i : 8);
	}
}

/* ---- names ---- */

static void bytes_but(struct rng *r, char *buf, size_t len, char but)
{
	for (size_t i = 0; i < len; i++)
		do
			buf[i] = (char)(1 + rng_below(r, 255));
		while (buf[i] == but);
	buf[len] = '\0';
}

static size_t random_name_length(struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		return 255;
	case 1:
		return 1 + rng_below(r, 255);
	case 2:
		return 90 + rng_below(r, 40); /* where one record ends */
	default:
		return 1 + rng_below(r, 12);
	}
}

/* Characters of 1 to 4 bytes, as many as fit. */
static void utf8_name(struct rng *r, char *buf, size_t len)
{
	static const char *const chars[] = {
		"a",
		"Z",
		"\xc3\xa4",
		"\xc3\x84",
		"e\xcc\x81",
		"\xe2\x82\xac",
		"\n",
		"\t",
		"\xe6\xbc\xa2",
		"\xf0\x9f\x92\xbf",
		" ",
		";1",
	};
	size_t n = 0;

	for (;;) {
		const char *c =
			chars[rng_below(r, sizeof chars / sizeof *chars)];

		if (n + strlen(c) > len)
			break;
		memcpy(buf + n, c, strlen(c));
		n += strlen(c);
	}
	if (n == 0)
		buf[n++] = 'u';
	buf[n] = '\0';
}

void random_name(struct rng *r, char *buf)
{
	static const char *const few[] = {
		"a",	 "A",	  "b",	       "B",	  "aB",	     "Ab",
		"f.txt", "F.TXT", "f.txt;1",   "f.",	  ".f",	     "...",
		" ",	 "x y",	  "new\nline", "\\",	  "a:b*c?",  "-rf",
		"CON",	 "con",	  "RR_MOVED",  ".discfs", "a.b.c.d", "\xff",
	};
	size_t len;

	if (rng_below(r, 3) != 0) {
		strcpy(buf, few[rng_below(r, sizeof few / sizeof *few)]);
		return;
	}
	len = random_name_length(r);
	if (rng_chance(r, 2))
		utf8_name(r, buf, len);
	else
		bytes_but(r, buf, len, '/');
	if (strcmp(buf, ".") == 0 || strcmp(buf, "..") == 0)
		buf[0] = '_';
}

void random_target(struct rng *r, char *buf)
{
	size_t len = rng_chance(r, 4) ? 1 + rng_below(r, 1100)
				      : 1 + rng_below(r, 30);
	size_t n = 0;

	if (rng_chance(r, 4))
		buf[n++] = '/';
	while (n < len) {
		size_t part = 1 + rng_below(r, rng_chance(r, 3) ? 255 : 20);

		if (n && (buf[n - 1] != '/' || rng_chance(r, 20)))
			buf[n++] = '/';
		if (part > len - n)
			part = len - n;
		if (part >= 2 && rng_chance(r, 4)) {
			memcpy(buf + n, "..", 2);
			part = rng_chance(r, 2) ? 1 : 2;
		} else {
			bytes_but(r, buf + n, part, '/');
		}
		n += part;
	}
	buf[n] = '\0';
}

/* ---- numbers ---- */

off_t random_offset(struct rng *r)
{
	switch (rng_below(r, 4)) {
	case 0:
		return 0;
	case 1:
		return (off_t)(2048 * rng_below(r, 40));
	case 2:
		return (off_t)rng_below(r, 300000);
	default:
		return (off_t)rng_below(r, 5000);
	}
}

size_t random_length(struct rng *r)
{
	switch (rng_below(r, 8)) {
	case 0:
		return rng_below(r, 200000);
	case 1:
		return rng_chance(r, 6) ? (1 << 20) + rng_below(r, 1 << 20)
					: 4096;
	case 2:
		return 2048 * (1 + rng_below(r, 8));
	case 3:
		return rng_below(r, 3);
	default:
		return 1 + rng_below(r, 9000);
	}
}

mode_t random_mode(struct rng *r)
{
	static const mode_t usual[] = {0644,  0755,  0600,  0777,  0700, 0,
				       04755, 02755, 01777, 02777, 06711};

	if (rng_chance(r, 4))
		return (mode_t)rng_below(r, 010000);
	return usual[rng_below(r, sizeof usual / sizeof *usual)];
}

uint32_t random_id(struct rng *r)
{
	static const uint32_t ids[] = {0,    0,	    1000,  1000,
				       1001, 65534, 65536, 3000000000u};

	return ids[rng_below(r, sizeof ids / sizeof *ids)];
}

/* None that a driver could answer to, but the null device. */
dev_t random_device(struct rng *r)
{
	switch (rng_below(r, 4)) {
	case 0:
		return makedev(1, 3);
	case 1:
		return makedev(4095, 1048575);
	case 2:
		return makedev(60, (unsigned)rng_below(r, 256));
	default:
		return makedev(500 + (unsigned)rng_below(r, 3000),
			       (unsigned)rng_below(r, 1 << 20));
	}
}

struct timespec random_time(struct rng *r)
{
	struct timespec t = {0, (long)rng_below(r, 1000000000)};

	switch (rng_below(r, 6)) {
	case 0:
		t.tv_nsec = UTIME_NOW;
		break;
	case 1:
		t.tv_nsec = UTIME_OMIT;
		break;
	case 2: /* before 1970, down to 1900 */
		t.tv_sec = -1 - (time_t)rng_below(r, 2200000000u);
		break;
	case 3: /* after 2038, up to 2155 */
		t.tv_sec = 2147483647 + (time_t)rng_below(r, 3700000000u);
		break;
	default:
		t.tv_sec = (time_t)rng_below(r, 1600000000u);
	}
	return t;
}

/* ---- extended attributes ---- */

void random_xattr_name(struct rng *r, char *buf)
{
	static const char *const few[] = {
		"user.a",	  "user.b",
		"user.A",	  "trusted.t",
		"trusted.u",	  "user.c",
		"security.s",	  "security.t",
		"user.mime.type", "security.capability",
	};
	static const char *const spaces[] = {"user.", "trusted.", "security."};
	const char *space;
	size_t len;

	if (!rng_chance(r, 5)) {
		strcpy(buf, few[rng_below(r, sizeof few / sizeof *few)]);
		return;
	}
	space = spaces[rng_below(r, 3)];
	len = 1 + rng_below(r, 255 - strlen(space));
	strcpy(buf, space);
	if (rng_chance(r, 2))
		utf8_name(r, buf + strlen(buf), len);
	else
		bytes_but(r, buf + strlen(buf), len, 'q');
}

/* VFS_CAP_REVISION_2 of linux/capability.h, as setcap writes it. */
static size_t capability(struct rng *r, unsigned char *buf)
{
	uint32_t words[5] = {htole32(0x02000000u | (uint32_t)rng_below(r, 2)),
			     htole32((uint32_t)rng_below(r, 0x10000)),
			     htole32((uint32_t)rng_below(r, 0x10000)), 0, 0};

	memcpy(buf, words, sizeof words);
	return sizeof words;
}

size_t random_xattr_value(struct rng *r, const char *name, unsigned char *buf)
{
	size_t len;

	if (strcmp(name, "security.capability") == 0)
		return capability(r, buf);
	switch (rng_below(r, 12)) {
	case 0:
		len = 0;
		break;
	case 1:
		len = rng_below(r, 3000);
		break;
	case 2:
		len = rng_chance(r, 4) ? rng_below(r, 20000) : 255;
		break;
	default:
		len = 1 + rng_below(r, 60);
	}
	rng_fill(rng_next(r), buf, len);
	return len;
}

static unsigned char *put_entry(unsigned char *p, uint16_t tag, uint16_t perm,
				uint32_t id)
{
	uint16_t t = htole16(tag), m = htole16(perm);
	uint32_t i = htole32(id);

	memcpy(p, &t, 2);
	memcpy(p + 2, &m, 2);
	memcpy(p + 4, &i, 4);
	return p + 8;
}

/* linux/posix_acl_xattr.h, version 2: a version, then entries (tag, rights,
 * id) in this order, those of one tag by their ids. */
size_t random_acl(struct rng *r, unsigned char *buf)
{
	static const uint32_t ids[] = {1, 1000, 1001, 70000, 3000000000u};
	enum {
		USER_OBJ = 1,
		USER = 2,
		GROUP_OBJ = 4,
		GROUP = 8,
		MASK = 16,
		OTHER = 32
	};
	uint32_t version = htole32(2), none = 0xffffffffu;
	unsigned char *p = buf + 4;
	bool named = false;

	memcpy(buf, &version, 4);
	p = put_entry(p, USER_OBJ, (uint16_t)rng_below(r, 8), none);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (rng_chance(r, 3)) {
			p = put_entry(p, USER, (uint16_t)rng_below(r, 8),
				      ids[i]);
			named = true;
		}
	p = put_entry(p, GROUP_OBJ, (uint16_t)rng_below(r, 8), none);
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (rng_chance(r, 4)) {
			p = put_entry(p, GROUP, (uint16_t)rng_below(r, 8),
				      ids[i]);
			named = true;
		}
	if (named || rng_chance(r, 3))
		p = put_entry(p, MASK, (uint16_t)rng_below(r, 8), none);
	p = put_entry(p, OTHER, (uint16_t)rng_below(r, 8), none);
	return (size_t)(p - buf);
}
