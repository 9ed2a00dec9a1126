/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/folder_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc.h"
#include "common/array.h"
#include "common/cleanup.h"

enum {
	WORTH_IT = 4096, /* entries: a tenth of a second */
	/* A hole at a block's end takes a later record, so that they need no
	 * more blocks than they had. */
	LOOK_AHEAD = 32,
	FIRST_ROOM = 256,
};

int folder_records_add(struct folder_records *r, uint32_t start, uint8_t len)
{
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : FIRST_ROOM;
		struct folder_record *v = realloc(r->v, room * sizeof *v);

		if (!v)
			return -ENOMEM;
		r->v = v;
		r->room = room;
	}
	r->v[r->n++] = (struct folder_record){
		.start = start, .len = len, .name = FOLDER_NO_NAME};
	return 0;
}

void folder_records_name(struct folder_records *r, uint32_t name,
			 size_t n_extents)
{
	size_t i;

	for (i = r->n - 1 - n_extents; i < r->n; i++) {
		r->v[i].name = name;
		r->v[i].chained = n_extents > 0;
	}
}

/* strcmp, which is how libisofs sorts. */
static int name_cmp(const struct same_names *names, uint32_t a, uint32_t b)
{
	const struct same_name *x, *y;
	int c;

	if (a == FOLDER_NO_NAME || b == FOLDER_NO_NAME)
		return (b == FOLDER_NO_NAME) - (a == FOLDER_NO_NAME);
	x = &names->v[a];
	y = &names->v[b];
	c = memcmp(names->text + x->start, names->text + y->start,
		   x->len < y->len ? x->len : y->len);
	return c ? c : x->len - y->len;
}

static int record_cmp(const void *a, const void *b, void *arg)
{
	const struct folder_record *x = a, *y = b;
	int c = name_cmp(arg, x->name, y->name);

	/* Which of two equal names keeps it depends on their order. */
	return c ? c : (x->start > y->start) - (x->start < y->start);
}

bool folder_is_unsorted(const struct folder_records *r,
			const struct same_names *names)
{
	size_t i;

	for (i = 1; r->n >= WORTH_IT && i < r->n; i++)
		if (name_cmp(names, r->v[i - 1].name, r->v[i].name) > 0)
			return true;
	return false;
}

/* How many records from @v on are one file's: they have one name and come one
 * after the other. */
static size_t unit_len(const struct folder_record *v, size_t n)
{
	size_t i = 1;

	while (v->chained && i < n && v[i].chained && v[i].name == v->name)
		i++;
	return i;
}

/* The first of the next records for the @room bytes that are left of a block,
 * or NULL.  Those without a length are used. */
static struct folder_record *fitting(struct folder_record *v, size_t n,
				     size_t room)
{
	size_t i = 0, units;

	for (units = 0; i < n && units < LOOK_AHEAD; units++) {
		if (v[i].len && v[i].len <= room)
			return &v[i];
		i += unit_len(&v[i], n - i);
	}
	return NULL;
}

/* Puts one record at *@pos, or at the next block; false behind the end. */
static bool put(struct folder_record *r, const unsigned char *from,
		unsigned char *to, size_t *pos, size_t end)
{
	size_t room = DISC_BLOCK - *pos % DISC_BLOCK;

	if (r->len > room)
		*pos += room;
	if (*pos + r->len > end)
		return false;
	memcpy(to + *pos, from + r->start, r->len);
	*pos += r->len;
	r->len = 0;
	return true;
}

/* Fills @to with all records; false if they find no room. */
static bool pack(struct folder_records *r, const unsigned char *from,
		 unsigned char *to, uint32_t blocks, size_t head)
{
	size_t pos = head, end = (size_t)blocks * DISC_BLOCK, i = 0, k, n;

	while (i < r->n) {
		struct folder_record *next;

		if (!r->v[i].len) {
			i++;
			continue;
		}
		next = fitting(r->v + i, r->n - i,
			       DISC_BLOCK - pos % DISC_BLOCK);
		if (!next)
			next = &r->v[i];
		n = unit_len(next, r->n - (size_t)(next - r->v));
		for (k = 0; k < n; k++)
			if (!put(&next[k], from, to, &pos, end))
				return false;
	}
	return true;
}

int folder_view_make(struct folder_records *r, const struct same_names *names,
		     const unsigned char *data, uint32_t blocks, size_t head,
		     unsigned char **ret)
{
	AUTO_FREE unsigned char *view = calloc(blocks, DISC_BLOCK);
	union {
		const struct same_names *in;
		void *out;
	} arg = {.in = names};

	if (!view)
		return -ENOMEM;
	qsort_r(r->v, r->n, sizeof *r->v, record_cmp, arg.out);
	memcpy(view, data, head);
	*ret = pack(r, data, view, blocks, head) ? STEAL_PTR(view) : NULL;
	return 0;
}

int folder_views_add(struct folder_views *v, uint32_t lba, uint32_t blocks,
		     unsigned char *data)
{
	struct folder_view *view = array_append(&v->v, &v->n, sizeof *view);

	if (!view) {
		free(data);
		return -ENOMEM;
	}
	*view = (struct folder_view){
		.lba = lba, .blocks = blocks, .data = data};
	return 0;
}

static int view_cmp(const void *a, const void *b)
{
	const struct folder_view *x = a, *y = b;

	return (x->lba > y->lba) - (x->lba < y->lba);
}

void folder_views_end(struct folder_views *v)
{
	if (v->n)
		qsort(v->v, v->n, sizeof *v->v, view_cmp);
}

const unsigned char *folder_views_block(const struct folder_views *v,
					uint32_t lba)
{
	uint32_t from = 0, to = v->n;

	while (from < to) {
		uint32_t i = from + (to - from) / 2;
		const struct folder_view *view = &v->v[i];

		if (lba < view->lba)
			to = i;
		else if (lba - view->lba >= view->blocks)
			from = i + 1;
		else
			return view->data +
			       (size_t)(lba - view->lba) * DISC_BLOCK;
	}
	return NULL;
}

void folder_views_release(struct folder_views *v)
{
	while (v->n)
		free(v->v[--v->n].data);
	free(v->v);
	v->v = NULL;
}
