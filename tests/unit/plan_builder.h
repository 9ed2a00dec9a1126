/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_PLAN_BUILDER_H
#define TESTS_PLAN_BUILDER_H

/*
 * Makes plans for session.h in the words of a shell: paths of the base, new
 * names.  Every function ends the test on failure.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "burner/session.h"

struct base_node {
	uint32_t id, parent;
	char *name, *path;
	char *target; /* of a symbolic link */
	uint32_t lba; /* of the first run */
	uint64_t size, link_id;
	struct attr attr;
	struct xattrs *xattrs;
};

/* What a file's content is: @data over and over, or an error from fail_at. */
struct content_of {
	char *data;
	size_t len;
	uint64_t fail_at;	   /* UINT64_MAX: never */
	unsigned delay_ms;	   /* of each read */
	/* NULL, or set to 1 by the next read; also by libisofs' thread. */
	_Atomic(atomic_int *) set_when_read;
};

struct builder {
	struct disc *disc;
	struct base_node *base;
	uint32_t n_base;
	struct import_info info;
	struct session_plan plan;
	struct session_node *nodes; /* room for MAX_NODES */
	uint32_t removed[64];
	const char *removed_names[64];
	struct progress_sink sink;
	uint64_t reports;
	bool saw_file;
	struct session *session;
	struct session_facts facts;
	struct why why;
};

/* new_folder - make and enter a private folder; one a test. */
void new_folder(void);
/* shell - run a command by /bin/sh, which must end with 0. */
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* output - what a command prints, at most 64 KiB.  The caller frees it. */
char *output(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * make_base - a tree with a bit of all, as folder "src" and a copy "want", and
 * images "a.iso" and "before.iso" of it: made by xorriso (MAKER_XORRISO, with
 * its first session at block 32, MAKER_XORRISO_MD5), and by others as
 * an image that begins at block 0 (MAKER_FOREIGN and on).
 */
enum { MAKER_XORRISO, MAKER_XORRISO_MD5, MAKER_FOREIGN, N_MAKERS = 6 };
void make_base(int maker);
/* same_tree - what @image shows to xorriso has to be what "want" holds, and
 * its checksums have to be right. */
void same_tree(const char *image);
/* old_blocks_stand - nothing below @nwa of a.iso changed but the head. */
void old_blocks_stand(uint64_t nwa);

/* b_open - open @image (made if it is not there) and read its last session. */
void b_open(struct builder *b, const char *image);
void b_close(struct builder *b);

/* b_base - the node at @path ("/a/b") of the base; NULL if there is none. */
const struct base_node *b_base(struct builder *b, const char *path);
/* b_at - the index in the plan of the base's folder or file at @path. */
uint32_t b_at(struct builder *b, const char *path);

uint32_t b_new(struct builder *b, uint32_t parent, const char *name,
	       mode_t mode);
uint32_t b_dir(struct builder *b, uint32_t parent, const char *name);
uint32_t b_file(struct builder *b, uint32_t parent, const char *name,
		const char *text);
uint32_t b_big(struct builder *b, uint32_t parent, const char *name,
	       uint64_t size);
uint32_t b_symlink(struct builder *b, uint32_t parent, const char *name,
		   const char *target);
uint32_t b_move(struct builder *b, const char *path, uint32_t parent,
		const char *name);
uint32_t b_rewrite(struct builder *b, const char *path, const char *text);
uint32_t b_link(struct builder *b, const char *path, uint32_t parent,
		const char *name);
void b_remove(struct builder *b, const char *path);
void b_xattr(struct builder *b, uint32_t index, const char *name,
	     const void *value, size_t len);
/* b_load - the content of a node that has some becomes that of @file. */
void b_load(struct builder *b, uint32_t index, const char *file);
struct content_of *b_content(struct builder *b, uint32_t index);

/* b_author .. - one step each, which must succeed. */
void b_author(struct builder *b);
void b_burn(struct builder *b);
void b_verify(struct builder *b);
void b_publish(struct builder *b);
/* b_commit - all steps, then the image is opened again as the new base. */
void b_commit(struct builder *b);

#endif
