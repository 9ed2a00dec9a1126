/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/mount/crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { TREE_DEPTH = 20 };

/* What is there: of each block the call that made it, 0 for a hole. */
static struct found {
	uint64_t seq[FILES][BLOCKS];
	unsigned names[FILES];
	unsigned folders;
	uint64_t note[WRITERS];
} found;

/* ---- looking ---- */

static uint64_t one_value(const uint64_t *words, size_t n, unsigned file,
			  const char *path)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (words[i] != words[0] ||
		    (words[i] && word_file(words[i]) != file))
			wrong("%s: word %zu is %llx, the first %llx", path, i,
			      (unsigned long long)words[i],
			      (unsigned long long)words[0]);
	return word_seq(words[0]);
}

static void look_at_file(const char *path, unsigned n, off_t size)
{
	uint64_t words[BLOCK_WORDS];
	unsigned i;
	AUTO_FD int fd = open(path, O_RDONLY);

	if (fd < 0)
		die(path);
	/* Shorter: between the two calls of a cut. */
	if (size > (off_t)BLOCKS * BLOCK_BYTES || size % BLOCK_BYTES)
		wrong("%s has %lld bytes", path, (long long)size);
	found.names[n]++;
	for (i = 0; i < BLOCKS; i++) {
		memset(words, 0, sizeof words);
		if (pread(fd, words, sizeof words, (off_t)i * BLOCK_BYTES) < 0)
			die(path);
		found.seq[n][i] = one_value(words, BLOCK_WORDS, n, path);
	}
}

static void look_at_note(const char *path, unsigned n)
{
	uint64_t words[NOTE_WORDS + 1];
	AUTO_FD int fd = open(path, O_RDONLY);

	if (fd < 0)
		die(path);
	if (pread(fd, words, sizeof words, 0) != NOTE_WORDS * 8)
		wrong("%s has another size", path);
	found.note[n] = one_value(words, NOTE_WORDS, FILES + n, path);
}

static int look(const char *path, const struct stat *st, int type,
		struct FTW *at)
{
	const char *name = path + at->base;
	unsigned n;

	if (type == FTW_D) {
		if (at->level > 0)
			found.folders++;
	} else if (type != FTW_F) {
		die(path);
	} else if (sscanf(name, "f%u", &n) == 1 && n < FILES) {
		look_at_file(path, n, st->st_size);
	} else if (sscanf(name, "note.%u", &n) == 1 && n < WRITERS) {
		if (!strstr(name, ".tmp"))
			look_at_note(path, n);
	} else if (strcmp(name, "ballast") != 0) {
		wrong("%s is nobody's", path);
	}
	return 0;
}

/* ---- comparing ---- */

static struct call *read_calls(const char *log_dir, unsigned writer, size_t *n)
{
	char path[512];
	struct call *calls;
	struct stat st;

	snprintf(path, sizeof path, "%s/writer.%u", log_dir, writer);
	AUTO_FD int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0)
		die(path);
	calls = malloc((size_t)st.st_size + 1);
	if (!calls || read(fd, calls, (size_t)st.st_size) != st.st_size)
		die(path);
	*n = (size_t)st.st_size / sizeof *calls;
	return calls;
}

/* The first and the last call that may be the last one in it. */
static void read_bounds(const char *log_dir, unsigned commit, unsigned writer,
			uint64_t *first, uint64_t *last)
{
	char path[512], line[512], *p = line;
	uint64_t v[2 * WRITERS];
	unsigned i;
	FILE *f;

	snprintf(path, sizeof path, "%s/commits", log_dir);
	f = fopen(path, "r");
	for (i = 0; f && i < commit; i++)
		if (!fgets(line, sizeof line, f))
			wrong("there was no commit %u", commit);
	if (!f)
		die(path);
	fclose(f);
	for (i = 0; i < 2 * WRITERS; i++)
		v[i] = strtoull(p, &p, 10);
	*first = v[writer];
	*last = v[WRITERS + writer];
}

/* What the calls up to one made of a writer's files. */
struct made {
	uint64_t seq[FILES_EACH][BLOCKS];
	uint64_t note;
};

static void play(struct made *m, const struct call *c, uint64_t seq)
{
	unsigned i;

	if (c->file < 0) {
		m->note = seq;
		return;
	}
	for (i = 0; i < c->count; i++)
		m->seq[c->file % FILES_EACH][c->first + i] = c->zero ? 0 : seq;
}

static bool is_found(const struct made *m, unsigned writer)
{
	return m->note == found.note[writer] &&
	       memcmp(m->seq, found.seq[writer * FILES_EACH], sizeof m->seq) ==
		       0;
}

/* How many blocks are others than @m has them; @ret_text: the first ones. */
static unsigned differ(const struct made *m, unsigned writer, char *text,
		       size_t size)
{
	unsigned i, k, n = 0;
	size_t used = 0;

	for (i = 0; i < FILES_EACH; i++) {
		for (k = 0; k < BLOCKS; k++) {
			uint64_t is = found.seq[writer * FILES_EACH + i][k];

			if (is == m->seq[i][k])
				continue;
			if (n++ < 12 && used < size)
				used += (size_t)snprintf(
					text + used, size - used,
					" f%u block %u: %llu not %llu;",
					writer * FILES_EACH + i, k,
					(unsigned long long)is,
					(unsigned long long)m->seq[i][k]);
		}
	}
	if (m->note != found.note[writer] && ++n && used < size)
		snprintf(text + used, size - used, " note: %llu not %llu;",
			 (unsigned long long)found.note[writer],
			 (unsigned long long)m->note);
	return n;
}

static void check_writer(unsigned writer, const char *log_dir, unsigned commit)
{
	static struct made made;
	static char text[2048], nearest[2048];
	size_t n, seq;
	struct call *calls = read_calls(log_dir, writer, &n);
	uint64_t first = n, last = n, best_seq = 0;
	unsigned count, best = UINT32_MAX;

	if (commit)
		read_bounds(log_dir, commit, writer, &first, &last);
	memset(&made, 0, sizeof made);
	for (seq = 1; seq <= first; seq++)
		play(&made, &calls[seq - 1], seq);
	for (; !is_found(&made, writer); seq++) {
		count = differ(&made, writer, text, sizeof text);
		if (count < best) {
			best = count;
			best_seq = seq - 1;
			memcpy(nearest, text, sizeof nearest);
		}
		if (seq > last)
			wrong("writer %u: no moment from call %llu to %llu is "
			      "what is there; call %llu but for %u:%s",
			      writer, (unsigned long long)first,
			      (unsigned long long)last,
			      (unsigned long long)best_seq, best, nearest);
		play(&made, &calls[seq - 1], seq);
	}
	free(calls);
}

void crowd_check(const char *dir, const char *log_dir, unsigned commit)
{
	unsigned i;

	if (nftw(dir, look, TREE_DEPTH, FTW_PHYS) < 0)
		die(dir);
	for (i = 0; i < FILES; i++)
		if (found.names[i] != 1)
			wrong("file %u has %u names", i, found.names[i]);
	if (found.folders != FOLDERS)
		wrong("%u folders", found.folders);
	for (i = 0; i < WRITERS; i++)
		check_writer(i, log_dir, commit);
}
