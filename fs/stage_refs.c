/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/stage_refs.h"

#include <errno.h>
#include <stdlib.h>

/*
 * A treap: a search tree by position that is a heap by random priorities, and
 * so of logarithmic depth whatever the order of the changes.
 */
struct refs_run {
	uint64_t pos, len;
	uint32_t extra; /* > 0 */
	uint32_t priority;
	struct refs_run *left, *right;
};

static uint64_t run_end(const struct refs_run *n)
{
	return n->pos + n->len;
}

static struct refs_run *run_new(struct stage_refs *r, uint64_t pos,
				uint64_t len, uint32_t extra)
{
	struct refs_run *n = malloc(sizeof *n);

	if (!n)
		return NULL;
	/* xorshift (Marsaglia 2003) */
	if (r->random == 0)
		r->random = 2463534242u;
	r->random ^= r->random << 13;
	r->random ^= r->random >> 17;
	r->random ^= r->random << 5;
	*n = (struct refs_run){
		.pos = pos, .len = len, .extra = extra, .priority = r->random};
	return n;
}

/* All of @a stands before all of @b. */
static struct refs_run *merge(struct refs_run *a, struct refs_run *b)
{
	if (!a || !b)
		return a ? a : b;
	if (a->priority > b->priority) {
		a->right = merge(a->right, b);
		return a;
	}
	b->left = merge(a, b->left);
	return b;
}

/* Runs that begin before @at go to *@ret_a, the others to *@ret_b. */
static void split(struct refs_run *t, uint64_t at, struct refs_run **ret_a,
		  struct refs_run **ret_b)
{
	if (!t) {
		*ret_a = *ret_b = NULL;
	} else if (t->pos < at) {
		split(t->right, at, &t->right, ret_b);
		*ret_a = t;
	} else {
		split(t->left, at, ret_a, &t->left);
		*ret_b = t;
	}
}

static struct refs_run *first_of(struct refs_run *t)
{
	while (t && t->left)
		t = t->left;
	return t;
}

static struct refs_run *last_of(struct refs_run *t)
{
	while (t && t->right)
		t = t->right;
	return t;
}

static struct refs_run *take_first(struct refs_run **t)
{
	struct refs_run *n;

	while (*t && (*t)->left)
		t = &(*t)->left;
	n = *t;
	if (n) {
		*t = n->right;
		n->right = NULL;
	}
	return n;
}

/* Put @n behind all of *@t, or into its last run. */
static void append(struct refs_run **t, struct refs_run *n)
{
	struct refs_run *last = last_of(*t);

	if (last && run_end(last) == n->pos && last->extra == n->extra) {
		last->len += n->len;
		free(n);
	} else {
		*t = merge(*t, n);
	}
}

/* The run that holds the byte at @pos. */
static struct refs_run *find(const struct stage_refs *r, uint64_t pos)
{
	struct refs_run *t = r->root;

	while (t && (pos < t->pos || pos - t->pos >= t->len))
		t = pos < t->pos ? t->left : t->right;
	return t;
}

/* Let no run reach over @at. */
static int cut(struct stage_refs *r, uint64_t at)
{
	struct refs_run *t = find(r, at), *n, *a, *b;

	if (!t || t->pos == at)
		return 0;
	n = run_new(r, at, run_end(t) - at, t->extra);
	if (!n)
		return -ENOMEM;
	t->len = at - t->pos;
	split(r->root, at, &a, &b);
	r->root = merge(merge(a, n), b);
	return 0;
}

/* Take the runs of pos .. +len out: what is before, in and behind it. */
static int take(struct stage_refs *r, uint64_t pos, uint64_t len,
		struct refs_run *ret[3])
{
	struct refs_run *rest;
	int err = cut(r, pos);

	if (err == 0)
		err = cut(r, pos + len);
	if (err < 0)
		return err;
	split(r->root, pos, &ret[0], &rest);
	split(rest, pos + len, &ret[1], &ret[2]);
	return 0;
}

static void put_back(struct stage_refs *r, struct refs_run *done,
		     struct refs_run *behind)
{
	struct refs_run *first = first_of(behind), *last = last_of(done);

	if (first && last && run_end(last) == first->pos &&
	    last->extra == first->extra)
		append(&done, take_first(&behind));
	r->root = merge(done, behind);
}

static void free_all(struct refs_run *t)
{
	struct refs_run *n;

	while ((n = take_first(&t)))
		free(n);
}

void stage_refs_release(struct stage_refs *r)
{
	free_all(r->root);
	r->root = NULL;
}

int stage_refs_add(struct stage_refs *r, uint64_t pos, uint64_t len)
{
	struct refs_run *part[3], *n, *gap;
	uint64_t at = pos, end = pos + len;
	int err;

	if (len == 0)
		return 0;
	err = take(r, pos, len, part);
	if (err < 0)
		return err;
	while (at < end) {
		n = take_first(&part[1]);
		if (!n || n->pos > at) {
			gap = run_new(r, at, (n ? n->pos : end) - at, 1);
			if (!gap) {
				free(n);
				err = -ENOMEM;
				break;
			}
			append(&part[0], gap);
		}
		at = end;
		if (n) {
			n->extra++;
			at = run_end(n);
			append(&part[0], n);
		}
	}
	free_all(part[1]);
	put_back(r, part[0], part[2]);
	return err;
}

int stage_refs_sub(struct stage_refs *r, uint64_t pos, uint64_t len,
		   void (*last)(void *arg, uint64_t pos, uint64_t len),
		   void *arg)
{
	struct refs_run *part[3], *n;
	uint64_t at = pos, end = pos + len;
	int err;

	if (len == 0)
		return 0;
	if (!r->root) {
		last(arg, pos, len);
		return 0;
	}
	err = take(r, pos, len, part);
	if (err < 0)
		return err;
	while ((n = take_first(&part[1]))) {
		if (n->pos > at)
			last(arg, at, n->pos - at);
		at = run_end(n);
		if (--n->extra == 0)
			free(n);
		else
			append(&part[0], n);
	}
	if (at < end)
		last(arg, at, end - at);
	put_back(r, part[0], part[2]);
	return 0;
}

int stage_refs_append(struct stage_refs *r, uint64_t pos, uint64_t len,
		      uint32_t extra)
{
	struct refs_run *n;

	if (len == 0 || extra == 0)
		return 0;
	n = run_new(r, pos, len, extra);
	if (!n)
		return -ENOMEM;
	append(&r->root, n);
	return 0;
}

uint32_t stage_refs_at(const struct stage_refs *r, uint64_t pos)
{
	const struct refs_run *n = find(r, pos);

	return n ? n->extra : 0;
}
