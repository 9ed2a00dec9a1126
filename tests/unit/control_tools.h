/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_CONTROL_TOOLS_H
#define TESTS_UNIT_CONTROL_TOOLS_H

/*
 * The control socket with a volume that does what the test says, and a client
 * of it.  What goes wrong in these functions fails the test.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/control.h"

struct volume {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct volume_watch *watches;
	commit_done done; /* of the commit that runs, or NULL */
	void *done_arg;
	unsigned commits, releases, keeps;
	int flush_error;
	bool held;
	bool behind; /* the commit waits for another one's end */
	int commit_err; /* of volume_commit itself */
	char diff_paths[256];
};

extern struct volume vol;
extern dev_t dev;
extern struct control *control; /* NULL once a test has stopped it */

/* The fixture: a server, and a volume at rest. */
void setup(void);
void teardown(void);

/* ---- the volume's side ---- */

/* emit - tell the watchers of progress. */
void emit(const char *phase, uint64_t blocks);
/* wait_commit - until the commit number @n runs. */
void wait_commit(unsigned n);
void end_commit(int err, uint64_t blocks, const char *text);
void wait_release(unsigned n);
unsigned releases(void);
unsigned keeps(void);
bool is_watched(void);

void nap(int ms);

/* ---- the client's side ---- */

/* connect_to - a descriptor, or -1. */
int connect_to(const char *path);
int client(void);
void say(int fd, const char *line);
/* hear - the next line (for the caller to put), or NULL at the end. */
struct json_object *hear(int fd);
/* ask - say it, and get the one line of the answer. */
struct json_object *ask(int fd, const char *line);
/* expect_error - @text NULL: any words. */
void expect_error(int fd, const char *line, int err, const char *text);
const char *text_of(struct json_object *obj, const char *key);
uint64_t number_of(struct json_object *obj, const char *key);

#endif
