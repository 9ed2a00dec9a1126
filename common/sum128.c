/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/sum128.h"

#include <endian.h>
#include <string.h>

/*
 * Four lanes that do not wait for each other take eight bytes each; a multiply
 * carries each bit upwards, a rotation brings the top down again.
 */
static const uint64_t odd1 = UINT64_C(0x9e3779b97f4a7c15);
static const uint64_t odd2 = UINT64_C(0xd6e8feb86659fd93);

static uint64_t rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static uint64_t round_of(uint64_t lane, uint64_t word)
{
	return rotate(lane + word * odd2, 31) * odd1;
}

static void add_stripe(struct sum128 *s, const unsigned char *p)
{
	unsigned i;

	for (i = 0; i < 4; i++) {
		uint64_t word;

		memcpy(&word, p + sizeof word * i, sizeof word);
		s->lane[i] = round_of(s->lane[i], le64toh(word));
	}
}

void sum128_init(struct sum128 *s, uint64_t seed)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		s->lane[i] = round_of(seed + odd1 * (i + 1), odd2 + i);
	s->len_bytes = 0;
}

void sum128_add(struct sum128 *s, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t fill = s->len_bytes % SUM128_STRIPE;

	s->len_bytes += len;
	if (fill) {
		size_t part = SUM128_STRIPE - fill;

		if (part > len)
			part = len;
		memcpy(s->tail + fill, p, part);
		if (fill + part < SUM128_STRIPE)
			return;
		add_stripe(s, s->tail);
		p += part;
		len -= part;
	}
	for (; len >= SUM128_STRIPE; p += SUM128_STRIPE, len -= SUM128_STRIPE)
		add_stripe(s, p);
	if (len)
		memcpy(s->tail, p, len);
}

/* Every bit of @x has its say in every bit of what comes out. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 32;
	x *= odd2;
	x ^= x >> 29;
	x *= odd1;
	return x ^ x >> 32;
}

void sum128_end(struct sum128 *s, uint64_t ret[2])
{
	size_t fill = s->len_bytes % SUM128_STRIPE;
	uint64_t a = mix(s->len_bytes), b = a;
	unsigned i;

	if (fill) {
		memset(s->tail + fill, 0, SUM128_STRIPE - fill);
		add_stripe(s, s->tail);
	}
	for (i = 0; i < 4; i++) {
		a = mix(a ^ s->lane[i]);
		b = mix(b + s->lane[3 - i]);
	}
	ret[0] = a;
	ret[1] = b;
}
