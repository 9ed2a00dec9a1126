/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_SAME_NAMES_H
#define BURNER_SAME_NAMES_H

/*
 * Inside burner/ only: the names of one folder, and what it costs libisofs to
 * tell apart those that are equal.
 *
 * libisofs gives an entry whose name is taken another one: it counts up the
 * last characters before the suffix until it meets a name that is free, and
 * walks along the folder's list for each try.  Of n entries of one name the
 * last one takes n tries of n steps: together n * n * n / 2.  Two or ten of one
 * name are what programs make (associated files, ECMA-119 9.1.6; a tool's
 * fault), and remain; where it takes minutes, somebody wants that.
 */

#include <stddef.h>
#include <stdint.h>

struct same_name {
	size_t start; /* in text */
	uint16_t len;
};

/* Zeroed memory is empty; used again for each folder. */
struct same_names {
	struct same_name *v;
	size_t n, room;
	char *text;
	size_t text_len, text_room;
	uint64_t *slots; /* sums of names; 0 is free */
	size_t slots_room;
	uint64_t seed;
};

enum { SAME_NAME_MAX = 512 };

/* same_names_clear - begin another folder. */
void same_names_clear(struct same_names *s);

/*
 * same_names_add - an entry by its name as it is recorded: up to a NUL, and
 * behind a slash, is what libisofs takes of it.  0 or -ENOMEM.
 */
int same_names_add(struct same_names *s, const char *name, size_t len);

/* The same of an identifier of ECMA-119 (7.5) or, @ucs2, of Joliet. */
int same_names_add_identifier(struct same_names *s, const unsigned char *id,
			      size_t len, int ucs2);

/*
 * same_names_count - what is left of *@budget, in steps, when all of the
 * folder's names are told apart.
 * Returns 0; -E2BIG with *@ret, a name that there is too often; -ENOMEM.
 */
int same_names_count(struct same_names *s, uint64_t *budget, const char **ret,
		     size_t *ret_len);

void same_names_release(struct same_names *s);

#endif
