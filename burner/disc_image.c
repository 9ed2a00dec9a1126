/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image file as a disc.  Such a file is overwritable: libburn writes to it
 * as to a DVD+RW.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "burner/chain.h"
#include "burner/disc_ops.h"
#include "burner/erase.h"
#include "burner/library.h"
#include "burner/volume.h"
#include "burner/whereabouts.h"
#include "common/cleanup.h"
#include "common/crash.h"
#include "common/io.h"

enum {
	/*
	 * mkisofs counts its padding into the volume; burning tools and
	 * copies of track-at-once CDs leave it out.
	 */
	PADDING_BLOCKS = 150,
	FAT_MAGIC = 0x4d44, /* statfs(2) */
	/* For the crash tests: within the primary volume descriptor. */
	TEAR_BYTES = 16 * DISC_BLOCK + DISC_BLOCK / 2,
};

/* libburn counts the blocks of a drive in an int. */
#define MAX_BLOCKS ((uint64_t)INT_MAX)
#define FAT_MAX_BYTES ((uint64_t)UINT32_MAX)

struct image_disc {
	struct disc disc;
	uint64_t dev, ino;
	uint64_t limit_blocks;	   /* params->capacity_bytes, 0: none */
	const char *why_read_only; /* the file, not what it holds */
	bool look_only;            /* could be written, but was not opened so */
	char why_truncated[128];
	/* Of a burn: the pseudo-drive on it, and how long the file was. */
	struct burn_drive_info *infos;
	off_t size_before;
	uint64_t burn_lba;
	/* It has been so long, and nobody else makes it shorter. */
	_Atomic off_t size_known;
	/* Where it stood before it was moved, the last place first. */
	struct former_path *former;
	pthread_mutex_t move_lock;
};

/* Kept as long as the disc: others may be reading it. */
struct former_path {
	struct former_path *next;
	char *path;
};

static struct image_disc *image_of(struct disc *disc)
{
	return (struct image_disc *)disc;
}

static uint64_t image_readable(struct disc *disc)
{
	struct stat st;

	return fstat(disc->fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

static int image_read(struct disc *disc, void *buf, size_t len, uint64_t pos)
{
	return io_read_at(disc->fd, buf, len, pos) < 0 ? -EIO : 0;
}

static int image_read_head(struct disc *disc, void *head)
{
	uint64_t size = image_readable(disc);
	size_t n = size < DISC_HEAD_BYTES ? (size_t)size : DISC_HEAD_BYTES;

	memset((unsigned char *)head + n, 0, DISC_HEAD_BYTES - n);
	return io_read_at(disc->fd, head, n, 0);
}

/*
 * How many blocks from @nwa on the file may take: never too many.  Blocks that
 * the file has behind nwa already are not counted.
 */
static int free_blocks(const struct image_disc *image, uint64_t nwa,
		       uint64_t *ret)
{
	uint64_t end = MAX_BLOCKS, room;
	struct rlimit limit;
	struct statvfs vfs;
	struct statfs fs;

	if (fstatvfs(image->disc.fd, &vfs) < 0 ||
	    fstatfs(image->disc.fd, &fs) < 0)
		return -errno;
	room = (uint64_t)vfs.f_bavail * vfs.f_frsize / DISC_BLOCK;
	if (fs.f_type == FAT_MAGIC && end > FAT_MAX_BYTES / DISC_BLOCK)
		end = FAT_MAX_BYTES / DISC_BLOCK;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY &&
	    end > limit.rlim_cur / DISC_BLOCK)
		end = limit.rlim_cur / DISC_BLOCK;
	if (image->limit_blocks && end > image->limit_blocks)
		end = image->limit_blocks;
	*ret = end > nwa ? end - nwa : 0;
	if (*ret > room)
		*ret = room;
	return 0;
}

/* What an ISO 9660 superblock in @head says. */
static int look_at_sessions(struct image_disc *image, uint64_t size,
			    const unsigned char *head, const struct volume *vol,
			    struct medium *m, struct why *why)
{
	uint64_t have = size / DISC_BLOCK;
	AUTO_FREE struct disc_session *sessions = NULL;
	size_t n;
	int err;

	m->status = DISC_APPENDABLE;
	m->end_lba = vol->blocks;
	disc_note_head(head, m);
	err = chain_last(&image->disc, head, &m->head_lba);
	if (err < 0)
		return why_set(why, err, "cannot read the superblocks of %s",
			       image->disc.path);
	err = chain_sessions(&image->disc, head, &sessions, &n, why);
	if (err < 0)
		return err;
	m->sessions = (unsigned)n;
	chain_place_next(&image->disc, head, sessions, n, m);
	doubts_choose(&image->disc.doubts, sessions, n, m);
	if (have + PADDING_BLOCKS < vol->blocks) {
		m->status = DISC_CLOSED;
		snprintf(image->why_truncated, sizeof image->why_truncated,
			 "the image is truncated: %llu of its %lu blocks are "
			 "missing",
			 (unsigned long long)(vol->blocks - have),
			 (unsigned long)vol->blocks);
		m->why_not_writable = image->why_truncated;
	}
	return 0;
}

static int image_look(struct disc *disc, struct medium *ret, struct why *why)
{
	struct image_disc *image = image_of(disc);
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	struct medium m = {.type = "image file",
			   .overwritable = true,
			   .write_blocks = 1,
			   .can_blank = !image->why_read_only};
	struct volume vol;
	struct stat st;
	int err;

	if (!head)
		return -ENOMEM;
	if (fstat(disc->fd, &st) < 0)
		return why_set(why, -errno, "cannot look at %s: %s", disc->path,
			       strerror(errno));
	err = image_read_head(disc, head);
	if (err < 0)
		return why_set(why, err, "cannot read the head of %s",
			       disc->path);
	m.why_not_writable = image->why_read_only;
	if (blank_is_zero(head, DISC_HEAD_BYTES)) {
		err = beside_zeros(disc, &m);
		if (err < 0)
			return why_set(why, err, "cannot read %s: %s",
				       disc->path, strerror(-err));
		m.nwa = m.status == DISC_BLANK ? DISC_SESSION_ALIGN : 0;
	} else if (volume_parse_head(head, &vol)) {
		err = look_at_sessions(image, (uint64_t)st.st_size, head, &vol,
				       &m, why);
		if (err < 0)
			return err;
		beside_udf(disc, &m);
	} else {
		beside_foreign(disc, head, &m);
	}
	if (!m.why_not_writable) {
		err = free_blocks(image, m.nwa, &m.free_blocks);
		if (err < 0)
			return why_set(why, err, "cannot look at %s: %s",
				       disc->path, strerror(-err));
	}
	m.capacity_blocks = image->limit_blocks ? image->limit_blocks
						: m.nwa + m.free_blocks;
	if (m.capacity_blocks < m.end_lba)
		m.capacity_blocks = m.end_lba;
	if (!m.why_not_writable && m.damage)
		doubts_forbid(&image->disc.doubts, &m);
	if (!m.why_not_writable && m.free_blocks == 0)
		m.why_not_writable = "there is no space left for a session";
	*ret = m;
	return 0;
}

static int image_write_head(struct disc *disc, const void *head,
			    struct why *why)
{
	AUTO_FREE unsigned char *back = malloc(DISC_HEAD_BYTES);
	struct image_disc *image = image_of(disc);
	int err;

	if (!back)
		return -ENOMEM;
	if (image->look_only)
		return why_set(why, -EROFS, "%s was opened for reading only",
			       disc->path);
	if (image->why_read_only)
		return why_set(why, -EROFS, "cannot write the head of %s: %s",
			       disc->path, image->why_read_only);
	err = io_write_at(disc->fd, head, TEAR_BYTES, 0);
	crash_point("torn-head");
	if (err == 0)
		err = io_write_at(disc->fd, (const char *)head + TEAR_BYTES,
			       DISC_HEAD_BYTES - TEAR_BYTES, TEAR_BYTES);
	if (err == 0 && fdatasync(disc->fd) < 0)
		err = -errno;
	if (err < 0)
		return why_set(why, err, "cannot write the head of %s: %s",
			       disc->path, strerror(-err));
	/* So that it is read from the medium, as far as the kernel obeys. */
	posix_fadvise(disc->fd, 0, DISC_HEAD_BYTES, POSIX_FADV_DONTNEED);
	if (io_read_at(disc->fd, back, DISC_HEAD_BYTES, 0) < 0 ||
	    memcmp(head, back, DISC_HEAD_BYTES) != 0)
		return why_set(why, -EIO,
			       "the head of %s reads back differently",
			       disc->path);
	return 0;
}

static int image_identity(struct disc *disc, uint64_t *ret_dev,
			  uint64_t *ret_ino, char serial[64])
{
	*ret_dev = image_of(disc)->dev;
	*ret_ino = image_of(disc)->ino;
	serial[0] = 0;
	return 0;
}

/* Called with move_lock held; takes @path over. */
static int move(struct image_disc *image, char *path)
{
	struct former_path *old = malloc(sizeof *old);

	if (!old) {
		free(path);
		return -ENOMEM;
	}
	*old = (struct former_path){image->former, image->disc.path};
	image->former = old;
	image->disc.path = path;
	return 0;
}

static int image_in_place(struct disc *disc, struct why *why)
{
	struct image_disc *image = image_of(disc);
	LOCK_GUARD(&image->move_lock);
	char *path = NULL;
	int err = whereabouts_of(disc->fd, disc->path, &path, why);
	off_t size = (off_t)image_readable(disc), known = image->size_known;

	if (err == 1)
		err = move(image, path);
	if (err == 0 && size < known)
		return why_set(why, -ESTALE,
			       "another program cut the image %s short: %lld "
			       "of its %lld bytes are missing",
			       disc->path, (long long)(known - size),
			       (long long)known);
	return err;
}

static bool image_trouble(struct disc *disc, struct why *why)
{
	return !image_of(disc)->look_only && image_in_place(disc, why) < 0;
}

/*
 * The file is addressed by the descriptor that is held and locked, so that it
 * is the same one whatever became of its path.
 */
static int image_burn_begin(struct disc *disc, struct burn_drive **ret,
			    struct why *why)
{
	struct image_disc *image = image_of(disc);
	char address[64];
	struct stat st;

	if (fstat(disc->fd, &st) < 0)
		return why_set(why, -errno, "%s: %s", disc->path,
			       strerror(errno));
	image->size_before = st.st_size;
	snprintf(address, sizeof address, "stdio:/proc/self/fd/%d", disc->fd);
	if (burn_drive_scan_and_grab(&image->infos, address, 0) <= 0) {
		image->infos = NULL;
		return library_error(-1, disc->path, why);
	}
	*ret = image->infos[0].drive;
	return 0;
}

static bool image_burn_choose(struct disc *disc, uint64_t nwa,
			      const struct burn_settings *settings,
			      struct burn_write_opts *opts)
{
	(void)settings;
	image_of(disc)->burn_lba = nwa;
	/* Once, at the end, by burn_sync. */
	burn_write_opts_set_stdio_fsync(opts, -1);
	burn_write_opts_set_start_byte(opts, (off_t)(nwa * DISC_BLOCK));
	return false;
}

static void image_burn_end(struct disc *disc)
{
	struct image_disc *image = image_of(disc);

	burn_drive_release(image->infos[0].drive, 0);
	burn_drive_info_free(image->infos);
	image->infos = NULL;
}

static int image_burn_sync(struct disc *disc, uint64_t nwa, uint64_t blocks,
			   struct why *why)
{
	(void)nwa;
	(void)blocks;
	if (fsync(disc->fd) < 0)
		return why_set(why, -errno, "cannot write %s: %s", disc->path,
			       strerror(errno));
	image_of(disc)->size_known = (off_t)image_readable(disc);
	return 0;
}

/*
 * Bytes @from to @to become zero again, those behind @size are given back.  By
 * the descriptor the rest is known to be ours: that goes last.
 */
static void give_back(int fd, uint64_t from, uint64_t to, uint64_t size)
{
	uint64_t head = from + DISC_HEAD_BYTES;
	struct stat st;

	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size > size &&
	    ftruncate(fd, (off_t)size) < 0)
		return; /* only space is lost */
	if (to > size)
		to = size;
	if (head < to && erase_file(fd, head, to) < 0)
		return;
	if (from < to)
		(void)erase_file(fd, from, to < head ? to : head);
}

/* What the file grew by is given back to its file system. */
static void image_burn_undo(struct disc *disc)
{
	struct image_disc *image = image_of(disc);

	image->size_known = image->size_before;
	give_back(disc->fd, image->burn_lba * DISC_BLOCK,
		  (image->burn_lba + disc->tails.own_blocks) * DISC_BLOCK,
		  (uint64_t)image->size_before);
}

/* A file that ends with the burn ended before it as a rule. */
static void image_discard(struct disc *disc, uint64_t lba, uint64_t blocks)
{
	uint64_t from = lba * DISC_BLOCK, to = from + blocks * DISC_BLOCK;
	uint64_t size = image_readable(disc);

	if (image_of(disc)->look_only || image_of(disc)->why_read_only)
		return;
	if (size <= to + (uint64_t)DISC_SESSION_ALIGN * DISC_BLOCK &&
	    tail_end(disc, lba) <= lba + blocks)
		size = from;
	image_of(disc)->size_known = 0;
	give_back(disc->fd, from, to, size);
}

static int image_erase(struct disc *disc, uint64_t lba, uint64_t blocks,
		       struct why *why)
{
	const struct image_disc *image = image_of(disc);
	uint64_t pos = lba * DISC_BLOCK, end = image_readable(disc);
	int err = -EROFS;

	if (pos < end && blocks < (end - pos) / DISC_BLOCK)
		end = pos + blocks * DISC_BLOCK;
	if (!image->look_only && !image->why_read_only)
		err = erase_file(disc->fd, pos, end);
	beside_forget(disc);
	return err ? why_set(why, err, "cannot write %s: %s", disc->path,
			     strerror(-err))
		   : 0;
}

static void image_free(struct disc *disc)
{
	struct image_disc *image = image_of(disc);
	struct former_path *old;

	while ((old = image->former)) {
		image->former = old->next;
		free(old->path);
		free(old);
	}
	pthread_mutex_destroy(&image->move_lock);
	if (disc->fd >= 0)
		close(disc->fd);
	doubts_release(&disc->doubts);
	beside_release(&disc->beside);
	tails_release(&disc->tails);
	free(disc->path);
	free(disc);
}

static const struct disc_ops image_ops = {
	.look = image_look,
	.read = image_read,
	.read_head = image_read_head,
	.write_head = image_write_head,
	.identity = image_identity,
	.readable = image_readable,
	.burn_begin = image_burn_begin,
	.burn_choose = image_burn_choose,
	.burn_end = image_burn_end,
	.burn_sync = image_burn_sync,
	.burn_undo = image_burn_undo,
	.erase = image_erase,
	.discard = image_discard,
	.in_place = image_in_place,
	.trouble = image_trouble,
	.free = image_free,
};

static const char *read_only_words(int err)
{
	if (err == EROFS)
		return "its file system is read-only";
	if (err == EPERM)
		return "the image file is immutable";
	return "the image file may not be written to";
}

/* Opens the file for writing where that is wanted and possible. */
static int open_file(const struct disc_params *params, struct image_disc *image,
		     struct why *why)
{
	int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd;

	if (!params->writable) {
		/* What is told of it is as if it was to be written. */
		image->look_only = true;
		if (access(params->path, W_OK) < 0)
			image->why_read_only = read_only_words(errno);
		fd = open(params->path, O_RDONLY | flags);
	} else {
		fd = open(params->path,
			  O_RDWR | flags | (params->create ? O_CREAT : 0),
			  0666);
		if (fd < 0 &&
		    (errno == EACCES || errno == EROFS || errno == EPERM)) {
			image->why_read_only = read_only_words(errno);
			fd = open(params->path, O_RDONLY | flags);
		}
	}
	if (fd < 0)
		return why_set(why, -errno, "cannot open %s: %s", params->path,
			       strerror(errno));
	image->disc.fd = fd;
	return 0;
}

/*
 * An OFD lock is the file's, whatever path leads to it, and ends with this
 * descriptor only: libburn opens and closes the file beside it.
 */
static int lock_file(const struct image_disc *image, struct why *why)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(image->disc.fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return why_set(why, -EBUSY,
			       "%s is in use: it is mounted, or another "
			       "program writes to it",
			       image->disc.path);
	return why_set(why, -errno, "cannot lock %s: %s", image->disc.path,
		       strerror(errno));
}

static int open_image(const struct disc_params *params,
		      struct image_disc *image, struct why *why)
{
	struct medium medium = {0};
	struct stat st;
	int err;

	image->disc.ops = &image_ops;
	image->disc.fd = -1;
	image->limit_blocks = params->capacity_bytes / DISC_BLOCK;
	err = open_file(params, image, why);
	if (err < 0)
		return err;
	image->disc.path = realpath(params->path, NULL);
	if (!image->disc.path || fstat(image->disc.fd, &st) < 0)
		return why_set(why, -errno, "cannot open %s: %s", params->path,
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return why_set(why, -ENOTSUP, "%s is not an image file",
			       image->disc.path);
	image->dev = st.st_dev;
	image->ino = st.st_ino;
	image->size_known = st.st_size;
	if (!image->why_read_only && !image->look_only) {
		err = lock_file(image, why);
		if (err < 0)
			return err;
	}
	if (params->foreign)
		return 0;
	err = image_look(&image->disc, &medium, why);
	if (err < 0)
		return err;
	if (medium.status == DISC_FOREIGN)
		return disc_refuse_foreign(&image->disc, &medium, why);
	return 0;
}

int image_disc_open(const struct disc_params *params, struct disc **ret,
		    struct why *why)
{
	struct image_disc *image = calloc(1, sizeof *image);
	int err;

	if (!image)
		return -ENOMEM;
	doubts_init(&image->disc.doubts);
	beside_init(&image->disc.beside);
	tails_init(&image->disc.tails);
	pthread_mutex_init(&image->move_lock, NULL);
	err = open_image(params, image, why);
	if (err < 0) {
		image_free(&image->disc);
		return err;
	}
	*ret = &image->disc;
	return 0;
}
