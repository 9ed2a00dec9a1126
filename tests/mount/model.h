/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_MOUNT_MODEL_H
#define TESTS_MOUNT_MODEL_H

/*
 * A model test: the same random system calls on a folder in a mount and on a
 * shadow, a folder of a local file system, with the same answers and in the end
 * the same trees.  The seed decides everything: what is picked is looked up in
 * the shadow alone.
 *
 * Run as root, in one thread.  What goes wrong in the test itself (not in what
 * it tests) ends the program.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

enum side { REAL, SHADOW, SIDES };

enum {
	PATH_BYTES = 8192,
	VALUE_BYTES = 32768,
	DATA_BYTES = 4 << 20, /* no call moves more */
	SLOTS = 8,
};

/* ---- model_random.c: what is picked ---- */

struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
/* rng_below - 0 to @n - 1. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* rng_chance - true in one of @n cases. */
bool rng_chance(struct rng *r, unsigned n);
/* rng_fill - @len bytes that follow from @seed; some seeds give zeros. */
void rng_fill(uint64_t seed, unsigned char *buf, size_t len);

/* A name of 1 to 255 bytes, often one of a few, into @buf (256). */
void random_name(struct rng *r, char *buf);
/* A symbolic link's target of 1 to 1100 bytes, into @buf (1101). */
void random_target(struct rng *r, char *buf);
off_t random_offset(struct rng *r);
size_t random_length(struct rng *r);
mode_t random_mode(struct rng *r);
uint32_t random_id(struct rng *r);
dev_t random_device(struct rng *r);
/* UTIME_NOW, UTIME_OMIT, or a time that ISO 9660 can hold. */
struct timespec random_time(struct rng *r);
/* The name of an extended attribute (256), and a value; returns its length. */
void random_xattr_name(struct rng *r, char *buf);
size_t random_xattr_value(struct rng *r, const char *name, unsigned char *buf);
/* An access control list as the kernel takes it; returns its length. */
size_t random_acl(struct rng *r, unsigned char *buf);

/* ---- model_ops.c, model_data.c: the calls ---- */

struct slot {
	int fd[SIDES]; /* -1: free */
};

struct model {
	struct rng rng;
	const char *root_path[SIDES];
	int root[SIDES];
	time_t start; /* times from then on may differ by some seconds */
	bool crowded; /* enough nodes: remove more than is made */
	struct slot slots[SLOTS];
	FILE *log;
};

struct op;

struct call {
	const struct op *op;
	char path[PATH_BYTES], path2[PATH_BYTES];
	int slot;
	int flags;
	mode_t mode, umask;
	uid_t uid;
	gid_t gid;
	uid_t fsuid; /* who calls; his group is the same number */
	dev_t rdev;
	off_t off, off2;
	size_t len;
	uint64_t fill; /* seed of the bytes that are written */
	struct timespec times[2];
	char name[256];
	unsigned char value[VALUE_BYTES];
	size_t value_len;
};

/* What a call gave: 0 or more, or -errno; and bytes, if it reads any. */
struct outcome {
	long rc;
	unsigned char *data; /* DATA_BYTES */
	size_t len;
};

struct op {
	const char *name;
	unsigned weight;
	unsigned weight_crowded;
	/* Fill in the call; false: there is nothing to do it with. */
	bool (*pick)(struct model *m, struct call *c);
	/* Do it on one side, in whose root we are. */
	long (*run)(struct model *m, const struct call *c, enum side side,
		    struct outcome *ret);
};

extern const struct op name_ops[], data_ops[];
extern const size_t n_name_ops, n_data_ops;

/* Picking; @kind is a file type, S_IFMT for any.  False: none was found. */
bool pick_node(struct model *m, mode_t kind, char *ret);
void pick_folder(struct model *m, char *ret);
/* A path for something new; now and then something is there. */
void pick_new(struct model *m, char *ret);

/* enter - make a side's root the current folder. */
void enter(const struct model *m, enum side side);

/* ---- model_verify.c ---- */

struct verify_opts {
	time_t start;
	bool extracted; /* the first one was restored by another reader */
};

/* verify - compare two trees; tells each difference on standard output and
 * returns how many there are. */
unsigned verify(const char *real, const char *shadow,
		const struct verify_opts *opts);
/* same_time - @a and @b agree to the second, or both are of the test's own
 * time and near. */
bool same_time(time_t a, time_t b, time_t start);
/* same_mode - but for a set-group-id bit that no group can use: a write may
 * take it away, which depends on the writer's groups. */
bool same_mode(mode_t a, mode_t b);
/* put_quoted - a name as one printable word. */
void put_quoted(FILE *f, const char *s);

/* die - the test itself cannot go on. */
void die(const char *what) __attribute__((noreturn));

#endif
