/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_NEW_FILE_H
#define CLI_NEW_FILE_H

/*
 * A file that is there whole or not at all: written beside its place under
 * another name, made durable, and then given its own.
 */

#include <stdbool.h>

#include "common/why.h"

struct new_file {
	int fd;
	bool force;
	char *path; /* where it is to be */
	char *name; /* where it is; NULL once it is kept */
};

/*
 * new_file_open - begin a file for @path.  @force: what is there is replaced in
 * the end, if it is a regular file.  0 or -errno with @why (-EEXIST).
 * new_file_keep - it is whole.  0 or -errno with @why: -EEXIST where one
 * appeared meanwhile.
 * new_file_close - at the end of either; one that was not kept is removed.
 */
int new_file_open(struct new_file *f, const char *path, bool force,
		  struct why *why);
int new_file_keep(struct new_file *f, struct why *why);
void new_file_close(struct new_file *f);

/* new_file_is_same - whether both paths name one file. */
bool new_file_is_same(const char *path, const char *other);

#endif
