/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crowd run DIR SECONDS LOG-DIR [COMMAND] - four writers, four readers, and one
 *   that renames, all in DIR, while COMMAND (a commit) is run over and over.
 * crowd check DIR LOG-DIR [COMMIT] - what is there afterwards (crowd.h)
 *
 * Exit status 0, 1 for a finding, 2 for trouble.
 */
#include "tests/mount/crowd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { MOST_BLOCKS = 16, PATH_ROOM = 512 };

/* Of a block, the numbers of calls: the last that is over, the last that has
 * begun, and the last that has begun and makes a hole. */
static struct block {
	_Atomic uint64_t done, begun, holed;
} blocks[FILES][BLOCKS];

struct writer {
	unsigned n;
	int fd[FILES_EACH];
	_Atomic uint64_t done, begun;
	struct call *log;
	size_t room;
	uint64_t longest_ns, while_committing;
};
static struct writer writers[WRITERS];

static const char *root;
static atomic_bool stop, committing;
static _Atomic uint64_t reads, words_read, renames;

void die(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(2);
}

void wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("crowd: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static unsigned pick(uint64_t *state, unsigned n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*state >> 33) % n;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- writers ---- */

static void note_call(struct writer *w, uint64_t seq, struct call c)
{
	if (seq > w->room) {
		w->room = w->room ? 2 * w->room : 4096;
		w->log = realloc(w->log, w->room * sizeof *w->log);
		if (!w->log)
			die("realloc");
	}
	w->log[seq - 1] = c;
}

static void put(int fd, const void *buf, size_t len, off_t off)
{
	if (pwrite(fd, buf, len, off) != (ssize_t)len)
		die("pwrite");
}

static void write_blocks(int fd, const struct call *c, uint64_t seq)
{
	static _Thread_local uint64_t buf[MOST_BLOCKS * BLOCK_WORDS];
	size_t i, words = (size_t)c->count * BLOCK_WORDS;

	for (i = 0; i < words; i++)
		buf[i] = word_of((unsigned)c->file, seq);
	put(fd, buf, words * 8, (off_t)c->first * BLOCK_BYTES);
}

static void make_hole(int fd, const struct call *c, bool cut)
{
	if (!cut) {
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (off_t)c->first * BLOCK_BYTES,
			      (off_t)c->count * BLOCK_BYTES) < 0)
			die("fallocate");
		return;
	}
	if (ftruncate(fd, (off_t)c->first * BLOCK_BYTES) < 0 ||
	    ftruncate(fd, (off_t)BLOCKS * BLOCK_BYTES) < 0)
		die("ftruncate");
}

static void save_note(const struct writer *w, uint64_t seq)
{
	char name[PATH_ROOM], tmp[PATH_ROOM];
	uint64_t buf[NOTE_WORDS];
	unsigned i;

	for (i = 0; i < NOTE_WORDS; i++)
		buf[i] = word_of(FILES + w->n, seq);
	snprintf(name, sizeof name, "%s/note.%u", root, w->n);
	snprintf(tmp, sizeof tmp, "%s/note.%u.tmp", root, w->n);
	AUTO_FD int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0)
		die(tmp);
	put(fd, buf, sizeof buf, 0);
	if (rename(tmp, name) < 0)
		die(name);
}

static void one_call(struct writer *w, uint64_t *state)
{
	unsigned what = pick(state, 100), i;
	uint64_t seq = atomic_load(&w->begun) + 1, start = now_ns(), took;
	struct call c = {.file = -1};
	struct block *b = NULL;

	if (what >= 4) {
		unsigned n = pick(state, FILES_EACH);

		c.file = (int32_t)(w->n * FILES_EACH + n);
		c.first = pick(state, BLOCKS);
		c.count = 1 + pick(state, MOST_BLOCKS);
		c.zero = what < 12;
		if (c.first + c.count > BLOCKS || what < 6)
			c.count = BLOCKS - c.first;
		if (!c.zero && c.count > MOST_BLOCKS)
			c.count = MOST_BLOCKS;
		b = &blocks[c.file][c.first];
	}
	note_call(w, seq, c);
	for (i = 0; i < c.count; i++) {
		if (c.zero)
			atomic_store(&b[i].holed, seq);
		atomic_store(&b[i].begun, seq);
	}
	atomic_store(&w->begun, seq);
	if (c.file < 0)
		save_note(w, seq);
	else if (c.zero)
		make_hole(w->fd[c.file % FILES_EACH], &c, what < 6);
	else
		write_blocks(w->fd[c.file % FILES_EACH], &c, seq);
	for (i = 0; i < c.count; i++)
		atomic_store(&b[i].done, seq);
	atomic_store(&w->done, seq);
	if (!atomic_load(&committing))
		return;
	took = now_ns() - start;
	w->while_committing++;
	if (took > w->longest_ns)
		w->longest_ns = took;
}

static void *writer_run(void *arg)
{
	struct writer *w = arg;
	uint64_t state = w->n + 1;

	while (!atomic_load(&stop))
		one_call(w, &state);
	return NULL;
}

/* ---- readers ---- */

/* Some entry below @path, which is renamed meanwhile: false if there is none.
 */
static bool some_entry(char *path, uint64_t *state)
{
	char names[FILES + FOLDERS + 2 * WRITERS + 8][NAME_ROOM];
	size_t len = strlen(path), n = 0;
	DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return false;
	while ((e = readdir(dir)) && n < sizeof names / sizeof names[0])
		if (e->d_name[0] != '.')
			snprintf(names[n++], NAME_ROOM, "%.*s", NAME_ROOM - 1,
				 e->d_name);
	closedir(dir);
	if (n == 0 || len + NAME_ROOM + 2 > PATH_ROOM)
		return false;
	snprintf(path + len, PATH_ROOM - len, "/%s",
		 names[pick(state, (unsigned)n)]);
	return true;
}

static void look_at_block(unsigned file, unsigned n, const uint64_t *words,
			  uint64_t done)
{
	const struct block *b = &blocks[file][n];
	uint64_t begun = atomic_load(&b->begun), holed = atomic_load(&b->holed);
	unsigned i;

	for (i = 0; i < BLOCK_WORDS; i++) {
		uint64_t word = words[i], seq = word_seq(word);

		if (word == 0 && (done == 0 || holed >= done))
			continue;
		if (word == 0 || word_file(word) != file || seq < done ||
		    seq > begun)
			wrong("file %u block %u word %u is %u.%llu; calls "
			      "over %llu, begun %llu, last hole %llu",
			      file, n, i, word_file(word),
			      (unsigned long long)seq, (unsigned long long)done,
			      (unsigned long long)begun,
			      (unsigned long long)holed);
	}
}

static void read_file(int fd, unsigned file, uint64_t *state)
{
	static _Thread_local uint64_t buf[MOST_BLOCKS * BLOCK_WORDS];
	unsigned first = pick(state, BLOCKS), n = 1 + pick(state, MOST_BLOCKS);
	uint64_t done[MOST_BLOCKS];
	ssize_t got;
	unsigned i;

	if (first + n > BLOCKS)
		n = BLOCKS - first;
	for (i = 0; i < n; i++)
		done[i] = atomic_load(&blocks[file][first + i].done);
	got = pread(fd, buf, (size_t)n * BLOCK_BYTES,
		    (off_t)first * BLOCK_BYTES);
	if (got < 0)
		die("pread");
	/* Shorter while it is cut: what is missing is a hole. */
	memset((char *)buf + got, 0, sizeof buf - (size_t)got);
	for (i = 0; i < n; i++)
		look_at_block(file, first + i, buf + (size_t)i * BLOCK_WORDS,
			      done[i]);
	atomic_fetch_add(&reads, 1);
	atomic_fetch_add(&words_read, (uint64_t)n * BLOCK_WORDS);
}

static void read_note(int fd, unsigned writer, uint64_t *seen)
{
	uint64_t buf[NOTE_WORDS + 1], i;
	ssize_t got = pread(fd, buf, sizeof buf, 0);

	if (got != NOTE_WORDS * 8)
		wrong("note %u has %zd bytes", writer, got);
	for (i = 0; i < NOTE_WORDS; i++)
		if (buf[i] != buf[0] || word_file(buf[i]) != FILES + writer ||
		    word_seq(buf[i]) < *seen)
			wrong("note %u is %llx", writer,
			      (unsigned long long)buf[i]);
	*seen = word_seq(buf[0]);
}

static void *reader_run(void *arg)
{
	uint64_t state = 1000 + (uint64_t)(uintptr_t)arg;
	uint64_t seen[WRITERS] = {0};

	while (!atomic_load(&stop)) {
		char path[PATH_ROOM], *name;
		unsigned n, level;

		snprintf(path, sizeof path, "%s", root);
		for (level = 0; level < FOLDERS; level++)
			if (!some_entry(path, &state))
				break;
		name = strrchr(path, '/') + 1;
		AUTO_FD int fd = open(path, O_RDONLY);

		if (fd < 0) {
			if (errno != ENOENT && errno != ENOTDIR)
				die(path);
			continue;
		}
		if (sscanf(name, "f%u", &n) == 1 && n < FILES)
			read_file(fd, n, &state);
		else if (sscanf(name, "note.%u", &n) == 1 && n < WRITERS &&
			 !strstr(name, ".tmp"))
			read_note(fd, n, &seen[n]);
	}
	return NULL;
}

/* ---- the one that renames ---- */

struct place {
	char name[NAME_ROOM];
	int parent; /* folder, or -1 for the root */
};

static void add_name(char *path, const char *name)
{
	size_t len = strlen(path);

	if (snprintf(path + len, PATH_ROOM - len, "/%s", name) >=
	    (int)(PATH_ROOM - len))
		wrong("%s/%s is too long a path", path, name);
}

static void folder_path(char *path, const struct place *folders, int n)
{
	if (n < 0) {
		snprintf(path, PATH_ROOM, "%s", root);
		return;
	}
	folder_path(path, folders, folders[n].parent);
	add_name(path, folders[n].name);
}

static bool is_below(const struct place *folders, int folder, int top)
{
	for (; folder >= 0; folder = folders[folder].parent)
		if (folder == top)
			return true;
	return false;
}

static void move(const struct place *folders, struct place *what, int to,
		 const char *name)
{
	char from[PATH_ROOM], into[PATH_ROOM];

	folder_path(from, folders, what->parent);
	add_name(from, what->name);
	folder_path(into, folders, to);
	add_name(into, name);
	if (rename(from, into) < 0)
		die(into);
	what->parent = to;
	snprintf(what->name, sizeof what->name, "%s", name);
	atomic_fetch_add(&renames, 1);
}

static void *renamer_run(void *arg)
{
	struct place folders[FOLDERS], files[FILES];
	uint64_t state = 77, turn = 0;
	char name[NAME_ROOM];
	unsigned i;

	(void)arg;
	for (i = 0; i < FOLDERS; i++) {
		snprintf(folders[i].name, NAME_ROOM, "d%u", i);
		folders[i].parent = -1;
	}
	for (i = 0; i < FILES; i++) {
		snprintf(files[i].name, NAME_ROOM, "f%u.0", i);
		files[i].parent = -1;
	}
	while (!atomic_load(&stop)) {
		int to = (int)pick(&state, FOLDERS + 1) - 1;

		turn++;
		if (pick(&state, 4) == 0) {
			int n = (int)pick(&state, FOLDERS);

			if (is_below(folders, to, n))
				continue;
			snprintf(name, sizeof name, "d%d.%llu", n,
				 (unsigned long long)turn);
			move(folders, &folders[n], to, name);
		} else {
			i = pick(&state, FILES);
			snprintf(name, sizeof name, "f%u.%llu", i,
				 (unsigned long long)turn);
			move(folders, &files[i], to, name);
		}
	}
	return NULL;
}

/* ---- all of it ---- */

static void prepare(void)
{
	char path[PATH_ROOM];
	unsigned i;

	for (i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof path, "%s/d%u", root, i);
		if (mkdir(path, 0755) < 0)
			die(path);
	}
	for (i = 0; i < FILES; i++) {
		int *fd = &writers[i / FILES_EACH].fd[i % FILES_EACH];

		snprintf(path, sizeof path, "%s/f%u.0", root, i);
		*fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
		if (*fd < 0 || ftruncate(*fd, (off_t)BLOCKS * BLOCK_BYTES) < 0)
			die(path);
	}
	for (i = 0; i < WRITERS; i++)
		writers[i].n = i;
}

static FILE *open_log(const char *dir, const char *name)
{
	char path[PATH_ROOM];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		die(path);
	return f;
}

/* One line a commit: of each writer, the calls that were over before it and
 * those that had begun after it. */
static void put_moment(FILE *f, bool begun)
{
	unsigned i;

	for (i = 0; i < WRITERS; i++)
		fprintf(f, "%llu ",
			(unsigned long long)atomic_load(
				begun ? &writers[i].begun : &writers[i].done));
}

static unsigned commit_until(uint64_t end_ns, const char *command, FILE *log,
			     uint64_t *took_ns)
{
	const struct timespec pause = {.tv_nsec = 300000000};
	unsigned n = 0;
	uint64_t start;

	while (now_ns() < end_ns) {
		nanosleep(&pause, NULL);
		if (!command)
			continue;
		put_moment(log, false);
		start = now_ns();
		atomic_store(&committing, true);
		if (system(command) != 0)
			wrong("commit %u fails", n + 1);
		atomic_store(&committing, false);
		*took_ns += now_ns() - start;
		put_moment(log, true);
		fputc('\n', log);
		n++;
	}
	return n;
}

static void put_calls(const char *log_dir)
{
	unsigned i;

	for (i = 0; i < WRITERS; i++) {
		const struct writer *w = &writers[i];
		char name[NAME_ROOM];
		FILE *f;

		snprintf(name, sizeof name, "writer.%u", i);
		f = open_log(log_dir, name);
		if (fwrite(w->log, sizeof *w->log, w->begun, f) != w->begun ||
		    fclose(f) != 0)
			die(name);
	}
}

static void run(unsigned seconds, const char *log_dir, const char *command)
{
	pthread_t threads[WRITERS + READERS + 1];
	uint64_t calls = 0, meanwhile = 0, longest = 0, took = 0;
	FILE *log = open_log(log_dir, "commits");
	unsigned i, n = 0, commits;
	int err = 0;

	prepare();
	for (i = 0; i < WRITERS; i++)
		err |= pthread_create(&threads[n++], NULL, writer_run,
				      &writers[i]);
	for (i = 0; i < READERS; i++)
		err |= pthread_create(&threads[n++], NULL, reader_run,
				      (void *)(uintptr_t)i);
	err |= pthread_create(&threads[n++], NULL, renamer_run, NULL);
	if (err)
		wrong("no threads");
	commits = commit_until(now_ns() + (uint64_t)seconds * 1000000000,
			       command, log, &took);
	atomic_store(&stop, true);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (fclose(log) != 0)
		die("log");
	put_calls(log_dir);
	for (i = 0; i < WRITERS; i++) {
		calls += writers[i].done;
		meanwhile += writers[i].while_committing;
		if (writers[i].longest_ns > longest)
			longest = writers[i].longest_ns;
	}
	printf("%llu calls, %llu reads of %llu MB, %llu renames, %u commits "
	       "of %llu ms, %llu calls meanwhile of at most %llu ms\n",
	       (unsigned long long)calls, (unsigned long long)reads,
	       (unsigned long long)words_read / 125000,
	       (unsigned long long)renames, commits,
	       (unsigned long long)took / 1000000 / (commits ? commits : 1),
	       (unsigned long long)meanwhile,
	       (unsigned long long)longest / 1000000);
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[1], "run")) {
		root = argv[2];
		run((unsigned)atoi(argv[3]), argv[4],
		    argc > 5 ? argv[5] : NULL);
	} else if (argc >= 4 && !strcmp(argv[1], "check")) {
		crowd_check(argv[2], argv[3],
			    argc > 4 ? (unsigned)atoi(argv[4]) : 0);
	} else {
		fprintf(stderr, "crowd run|check: see the source\n");
		return 2;
	}
	return 0;
}
