/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

/* Room for @need things of @size bytes. */
static int reserve(void *array, size_t *room, size_t need, size_t size)
{
	size_t more = *room ? *room : FIRST_ROOM;
	void *p, *old;

	if (need <= *room)
		return 0;
	while (more < need)
		more *= 2;
	memcpy(&old, array, sizeof old);
	p = realloc(old, more * size);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof p);
	*room = more;
	return 0;
}

void names_clear(struct names *l)
{
	l->n = l->text_len = l->n_runs = l->open_run = 0;
}

int names_run(struct names *l, uint64_t lba, uint64_t len_bytes)
{
	struct disc_run *last =
		l->n_runs > l->open_run ? &l->runs[l->n_runs - 1] : NULL;

	if (len_bytes == 0)
		return 0;
	if (last && last->len_bytes % DISC_BLOCK == 0 &&
	    last->lba + last->len_bytes / DISC_BLOCK == lba) {
		last->len_bytes += len_bytes;
		return 0;
	}
	if (reserve(&l->runs, &l->runs_room, l->n_runs + 1, sizeof *l->runs))
		return -ENOMEM;
	l->runs[l->n_runs++] =
		(struct disc_run){.lba = lba, .len_bytes = len_bytes};
	return 0;
}

int names_add(struct names *l, const struct susp_facts *facts, mode_t mode,
	      uint32_t folder_lba)
{
	size_t len = facts->name_len, i;
	struct names_entry *e;

	if (len == 0 || len > SUSP_NAME_MAX || memchr(facts->name, '/', len) ||
	    memchr(facts->name, 0, len))
		return -EIO;
	if (reserve(&l->v, &l->room, l->n + 1, sizeof *l->v) ||
	    reserve(&l->text, &l->text_room, l->text_len + len + 1, 1))
		return -ENOMEM;
	e = &l->v[l->n++];
	*e = (struct names_entry){
		.name = l->text_len,
		.mode = mode,
		.folder_lba = folder_lba,
	};
	memcpy(l->text + l->text_len, facts->name, len);
	l->text[l->text_len + len] = '\0';
	l->text_len += len + 1;
	if (S_ISREG(mode)) {
		e->first_run = l->open_run;
		e->n_runs = (unsigned)(l->n_runs - l->open_run);
		for (i = e->first_run; i < l->n_runs; i++)
			e->size += l->runs[i].len_bytes;
	} else {
		l->n_runs = l->open_run;
	}
	l->open_run = l->n_runs;
	return 0;
}

static int by_name(const void *a, const void *b, void *arg)
{
	const struct names_entry *x = a, *y = b;
	const char *text = arg;

	return strcmp(text + x->name, text + y->name);
}

void names_sort(struct names *l)
{
	if (l->n)
		qsort_r(l->v, l->n, sizeof *l->v, by_name, l->text);
}

int names_visit(struct names *l, size_t i, uint32_t parent)
{
	const struct names_entry *e = &l->v[i];
	const struct import_node node = {
		.id = l->next_id++,
		.parent_id = parent,
		.name = l->text + e->name,
		.attr.mode = e->mode,
		.size = e->size,
		.runs = e->n_runs ? l->runs + e->first_run : NULL,
		.n_runs = e->n_runs,
	};

	return l->visit(l->arg, &node);
}

void names_release(struct names *l)
{
	free(l->v);
	free(l->text);
	free(l->runs);
	l->v = NULL;
	l->text = NULL;
	l->runs = NULL;
}
