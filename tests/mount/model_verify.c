/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two trees compared: names, types, rights, owners, sizes, content, links,
 * targets, times, extended attributes, device numbers.
 */
#include "tests/mount/model.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"

struct pair {
	ino_t ino[SIDES];
};

struct walk {
	const struct verify_opts *opts;
	struct pair *linked; /* files with several names that were met */
	size_t n_linked;
	unsigned differences;
	mode_t mode; /* of the one at path, in the shadow if it is there */
	char path[PATH_BYTES];
};

/* One node, by its folder on each side and its name there. */
struct node {
	int folder[SIDES];
	const char *name;
	struct stat st[SIDES];
};

void put_quoted(FILE *f, const char *s)
{
	enum { SHOWN = 24 }; /* bytes of each name in the path */
	size_t len;

	fputc('\'', f);
	for (; *s; s += len + (s[len] == '/')) {
		len = strcspn(s, "/");
		for (size_t i = 0; i < len && i < SHOWN; i++)
			if (isprint((unsigned char)s[i]) && s[i] != '\\' &&
			    s[i] != '\'')
				fputc(s[i], f);
			else
				fprintf(f, "\\x%02x", (unsigned char)s[i]);
		if (len > SHOWN)
			fprintf(f, "[%zu more]", len - SHOWN);
		if (s[len] == '/')
			fputc('/', f);
	}
	fputc('\'', f);
}

bool same_time(time_t a, time_t b, time_t start)
{
	time_t apart = a < b ? b - a : a - b;

	return a == b || (a >= start && b >= start && apart <= 15);
}

bool same_mode(mode_t a, mode_t b)
{
	mode_t ignored = S_ISREG(a) && !((a | b) & S_IXGRP) ? S_ISGID : 0;

	return (a | ignored) == (b | ignored);
}

static void differ(struct walk *w, const char *what, const char *real,
		   const char *shadow)
{
	w->differences++;
	put_quoted(stdout, w->path[0] ? w->path : ".");
	printf(" (%o): %s: ", w->mode, what);
	put_quoted(stdout, real);
	printf(", in the shadow ");
	put_quoted(stdout, shadow);
	putchar('\n');
}

static void differ_numbers(struct walk *w, const char *what, long long real,
			   long long shadow)
{
	char a[32], b[32];

	if (real == shadow)
		return;
	snprintf(a, sizeof a, "%lld", real);
	snprintf(b, sizeof b, "%lld", shadow);
	differ(w, what, a, b);
}

/* ---- one node ---- */

static void compare_stat(struct walk *w, const struct node *n)
{
	const struct stat *a = &n->st[REAL], *b = &n->st[SHADOW];
	/* A restored file gets the default list of its new folder. */
	mode_t ignored = w->opts->extracted ? S_IRWXG : 0;
	char modes[SIDES][16];

	if (w->opts->extracted && S_ISLNK(a->st_mode))
		return;
	if (!same_mode(a->st_mode & ~ignored, b->st_mode & ~ignored)) {
		snprintf(modes[REAL], 16, "%o", a->st_mode);
		snprintf(modes[SHADOW], 16, "%o", b->st_mode);
		differ(w, "mode", modes[REAL], modes[SHADOW]);
	}
	differ_numbers(w, "uid", a->st_uid, b->st_uid);
	differ_numbers(w, "gid", a->st_gid, b->st_gid);
	if (!S_ISDIR(a->st_mode)) {
		differ_numbers(w, "size", a->st_size, b->st_size);
		differ_numbers(w, "rdev", (long long)a->st_rdev,
			       (long long)b->st_rdev);
	}
	/* Another reader links only what it restores by link(2), and leaves
	 * folders' counts to its own file system. */
	if (!w->opts->extracted || S_ISREG(a->st_mode))
		differ_numbers(w, "links", (long long)a->st_nlink,
			       (long long)b->st_nlink);
	if (!same_time(a->st_mtime, b->st_mtime, w->opts->start))
		differ_numbers(w, "mtime", a->st_mtime, b->st_mtime);
}

/* Names of one file here are names of one file there. */
static void compare_links(struct walk *w, const struct node *n)
{
	struct pair p = {{n->st[REAL].st_ino, n->st[SHADOW].st_ino}};
	struct pair *more;

	if (S_ISDIR(n->st[REAL].st_mode) ||
	    (w->opts->extracted && !S_ISREG(n->st[REAL].st_mode)) ||
	    (n->st[REAL].st_nlink < 2 && n->st[SHADOW].st_nlink < 2))
		return;
	for (size_t i = 0; i < w->n_linked; i++) {
		const struct pair *q = &w->linked[i];

		if ((q->ino[REAL] == p.ino[REAL]) !=
		    (q->ino[SHADOW] == p.ino[SHADOW])) {
			differ(w, "hard links", "another file", "or the same");
			return;
		}
	}
	more = reallocarray(w->linked, w->n_linked + 1, sizeof *more);
	if (!more)
		die("out of memory");
	more[w->n_linked++] = p;
	w->linked = more;
}

static ssize_t read_full(int fd, unsigned char *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	do {
		n = read(fd, buf + done, len - done);
		if (n < 0)
			return -errno;
		done += (size_t)n;
	} while (n > 0 && done < len);
	return (ssize_t)done;
}

static void compare_content(struct walk *w, const struct node *n)
{
	static unsigned char buf[SIDES][1 << 16];
	AUTO_FD int a = openat(n->folder[REAL], n->name, O_RDONLY | O_NOFOLLOW);
	AUTO_FD int b =
		openat(n->folder[SHADOW], n->name, O_RDONLY | O_NOFOLLOW);
	ssize_t got[SIDES];
	long long at = 0;

	if (a < 0 || b < 0) {
		differ(w, "open", a < 0 ? strerror(errno) : "opens",
		       b < 0 ? "fails" : "opens");
		return;
	}
	do {
		got[REAL] = read_full(a, buf[REAL], sizeof *buf);
		got[SHADOW] = read_full(b, buf[SHADOW], sizeof *buf);
		if (got[REAL] != got[SHADOW]) {
			differ_numbers(w, "bytes read", got[REAL], got[SHADOW]);
			return;
		}
		for (ssize_t i = 0; i < got[REAL]; i++)
			if (buf[REAL][i] != buf[SHADOW][i]) {
				char where[64];

				snprintf(where, sizeof where,
					 "content from byte %lld on", at + i);
				differ_numbers(w, where, buf[REAL][i],
					       buf[SHADOW][i]);
				return;
			}
		at += got[REAL];
	} while (got[REAL] > 0);
}

static void compare_target(struct walk *w, const struct node *n)
{
	char target[SIDES][4097];

	for (int side = 0; side < SIDES; side++) {
		ssize_t len = readlinkat(n->folder[side], n->name, target[side],
					 sizeof *target - 1);

		target[side][len < 0 ? 0 : len] = '\0';
	}
	if (strcmp(target[REAL], target[SHADOW]) != 0)
		differ(w, "target", target[REAL], target[SHADOW]);
}

/* Each attribute in @list of side @from is on both sides, and the same. */
static void compare_values(struct walk *w, const char paths[SIDES][512],
			   const char *list, ssize_t len, bool values)
{
	static unsigned char value[SIDES][65536];
	ssize_t got[SIDES];
	char what[300];

	for (const char *name = list; name < list + len;
	     name += strlen(name) + 1) {
		if (w->opts->extracted && strncmp(name, "system.", 7) == 0)
			continue;
		for (int side = 0; side < SIDES; side++) {
			got[side] = lgetxattr(paths[side], name, value[side],
					      sizeof *value);
			if (got[side] < 0)
				got[side] = -errno;
		}
		snprintf(what, sizeof what, "length of %s", name);
		differ_numbers(w, what, got[REAL], got[SHADOW]);
		if (values && got[REAL] > 0 && got[REAL] == got[SHADOW] &&
		    memcmp(value[REAL], value[SHADOW], (size_t)got[REAL]) != 0)
			differ(w, "value of", name, "another");
	}
}

static void compare_xattrs(struct walk *w, const struct node *n)
{
	static char list[SIDES][65536];
	char paths[SIDES][512];
	ssize_t len[SIDES];

	/* What xorriso restores of it is for regular files and folders. */
	if (w->opts->extracted && !S_ISREG(n->st[REAL].st_mode) &&
	    !S_ISDIR(n->st[REAL].st_mode))
		return;
	for (int side = 0; side < SIDES; side++) {
		snprintf(paths[side], sizeof *paths, "/proc/self/fd/%d/%s",
			 n->folder[side], n->name);
		len[side] = llistxattr(paths[side], list[side], sizeof *list);
		if (len[side] < 0) {
			differ(w, "llistxattr", strerror(errno), "");
			return;
		}
	}
	compare_values(w, paths, list[REAL], len[REAL], true);
	compare_values(w, paths, list[SHADOW], len[SHADOW], false);
}

static void compare_folder(struct walk *w, int real, int shadow);

static void compare_node(struct walk *w, struct node *n)
{
	mode_t kind;

	for (int side = 0; side < SIDES; side++)
		if (fstatat(n->folder[side], n->name, &n->st[side],
			    AT_SYMLINK_NOFOLLOW) < 0) {
			differ(w, "lstat", side == REAL ? strerror(errno) : "",
			       side == SHADOW ? strerror(errno) : "");
			return;
		}
	kind = n->st[REAL].st_mode & S_IFMT;
	w->mode = n->st[SHADOW].st_mode;
	compare_stat(w, n);
	if (kind != (n->st[SHADOW].st_mode & S_IFMT))
		return;
	compare_links(w, n);
	compare_xattrs(w, n);
	if (kind == S_IFREG)
		compare_content(w, n);
	/* Other readers do not see every target (docs/semantics.md). */
	if (kind == S_IFLNK && !w->opts->extracted)
		compare_target(w, n);
	if (kind == S_IFDIR) {
		int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
		AUTO_FD int a = openat(n->folder[REAL], n->name, flags);
		AUTO_FD int b = openat(n->folder[SHADOW], n->name, flags);

		if (a < 0 || b < 0)
			differ(w, "open", a < 0 ? "fails" : "opens",
			       b < 0 ? "fails" : "opens");
		else
			compare_folder(w, a, b);
	}
}

/* ---- folders ---- */

struct names {
	char **v;
	size_t n;
};

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct names list_names(int folder)
{
	struct names ret = {NULL, 0};
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;

	if (!dir)
		die("cannot list a folder");
	while ((errno = 0, d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		ret.v = reallocarray(ret.v, ret.n + 1, sizeof *ret.v);
		if (!ret.v || !(ret.v[ret.n++] = strdup(d->d_name)))
			die("out of memory");
	}
	if (errno)
		die("cannot list a folder");
	closedir(dir);
	if (ret.n)
		qsort(ret.v, ret.n, sizeof *ret.v, by_string);
	return ret;
}

static void free_names(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static void compare_missing(struct walk *w, int folder, const char *name,
			    int cmp)
{
	struct stat st;

	w->mode = fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0
			  ? 0
			  : st.st_mode;
	/* xorriso restores none of most kinds of special files. */
	if (w->opts->extracted && cmp > 0 && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
		return;
	differ(w, "is there", cmp < 0 ? "yes" : "no", cmp > 0 ? "yes" : "no");
}

static void compare_folder(struct walk *w, int real, int shadow)
{
	struct names a = list_names(real), b = list_names(shadow);
	size_t len = strlen(w->path), i = 0, k = 0;

	while (i < a.n || k < b.n) {
		int cmp = i == a.n ? 1 : k == b.n ? -1 : strcmp(a.v[i], b.v[k]);
		struct node n = {.folder = {real, shadow},
				 .name = cmp > 0 ? b.v[k] : a.v[i]};

		snprintf(w->path + len, sizeof w->path - len, "%s%s",
			 len ? "/" : "", n.name);
		if (cmp == 0)
			compare_node(w, &n);
		else
			compare_missing(w, n.folder[cmp < 0 ? REAL : SHADOW],
					n.name, cmp);
		i += cmp <= 0;
		k += cmp >= 0;
		w->path[len] = '\0';
	}
	free_names(&a);
	free_names(&b);
}

unsigned verify(const char *real, const char *shadow,
		const struct verify_opts *opts)
{
	struct walk w = {.opts = opts};
	struct node root = {.folder = {-1, -1}, .name = "."};

	root.folder[REAL] = open(real, O_RDONLY | O_DIRECTORY);
	if (root.folder[REAL] < 0)
		die(real);
	root.folder[SHADOW] = open(shadow, O_RDONLY | O_DIRECTORY);
	if (root.folder[SHADOW] < 0)
		die(shadow);
	compare_node(&w, &root);
	close(root.folder[REAL]);
	close(root.folder[SHADOW]);
	free(w.linked);
	return w.differences;
}
