/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls on names and attributes.
 */
#include "tests/mount/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/cleanup.h"

/* ---- picking ---- */

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

/* One name of a folder, or false: it is empty. */
static bool pick_name(struct model *m, const char *folder, char *ret)
{
	struct dirent **names;
	int n = scandir(folder, &names, no_dots, by_bytes);

	if (n < 0)
		die(folder);
	if (n)
		strcpy(ret, names[rng_below(&m->rng, (unsigned)n)]->d_name);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return n > 0;
}

/* ret = folder/name, without a leading "./". */
static void join(char *ret, const char *folder, const char *name)
{
	if (strcmp(folder, ".") == 0)
		snprintf(ret, PATH_BYTES, "%.255s", name);
	else if (snprintf(ret, PATH_BYTES, "%s/%s", folder, name) >= PATH_BYTES)
		die("path too long");
}

/* Down from the root, at random; the deepest are left alone. */
static bool descend(struct model *m, mode_t kind, char *ret)
{
	char here[PATH_BYTES] = ".", name[256];
	struct stat st;

	while (strlen(here) < 1200 && pick_name(m, here, name)) {
		join(ret, here, name);
		if (lstat(ret, &st) < 0)
			die(ret);
		if ((kind == S_IFMT || (st.st_mode & S_IFMT) == kind) &&
		    !(S_ISDIR(st.st_mode) && rng_chance(&m->rng, 2)))
			return true;
		if (!S_ISDIR(st.st_mode))
			return false;
		strcpy(here, ret);
	}
	return false;
}

bool pick_node(struct model *m, mode_t kind, char *ret)
{
	enter(m, SHADOW);
	for (int i = 0; i < 12; i++)
		if (descend(m, kind, ret))
			return true;
	return false;
}

void pick_folder(struct model *m, char *ret)
{
	if (rng_chance(&m->rng, 5) || !pick_node(m, S_IFDIR, ret))
		strcpy(ret, ".");
}

void pick_new(struct model *m, char *ret)
{
	char folder[PATH_BYTES], name[256];

	pick_folder(m, folder);
	random_name(&m->rng, name);
	/* The mount's own folder of old sessions stands there. */
	if (strcmp(folder, ".") == 0 && strcmp(name, ".discfs") == 0)
		strcpy(name, "discfs");
	join(ret, folder, name);
}

static long result(long rc)
{
	return rc < 0 ? -errno : rc;
}

/* ---- making ---- */

static bool pick_create(struct model *m, struct call *c)
{
	pick_new(m, c->path);
	c->flags = O_CREAT | (rng_chance(&m->rng, 3) ? O_EXCL : 0) |
		   (rng_chance(&m->rng, 3) ? O_TRUNC : 0);
	c->mode = random_mode(&m->rng);
	c->len = rng_chance(&m->rng, 5) ? 0 : random_length(&m->rng);
	c->fill = rng_next(&m->rng);
	return true;
}

static long run_create(struct model *m, const struct call *c, enum side side,
		       struct outcome *ret)
{
	int fd = open(c->path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | c->flags,
		      c->mode);
	struct stat st;
	long rc;

	(void)m, (void)side;
	if (fd < 0)
		return result(-1);
	rng_fill(c->fill, ret->data, c->len);
	rc = fstat(fd, &st);
	if (rc == 0 && S_ISREG(st.st_mode))
		rc = write(fd, ret->data, c->len);
	rc = result(rc);
	close(fd);
	return rc;
}

static bool pick_mkdir(struct model *m, struct call *c)
{
	pick_new(m, c->path);
	c->mode = rng_chance(&m->rng, 3) ? random_mode(&m->rng) : 0777;
	return true;
}

static long run_mkdir(struct model *m, const struct call *c, enum side side,
		      struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(mkdir(c->path, c->mode));
}

static bool pick_symlink(struct model *m, struct call *c)
{
	pick_new(m, c->path);
	random_target(&m->rng, c->path2);
	return true;
}

static long run_symlink(struct model *m, const struct call *c, enum side side,
			struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(symlink(c->path2, c->path));
}

static bool pick_mknod(struct model *m, struct call *c)
{
	static const mode_t kinds[] = {S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK,
				       S_IFREG};

	pick_new(m, c->path);
	c->mode = kinds[rng_below(&m->rng, 5)] | random_mode(&m->rng);
	c->rdev = S_ISCHR(c->mode) || S_ISBLK(c->mode) ? random_device(&m->rng)
						       : 0;
	return true;
}

static long run_mknod(struct model *m, const struct call *c, enum side side,
		      struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(mknod(c->path, c->mode, c->rdev));
}

/* Of a folder too, which is refused. */
static bool pick_link(struct model *m, struct call *c)
{
	pick_new(m, c->path2);
	return pick_node(m, rng_chance(&m->rng, 3) ? S_IFMT : S_IFREG, c->path);
}

static long run_link(struct model *m, const struct call *c, enum side side,
		     struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(link(c->path, c->path2));
}

/* ---- removing and moving ---- */

static bool pick_any(struct model *m, struct call *c)
{
	return pick_node(m, S_IFMT, c->path);
}

static bool pick_any_folder(struct model *m, struct call *c)
{
	return pick_node(m, S_IFDIR, c->path);
}

static long run_unlink(struct model *m, const struct call *c, enum side side,
		       struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(unlink(c->path));
}

static long run_rmdir(struct model *m, const struct call *c, enum side side,
		      struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(rmdir(c->path));
}

/* The names are sorted: both sides then meet the same error first. */
static long remove_tree(const char *path)
{
	struct dirent **names;
	struct stat st;
	char below[PATH_BYTES];
	long rc = 0;
	int n;

	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return result(unlink(path));
	n = scandir(path, &names, no_dots, by_bytes);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		join(below, path, names[i]->d_name);
		free(names[i]);
		if (rc == 0)
			rc = remove_tree(below);
	}
	free(names);
	return rc ? rc : result(rmdir(path));
}

static long run_remove_tree(struct model *m, const struct call *c,
			    enum side side, struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return remove_tree(c->path);
}

static bool pick_rename(struct model *m, struct call *c)
{
	if (!pick_node(m, S_IFMT, c->path))
		return false;
	c->flags = 0;
	if (rng_chance(&m->rng, 3))
		return pick_node(m, S_IFMT, c->path2);
	pick_new(m, c->path2);
	return true;
}

static bool pick_rename_noreplace(struct model *m, struct call *c)
{
	if (!pick_rename(m, c))
		return false;
	c->flags = RENAME_NOREPLACE;
	return true;
}

static bool pick_exchange(struct model *m, struct call *c)
{
	c->flags = RENAME_EXCHANGE;
	return pick_node(m, S_IFMT, c->path) && pick_node(m, S_IFMT, c->path2);
}

static bool pick_rename_below(struct model *m, struct call *c)
{
	char name[256];

	if (!pick_node(m, S_IFDIR, c->path))
		return false;
	random_name(&m->rng, name);
	join(c->path2, c->path, name);
	c->flags = 0;
	return true;
}

static long run_rename(struct model *m, const struct call *c, enum side side,
		       struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(renameat2(AT_FDCWD, c->path, AT_FDCWD, c->path2,
				(unsigned)c->flags));
}

/* ---- attributes ---- */

static bool pick_chmod(struct model *m, struct call *c)
{
	struct stat st;

	c->mode = random_mode(&m->rng);
	if (!pick_node(m, S_IFMT, c->path))
		return false;
	/* It would follow the link. */
	return lstat(c->path, &st) == 0 && !S_ISLNK(st.st_mode);
}

static long run_chmod(struct model *m, const struct call *c, enum side side,
		      struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(chmod(c->path, c->mode));
}

static bool pick_chown(struct model *m, struct call *c)
{
	c->uid = rng_chance(&m->rng, 3) ? (uid_t)-1 : random_id(&m->rng);
	/* Setting neither is not told to a FUSE file system. */
	c->gid = c->uid != (uid_t)-1 && rng_chance(&m->rng, 3)
			 ? (gid_t)-1
			 : random_id(&m->rng);
	return pick_node(m, S_IFMT, c->path);
}

static long run_chown(struct model *m, const struct call *c, enum side side,
		      struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(lchown(c->path, c->uid, c->gid));
}

static bool pick_utimens(struct model *m, struct call *c)
{
	c->times[0] = random_time(&m->rng);
	c->times[1] = random_time(&m->rng);
	if (rng_chance(&m->rng, 6)) {
		strcpy(c->path, ".");
		return true;
	}
	return pick_node(m, S_IFMT, c->path);
}

static long run_utimens(struct model *m, const struct call *c, enum side side,
			struct outcome *ret)
{
	struct stat st;

	(void)m, (void)side;
	if (utimensat(AT_FDCWD, c->path, c->times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (lstat(c->path, &st) < 0)
		return -errno;
	/* What was set can be seen at once. */
	if (c->times[0].tv_nsec < 1000000000)
		ret->len += (size_t)sprintf((char *)ret->data, "%lld ",
					    (long long)st.st_atim.tv_sec);
	return 0;
}

static bool pick_setxattr(struct model *m, struct call *c)
{
	static const int flags[] = {0, 0, XATTR_CREATE, XATTR_REPLACE};

	random_xattr_name(&m->rng, c->name);
	c->value_len = random_xattr_value(&m->rng, c->name, c->value);
	c->flags = flags[rng_below(&m->rng, 4)];
	if (rng_chance(&m->rng, 10)) {
		strcpy(c->path, ".");
		return true;
	}
	return pick_node(m, rng_chance(&m->rng, 2) ? S_IFMT : S_IFREG, c->path);
}

static bool pick_setacl(struct model *m, struct call *c)
{
	bool folder = rng_chance(&m->rng, 2);

	strcpy(c->name, folder && rng_chance(&m->rng, 2)
				? "system.posix_acl_default"
				: "system.posix_acl_access");
	c->value_len = random_acl(&m->rng, c->value);
	c->flags = 0;
	return pick_node(m, folder ? S_IFDIR : S_IFREG, c->path);
}

static long run_setxattr(struct model *m, const struct call *c, enum side side,
			 struct outcome *ret)
{
	struct stat st;

	(void)m, (void)side, (void)ret;
	/* A list can give the group what makes same_mode look at this bit. */
	if (strncmp(c->name, "system.", 7) == 0 && lstat(c->path, &st) == 0 &&
	    S_ISREG(st.st_mode) && !(st.st_mode & S_IXGRP) &&
	    chmod(c->path, st.st_mode & 05777) < 0)
		return -errno;
	return result(
		lsetxattr(c->path, c->name, c->value, c->value_len, c->flags));
}

/* One that is there, most of the time; those of a namespace that is not the
 * caller's to see are there all the same. */
static bool pick_removexattr(struct model *m, struct call *c)
{
	char list[65536];
	ssize_t n;

	random_xattr_name(&m->rng, c->name);
	for (int i = 0; i < 8; i++) {
		if (!pick_node(m, S_IFMT, c->path))
			return false;
		n = llistxattr(c->path, list, sizeof list);
		if (n > 0) {
			if (!rng_chance(&m->rng, 8))
				strcpy(c->name, list);
			return true;
		}
	}
	return true;
}

static bool pick_removal(struct model *m, struct call *c)
{
	bool ok = pick_removexattr(m, c);

	/* That somebody outside of the file's group drops its list, and with
	 * it the set-group-id bit, the kernel does not tell. */
	if (strncmp(c->name, "system.", 7) == 0)
		c->fsuid = 0;
	return ok;
}

static long run_removexattr(struct model *m, const struct call *c,
			    enum side side, struct outcome *ret)
{
	(void)m, (void)side, (void)ret;
	return result(lremovexattr(c->path, c->name));
}

static long run_getxattr(struct model *m, const struct call *c, enum side side,
			 struct outcome *ret)
{
	ssize_t n = lgetxattr(c->path, c->name, ret->data, 65536);

	(void)m, (void)side;
	ret->len = n < 0 ? 0 : (size_t)n;
	return result(n);
}

/* ---- looking ---- */

static long run_readlink(struct model *m, const struct call *c, enum side side,
			 struct outcome *ret)
{
	ssize_t n = readlink(c->path, (char *)ret->data, 4096);

	(void)m, (void)side;
	ret->len = n < 0 ? 0 : (size_t)n;
	return result(n);
}

static long run_stat(struct model *m, const struct call *c, enum side side,
		     struct outcome *ret)
{
	struct stat st;

	(void)m, (void)side;
	if (stat(c->path, &st) < 0)
		return -errno;
	ret->len =
		(size_t)sprintf((char *)ret->data, "%o", st.st_mode & S_IFMT);
	return 0;
}

static bool pick_list(struct model *m, struct call *c)
{
	pick_folder(m, c->path);
	return true;
}

struct dirent64_raw {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * All names of a folder, sorted, each with its type.  Read in small pieces,
 * with something made and removed between them: that may be listed or not, but
 * nothing else may be left out or come twice.
 */
static long run_list(struct model *m, const struct call *c, enum side side,
		     struct outcome *ret)
{
	AUTO_FD int fd = open(c->path, O_RDONLY | O_DIRECTORY);
	union {
		char bytes[700];
		struct dirent64_raw d;
	} piece;
	char *names[10000], made[32];
	size_t count = 0, i;
	long n = 0;

	(void)m, (void)side;
	if (fd < 0)
		return -errno;
	for (unsigned round = 0;; round++) {
		n = syscall(SYS_getdents64, fd, &piece, sizeof piece);
		if (n <= 0)
			break;
		for (long at = 0; at < n;) {
			const struct dirent64_raw *d =
				(const void *)(piece.bytes + at);

			at += d->reclen;
			if (strncmp(d->name, "made while", 10) == 0)
				continue;
			if (count == sizeof names / sizeof *names)
				die("too many names");
			if (asprintf(&names[count++], "%s %d", d->name,
				     d->type) < 0)
				die("out of memory");
		}
		/* What is new comes behind: this must end. */
		if (!c->flags || round >= 12)
			continue;
		snprintf(made, sizeof made, "made while %u", round % 3);
		if (mkdirat(fd, made, 0700) < 0 &&
		    unlinkat(fd, made, AT_REMOVEDIR) < 0)
			break;
	}
	for (i = 0; i < 3 && c->flags; i++) {
		snprintf(made, sizeof made, "made while %zu", i);
		unlinkat(fd, made, AT_REMOVEDIR);
	}
	qsort(names, count, sizeof *names, by_string);
	for (i = 0; i < count; i++) {
		size_t len = strlen(names[i]) + 1;

		if (ret->len + len <= DATA_BYTES)
			memcpy(ret->data + ret->len, names[i], len);
		ret->len += len;
		free(names[i]);
	}
	return n < 0 ? -EIO : 0;
}

static bool pick_list_changing(struct model *m, struct call *c)
{
	pick_folder(m, c->path);
	c->flags = 1;
	c->fsuid = 0;
	return true;
}

const struct op name_ops[] = {
	{"create", 12, 3, pick_create, run_create},
	{"mkdir", 8, 2, pick_mkdir, run_mkdir},
	{"symlink", 5, 1, pick_symlink, run_symlink},
	{"mknod", 3, 1, pick_mknod, run_mknod},
	{"link", 5, 2, pick_link, run_link},
	{"unlink", 5, 20, pick_any, run_unlink},
	{"rmdir", 3, 6, pick_any_folder, run_rmdir},
	{"remove-tree", 1, 8, pick_any, run_remove_tree},
	{"rename", 9, 9, pick_rename, run_rename},
	{"rename-noreplace", 2, 2, pick_rename_noreplace, run_rename},
	{"exchange", 4, 4, pick_exchange, run_rename},
	{"rename-below", 1, 1, pick_rename_below, run_rename},
	{"chmod", 4, 4, pick_chmod, run_chmod},
	{"chown", 4, 4, pick_chown, run_chown},
	{"utimens", 6, 6, pick_utimens, run_utimens},
	{"setxattr", 7, 7, pick_setxattr, run_setxattr},
	{"setacl", 3, 3, pick_setacl, run_setxattr},
	{"removexattr", 3, 3, pick_removal, run_removexattr},
	{"getxattr", 2, 2, pick_removexattr, run_getxattr},
	{"readlink", 1, 1, pick_any, run_readlink},
	{"stat", 2, 2, pick_any, run_stat},
	{"list", 1, 1, pick_list, run_list},
	{"list-changing", 1, 1, pick_list_changing, run_list},
};
const size_t n_name_ops = sizeof name_ops / sizeof *name_ops;
