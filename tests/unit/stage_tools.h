/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_STAGE_TOOLS_H
#define TESTS_UNIT_STAGE_TOOLS_H

/*
 * A stage in a private folder, for the tests of it: the fixture, a batch with
 * rows of all kinds, and all that is loaded as text, one line a row.
 */

#include <stdbool.h>

#include "fs/stage.h"

enum { STAGE_ROOT = 220 };
extern char root[STAGE_ROOT]; /* of the stages */
extern struct stage *st; /* open; or NULL */
extern struct why why;
extern struct stage_binding binding; /* that st was made with */

#define ok(call) ck_assert_msg((call) == 0, "%s: %s", #call, why.text)

void setup(void);
void teardown(void);

/* reopen - close and open st. */
void reopen(bool readonly);

/* file - the path of a file of st; in a static buffer. */
const char *file(const char *name);

/* stages - how many there are. */
unsigned stages(void);

struct dump {
	char text[65536];
	size_t n;
	unsigned rows;
};

/* load - what stage_load does; loaded - its text, where it must not fail. */
int load(struct dump *d);
const char *loaded(void);

/* A batch with rows of all kinds, and what loading it gives. */
enum { DATA_BYTES = 10000 };
extern const char all_kinds[];
extern const struct extent two_extents[2];
void write_all_kinds(void);

/* Rows as a test writes them down: a node, one that only leads to its path,
 * and a batch of arrays into st. */
struct stage_node a_node(uint64_t id, const char *base_path, unsigned flags,
			 mode_t mode);
#define ANCHOR(id, path) a_node(id, path, 0, 0)
#define WRITE(nodes_, links_, gone_)                                         \
	ok(stage_write(st,                                                   \
		       &(struct stage_batch){                                \
			       .nodes = nodes_,                              \
			       .n_nodes = sizeof(nodes_) / sizeof *(nodes_), \
			       .links = links_,                              \
			       .n_links = sizeof(links_) / sizeof *(links_), \
			       .gone = gone_,                                \
			       .n_gone = sizeof(gone_) / sizeof *(gone_)},   \
		       &why))

#endif
