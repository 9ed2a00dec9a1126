/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_IMAGE_TOOLS_H
#define TESTS_UNIT_IMAGE_TOOLS_H

/*
 * For the tests of burner/: images are made by other programs at run time, in
 * a private folder that is the working directory during each test.
 */

#include <stdint.h>

#include "burner/import.h"

/* Fixtures: make and enter a folder; leave and remove it. */
void tools_enter(void);
void tools_leave(void);

/* tools_sh - run a shell command; the test fails if it does. */
void tools_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* tools_open - as disc_open; fails the test where that fails. */
struct disc *tools_open(const char *path, bool writable);

/* The bytes at @pos of a file, overwritten in place. */
void tools_patch(const char *path, uint64_t pos, const void *bytes, size_t len);
void tools_peek(const char *path, uint64_t pos, void *bytes, size_t len);

/* A copy of an imported node. */
struct item {
	struct import_node node; /* name, target, runs, xattrs: own copies */
	char *path;              /* "/" for the root */
};

struct tree {
	struct item *items;
	uint32_t n;
	struct import_info info;
};

/*
 * tree_load - import session @lba (IMPORT_LAST) of the image at @path.
 * Checks that ids run from 0 and parents come first.  Returns what
 * import_session returned; then @ret is to be released by tree_release.
 */
int tree_load(const char *path, const struct import_opts *opts,
	      struct tree *ret, struct why *why);
void tree_release(struct tree *tree);
/*
 * tree_names_agree - import_names tells the same of the session, or that there
 * is no Rock Ridge where that was not loaded.
 */
void tree_names_agree(const struct tree *tree, const char *path,
		      const struct import_opts *opts);
const struct item *tree_find(const struct tree *tree, const char *path);

/* tree_read - the content of a file by its runs; the caller frees it. */
unsigned char *tree_read(struct disc *disc, const struct item *item);

/*
 * tree_equals_folder - the tree holds what is below @folder, no more and no
 * less: kinds, modes, owners, mtimes, sizes, content, targets, link groups.
 */
void tree_equals_folder(const struct tree *tree, const char *image,
			const char *folder);

#endif
