/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into discfs by power-cut.sh: writes down, in the order in which
 * they are done, the changes and the syncs of the files at or below the paths
 * in $POWER_WATCH (absolute, with ":" between them), into $POWER_LOG.
 *
 * A change is written down after it was done and before its caller goes on, a
 * sync both when it begins and when it has ended: what a sync covers is what
 * stands in the log before its beginning.  Each record is one write(2) with
 * O_APPEND, so that records of several processes do not mix.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* One record; the path and @data_len bytes of data follow. */
struct record {
	char op[8];
	uint64_t ino, a, b, data_len;
	uint32_t path_len, mode;
};

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static void put(const char *op, uint64_t ino, uint64_t a, uint64_t b,
		uint32_t mode, const char *path, const void *data, size_t len)
{
	struct record r = {.ino = ino, .a = a, .b = b, .data_len = len,
			   .mode = mode};
	struct iovec v[3];
	const char *log = getenv("POWER_LOG");
	int saved = errno, fd;

	if (!log)
		return;
	fd = REAL(open)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	strncpy(r.op, op, sizeof r.op - 1);
	r.path_len = path ? (uint32_t)strlen(path) : 0;
	v[0] = (struct iovec){&r, sizeof r};
	v[1] = (struct iovec){(void *)(uintptr_t)path, r.path_len};
	v[2] = (struct iovec){(void *)(uintptr_t)data, len};
	if (fd < 0 || REAL(writev)(fd, v, 3) < 0)
		abort();
	close(fd);
	errno = saved;
}

static int watched_path(const char *path)
{
	const char *p = getenv("POWER_WATCH");

	while (p && *p) {
		size_t n = strcspn(p, ":");

		if (strncmp(path, p, n) == 0 &&
		    (path[n] == 0 || path[n] == '/' || path[n] == ' '))
			return 1;
		p += n + (p[n] == ':');
	}
	return 0;
}

/* Whether the file of @fd counts; its path is @path, of PATH_MAX bytes. */
static int watched(int fd, struct stat *st, char *path)
{
	char link[40];
	int saved = errno;
	ssize_t n = -1;

	if (fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))) {
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		n = readlink(link, path, PATH_MAX - 1);
	}
	errno = saved;
	if (n < 0)
		return 0;
	path[n] = 0;
	return watched_path(path);
}

/* An absolute path for what is @name in @dir. */
static int join(int dir, const char *name, char *path)
{
	char link[40], base[PATH_MAX];
	ssize_t n;

	if (name[0] == '/') {
		snprintf(path, PATH_MAX, "%s", name);
		return watched_path(path);
	}
	if (dir == AT_FDCWD)
		snprintf(link, sizeof link, "/proc/self/cwd");
	else
		snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
	n = readlink(link, base, sizeof base - 1);
	if (n < 0)
		return 0;
	base[n] = 0;
	if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX)
		return 0;
	return watched_path(path);
}

/* --- data ------------------------------------------------------------------ */

/* The @n bytes at @off of @fd, as they are in the file now. */
static void wrote(int fd, off_t off, ssize_t n)
{
	char path[PATH_MAX], link[40];
	struct stat st;
	char *buf;
	int in;

	if (n <= 0 || !watched(fd, &st, path))
		return;
	buf = malloc((size_t)n);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	in = REAL(open)(link, O_RDONLY | O_CLOEXEC);
	if (!buf || in < 0 || pread(in, buf, (size_t)n, off) != n)
		abort();
	close(in);
	put("write", st.st_ino, (uint64_t)off, 0, 0, path, buf, (size_t)n);
	free(buf);
}

/* @call, which writes at @off, or where the file's position then ends. */
#define WRITING(fd, off, call)                                           \
	({                                                               \
		ssize_t n_;                                              \
		pthread_mutex_lock(&order);                              \
		n_ = (call);                                             \
		if (n_ > 0) {                                            \
			int saved_ = errno;                              \
			off_t at_ = (off);                               \
			if (at_ < 0)                                     \
				at_ = lseek(fd, 0, SEEK_CUR) - n_;       \
			if (at_ >= 0)                                    \
				wrote(fd, at_, n_);                      \
			errno = saved_;                                  \
		}                                                        \
		pthread_mutex_unlock(&order);                            \
		n_;                                                      \
	})

/* A pipe or a socket may block: only what has a position is put in order. */
static int is_file(int fd)
{
	struct stat st;
	int saved = errno;
	int yes = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

	errno = saved;
	return yes;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	return is_file(fd) ? WRITING(fd, -1, REAL(write)(fd, buf, len))
			   : REAL(write)(fd, buf, len);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	return is_file(fd) ? WRITING(fd, -1, REAL(writev)(fd, v, n))
			   : REAL(writev)(fd, v, n);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t off)
{
	return WRITING(fd, off, REAL(pwrite)(fd, buf, len, off));
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t off)
{
	return WRITING(fd, off, REAL(pwrite64)(fd, buf, len, off));
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t off)
{
	return WRITING(fd, off, REAL(pwritev)(fd, v, n, off));
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t off)
{
	return WRITING(fd, off, REAL(pwritev64)(fd, v, n, off));
}

ssize_t splice(int in, off64_t *in_off, int out, off64_t *out_off, size_t len,
	       unsigned flags)
{
	off64_t at = out_off ? *out_off : -1;

	return is_file(out) ? WRITING(out, at, REAL(splice)(in, in_off, out,
							    out_off, len, flags))
			    : REAL(splice)(in, in_off, out, out_off, len, flags);
}

ssize_t copy_file_range(int in, off64_t *in_off, int out, off64_t *out_off,
			size_t len, unsigned flags)
{
	off64_t at = out_off ? *out_off : -1;

	return WRITING(out, at, REAL(copy_file_range)(in, in_off, out, out_off,
						      len, flags));
}

ssize_t sendfile(int out, int in, off_t *off, size_t len)
{
	return is_file(out) ? WRITING(out, -1, REAL(sendfile)(out, in, off, len))
			    : REAL(sendfile)(out, in, off, len);
}

ssize_t sendfile64(int out, int in, off64_t *off, size_t len)
{
	return is_file(out)
		       ? WRITING(out, -1, REAL(sendfile64)(out, in, off, len))
		       : REAL(sendfile64)(out, in, off, len);
}

/* @op on the file of @fd, done by @call, which returns 0. */
#define CHANGE(fd, op, a, b, flags, call)                                  \
	({                                                                 \
		char path_[PATH_MAX];                                      \
		struct stat st_;                                           \
		int err_;                                                  \
		pthread_mutex_lock(&order);                                \
		err_ = (call);                                             \
		if (err_ == 0 && watched(fd, &st_, path_))                 \
			put(op, st_.st_ino, (uint64_t)(a), (uint64_t)(b),  \
			    (uint32_t)(flags), path_, NULL, 0);            \
		pthread_mutex_unlock(&order);                              \
		err_;                                                      \
	})

int ftruncate(int fd, off_t len)
{
	return CHANGE(fd, "trunc", len, 0, 0, REAL(ftruncate)(fd, len));
}

int ftruncate64(int fd, off64_t len)
{
	return CHANGE(fd, "trunc", len, 0, 0, REAL(ftruncate64)(fd, len));
}

int fallocate(int fd, int mode, off_t off, off_t len)
{
	return CHANGE(fd, "falloc", off, len, mode,
		      REAL(fallocate)(fd, mode, off, len));
}

int fallocate64(int fd, int mode, off64_t off, off64_t len)
{
	return CHANGE(fd, "falloc", off, len, mode,
		      REAL(fallocate64)(fd, mode, off, len));
}

/* --- syncs ----------------------------------------------------------------- */

#define SYNC(fd, call)                                                     \
	({                                                                 \
		char path_[PATH_MAX];                                      \
		struct stat st_;                                           \
		int mine_ = watched(fd, &st_, path_), err_;                \
		if (mine_) {                                               \
			pthread_mutex_lock(&order);                        \
			put("sync", st_.st_ino, (uint64_t)gettid(), 0, 0,  \
			    path_, NULL, 0);                               \
			pthread_mutex_unlock(&order);                      \
		}                                                          \
		err_ = (call);                                             \
		if (mine_ && err_ == 0)                                    \
			put("synced", st_.st_ino, (uint64_t)gettid(), 0, 0,\
			    path_, NULL, 0);                               \
		err_;                                                      \
	})

int fsync(int fd)
{
	return SYNC(fd, REAL(fsync)(fd));
}

int fdatasync(int fd)
{
	return SYNC(fd, REAL(fdatasync)(fd));
}

/* --- names ----------------------------------------------------------------- */

static int open_any(int dir, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (!(flags & (O_CREAT | O_TRUNC)))
		return REAL(openat)(dir, name, flags, mode);
	pthread_mutex_lock(&order);
	fd = REAL(openat)(dir, name, flags, mode);
	if (fd >= 0 && watched(fd, &st, path))
		put((flags & O_TRUNC) ? "opentr" : "open", st.st_ino,
		    (uint64_t)((flags & O_TMPFILE) == O_TMPFILE), 0,
		    st.st_mode & 07777, path, NULL, 0);
	pthread_mutex_unlock(&order);
	return fd;
}

#define OPEN(dir, name, flags)                                   \
	({                                                       \
		mode_t mode_ = 0;                                \
		if ((flags) & (O_CREAT | __O_TMPFILE)) {         \
			va_list args_;                           \
			va_start(args_, flags);                  \
			mode_ = va_arg(args_, mode_t);           \
			va_end(args_);                           \
		}                                                \
		open_any(dir, name, flags, mode_);               \
	})

int open(const char *name, int flags, ...)
{
	return OPEN(AT_FDCWD, name, flags);
}

int open64(const char *name, int flags, ...)
{
	return OPEN(AT_FDCWD, name, flags);
}

int openat(int dir, const char *name, int flags, ...)
{
	return OPEN(dir, name, flags);
}

int openat64(int dir, const char *name, int flags, ...)
{
	return OPEN(dir, name, flags);
}

/* @op on one or two names; the second one is the record's data. */
static int named(const char *op, int err, int dir, const char *name, int dir2,
		 const char *name2, uint32_t mode)
{
	char path[PATH_MAX], path2[PATH_MAX] = "";
	struct stat st = {0};

	if (err == 0 && join(dir, name, path)) {
		int saved = errno;

		if (name2)
			join(dir2, name2, path2);
		(void)!lstat(name2 ? path2 : path, &st);
		put(op, st.st_ino, 0, 0, mode, path, path2, strlen(path2));
		errno = saved;
	}
	return err;
}

#define NAMED(call, ...)                             \
	({                                           \
		int done_;                           \
		pthread_mutex_lock(&order);          \
		done_ = (call);                      \
		done_ = named(__VA_ARGS__);          \
		pthread_mutex_unlock(&order);        \
		done_;                               \
	})

int mkdir(const char *name, mode_t mode)
{
	return NAMED(REAL(mkdir)(name, mode), "mkdir", done_, AT_FDCWD, name, 0,
		     NULL, mode);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	return NAMED(REAL(mkdirat)(dir, name, mode), "mkdir", done_, dir, name,
		     0, NULL, mode);
}

int unlink(const char *name)
{
	return NAMED(REAL(unlink)(name), "unlink", done_, AT_FDCWD, name, 0,
		     NULL, 0);
}

int rmdir(const char *name)
{
	return NAMED(REAL(rmdir)(name), "unlink", done_, AT_FDCWD, name, 0,
		     NULL, 0);
}

int unlinkat(int dir, const char *name, int flags)
{
	return NAMED(REAL(unlinkat)(dir, name, flags), "unlink", done_, dir,
		     name, 0, NULL, 0);
}

int rename(const char *from, const char *to)
{
	return NAMED(REAL(rename)(from, to), "rename", done_, AT_FDCWD, from,
		     AT_FDCWD, to, 0);
}

int renameat(int dir, const char *from, int dir2, const char *to)
{
	return NAMED(REAL(renameat)(dir, from, dir2, to), "rename", done_, dir,
		     from, dir2, to, 0);
}

int linkat(int dir, const char *from, int dir2, const char *to, int flags)
{
	return NAMED(REAL(linkat)(dir, from, dir2, to, flags), "link", done_,
		     dir, from, dir2, to, 0);
}
