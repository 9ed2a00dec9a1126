/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/old_sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/array.h"

struct old_file {
	uint32_t id;
	unsigned n_runs;
	const struct disc_run *runs; /* one at least */
	char sum[OLD_SUM_BYTES];
};

int old_sums_note(struct old_sums *s, const struct import_node *node)
{
	struct old_file *f;
	int err = node_paths_note(&s->paths, node);

	/* What is decoded on the way comes in an order of its own. */
	if (err || !S_ISREG(node->attr.mode) || !node->n_runs ||
	    node->filtered || node->boot_catalog)
		return err;
	f = array_append(&s->files, &s->n, sizeof *f);
	if (!f)
		return -ENOMEM;
	*f = (struct old_file){.id = node->id, .n_runs = node->n_runs};
	f->runs = arena_copy(&s->paths.arena, node->runs,
			     node->n_runs * sizeof *node->runs);
	return f->runs ? 0 : -ENOMEM;
}

static int by_place(const void *a, const void *b)
{
	const struct old_file *x = a, *y = b;

	return (x->runs[0].lba > y->runs[0].lba) -
	       (x->runs[0].lba < y->runs[0].lba);
}

static bool same_content(const struct old_file *a, const struct old_file *b)
{
	return a->n_runs == b->n_runs &&
	       memcmp(a->runs, b->runs, a->n_runs * sizeof *a->runs) == 0 &&
	       memcmp(a->sum, b->sum, sizeof a->sum) == 0;
}

/* Of the files that begin at one place one is left: links are the same, and
 * what only begins alike cannot be told apart. */
static void drop_equals(struct old_sums *s)
{
	uint32_t kept = 0, i, j;

	for (i = 0; i < s->n; i = j) {
		bool same = true;

		for (j = i + 1;
		     j < s->n && !by_place(&s->files[i], &s->files[j]); j++)
			same = same && same_content(&s->files[i], &s->files[j]);
		if (same)
			s->files[kept++] = s->files[i];
	}
	s->n = kept;
}

void old_sums_load(struct old_sums *s, const struct base_image *base)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		struct old_file *f = &s->files[i];
		IsoNode *node = base->nodes[f->id];

		if (iso_node_get_type(node) == LIBISO_FILE &&
		    iso_file_get_md5(base->image, (IsoFile *)node, f->sum, 0) ==
			    1)
			s->files[kept++] = *f;
	}
	s->n = kept;
	if (s->n)
		qsort(s->files, s->n, sizeof *s->files, by_place);
	drop_equals(s);
}

static void forget(struct old_sums *s)
{
	char sum[OLD_SUM_BYTES];

	if (s->md5)
		iso_md5_end(&s->md5, sum);
	s->md5 = NULL;
	s->now = NULL;
}

static void begin_run(struct old_sums *s, unsigned run)
{
	s->run = run;
	s->next_lba = s->now->runs[run].lba;
	s->left = s->now->runs[run].len_bytes;
}

/* Whether a file begins at @lba; then it is the one that is read. */
static bool begin(struct old_sums *s, uint32_t lba)
{
	const struct disc_run run = {.lba = lba};
	const struct old_file key = {.runs = &run};

	forget(s);
	if (s->n)
		s->now = bsearch(&key, s->files, s->n, sizeof key, by_place);
	if (!s->now || iso_md5_start(&s->md5) <= 0) {
		s->now = NULL;
		return false;
	}
	begin_run(s, 0);
	return true;
}

static void end(struct old_sums *s)
{
	char sum[OLD_SUM_BYTES];
	unsigned none = 0;

	iso_md5_end(&s->md5, sum);
	s->md5 = NULL;
	if (memcmp(sum, s->now->sum, sizeof sum) != 0)
		atomic_compare_exchange_strong(&s->failed, &none, s->now->id);
	s->now = NULL;
}

void old_sums_block(struct old_sums *s, uint32_t lba, const uint8_t *data)
{
	char block[DISC_BLOCK];
	size_t n;

	if ((!s->now || lba != s->next_lba) && !begin(s, lba))
		return;
	n = s->left < sizeof block ? (size_t)s->left : sizeof block;
	memcpy(block, data, n);
	iso_md5_compute(s->md5, block, (int)n);
	s->left -= n;
	s->next_lba++;
	if (s->left)
		return;
	if (s->run + 1 < s->now->n_runs)
		begin_run(s, s->run + 1);
	else
		end(s);
}

bool old_sums_failed(struct old_sums *s, const char **ret_path,
		     char buf[NODE_PATH_BYTES])
{
	unsigned id = atomic_load(&s->failed);

	if (id)
		*ret_path = node_paths_get(&s->paths, id, buf);
	return id != 0;
}

void old_sums_release(struct old_sums *s)
{
	forget(s);
	node_paths_release(&s->paths);
	free(s->files);
	s->files = NULL;
	s->n = 0;
}
