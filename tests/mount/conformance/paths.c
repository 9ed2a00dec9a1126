/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each call that takes a path says of a path that leads nowhere.
 */
#include "tests/mount/conformance/conformance.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static int call_open(const char *p)
{
	int fd = open(p, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -1 : close(fd);
}

static int call_create(const char *p)
{
	int fd = open(p, O_CREAT | O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

static int call_mkdir(const char *p)
{
	return mkdir(p, 0755);
}

static int call_mkfifo(const char *p)
{
	return mkfifo(p, 0644);
}

static int call_mknod(const char *p)
{
	return mknod(p, S_IFCHR | 0644, makedev(1, 3));
}

static int call_symlink(const char *p)
{
	return symlink("target", p);
}

static int call_link_from(const char *p)
{
	return link(p, "new");
}

static int call_link_to(const char *p)
{
	return link("file", p);
}

static int call_rename_from(const char *p)
{
	return rename(p, "new");
}

static int call_rename_to(const char *p)
{
	return rename("file", p);
}

static int call_chmod(const char *p)
{
	return chmod(p, 0644);
}

static int call_chown(const char *p)
{
	return chown(p, 0, 0);
}

static int call_lchown(const char *p)
{
	return lchown(p, 0, 0);
}

static int call_truncate(const char *p)
{
	return truncate(p, 10);
}

static int call_utimens(const char *p)
{
	return utimensat(AT_FDCWD, p, NULL, 0);
}

static int call_stat(const char *p)
{
	struct stat st;

	return stat(p, &st);
}

static int call_lstat(const char *p)
{
	struct stat st;

	return lstat(p, &st);
}

static int call_access(const char *p)
{
	return faccessat(AT_FDCWD, p, F_OK, AT_EACCESS);
}

static int call_readlink(const char *p)
{
	char buf[PATH_MAX];

	return (int)readlink(p, buf, sizeof buf);
}

static int call_getxattr(const char *p)
{
	char buf[64];

	return (int)getxattr(p, "user.a", buf, sizeof buf);
}

static int call_setxattr(const char *p)
{
	return setxattr(p, "user.a", "1", 1, 0);
}

static int call_listxattr(const char *p)
{
	char buf[64];

	return (int)listxattr(p, buf, sizeof buf);
}

static int call_removexattr(const char *p)
{
	return removexattr(p, "user.a");
}

static int call_statvfs(const char *p)
{
	struct statvfs st;

	return statvfs(p, &st);
}

static int call_opendir(const char *p)
{
	DIR *d = opendir(p);

	return d ? closedir(d) : -1;
}

static const struct call {
	const char *name;
	int (*call)(const char *path);
	bool makes;    /* a missing last component is right */
	bool nofollow; /* a symbolic link at the end is not followed */
} calls[] = {
	{"open", call_open, false, false},
	{"open(O_CREAT)", call_create, true, false},
	{"opendir", call_opendir, false, false},
	{"mkdir", call_mkdir, true, true},
	{"mkfifo", call_mkfifo, true, true},
	{"mknod", call_mknod, true, true},
	{"symlink", call_symlink, true, true},
	{"link, from", call_link_from, false, true},
	{"link, to", call_link_to, true, true},
	{"rename, from", call_rename_from, false, true},
	{"rename, to", call_rename_to, true, true},
	{"unlink", unlink, false, true},
	{"rmdir", rmdir, false, true},
	{"chmod", call_chmod, false, false},
	{"chown", call_chown, false, false},
	{"lchown", call_lchown, false, true},
	{"truncate", call_truncate, false, false},
	{"utimensat", call_utimens, false, false},
	{"stat", call_stat, false, false},
	{"lstat", call_lstat, false, true},
	{"faccessat", call_access, false, false},
	{"readlink", call_readlink, false, true},
	{"getxattr", call_getxattr, false, false},
	{"setxattr", call_setxattr, false, false},
	{"listxattr", call_listxattr, false, false},
	{"removexattr", call_removexattr, false, false},
	{"statvfs", call_statvfs, false, false},
};
enum { N_CALLS = sizeof calls / sizeof *calls };

/* A name of @len letters. */
static const char *long_name(size_t len)
{
	static char name[PATH_MAX];

	memset(name, 'n', len);
	name[len] = '\0';
	return name;
}

/* A path of @len bytes, "deep/deep/.../f". */
static void long_path(char *buf, size_t len)
{
	static const char step[] = "./";
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = step[i % 2];
	buf[len] = '\0';
	buf[len - 1] = 'f';
	if (buf[len - 2] != '/')
		buf[len - 2] = 'f';
}

static void bad_paths(const struct call *c)
{
	char path[PATH_MAX + 8];

	note("%s", c->name);
	FAILS(ENOTDIR, c->call("file/x"));
	FAILS(ENOTDIR, c->call("fifo/x"));
	FAILS(ENOENT, c->call("missing/x"));
	FAILS(ENOENT, c->call(""));
	FAILS(ELOOP, c->call("loop1/x"));
	if (!c->nofollow)
		FAILS(ELOOP, c->call("loop1"));
	if (!c->makes)
		FAILS(ENOENT, c->call("missing"));
	if (!c->makes && !c->nofollow)
		FAILS(ENOENT, c->call("dangling"));
	FAILS(ENAMETOOLONG, c->call(long_name(256)));
	FAILS(ENAMETOOLONG, c->call(long_name(1023)));
	snprintf(path, sizeof path, "%s/x", long_name(256));
	FAILS(ENAMETOOLONG, c->call(path));
	snprintf(path, sizeof path, "folder/%s", long_name(256));
	FAILS(ENAMETOOLONG, c->call(path));
	long_path(path, PATH_MAX);
	FAILS(ENAMETOOLONG, c->call(path));
	be(ALICE, ALICE);
	FAILS(EACCES, c->call("closed/x"));
	FAILS(EACCES, c->call("closed/below/x"));
	be_root();
}

/* What is just not too long. */
static void long_paths(void)
{
	char path[PATH_MAX + 8];
	const char *name = long_name(255);

	note("%s", "long names");
	WORKS(mkdir(name, 0755));
	WORKS(rmdir(name));
	WORKS(call_create(name));
	WORKS(call_chmod(name));
	WORKS(call_truncate(name));
	WORKS(rename(name, "f"));
	WORKS(rename("f", name));
	WORKS(link(name, "f"));
	WORKS(unlink(name));
	long_path(path, PATH_MAX - 1);
	WORKS(call_stat(path));
	WORKS(call_chmod(path));
	WORKS(call_truncate(path));
	WORKS(unlink(path));
	WORKS(call_create(path));
	WORKS(unlink(path));
	WORKS(mkdir(path, 0755));
	WORKS(rmdir(path));
	WORKS(symlink("x", path));
	WORKS(unlink(path));
}

/* A path of the greatest length, by folders that are really there. */
static void deep_path(void)
{
	enum { STEP = 128 }; /* with its slash */
	char path[PATH_MAX], end[PATH_MAX];
	size_t len = 0;

	note("%s", "deep path");
	while (len + STEP < PATH_MAX - 1) {
		memset(path + len, 'd', STEP - 1);
		path[len + STEP - 1] = '\0';
		WORKS(mkdir(path, 0755));
		len += STEP;
		path[len - 1] = '/';
	}
	memcpy(end, path, len);
	memset(end + len, 'e', PATH_MAX - 1 - len);
	end[PATH_MAX - 1] = '\0';
	WORKS(call_create(end));
	WORKS(call_chmod(end));
	WORKS(link(end, "short"));
	WORKS(unlink(end));
	WORKS(rename("short", end));
	WORKS(symlink(end, "to-long"));
	HOLDS(lstat_of("to-long").st_size == PATH_MAX - 1);
	WORKS(call_chmod("to-long"));
	WORKS(unlink("to-long"));
	WORKS(unlink(end));
	WORKS(call_symlink(end));
	WORKS(unlink(end));
	while (len) {
		path[len - 1] = '\0';
		WORKS(rmdir(path));
		len -= STEP;
	}
}

/* As a path, as the other path, and for what is to be returned. */
static void bad_addresses(void)
{
	/* Volatile: else the compiler sees what is wrong with them. */
	char *volatile bad = (char *)(uintptr_t)1;
	struct timespec *volatile times = (struct timespec *)bad;

	note("%s", "EFAULT");
	make_file("f", 1, 'f');
	FAILS(EFAULT, open(bad, O_RDONLY | O_CLOEXEC));
	FAILS(EFAULT, open(bad, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	FAILS(EFAULT, mkdir(bad, 0755));
	FAILS(EFAULT, mkfifo(bad, 0644));
	FAILS(EFAULT, mknod(bad, S_IFREG | 0644, 0));
	FAILS(EFAULT, symlink(bad, "new"));
	FAILS(EFAULT, symlink("f", bad));
	FAILS(EFAULT, link(bad, "new"));
	FAILS(EFAULT, link("f", bad));
	FAILS(EFAULT, rename(bad, "new"));
	FAILS(EFAULT, rename("f", bad));
	FAILS(EFAULT, rmdir(bad));
	FAILS(EFAULT, unlink(bad));
	FAILS(EFAULT, truncate(bad, 0));
	FAILS(EFAULT, chmod(bad, 0644));
	FAILS(EFAULT, chown(bad, 0, 0));
	FAILS(EFAULT, lchown(bad, 0, 0));
	FAILS(EFAULT, utimensat(AT_FDCWD, bad, NULL, 0));
	FAILS(EFAULT, utimensat(AT_FDCWD, "f", times, 0));
	HOLDS(!is_there("new"));
	HOLDS(file_is("f", 1, 'f'));
	remove_node("f");
}

void test_paths(void)
{
	unsigned i;

	make_file("file", 0, 0);
	make_node(FIFO, "fifo");
	make_node(FOLDER, "folder");
	make_node(FOLDER, "closed");
	make_node(FOLDER, "closed/below");
	WORKS(chmod("closed", 0700));
	WORKS(symlink("loop2", "loop1"));
	WORKS(symlink("loop1", "loop2"));
	WORKS(symlink("not-there", "dangling"));
	for (i = 0; i < N_CALLS; i++)
		bad_paths(&calls[i]);
	long_paths();
	deep_path();
	note("%s", "O_NOFOLLOW");
	FAILS(ELOOP, open("dangling", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
	bad_addresses();
}
