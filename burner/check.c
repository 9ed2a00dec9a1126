/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "burner/library.h"
#include "burner/node_paths.h"
#include "common/array.h"
#include "common/cleanup.h"

enum {
	CHUNK_BYTES = 512 * 1024,
	REPORT_MS = 100,
	SUM_BYTES = 16,
};

struct file {
	uint32_t id;
	uint32_t n_runs;
	const struct disc_run *runs;
	bool has_sum;
	char sum[SUM_BYTES];
	int verdict; /* of check_verdict, or GOOD */
	uint64_t bad_lba;
};

enum { GOOD = -1 };

struct checker {
	struct disc *disc;
	const struct progress_sink *sink;
	struct node_paths paths;
	struct file *files;
	uint32_t n_files;
	unsigned char *chunk;
	uint64_t bytes, bytes_total;
	struct timespec began, reported;
	char path[NODE_PATH_BYTES];
};

static bool is_cancelled(const struct checker *c)
{
	return c->sink && c->sink->cancel && atomic_load(c->sink->cancel);
}

/* ---- the tree ---- */

static int note_node(void *arg, const struct import_node *node)
{
	struct checker *c = arg;
	struct file *f;
	int err;

	if (is_cancelled(c))
		return -ECANCELED;
	err = node_paths_note(&c->paths, node);
	if (err || !S_ISREG(node->attr.mode))
		return err;
	f = array_append(&c->files, &c->n_files, sizeof *f);
	if (!f)
		return -ENOMEM;
	*f = (struct file){
		.id = node->id, .n_runs = node->n_runs, .verdict = GOOD};
	if (!node->n_runs)
		return 0;
	f->runs = arena_copy(&c->paths.arena, node->runs,
			     node->n_runs * sizeof *node->runs);
	return f->runs ? 0 : -ENOMEM;
}

static void note_sums(struct checker *c, const struct base_image *base)
{
	for (uint32_t i = 0; i < c->n_files; i++) {
		struct file *f = &c->files[i];
		IsoNode *node = base->nodes[f->id];

		/* The boot catalog is a node of its own kind. */
		if (iso_node_get_type(node) == LIBISO_FILE)
			f->has_sum =
				iso_file_get_md5(base->image, (IsoFile *)node,
						 f->sum, 0) == 1;
	}
}

static int load(struct checker *c, const struct import_opts *opts,
		struct why *why)
{
	struct base_image base;
	int err;

	library_lock();
	err = import_image(c->disc, opts, note_node, c, &base, why);
	if (!err) {
		note_sums(c, &base);
		base_image_release(&base);
	}
	library_unlock();
	if (err == -ENOMEM)
		why_set(why, err, "out of memory");
	else if (err == -ECANCELED)
		why_set(why, err, "cancelled");
	return err;
}

/* In the order of the blocks: a head moves one way. */
static int by_place(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	uint64_t p = x->n_runs ? x->runs[0].lba : 0;
	uint64_t q = y->n_runs ? y->runs[0].lba : 0;

	if (p != q)
		return p < q ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static bool same_content(const struct file *a, const struct file *b)
{
	return a->n_runs == b->n_runs && a->has_sum == b->has_sum &&
	       memcmp(a->sum, b->sum, SUM_BYTES) == 0 &&
	       (!a->n_runs ||
		memcmp(a->runs, b->runs, a->n_runs * sizeof *a->runs) == 0);
}

static uint64_t bytes_of(const struct file *f)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < f->n_runs; i++)
		sum += f->runs[i].len_bytes;
	return sum;
}

/* ---- paths and progress ---- */

static const char *path_of(struct checker *c, uint32_t id)
{
	return node_paths_get(&c->paths, id, c->path);
}

static int64_t ms_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)(now.tv_sec - then->tv_sec) * 1000 +
	       (now.tv_nsec - then->tv_nsec) / 1000000;
}

static void report(struct checker *c, uint32_t id, bool must)
{
	struct progress p = {
		.phase = "checking",
		.blocks_done = c->bytes / DISC_BLOCK,
		.blocks_total = c->bytes_total / DISC_BLOCK,
	};
	int64_t ms;

	if (!c->sink || !c->sink->report)
		return;
	if (!must && ms_since(&c->reported) < REPORT_MS)
		return;
	if (id != IMPORT_ROOT)
		p.file = path_of(c, id);
	ms = ms_since(&c->began);
	if (ms >= 500)
		p.bytes_per_second = c->bytes * 1000 / (uint64_t)ms;
	if (p.bytes_per_second)
		p.seconds_left = (uint32_t)((c->bytes_total - c->bytes) /
					    p.bytes_per_second);
	c->sink->report(c->sink->arg, &p);
	clock_gettime(CLOCK_MONOTONIC, &c->reported);
}

/* ---- contents ---- */

/* 0, also for a file that is not good; -ECANCELED, -ENOMEM. */
static int check_run(struct checker *c, struct file *f,
		     const struct disc_run *run, void *md5)
{
	uint64_t pos = run->lba * DISC_BLOCK, left = run->len_bytes;

	while (left) {
		size_t n = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;

		if (is_cancelled(c))
			return -ECANCELED;
		if (disc_read(c->disc, c->chunk, n, pos) < 0) {
			f->verdict = CHECK_UNREADABLE;
			f->bad_lba = pos / DISC_BLOCK;
			return 0;
		}
		iso_md5_compute(md5, (char *)c->chunk, (int)n);
		pos += n;
		left -= n;
		c->bytes += n;
		report(c, f->id, false);
	}
	return 0;
}

static int check_content(struct checker *c, struct file *f)
{
	uint64_t expected = c->bytes + bytes_of(f);
	char sum[SUM_BYTES];
	void *md5 = NULL;
	int err = 0;

	if (iso_md5_start(&md5) <= 0)
		return -ENOMEM;
	for (uint32_t i = 0; !err && i < f->n_runs && f->verdict == GOOD; i++)
		err = check_run(c, f, &f->runs[i], md5);
	iso_md5_end(&md5, sum);
	if (err)
		return err;
	if (f->verdict == GOOD && f->has_sum &&
	    memcmp(sum, f->sum, SUM_BYTES) != 0)
		f->verdict = CHECK_DAMAGED;
	/* What an unreadable file leaves out counts as done. */
	if (f->verdict == CHECK_UNREADABLE)
		c->bytes_total -= expected - c->bytes;
	return 0;
}

static int check_files(struct checker *c, struct check_totals *t,
		       check_found found, void *arg)
{
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &c->began);
	report(c, IMPORT_ROOT, true);
	for (uint32_t i = 0; !err && i < c->n_files; i++) {
		struct file *f = &c->files[i];

		if (i && same_content(f, f - 1)) {
			f->verdict = f[-1].verdict;
			f->bad_lba = f[-1].bad_lba;
		} else {
			err = check_content(c, f);
		}
		if (err)
			break;
		t->files++;
		t->no_checksum += !f->has_sum;
		t->damaged += f->verdict == CHECK_DAMAGED;
		t->unreadable += f->verdict == CHECK_UNREADABLE;
		if (f->verdict != GOOD)
			err = found(arg, path_of(c, f->id),
				    (enum check_verdict)f->verdict, f->bad_lba);
	}
	t->bytes = c->bytes;
	if (!err)
		report(c, IMPORT_ROOT, true);
	return err;
}

int check_session(struct disc *disc, const struct import_opts *opts,
		  check_found found, void *arg,
		  const struct progress_sink *sink, struct check_totals *ret,
		  struct why *why)
{
	struct checker c = {.disc = disc, .sink = sink};
	int err;

	*ret = (struct check_totals){0};
	c.chunk = malloc(CHUNK_BYTES);
	err = c.chunk ? load(&c, opts, why) : -ENOMEM;
	if (!err && c.n_files)
		qsort(c.files, c.n_files, sizeof *c.files, by_place);
	for (uint32_t i = 0; !err && i < c.n_files; i++)
		if (!i || !same_content(&c.files[i], &c.files[i - 1]))
			c.bytes_total += bytes_of(&c.files[i]);
	/* The medium is to be read, not what the system kept of it. */
	if (disc_fd(disc) >= 0)
		posix_fadvise(disc_fd(disc), 0, 0, POSIX_FADV_DONTNEED);
	if (!err)
		err = check_files(&c, ret, found, arg);
	if (err == -ECANCELED)
		why_set(why, err, "cancelled");
	node_paths_release(&c.paths);
	free(c.files);
	free(c.chunk);
	return err;
}
