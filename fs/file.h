/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_FILE_H
#define FS_FILE_H

/*
 * The content of regular files in the tree.
 *
 * Reading and writing move no bytes here: the caller is told where the bytes
 * are (file_read_begin) or where they are to go (file_write_begin), moves them
 * by splice or pread/pwrite without any lock held, and ends the operation.
 * Between begin and end the ranges are pinned: they are not punched.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/extent.h"
#include "fs/tree.h"

/* A piece of a file's bytes: EXTENT_HOLE (zeros), EXTENT_DISC or EXTENT_DATA at pos. */
struct file_piece {
	uint8_t source;
	bool fresh; /* writing: a range that is not the file's yet */
	uint64_t pos;
	uint64_t len;
};

struct file_io {
	struct file_piece *pieces; /* in order of the file */
	unsigned n;
	uint64_t off, len;         /* in the file; len is what the pieces sum up to */
	uint64_t ino;
	uint64_t reserved_blocks;
	uint32_t gen;              /* writing: of the fresh pieces */
	unsigned pin;
	bool pinned;
	struct file_piece small[8];
};

/*
 * file_read_begin - where @len bytes from @off are; io->len is less at the end
 * of the file (0 behind it).  -EISDIR, -ESTALE, -EIO (content of the base that
 * cannot be read by position).  file_read_end must follow a success.
 */
int file_read_begin(struct tree *t, uint64_t ino, uint64_t off, size_t len,
		    struct file_io *io);
void file_read_end(struct tree *t, struct file_io *io);

/*
 * file_write_begin - where @len bytes for @off are to be written: pieces in
 * the data file only, some of them new.  Space is reserved: -ENOSPC where the
 * session would not fit the disc any more.  -EFBIG, -EROFS, -EPERM.
 * file_write_end - @done bytes from the beginning were written (fewer than
 * len after an error, even 0): they become the file's content.
 */
int file_write_begin(struct tree *t, const struct cred *cred, uint64_t ino,
		     uint64_t off, size_t len, struct file_io *io);
int file_write_end(struct tree *t, const struct cred *cred, struct file_io *io,
		   size_t done, bool kill_suidgid);

/* fallocate(2): mode 0, KEEP_SIZE, PUNCH_HOLE|KEEP_SIZE,
 * ZERO_RANGE[|KEEP_SIZE]; others -EOPNOTSUPP. */
int file_fallocate(struct tree *t, const struct cred *cred, uint64_t ino,
		   int mode, uint64_t off, uint64_t len);

/* lseek(2) with SEEK_DATA or SEEK_HOLE: the offset, or -ENXIO, -EINVAL. */
int64_t file_seek(struct tree *t, uint64_t ino, uint64_t off, int whence);

/*
 * file_clone - let @len bytes at @dst_off of @dst be those at @src_off of
 * @src, sharing extents: no byte is copied.  Returns how many (less at the end
 * of the source), or -errno; -EINVAL for overlapping ranges of one file.
 */
int64_t file_clone(struct tree *t, const struct cred *cred, uint64_t src,
		   uint64_t src_off, uint64_t dst, uint64_t dst_off,
		   uint64_t len);

#endif
