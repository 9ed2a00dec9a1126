/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model apply [OPTION...] REAL SHADOW - the same random calls on two folders
 *   -s SEED   -n CALLS   -l LOG (appended to)   -S TIME  start of the test
 *   -c COMMAND  to be run half-way, with files open and pages dirty
 *   -b          and not waited for: the calls go on meanwhile
 *   -p          in the end, change pages through mappings and do not sync them
 * model verify [-x] [-S TIME] REAL SHADOW - compare them; -x: REAL was restored
 *   from the disc by another program
 * model probe DIR - whether a shadow can be there
 * model fsync [-1] DIR - fsync everything below it; -1: one file or folder
 *
 * Exit status 0, 1 for a difference, 2 for trouble.
 */
#include "tests/mount/model.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MANY_NODES = 250, USER = 1000 };

static unsigned char bytes[SIDES][DATA_BYTES];

void die(const char *what)
{
	fprintf(stderr, "model: %s: %s\n", what, strerror(errno));
	exit(2);
}

void enter(const struct model *m, enum side side)
{
	if (fchdir(m->root[side]) < 0)
		die("fchdir");
}

/* ---- one call ---- */

static void put_call(FILE *f, const struct call *c)
{
	fprintf(f, "%s ", c->op->name);
	put_quoted(f, c->path);
	fputc(' ', f);
	put_quoted(f, c->path2);
	fprintf(f,
		" fd %d flags %#x mode %o umask %o owner %d:%d as %u off %lld"
		" off2 %lld len %zu fill %llx times %lld.%ld %lld.%ld xattr ",
		c->slot, (unsigned)c->flags, c->mode, c->umask, (int)c->uid,
		(int)c->gid, c->fsuid, (long long)c->off, (long long)c->off2,
		c->len, (unsigned long long)c->fill,
		(long long)c->times[0].tv_sec, c->times[0].tv_nsec,
		(long long)c->times[1].tv_sec, c->times[1].tv_nsec);
	put_quoted(f, c->name);
	fprintf(f, " %zu", c->value_len);
}

static void perform(struct model *m, const struct call *c, enum side side,
		    struct outcome *ret)
{
	enter(m, side);
	ret->data = bytes[side];
	ret->len = 0;
	umask(c->umask);
	setfsgid(c->fsuid);
	setfsuid(c->fsuid);
	ret->rc = c->op->run(m, c, side, ret);
	setfsuid(0);
	setfsgid(0);
	umask(022);
}

static bool same_outcome(const struct outcome *o)
{
	if (o[REAL].rc != o[SHADOW].rc) {
		printf("answer %ld (%s), in the shadow %ld (%s)\n", o[REAL].rc,
		       o[REAL].rc < 0 ? strerror((int)-o[REAL].rc) : "",
		       o[SHADOW].rc,
		       o[SHADOW].rc < 0 ? strerror((int)-o[SHADOW].rc) : "");
		return false;
	}
	if (o[REAL].len != o[SHADOW].len ||
	    (o[REAL].len <= DATA_BYTES &&
	     memcmp(o[REAL].data, o[SHADOW].data, o[REAL].len) != 0)) {
		printf("it reads %zu bytes \"%.60s\", in the shadow %zu "
		       "\"%.60s\"\n",
		       o[REAL].len, (const char *)o[REAL].data, o[SHADOW].len,
		       (const char *)o[SHADOW].data);
		return false;
	}
	return true;
}

/* What lstat says of a path, as far as it has to be the same. */
static bool same_stat(const struct model *m, const char *path)
{
	struct stat st[SIDES];
	int err[SIDES];

	if (!path[0])
		return true;
	for (int side = 0; side < SIDES; side++) {
		enter(m, (enum side)side);
		err[side] = lstat(path, &st[side]) < 0 ? errno : 0;
	}
	if (err[REAL] || err[SHADOW]) {
		if (err[REAL] == err[SHADOW])
			return true;
		printf("lstat: %s, in the shadow: %s\n", strerror(err[REAL]),
		       strerror(err[SHADOW]));
		return false;
	}
	if (same_mode(st[REAL].st_mode, st[SHADOW].st_mode) &&
	    st[REAL].st_uid == st[SHADOW].st_uid &&
	    st[REAL].st_gid == st[SHADOW].st_gid &&
	    st[REAL].st_nlink == st[SHADOW].st_nlink &&
	    st[REAL].st_rdev == st[SHADOW].st_rdev &&
	    (S_ISDIR(st[REAL].st_mode) ||
	     st[REAL].st_size == st[SHADOW].st_size) &&
	    same_time(st[REAL].st_mtime, st[SHADOW].st_mtime, m->start))
		return true;
	for (int side = 0; side < SIDES; side++)
		printf("%s: mode %o owner %u:%u links %ju size %lld mtime %lld "
		       "rdev %jx\n",
		       side == REAL ? "lstat" : "shadow", st[side].st_mode,
		       st[side].st_uid, st[side].st_gid,
		       (uintmax_t)st[side].st_nlink,
		       (long long)st[side].st_size,
		       (long long)st[side].st_mtime,
		       (uintmax_t)st[side].st_rdev);
	return false;
}

static const struct op *pick_op(struct model *m)
{
	unsigned total = 0, at = 0, draw;
	size_t n = n_name_ops + n_data_ops;

	for (int pass = 0; pass < 2; pass++) {
		draw = pass ? (unsigned)rng_below(&m->rng, total) : 0;
		for (size_t i = 0; i < n; i++) {
			const struct op *op =
				i < n_name_ops ? &name_ops[i]
					       : &data_ops[i - n_name_ops];
			unsigned weight =
				m->crowded ? op->weight_crowded : op->weight;

			total += pass ? 0 : weight;
			at += pass ? weight : 0;
			if (pass && draw < at)
				return op;
		}
	}
	abort();
}

/* One call on both sides; false: they differ. */
static bool step(struct model *m)
{
	static const mode_t umasks[] = {022, 022, 0, 077, 027};
	static struct call c;
	struct outcome o[SIDES];
	bool same;

	do {
		memset(&c, 0, sizeof c);
		c.op = pick_op(m);
		c.umask = umasks[rng_below(&m->rng, 5)];
		c.fsuid = rng_chance(&m->rng, 8) ? USER : 0;
		c.slot = -1;
	} while (!c.op->pick(m, &c));
	put_call(m->log, &c);
	fflush(m->log);
	for (int side = 0; side < SIDES; side++)
		perform(m, &c, (enum side)side, &o[side]);
	fprintf(m->log, " = %ld\n", o[SHADOW].rc);
	same = same_outcome(o);
	same = same_stat(m, c.path) && same;
	/* Of a symbolic link that is made, it is the target. */
	same = (strcmp(c.op->name, "symlink") == 0 || same_stat(m, c.path2)) &&
	       same;
	if (!same) {
		printf("different: ");
		put_call(stdout, &c);
		printf("\n");
	}
	return same;
}

/* ---- apply ---- */

static unsigned n_nodes;

static int count_node(const char *path, const struct stat *st, int type,
		      struct FTW *f)
{
	(void)path, (void)st, (void)type, (void)f;
	n_nodes++;
	return 0;
}

static void look_around(struct model *m)
{
	enter(m, SHADOW);
	n_nodes = 0;
	if (nftw(".", count_node, 16, FTW_PHYS) < 0)
		die("nftw");
	m->crowded = n_nodes > MANY_NODES;
}

/* Dirty pages that nobody syncs: through the descriptors that are open. */
static void dirty_pages(struct model *m)
{
	for (size_t i = 0; i < n_data_ops; i++) {
		static struct call c;
		struct outcome o[SIDES];

		if (strcmp(data_ops[i].name, "fd-mapped") != 0)
			continue;
		for (int slot = 0; slot < SLOTS; slot++) {
			memset(&c, 0, sizeof c);
			c.op = &data_ops[i];
			if (m->slots[slot].fd[SHADOW] < 0)
				continue;
			c.slot = slot;
			c.off = random_offset(&m->rng);
			c.len = random_length(&m->rng);
			c.fill = rng_next(&m->rng);
			put_call(m->log, &c);
			fputs(" (not synced)\n", m->log);
			for (int side = 0; side < SIDES; side++)
				perform(m, &c, (enum side)side, &o[side]);
		}
	}
}

static pid_t run_command(const char *command)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return pid;
}

static void await_command(pid_t pid, const char *command)
{
	int status;

	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (status != 0) {
		printf("status %#x: %s\n", (unsigned)status, command);
		exit(1);
	}
}

struct apply_opts {
	unsigned calls;
	const char *command;
	bool background;
	bool dirty;
};

static int apply(struct model *m, const struct apply_opts *o)
{
	pid_t pid = -1;

	for (int i = 0; i < SLOTS; i++)
		m->slots[i].fd[REAL] = m->slots[i].fd[SHADOW] = -1;
	for (unsigned i = 0; i < o->calls; i++) {
		if (i % 32 == 0)
			look_around(m);
		if (o->command && i == o->calls / 2) {
			dirty_pages(m);
			fprintf(m->log, "# %s\n", o->command);
			enter(m, SHADOW);
			pid = run_command(o->command);
			if (!o->background) {
				await_command(pid, o->command);
				pid = -1;
			}
		}
		if (!step(m)) {
			printf("after %u calls\n", i);
			return 1;
		}
	}
	if (o->dirty)
		dirty_pages(m);
	if (pid > 0)
		await_command(pid, o->command);
	return 0;
}

/* ---- fsync ---- */

static int sync_node(const char *path, const struct stat *st, int type,
		     struct FTW *f)
{
	int fd;

	(void)type;
	/* Of the root it is the order to burn. */
	if (f->level == 0 || !(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW);
	if (fd < 0 || fsync(fd) < 0)
		die(path);
	close(fd);
	return n_nodes ? 1 : 0;
}

static int probe(const char *path)
{
	static const char *const names[] = {"user.a", "trusted.a",
					    "security.a"};
	char node[PATH_BYTES];

	for (size_t i = 0; i < 3; i++)
		if (setxattr(path, names[i], "", 0, 0) < 0 ||
		    removexattr(path, names[i]) < 0) {
			perror(names[i]);
			return 1;
		}
	snprintf(node, sizeof node, "%s/node", path);
	if (mknod(node, S_IFCHR, makedev(1, 3)) < 0 || unlink(node) < 0) {
		perror(node);
		return 1;
	}
	return 0;
}

/* ---- the command line ---- */

static int usage(void)
{
	fprintf(stderr, "usage: model apply|verify|fsync [OPTION...] DIR...\n");
	return 2;
}

static unsigned long number(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*end || end == s)
		exit(usage());
	return n;
}

static int main_apply(struct model *m, const struct apply_opts *o,
		      const char *log)
{
	for (int side = 0; side < SIDES; side++) {
		m->root[side] = open(m->root_path[side],
				     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (m->root[side] < 0)
			die(m->root_path[side]);
	}
	m->log = fopen(log, "ae");
	if (!m->log)
		die(log);
	return apply(m, o);
}

int main(int argc, char **argv)
{
	static struct model m;
	struct apply_opts apply_opts = {.calls = 100};
	struct verify_opts verify_opts = {0};
	const char *verb = argc > 1 ? argv[1] : "", *log = "/dev/null";
	int opt;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (optind = optind < 2 ? 2 : optind,
	       (opt = getopt(argc, argv, "s:n:l:S:c:bpx1")) != -1)
		switch (opt) {
		case 's':
			m.rng.state = number(optarg);
			break;
		case 'n':
			apply_opts.calls = (unsigned)number(optarg);
			break;
		case 'l':
			log = optarg;
			break;
		case 'S':
			m.start = verify_opts.start = (time_t)number(optarg);
			break;
		case 'c':
			apply_opts.command = optarg;
			break;
		case 'b':
			apply_opts.background = true;
			break;
		case 'p':
			apply_opts.dirty = true;
			break;
		case 'x':
			verify_opts.extracted = true;
			break;
		case '1':
			n_nodes = 1;
			break;
		default:
			return usage();
		}
	argv += optind;
	argc -= optind;
	if (argc >= 2) {
		m.root_path[REAL] = argv[0];
		m.root_path[SHADOW] = argv[1];
	}
	if (strcmp(verb, "apply") == 0 && argc == 2)
		return main_apply(&m, &apply_opts, log);
	if (strcmp(verb, "verify") == 0 && argc == 2)
		return verify(argv[0], argv[1], &verify_opts) ? 1 : 0;
	if (strcmp(verb, "probe") == 0 && argc == 1)
		return probe(argv[0]);
	if (strcmp(verb, "fsync") == 0 && argc == 1)
		return nftw(argv[0], sync_node, 16, FTW_PHYS) < 0 ? 2 : 0;
	return usage();
}
