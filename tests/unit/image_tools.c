/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/image_tools.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/temp_folder.h"

static char folder[TEMP_FOLDER];

void tools_enter(void)
{
	temp_folder_make(folder);
	ck_assert_int_eq(chdir(folder), 0);
	setenv("LC_ALL", "C.UTF-8", 1);
}

void tools_leave(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	temp_folder_remove(folder);
}

void tools_sh(const char *fmt, ...)
{
	char command[4096], logged[4200];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(command, sizeof command, fmt, ap);
	va_end(ap);
	ck_assert_int_lt(len, (int)sizeof command);
	snprintf(logged, sizeof logged, "( %s ) >log 2>&1", command);
	if (system(logged) != 0) {
		ck_assert_int_eq(system("cat log"), 0);
		ck_abort_msg("failed: %s", command);
	}
}

struct disc *tools_open(const char *path, bool writable)
{
	struct disc_params params = {.path = path, .writable = writable};
	struct why why = {""};
	struct disc *disc;

	if (disc_open(&params, &disc, &why) < 0)
		ck_abort_msg("%s", why.text);
	return disc;
}

void tools_patch(const char *path, uint64_t pos, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, len, (off_t)pos), (ssize_t)len);
	close(fd);
}

void tools_peek(const char *path, uint64_t pos, void *bytes, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, bytes, len, (off_t)pos), (ssize_t)len);
	close(fd);
}

static int take(void *arg, const struct import_node *node)
{
	struct tree *tree = arg;
	struct item *item;
	char path[2 * PATH_MAX];

	ck_assert_uint_eq(node->id, tree->n);
	tree->items = realloc(tree->items, (tree->n + 1) * sizeof *item);
	ck_assert_ptr_nonnull(tree->items);
	item = &tree->items[tree->n];
	item->node = *node;
	if (tree->n == 0) {
		ck_assert_str_eq(node->name, "");
		ck_assert_uint_eq(node->parent_id, IMPORT_ROOT);
		snprintf(path, sizeof path, "/");
	} else {
		const struct item *parent;

		ck_assert_uint_lt(node->parent_id, tree->n);
		parent = &tree->items[node->parent_id];
		ck_assert(S_ISDIR(parent->node.attr.mode));
		snprintf(path, sizeof path, "%s/%s",
			 node->parent_id ? parent->path : "", node->name);
	}
	ck_assert_ptr_nonnull(item->path = strdup(path));
	item->node.name = strrchr(item->path, '/') + 1;
	if (node->target)
		item->node.target = strdup(node->target);
	if (node->n_runs) {
		struct disc_run *runs = calloc(node->n_runs, sizeof *runs);

		ck_assert_ptr_nonnull(runs);
		memcpy(runs, node->runs, node->n_runs * sizeof *runs);
		item->node.runs = runs;
	}
	if (node->xattrs) {
		struct xattrs *x;

		ck_assert(xattrs_check(node->xattrs->data,
				       node->xattrs->size_bytes,
				       node->xattrs->count));
		ck_assert_int_eq(xattrs_dup(node->xattrs, &x), 0);
		item->node.xattrs = x;
	}
	tree->n++;
	return 0;
}

struct told {
	const struct tree *tree;
	uint32_t n;
};

static int compare(void *arg, const struct import_node *node)
{
	struct told *told = arg;
	const struct import_node *is;

	ck_assert_uint_lt(told->n, told->tree->n);
	is = &told->tree->items[told->n].node;
	ck_assert_uint_eq(node->id, told->n++);
	ck_assert_uint_eq(node->parent_id, is->parent_id);
	ck_assert_str_eq(node->name, is->name);
	ck_assert_uint_eq(node->attr.mode & S_IFMT, is->attr.mode & S_IFMT);
	if (!S_ISREG(is->attr.mode))
		return 0;
	ck_assert_uint_eq(node->n_runs, is->n_runs);
	if (is->n_runs)
		ck_assert_mem_eq(node->runs, is->runs,
				 is->n_runs * sizeof *is->runs);
	if (!is->filtered)
		ck_assert_uint_eq(node->size, is->size);
	return 0;
}

int tree_load(const char *path, const struct import_opts *opts,
	      struct tree *ret, struct why *why)
{
	static const struct import_opts last = {.session_lba = IMPORT_LAST};
	struct disc_params params = {.path = path};
	struct disc *disc;
	int err;

	memset(ret, 0, sizeof *ret);
	err = disc_open(&params, &disc, why);
	if (err < 0)
		return err;
	err = import_session(disc, opts ? opts : &last, take, ret, &ret->info,
			     why);
	disc_free(disc);
	if (err == 0)
		ck_assert_uint_eq(ret->info.nodes, ret->n);
	else
		tree_release(ret);
	return err;
}

void tree_names_agree(const struct tree *tree, const char *path,
		      const struct import_opts *opts)
{
	static const struct import_opts last = {.session_lba = IMPORT_LAST};
	struct disc *disc = tools_open(path, false);
	struct told told = {.tree = tree};
	struct import_info info;
	struct why why = {""};
	int err = import_names(disc, opts ? opts : &last, compare, &told, &info,
			       &why);

	disc_free(disc);
	if (tree->info.kind != TREE_ROCK_RIDGE) {
		ck_assert_int_eq(err, -ENOTSUP);
		return;
	}
	ck_assert_msg(err == 0, "%s", why_text(&why, err));
	ck_assert_uint_eq(told.n, tree->n);
	ck_assert_uint_eq(info.nodes, tree->info.nodes);
	ck_assert_mem_eq(info.digest, tree->info.digest, sizeof info.digest);
	ck_assert_uint_eq(info.order, tree->info.order);
	ck_assert_uint_eq(info.lba, tree->info.lba);
	ck_assert_uint_eq(info.tree_blocks, tree->info.tree_blocks);
	ck_assert_str_eq(info.volume_id, tree->info.volume_id);
	ck_assert(info.kind == tree->info.kind);
	ck_assert(info.has_rock_ridge == tree->info.has_rock_ridge);
	ck_assert(info.has_joliet == tree->info.has_joliet);
	ck_assert(info.has_el_torito == tree->info.has_el_torito);
	ck_assert(info.has_md5 == tree->info.has_md5);
}

static void free_const(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = {.in = p};

	free(u.out);
}

void tree_release(struct tree *tree)
{
	for (uint32_t i = 0; i < tree->n; i++) {
		free_const(tree->items[i].node.target);
		if (tree->items[i].node.n_runs)
			free_const(tree->items[i].node.runs);
		free_const(tree->items[i].node.xattrs);
		free(tree->items[i].path);
	}
	free(tree->items);
	memset(tree, 0, sizeof *tree);
}

const struct item *tree_find(const struct tree *tree, const char *path)
{
	const struct item *found = NULL;

	for (uint32_t i = 0; i < tree->n; i++) {
		if (strcmp(tree->items[i].path, path))
			continue;
		ck_assert_msg(!found, "%s is there twice", path);
		found = &tree->items[i];
	}
	return found;
}

unsigned char *tree_read(struct disc *disc, const struct item *item)
{
	unsigned char *bytes = malloc(item->node.size + 1);
	uint64_t pos = 0;

	ck_assert_ptr_nonnull(bytes);
	for (unsigned i = 0; i < item->node.n_runs; i++) {
		const struct disc_run *run = &item->node.runs[i];

		ck_assert_uint_le(pos + run->len_bytes, item->node.size);
		ck_assert_int_eq(disc_read(disc, bytes + pos, run->len_bytes,
					   run->lba * DISC_BLOCK),
				 0);
		pos += run->len_bytes;
	}
	ck_assert_uint_eq(pos, item->node.size);
	return bytes;
}

static void file_equals(struct disc *disc, const struct item *item,
			const char *path)
{
	unsigned char *bytes = tree_read(disc, item);
	unsigned char *source = malloc(item->node.size + 1);
	FILE *f = fopen(path, "rbe");

	ck_assert_ptr_nonnull(source);
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(source, 1, item->node.size + 1, f),
			  item->node.size);
	if (item->node.size)
		ck_assert_msg(!memcmp(bytes, source, item->node.size),
			      "content of %s differs", path);
	fclose(f);
	free(source);
	free(bytes);
}

static void node_equals(struct disc *disc, const struct item *item,
			const char *path, const struct stat *st)
{
	const struct attr *a = &item->node.attr;

	ck_assert_msg(a->mode == st->st_mode, "%s: mode %o, not %o", path,
		      a->mode, st->st_mode);
	ck_assert_uint_eq(a->uid, st->st_uid);
	ck_assert_uint_eq(a->gid, st->st_gid);
	ck_assert_msg(a->mtime.tv_sec == st->st_mtime, "%s: mtime %lld", path,
		      (long long)a->mtime.tv_sec);
	if (S_ISREG(a->mode)) {
		ck_assert_uint_eq(item->node.size, (uint64_t)st->st_size);
		file_equals(disc, item, path);
	} else if (S_ISLNK(a->mode)) {
		char target[PATH_MAX] = "";

		ck_assert_int_gt(readlink(path, target, sizeof target - 1), 0);
		ck_assert_str_eq(item->node.target, target);
	} else if (S_ISCHR(a->mode) || S_ISBLK(a->mode)) {
		ck_assert_uint_eq(a->rdev, st->st_rdev);
	}
}

static void folder_equals(const struct tree *tree, struct disc *disc,
			  const char *path, const char *top, uint32_t *seen)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		const struct item *item;
		char child[PATH_MAX];
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		ck_assert_int_lt(snprintf(child, sizeof child, "%s/%s", path,
					  entry->d_name),
				 (int)sizeof child);
		ck_assert_int_eq(lstat(child, &st), 0);
		item = tree_find(tree, child + strlen(top));
		ck_assert_msg(item != NULL, "%s is missing", child);
		node_equals(disc, item, child, &st);
		(*seen)++;
		if (S_ISDIR(st.st_mode))
			folder_equals(tree, disc, child, top, seen);
	}
	closedir(dir);
}

/* Two nodes have one link_id where their files have one inode. */
static void links_equal(const struct tree *tree, const char *top)
{
	ino_t *inodes = calloc(tree->n, sizeof *inodes);

	ck_assert_ptr_nonnull(inodes);
	for (uint32_t i = 1; i < tree->n; i++) {
		char path[2 * PATH_MAX];
		struct stat st;

		snprintf(path, sizeof path, "%s%s", top, tree->items[i].path);
		ck_assert_int_eq(lstat(path, &st), 0);
		inodes[i] = st.st_ino;
		if (st.st_nlink == 1 || S_ISDIR(st.st_mode))
			ck_assert_uint_eq(tree->items[i].node.link_id, 0);
	}
	for (uint32_t i = 1; i < tree->n; i++)
		for (uint32_t k = 1; k < i; k++) {
			uint64_t a = tree->items[i].node.link_id;
			uint64_t b = tree->items[k].node.link_id;

			ck_assert_msg((inodes[i] == inodes[k]) ==
					      (a != 0 && a == b),
				      "links of %s and %s", tree->items[i].path,
				      tree->items[k].path);
		}
	free(inodes);
}

void tree_equals_folder(const struct tree *tree, const char *image,
			const char *top)
{
	struct disc *disc = tools_open(image, false);
	uint32_t seen = 1;

	folder_equals(tree, disc, top, top, &seen);
	ck_assert_uint_eq(seen, tree->n);
	links_equal(tree, top);
	disc_free(disc);
}
