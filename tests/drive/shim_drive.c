/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which drives there are, and opening, reading and writing them. */
#include "tests/drive/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Majors of drivers for optical drives: sr, and the old IDE ones. */
static const unsigned block_majors[] = {11, 3, 22, 33, 34};
#define SG_MAJOR 21
#define SR_MAJOR 11

/* What one READ or WRITE takes at most. */
#define CHUNK 32u

static struct shim_drive drives[SHIM_DRIVES];
static size_t drives_n;
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Looking for the drives opens files by the names that are shadowed. */
static __thread bool finding;

__attribute__((noreturn)) static void die(const char *what, const char *name,
					  int err)
{
	fprintf(stderr, "mmcshim: %s %s: %s\n", what, name, strerror(err));
	_exit(125);
}

static void add_drive(char *entry)
{
	struct shim_drive *drive = &drives[drives_n];
	char *path = strchr(entry, '=');
	struct statx stx;
	int err;

	if (!path || drives_n == SHIM_DRIVES)
		die("MMC_DRIVES has a bad entry", entry, EINVAL);
	*path++ = 0;
	drive->name = entry;
	drive->path = path;
	drive->number = (unsigned)drives_n;
	if (statx(AT_FDCWD, path, 0, STATX_INO, &stx) < 0)
		die("cannot use", path, errno);
	drive->dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	drive->ino = stx.stx_ino;
	err = mmc_file_open(path, &drive->file);
	if (err < 0)
		die("cannot use", path, -err);
	drives_n++;
}

static void find_drives(void)
{
	const char *value = getenv("MMC_DRIVES");
	char *list, *entry, *rest;

	if (!value)
		return;
	finding = true;
	/* Kept for the life of the process: the names point into it. */
	list = strdup(value);
	if (!list)
		die("cannot use", value, ENOMEM);
	for (entry = strtok_r(list, ",", &rest); entry;
	     entry = strtok_r(NULL, ",", &rest))
		add_drive(entry);
	if (drives_n == 0)
		free(list);
	finding = false;
}

bool shim_active(void)
{
	if (finding)
		return false;
	pthread_once(&once, find_drives);
	return drives_n > 0;
}

struct shim_drive *shim_by_name(const char *path)
{
	if (!path || strncmp(path, "/dev/", 5) != 0 || !shim_active())
		return NULL;
	for (size_t i = 0; i < drives_n; i++) {
		if (strcmp(drives[i].name, path) == 0)
			return &drives[i];
	}
	return NULL;
}

struct shim_drive *shim_by_inode(dev_t dev, ino_t ino)
{
	if (!shim_active())
		return NULL;
	for (size_t i = 0; i < drives_n; i++) {
		if (drives[i].ino == ino && drives[i].dev == dev)
			return &drives[i];
	}
	return NULL;
}

struct shim_drive *shim_by_fd(int fd)
{
	struct statx stx;
	int saved = errno;

	if (fd < 0 || !shim_active())
		return NULL;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO, &stx) < 0) {
		errno = saved;
		return NULL;
	}
	return shim_by_inode(makedev(stx.stx_dev_major, stx.stx_dev_minor),
			     stx.stx_ino);
}

bool shim_is_optical(const char *path)
{
	static const char *const names[] = {"sr",  "scd",  "sg",
					    "hd",  "bsg/", "cdrom",
					    "dvd", "cdrw", "pktcdvd/"};

	if (!path || strncmp(path, "/dev/", 5) != 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(path + 5, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

bool shim_is_real_drive(int fd)
{
	struct statx stx;
	size_t n = sizeof(block_majors) / sizeof(block_majors[0]);

	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) < 0)
		return false;
	if (S_ISCHR(stx.stx_mode))
		return stx.stx_rdev_major == SG_MAJOR;
	for (size_t i = 0; S_ISBLK(stx.stx_mode) && i < n; i++) {
		if (stx.stx_rdev_major == block_majors[i])
			return true;
	}
	return false;
}

void shim_stat(const struct shim_drive *drive, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFBLK | 0660;
	st->st_nlink = 1;
	st->st_ino = 1000 + drive->number;
	st->st_rdev = makedev(SR_MAJOR, drive->number);
	st->st_blksize = 2048;
	st->st_uid = getuid();
	st->st_gid = getgid();
}

/* Opening for writing as a block device: what the kernel's cdrom.c lets. */
static bool kernel_writes(const struct mmc *m)
{
	return !m->s->write_protected &&
	       (m->s->media == MMC_DVD_RAM || m->s->media == MMC_DVD_PLUS_RW ||
		m->s->media == MMC_BD_RE || m->s->media == MMC_DVD_RW_RO);
}

int shim_open(struct shim_drive *drive, int flags)
{
	struct mmc *m = &drive->file.mmc;
	bool ready, writes;
	int fd;

	mmc_file_lock(&drive->file);
	if (m->s->gone) {
		mmc_file_unlock(&drive->file);
		errno = ENXIO;
		return -1;
	}
	mmc_attach(m);
	ready = !m->s->no_disc && !m->s->tray_open;
	writes = kernel_writes(m);
	mmc_file_unlock(&drive->file);
	if (!(flags & O_NONBLOCK) && !ready) {
		errno = ENOMEDIUM;
		return -1;
	}
	if (!(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_RDONLY &&
	    !writes) {
		errno = EROFS;
		return -1;
	}
	fd = REAL(open64)(drive->path, O_RDWR | (flags & O_CLOEXEC));
	if (fd < 0)
		die("cannot use", drive->path, errno);
	if ((flags & O_EXCL) && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		errno = EBUSY;
		return -1;
	}
	return fd;
}

off_t shim_size(struct shim_drive *drive)
{
	off_t size;

	mmc_file_lock(&drive->file);
	size = (off_t)drive->file.mmc.s->kernel_blocks * MMC_BLOCK;
	mmc_file_unlock(&drive->file);
	return size;
}

static int transfer(struct shim_drive *drive, uint8_t opcode, uint32_t lba,
		    uint32_t blocks, void *buf)
{
	uint8_t cdb[10] = {opcode,
			   0,
			   (uint8_t)(lba >> 24),
			   (uint8_t)(lba >> 16),
			   (uint8_t)(lba >> 8),
			   (uint8_t)lba,
			   0,
			   0,
			   (uint8_t)blocks};
	struct mmc_result res;

	mmc_file_lock(&drive->file);
	mmc_command(&drive->file.mmc, cdb, sizeof(cdb), buf,
		    (size_t)blocks * MMC_BLOCK, &res);
	mmc_file_unlock(&drive->file);
	if (!res.gone && res.status == 0)
		return 0;
	errno = res.sense[2] == 7 ? EROFS : EIO;
	return -1;
}

ssize_t shim_pread(struct shim_drive *drive, void *buf, size_t len, off_t pos)
{
	uint8_t chunk[CHUNK * MMC_BLOCK];
	off_t size = shim_size(drive);
	size_t done = 0;

	if (pos >= size)
		return 0;
	if ((off_t)len > size - pos)
		len = (size_t)(size - pos);
	while (done < len) {
		uint32_t lba = (uint32_t)((pos + (off_t)done) / MMC_BLOCK);
		size_t skip = (size_t)((pos + (off_t)done) % MMC_BLOCK);
		uint32_t blocks =
			(uint32_t)((skip + len - done + MMC_BLOCK - 1) /
				   MMC_BLOCK);
		size_t n;

		if (blocks > CHUNK)
			blocks = CHUNK;
		/* A large read fails at its bad block only. */
		if (transfer(drive, 0x28, lba, blocks, chunk) < 0 &&
		    (blocks == 1 ||
		     (blocks = 1, transfer(drive, 0x28, lba, 1, chunk) < 0)))
			return done ? (ssize_t)done : -1;
		n = blocks * MMC_BLOCK - skip;
		if (n > len - done)
			n = len - done;
		memcpy((char *)buf + done, chunk + skip, n);
		done += n;
	}
	return (ssize_t)done;
}

ssize_t shim_pwrite(struct shim_drive *drive, const void *buf, size_t len,
		    off_t pos)
{
	uint8_t chunk[CHUNK * MMC_BLOCK];
	size_t done = 0;

	if (pos % MMC_BLOCK || len % MMC_BLOCK) {
		errno = EIO;
		return -1;
	}
	while (done < len) {
		size_t n =
			len - done < sizeof(chunk) ? len - done : sizeof(chunk);

		memcpy(chunk, (const char *)buf + done, n);
		if (transfer(drive, 0x2a,
			     (uint32_t)((pos + (off_t)done) / MMC_BLOCK),
			     (uint32_t)(n / MMC_BLOCK), chunk) < 0)
			return done ? (ssize_t)done : -1;
		done += n;
	}
	return (ssize_t)done;
}

/* A stream reads by inner names of libc that cannot be shadowed. */
struct stream {
	FILE *file;
	struct stream *next;
	struct shim_drive *drive;
	int fd;
	off_t pos;
};

static struct stream *streams;
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t stream_read(void *cookie, char *buf, size_t len)
{
	struct stream *stream = cookie;
	ssize_t n = shim_pread(stream->drive, buf, len, stream->pos);

	if (n > 0)
		stream->pos += n;
	return n;
}

static int stream_seek(void *cookie, off64_t *pos, int whence)
{
	struct stream *stream = cookie;
	off_t from = whence == SEEK_CUR	  ? stream->pos
		     : whence == SEEK_END ? shim_size(stream->drive)
					  : 0;

	if (from + *pos < 0)
		return -1;
	stream->pos = *pos = from + *pos;
	return 0;
}

static int stream_close(void *cookie)
{
	struct stream *stream = cookie, **p;
	int err = close(stream->fd);

	pthread_mutex_lock(&streams_lock);
	for (p = &streams; *p && *p != stream;)
		p = &(*p)->next;
	if (*p)
		*p = stream->next;
	pthread_mutex_unlock(&streams_lock);
	free(stream);
	return err;
}

FILE *shim_fopen(struct shim_drive *drive, const char *mode)
{
	static const cookie_io_functions_t functions = {
		.read = stream_read,
		.seek = stream_seek,
		.close = stream_close,
	};
	struct stream *stream;
	FILE *file;

	if (mode[0] != 'r' || strchr(mode, '+')) {
		errno = EROFS;
		return NULL;
	}
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->drive = drive;
	stream->fd = shim_open(drive, O_RDONLY | O_CLOEXEC);
	if (stream->fd < 0) {
		free(stream);
		return NULL;
	}
	file = fopencookie(stream, "r", functions);
	if (!file) {
		stream_close(stream);
		return NULL;
	}
	pthread_mutex_lock(&streams_lock);
	stream->file = file;
	stream->next = streams;
	streams = stream;
	pthread_mutex_unlock(&streams_lock);
	return file;
}

int shim_fileno(FILE *file)
{
	int fd = -1;

	pthread_mutex_lock(&streams_lock);
	for (const struct stream *p = streams; p; p = p->next) {
		if (p->file == file)
			fd = p->fd;
	}
	pthread_mutex_unlock(&streams_lock);
	return fd;
}
