/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of libc that are shadowed.  Each looks whether its path or its
 * descriptor is a drive's, and otherwise calls the real one.
 *
 * Here names are meant as they stand: no redirection to the names with 64,
 * no inline variants.  off_t has 64 bits all the same.
 */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "tests/drive/shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "a host with 64 bits");
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout");

/* Old names of stat, and checked variants, which no header declares. */
int __xstat(int version, const char *path, struct stat *st);
int __xstat64(int version, const char *path, struct stat64 *st);
int __lxstat(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat64 *st);
int __fxstat(int version, int fd, struct stat *st);
int __fxstat64(int version, int fd, struct stat64 *st);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
ssize_t __read_chk(int fd, void *buf, size_t len, size_t size);
ssize_t __pread_chk(int fd, void *buf, size_t len, off_t pos, size_t size);
ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t pos, size_t size);
char *__realpath_chk(const char *path, char *resolved, size_t size);

void *shim_real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found) {
		fprintf(stderr, "mmcshim: no %s: %s\n", name, dlerror());
		abort();
	}
	return found;
}

/* Looked up once a call site; racing threads find the same. */
#define CALL(name)                                                             \
	({                                                                     \
		static __typeof__(&(name)) real;                               \
		if (!__atomic_load_n(&real, __ATOMIC_RELAXED))                 \
			__atomic_store_n(&real, REAL(name), __ATOMIC_RELAXED); \
		__atomic_load_n(&real, __ATOMIC_RELAXED);                      \
	})

/* --- opening -------------------------------------------------------------- */

/* What comes out of a real open is never a drive of this machine. */
static int never_real(int fd)
{
	if (fd < 0 || !shim_is_real_drive(fd))
		return fd;
	close(fd);
	errno = ENOENT;
	return -1;
}

static bool hidden(const char *path)
{
	if (!shim_is_optical(path))
		return false;
	errno = ENOENT;
	return true;
}

static int open_any(const char *path, int flags, mode_t mode)
{
	struct shim_drive *drive = shim_by_name(path);

	if (drive)
		return shim_open(drive, flags);
	if (hidden(path))
		return -1;
	return never_real(CALL(open64)(path, flags, mode));
}

/* A mode is there only with these flags. */
#define TAKE_MODE(mode, flags)                           \
	do {                                             \
		if ((flags) & (O_CREAT | __O_TMPFILE)) { \
			va_list args;                    \
			va_start(args, flags);           \
			(mode) = va_arg(args, mode_t);   \
			va_end(args);                    \
		}                                        \
	} while (0)

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	return open_any(path, flags, mode);
}

int __open_2(const char *path, int flags)
{
	return open_any(path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open_any(path, flags, 0);
}

int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	if (shim_by_name(path) || shim_is_optical(path))
		return open_any(path, flags, mode);
	return never_real(CALL(openat)(dir, path, flags, mode));
}

int openat64(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	if (shim_by_name(path) || shim_is_optical(path))
		return open_any(path, flags, mode);
	return never_real(CALL(openat64)(dir, path, flags, mode));
}

static FILE *fopen_any(const char *path, const char *mode)
{
	struct shim_drive *drive = shim_by_name(path);
	FILE *file;

	if (drive)
		return shim_fopen(drive, mode);
	if (hidden(path))
		return NULL;
	file = CALL(fopen64)(path, mode);
	if (file && shim_is_real_drive(fileno(file))) {
		fclose(file);
		errno = ENOENT;
		return NULL;
	}
	return file;
}

FILE *fopen(const char *path, const char *mode)
{
	return fopen_any(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	return fopen_any(path, mode);
}

/* genisoimage takes the descriptor out of the stream, and reads by that. */
int fileno(FILE *file)
{
	int fd = shim_fileno(file);

	return fd >= 0 ? fd : CALL(fileno)(file);
}

/* --- looking at names ----------------------------------------------------- */

/* 1: answered in @st; 0: not ours; -1: not there. */
static int stat_name(const char *path, struct stat *st)
{
	const struct shim_drive *drive = shim_by_name(path);

	if (drive && drive->file.mmc.s->gone) {
		errno = ENOENT;
		return -1;
	}
	if (drive) {
		shim_stat(drive, st);
		return 1;
	}
	return hidden(path) ? -1 : 0;
}

static bool stat_fd(int fd, struct stat *st)
{
	const struct shim_drive *drive = shim_by_fd(fd);

	if (drive)
		shim_stat(drive, st);
	return drive != NULL;
}

/* By which programs see what others have open. */
static int stat_proc(const char *path, struct stat *st)
{
	int err = CALL(stat)(path, st);
	const struct shim_drive *drive;

	if (err == 0 && strncmp(path, "/proc/", 6) == 0) {
		drive = shim_by_inode(st->st_dev, st->st_ino);
		if (drive)
			shim_stat(drive, st);
	}
	return err;
}

/* Both kinds of struct stat have one layout. */
#define STAT_BY_NAME(call, path, st)                              \
	do {                                                      \
		int known = stat_name(path, (struct stat *)(st)); \
		if (known)                                        \
			return known < 0 ? -1 : 0;                \
		return call;                                      \
	} while (0)

int stat(const char *path, struct stat *st)
{
	STAT_BY_NAME(stat_proc(path, st), path, st);
}

int stat64(const char *path, struct stat64 *st)
{
	STAT_BY_NAME(stat_proc(path, (struct stat *)st), path, st);
}

int lstat(const char *path, struct stat *st)
{
	STAT_BY_NAME(CALL(lstat)(path, st), path, st);
}

int lstat64(const char *path, struct stat64 *st)
{
	STAT_BY_NAME(CALL(lstat64)(path, st), path, st);
}

int __xstat(int version, const char *path, struct stat *st)
{
	STAT_BY_NAME(CALL(__xstat)(version, path, st), path, st);
}

int __xstat64(int version, const char *path, struct stat64 *st)
{
	STAT_BY_NAME(CALL(__xstat64)(version, path, st), path, st);
}

int __lxstat(int version, const char *path, struct stat *st)
{
	STAT_BY_NAME(CALL(__lxstat)(version, path, st), path, st);
}

int __lxstat64(int version, const char *path, struct stat64 *st)
{
	STAT_BY_NAME(CALL(__lxstat64)(version, path, st), path, st);
}

int fstatat(int dir, const char *path, struct stat *st, int flags)
{
	STAT_BY_NAME(CALL(fstatat)(dir, path, st, flags), path, st);
}

int fstatat64(int dir, const char *path, struct stat64 *st, int flags)
{
	STAT_BY_NAME(CALL(fstatat64)(dir, path, st, flags), path, st);
}

int fstat(int fd, struct stat *st)
{
	return stat_fd(fd, st) ? 0 : CALL(fstat)(fd, st);
}

int fstat64(int fd, struct stat64 *st)
{
	return stat_fd(fd, (struct stat *)st) ? 0 : CALL(fstat64)(fd, st);
}

int __fxstat(int version, int fd, struct stat *st)
{
	return stat_fd(fd, st) ? 0 : CALL(__fxstat)(version, fd, st);
}

int __fxstat64(int version, int fd, struct stat64 *st)
{
	return stat_fd(fd, (struct stat *)st)
		       ? 0
		       : CALL(__fxstat64)(version, fd, st);
}

int access(const char *path, int mode)
{
	struct stat st;
	int known = stat_name(path, &st);

	if (known)
		return known < 0 ? -1 : 0;
	return CALL(access)(path, mode);
}

ssize_t readlink(const char *path, char *buf, size_t len)
{
	if (shim_by_name(path)) {
		errno = EINVAL;
		return -1;
	}
	return CALL(readlink)(path, buf, len);
}

static char *resolve(const char *path, char *resolved)
{
	if (!resolved)
		return strdup(path);
	return strcpy(resolved, path);
}

char *realpath(const char *path, char *resolved)
{
	if (shim_by_name(path))
		return resolve(path, resolved);
	return CALL(realpath)(path, resolved);
}

char *__realpath_chk(const char *path, char *resolved, size_t size)
{
	(void)size; /* at least PATH_MAX, and a drive's name is short */
	return realpath(path, resolved);
}

/* --- descriptors ---------------------------------------------------------- */

ssize_t pread(int fd, void *buf, size_t len, off_t pos)
{
	struct shim_drive *drive = shim_by_fd(fd);

	return drive ? shim_pread(drive, buf, len, pos)
		     : CALL(pread)(fd, buf, len, pos);
}

ssize_t pread64(int fd, void *buf, size_t len, off64_t pos)
{
	return pread(fd, buf, len, pos);
}

ssize_t __pread_chk(int fd, void *buf, size_t len, off_t pos, size_t size)
{
	if (len > size)
		abort();
	return pread(fd, buf, len, pos);
}

ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t pos, size_t size)
{
	return __pread_chk(fd, buf, len, pos, size);
}

ssize_t read(int fd, void *buf, size_t len)
{
	struct shim_drive *drive = shim_by_fd(fd);
	off_t pos;
	ssize_t n;

	if (!drive)
		return CALL(read)(fd, buf, len);
	pos = CALL(lseek64)(fd, 0, SEEK_CUR);
	n = shim_pread(drive, buf, len, pos);
	if (n > 0)
		CALL(lseek64)(fd, pos + n, SEEK_SET);
	return n;
}

ssize_t __read_chk(int fd, void *buf, size_t len, size_t size)
{
	if (len > size)
		abort();
	return read(fd, buf, len);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t pos)
{
	struct shim_drive *drive = shim_by_fd(fd);

	return drive ? shim_pwrite(drive, buf, len, pos)
		     : CALL(pwrite)(fd, buf, len, pos);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t pos)
{
	return pwrite(fd, buf, len, pos);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	struct shim_drive *drive = shim_by_fd(fd);
	off_t pos;
	ssize_t n;

	if (!drive)
		return CALL(write)(fd, buf, len);
	pos = CALL(lseek64)(fd, 0, SEEK_CUR);
	n = shim_pwrite(drive, buf, len, pos);
	if (n > 0)
		CALL(lseek64)(fd, pos + n, SEEK_SET);
	return n;
}

off64_t lseek64(int fd, off64_t pos, int whence)
{
	struct shim_drive *drive = whence == SEEK_END ? shim_by_fd(fd) : NULL;

	if (!drive)
		return CALL(lseek64)(fd, pos, whence);
	return CALL(lseek64)(fd, shim_size(drive) + pos, SEEK_SET);
}

off_t lseek(int fd, off_t pos, int whence)
{
	return lseek64(fd, pos, whence);
}

int ioctl(int fd, unsigned long request, ...)
{
	struct shim_drive *drive = shim_by_fd(fd);
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return drive ? shim_ioctl(drive, request, arg)
		     : CALL(ioctl)(fd, request, arg);
}

/* --- time ----------------------------------------------------------------- */

/* What the program would wait for a drive; the model is quicker. */
static int64_t shorter(int64_t ns)
{
	const char *sleep_mode;

	if (ns < 50000000 || !shim_active())
		return ns;
	sleep_mode = getenv("MMC_SLEEP");
	if (sleep_mode && strcmp(sleep_mode, "real") == 0)
		return ns;
	ns /= 100;
	if (ns < 1000000)
		return 1000000;
	return ns < 20000000 ? ns : 20000000;
}

static int sleep_ns(int64_t ns)
{
	struct timespec ts = {.tv_sec = ns / 1000000000,
			      .tv_nsec = ns % 1000000000};

	return CALL(nanosleep)(&ts, NULL);
}

int nanosleep(const struct timespec *want, struct timespec *left)
{
	int64_t ns = (int64_t)want->tv_sec * 1000000000 + want->tv_nsec;

	if (shorter(ns) != ns)
		return sleep_ns(shorter(ns));
	return CALL(nanosleep)(want, left);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
		    struct timespec *left)
{
	int64_t ns = (int64_t)want->tv_sec * 1000000000 + want->tv_nsec;

	if (flags == 0 && shorter(ns) != ns)
		return sleep_ns(shorter(ns)) < 0 ? errno : 0;
	return CALL(clock_nanosleep)(clock, flags, want, left);
}

int usleep(useconds_t us)
{
	return sleep_ns(shorter((int64_t)us * 1000));
}

unsigned sleep(unsigned seconds)
{
	int64_t ns = (int64_t)seconds * 1000000000;

	if (shorter(ns) == ns)
		return CALL(sleep)(seconds);
	sleep_ns(shorter(ns));
	return 0;
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	if (n == 0 && ms > 0)
		return sleep_ns(shorter((int64_t)ms * 1000000));
	return CALL(poll)(fds, n, ms);
}

int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout)
{
	if (n == 0 && timeout)
		return sleep_ns(shorter((int64_t)timeout->tv_sec * 1000000000 +
					(int64_t)timeout->tv_usec * 1000));
	return CALL(select)(n, r, w, e, timeout);
}
