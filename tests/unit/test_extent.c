/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/extent.h"
#include "tests/unit/run_suite.h"

/* Linked with --wrap: the allocation that is due to fail, 0 for none. */
static unsigned fail_in;
void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
	return fail_in && --fail_in == 0 ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fail_in && --fail_in == 0 ? NULL : __real_realloc(p, size);
}

/* For inner loops: Check's own macros report each success to its parent. */
#define must(cond) ((cond) ? (void)0 : ck_abort_msg("%s", #cond))

/* The model: where each single byte comes from. */
enum { BYTES = 700 };
struct byte {
	uint64_t pos;
	uint32_t gen;
	uint8_t source;
	bool shared;
};

static uint64_t rng_state;

static uint64_t rng(uint64_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state % below;
}

static struct extent data_at(uint64_t off, uint64_t len, uint64_t pos)
{
	return (struct extent){
		.off = off, .len = len, .pos = pos, .source = EXTENT_DATA};
}

static void ck_same_byte(const struct byte *b, const struct extent *e,
			 uint64_t off)
{
	must(b->source == e->source);
	if (e->source == EXTENT_HOLE)
		return;
	must(b->pos == e->pos + (off - e->off));
	must(b->gen == e->gen);
	must(b->shared == e->shared);
}

/* The map says of each byte what the model says, in as few extents as it can.
 */
static void ck_like_model(const struct extent_map *m, const struct byte *model)
{
	struct extent v[BYTES];
	uint64_t sums[3] = {0};
	unsigned i = 0, off;

	must(m->n <= BYTES);
	extent_map_list(m, v);
	for (off = 0; off < BYTES; off++) {
		struct extent hole = {.source = EXTENT_HOLE};

		if (i < m->n && off == v[i].off + v[i].len)
			i++;
		ck_same_byte(&model[off],
			     i < m->n && v[i].off <= off ? &v[i] : &hole, off);
		sums[model[off].source]++;
	}
	for (i = 0; i < m->n; i++) {
		must(v[i].len > 0);
		must(v[i].off + v[i].len <= BYTES);
		if (i == 0)
			continue;
		must(v[i].off >= v[i - 1].off + v[i - 1].len);
		must(v[i].off > v[i - 1].off + v[i - 1].len ||
		     v[i].pos != v[i - 1].pos + v[i - 1].len ||
		     v[i].source != v[i - 1].source ||
		     v[i].gen != v[i - 1].gen ||
		     v[i].shared != v[i - 1].shared);
	}
	must(extent_map_bytes(m, EXTENT_DISC) == sums[EXTENT_DISC]);
	must(extent_map_bytes(m, EXTENT_DATA) == sums[EXTENT_DATA]);
}

static void ck_at(const struct extent_map *m, const struct byte *model)
{
	uint64_t off = rng(BYTES), max = 1 + rng(BYTES - off), k;
	struct extent e;

	extent_map_at(m, off, max, &e);
	must(e.off == off);
	must(e.len > 0);
	must(e.len <= max);
	for (k = off; k < off + e.len; k++)
		ck_same_byte(&model[k], &e, k);
	/* It ends where it must: at the limit, or where another one begins. */
	if (e.len < max && e.source == EXTENT_HOLE)
		must(model[off + e.len].source != EXTENT_HOLE);
}

/* @l is what @model had between @off and @end, in order, nothing else. */
static void ck_dropped(const struct extent_list *l, size_t from,
		       const struct byte *model, uint64_t off, uint64_t end)
{
	uint64_t at = off, k;
	size_t i;

	for (i = from; i < l->n; i++) {
		const struct extent *e = &l->v[i];

		must(e->off >= at);
		for (k = at; k < e->off; k++)
			must(model[k].source == EXTENT_HOLE);
		for (k = e->off; k < e->off + e->len; k++)
			ck_same_byte(&model[k], e, k);
		at = e->off + e->len;
	}
	must(at <= end);
	for (k = at; k < end && k < BYTES; k++)
		must(model[k].source == EXTENT_HOLE);
}

/* So small that a map has hundreds of them: many leaves. */
static bool small_pieces;

static struct extent random_extent(const struct byte *model)
{
	struct extent e = {.off = rng(BYTES)};

	if (rng(small_pieces ? 100 : 4))
		e.len = 1 + rng(small_pieces ? 3 : 40);
	else
		e.len = 1 + rng(BYTES);
	if (e.len > BYTES - e.off)
		e.len = BYTES - e.off;
	e.source = (uint8_t)rng(3);
	/* Often one that continues what stands before it. */
	if (e.off && rng(2)) {
		const struct byte *b = &model[e.off - 1];

		if (b->source != EXTENT_HOLE) {
			e.pos = b->pos + 1;
			e.gen = b->gen;
			e.source = b->source;
			e.shared = b->shared;
			return e;
		}
	}
	e.pos = rng(3) ? 100000 + e.off : rng(1000000);
	if (e.source == EXTENT_DATA) {
		e.gen = (uint32_t)rng(2);
		e.shared = rng(4) == 0;
	}
	if (e.source == EXTENT_HOLE)
		e.pos = 0;
	return e;
}

static void model_put(struct byte *model, const struct extent *e)
{
	uint64_t k;

	for (k = 0; k < e->len; k++) {
		model[e->off + k] = (struct byte){.source = e->source,
						  .gen = e->gen,
						  .shared = e->shared};
		if (e->source != EXTENT_HOLE)
			model[e->off + k].pos = e->pos + k;
	}
}

static void step(struct extent_map *m, struct byte *model)
{
	struct extent_list dropped = {0};
	struct extent first = data_at(0, 1, 77);
	struct extent e;
	uint64_t off = rng(BYTES), len = rng(60), k;

	/* What a list holds already is left alone. */
	if (rng(2)) {
		struct extent_map other = {0};

		ck_assert_int_eq(extent_map_put(&other, &first, NULL), 0);
		ck_assert_int_eq(extent_map_cut(&other, 0, &dropped), 0);
		ck_assert_uint_eq(dropped.n, 1);
		extent_map_release(&other);
	}
	k = dropped.n;
	switch (rng(small_pieces ? 400 : 8)) {
	case 0:
		off += rng(BYTES - off);
		must(extent_map_cut(m, off, &dropped) == 0);
		ck_dropped(&dropped, k, model, off, UINT64_MAX);
		memset(model + off, 0, (BYTES - off) * sizeof *model);
		break;
	case 1:
	case 2:
		must(extent_map_share(m, off, len) == 0);
		for (k = off; k < off + len && k < BYTES; k++)
			if (model[k].source == EXTENT_DATA)
				model[k].shared = true;
		break;
	default:
		e = random_extent(model);
		must(extent_map_put(m, &e, &dropped) == 0);
		ck_dropped(&dropped, k, model, e.off, e.off + e.len);
		model_put(model, &e);
	}
	extent_list_release(&dropped);
}

/* Tens of thousands of random changes against a model of single bytes. */
START_TEST(fuzz_against_model)
{
	struct byte model[BYTES] = {0}, before[BYTES];
	struct extent_map m = {0}, copy = {0};
	unsigned i, most = 0;

	rng_state = 0x9e3779b97f4a7c15u + (uint64_t)_i * 7919;
	small_pieces = _i % 2;
	for (i = 0; i < 10000; i++) {
		if (i % 500 == 0) {
			extent_map_release(&copy);
			ck_assert_int_eq(extent_map_copy(&m, &copy), 0);
			memcpy(before, model, sizeof model);
			ck_assert(extent_map_equal(&m, &copy));
		}
		step(&m, model);
		ck_like_model(&m, model);
		ck_at(&m, model);
		if (m.n_leaves > most)
			most = m.n_leaves;
	}
	ck_assert_uint_gt(most, small_pieces ? 3 : 0);
	ck_like_model(&copy, before);
	ck_assert(!extent_map_equal(&m, &copy));
	extent_map_release(&m);
	extent_map_release(&copy);
}
END_TEST

/* Each allocation of a change fails in its turn: nothing has changed then, but
 * that some of what was to be shared may be. */
START_TEST(no_memory_changes_nothing)
{
	struct byte model[BYTES] = {0}, before[BYTES];
	struct extent_map m = {0}, copy;
	unsigned i, failures = 0;
	int err;

	rng_state = 4711;
	small_pieces = _i;
	for (i = 0; i < 4000; i++) {
		struct extent_list dropped = {0};
		struct extent e = random_extent(model);
		uint64_t off = rng(BYTES), len = 1 + rng(60), k;
		unsigned op = (unsigned)rng(small_pieces ? 200 : 10), due;

		err = -ENOMEM;
		memcpy(before, model, sizeof model);
		for (due = 1; err == -ENOMEM; due++) {
			fail_in = due;
			if (op == 0)
				err = extent_map_cut(&m, off, &dropped);
			else if (op < 3)
				err = extent_map_share(&m, off, len);
			else
				err = extent_map_put(&m, &e, &dropped);
			fail_in = 0;
			if (err == 0)
				break;
			failures++;
			must(err == -ENOMEM);
			must(dropped.n == 0);
			if (op == 0 || op >= 3)
				ck_like_model(&m, before);
		}
		extent_list_release(&dropped);
		if (op == 0)
			memset(model + off, 0, (BYTES - off) * sizeof *model);
		else if (op >= 3)
			model_put(model, &e);
		for (k = off; op && op < 3 && k < off + len && k < BYTES; k++)
			if (model[k].source == EXTENT_DATA)
				model[k].shared = true;
		ck_like_model(&m, model);
	}
	ck_assert_uint_gt(failures, 100);
	ck_assert_uint_gt(m.n, 1);
	fail_in = 1;
	err = extent_map_copy(&m, &copy);
	fail_in = 0;
	ck_assert_int_eq(err, -ENOMEM);
	extent_map_release(&m);
}
END_TEST

START_TEST(imported_file_takes_no_allocation)
{
	struct extent_map m = {0}, copy;
	struct extent e = {.len = 1 << 30, .pos = 2048, .source = EXTENT_DISC};

	int put, copied, cut;
	unsigned left;

	fail_in = 1;
	put = extent_map_put(&m, &e, NULL);
	copied = extent_map_copy(&m, &copy);
	cut = extent_map_cut(&m, 5000, NULL);
	left = fail_in;
	fail_in = 0;
	ck_assert_uint_eq(left, 1);
	ck_assert_int_eq(put, 0);
	ck_assert_int_eq(copied, 0);
	ck_assert_int_eq(cut, 0);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_uint_eq(extent_map_bytes(&m, EXTENT_DISC), 5000);
	ck_assert_uint_eq(extent_map_bytes(&copy, EXTENT_DISC), 1 << 30);
}
END_TEST

START_TEST(sequential_writes_are_one_extent)
{
	struct extent_map m = {0};
	uint64_t i;

	for (i = 0; i < 1000; i++) {
		struct extent e = data_at(i * 1000, 1000, 8192 + i * 1000);

		ck_assert_int_eq(extent_map_put(&m, &e, NULL), 0);
	}
	ck_assert_uint_eq(m.n, 1);
	ck_assert_uint_eq(extent_map_bytes(&m, EXTENT_DATA), 1000000);
	extent_map_release(&m);
}
END_TEST

START_TEST(write_into_the_middle_keeps_the_rest)
{
	struct extent e = {
		.len = 1ull << 32, .pos = 65536, .source = EXTENT_DISC};
	struct extent w = data_at(1ull << 31, 4096, 0), got;
	struct extent_list dropped = {0};
	struct extent_map m = {0};

	ck_assert_int_eq(extent_map_put(&m, &e, &dropped), 0);
	ck_assert_int_eq(extent_map_put(&m, &w, &dropped), 0);
	ck_assert_uint_eq(m.n, 3);
	ck_assert_uint_eq(dropped.n, 1);
	ck_assert_uint_eq(dropped.v[0].pos, 65536 + (1ull << 31));
	ck_assert_uint_eq(dropped.v[0].len, 4096);
	extent_map_at(&m, (1ull << 31) + 4096, UINT64_MAX, &got);
	ck_assert_uint_eq(got.source, EXTENT_DISC);
	ck_assert_uint_eq(got.pos, 65536 + (1ull << 31) + 4096);
	ck_assert_uint_eq(got.len, (1ull << 31) - 4096);
	extent_map_at(&m, 1ull << 32, UINT64_MAX, &got);
	ck_assert_uint_eq(got.source, EXTENT_HOLE);
	ck_assert_uint_eq(got.len, UINT64_MAX);
	extent_map_release(&m);
	extent_list_release(&dropped);
}
END_TEST

START_TEST(equal_looks_at_bytes_only)
{
	struct extent whole = data_at(100, 300, 4096), half, other;
	struct extent_map a = {0}, b = {0};

	ck_assert_int_eq(extent_map_put(&a, &whole, NULL), 0);
	half = data_at(100, 150, 4096);
	half.gen = 3;
	ck_assert_int_eq(extent_map_put(&b, &half, NULL), 0);
	ck_assert(!extent_map_equal(&a, &b));
	half = data_at(250, 150, 4096 + 150);
	ck_assert_int_eq(extent_map_put(&b, &half, NULL), 0);
	ck_assert_uint_eq(b.n, 2);
	ck_assert(extent_map_equal(&a, &b));
	ck_assert(extent_map_equal(&b, &a));
	ck_assert_int_eq(extent_map_share(&b, 300, 10), 0);
	ck_assert_uint_eq(b.n, 4);
	ck_assert(extent_map_equal(&a, &b));
	other = data_at(399, 1, 99999);
	ck_assert_int_eq(extent_map_put(&b, &other, NULL), 0);
	ck_assert(!extent_map_equal(&a, &b));
	ck_assert_int_eq(extent_map_cut(&b, 399, NULL), 0);
	ck_assert(!extent_map_equal(&a, &b));
	ck_assert(!extent_map_equal(&b, &a));
	extent_map_release(&a);
	extent_map_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("extent");
	TCase *t = tcase_create("extent");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, fuzz_against_model, 0, 6);
	tcase_add_loop_test(t, no_memory_changes_nothing, 0, 2);
	tcase_add_test(t, imported_file_takes_no_allocation);
	tcase_add_test(t, sequential_writes_are_one_extent);
	tcase_add_test(t, write_into_the_middle_keeps_the_rest);
	tcase_add_test(t, equal_looks_at_bytes_only);
	suite_add_tcase(s, t);
	return run_suite(s);
}
