/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/space.h"
#include "fs/tree_internal.h"
#include "fs/tree_lock.h"

enum {
	/* A file that is appended to gets its addresses in runs of this size,
	 * so that two writers at once do not cut each other into pieces.
	 * Addresses cost nothing: the data file is sparse. */
	RESERVE_MIN = 64 * 1024,
	RESERVE_MAX = 64 * 1024 * 1024,
};

static int get_file(struct tree *t, uint64_t ino, struct inode **ret)
{
	struct inode *inode = tree_inode(t, ino);

	if (!inode)
		return tree_missing(ino);
	if (!S_ISREG(inode->mode))
		return S_ISDIR(inode->mode) ? -EISDIR : -EINVAL;
	*ret = inode;
	return 0;
}

static int get_file_to_change(struct tree *t, uint64_t ino,
			      struct inode **ret)
{
	int err = get_file(t, ino, ret);

	if (err)
		return err;
	if (t->readonly || !t->data)
		return -EROFS;
	if ((*ret)->flags & I_BOOTCAT)
		return -EPERM;
	if ((*ret)->flags & I_FILTERED)
		return -EIO;
	err = inode_will_change(t, *ret);
	if (err)
		return err;
	return 0;
}

/* ---- pieces ---- */

static int add_piece(struct file_io *io, uint8_t source, uint64_t pos,
		     uint64_t len, bool fresh)
{
	const unsigned small = sizeof io->small / sizeof io->small[0];
	struct file_piece *last = io->n ? &io->pieces[io->n - 1] : NULL;

	if (last && last->source == source && last->fresh == fresh &&
	    (source == EXTENT_HOLE || last->pos + last->len == pos)) {
		last->len += len;
		return 0;
	}
	if (!io->pieces)
		io->pieces = io->small;
	/* Beyond the small array, room doubles at each power of two. */
	if (io->n >= small && (io->n & (io->n - 1)) == 0) {
		bool heap = io->pieces != io->small;
		struct file_piece *v = realloc(heap ? io->pieces : NULL,
					       (size_t)io->n * 2 * sizeof *v);

		if (!v)
			return -ENOMEM;
		if (!heap)
			memcpy(v, io->small, sizeof io->small);
		io->pieces = v;
	}
	io->pieces[io->n++] = (struct file_piece){
		.source = source, .fresh = fresh, .pos = pos, .len = len};
	return 0;
}

static void drop_pieces(struct file_io *io)
{
	if (io->pieces != io->small)
		free(io->pieces);
	io->pieces = NULL;
	io->n = 0;
}

static void pin(struct tree *t, struct file_io *io)
{
	if (t->data) {
		io->pin = stage_data_pin(t->data);
		io->pinned = true;
	}
}

static void unpin(struct tree *t, struct file_io *io)
{
	if (io->pinned)
		stage_data_unpin(t->data, io->pin);
	io->pinned = false;
}

/* ---- reading ---- */

int file_read_begin(struct tree *t, uint64_t ino, uint64_t off, size_t len,
		    struct file_io *io)
{
	struct extent_map tmp;
	const struct extent_map *map;
	struct inode *inode;
	uint64_t end;
	int err;

	io->pieces = NULL;
	io->n = 0;
	io->pinned = false;
	io->ino = ino;
	io->off = off;
	io->len = 0;
	READ_LOCK(t);
	err = get_file(t, ino, &inode);
	if (err)
		return err;
	if (inode->flags & I_FILTERED)
		return -EIO;
	if (off >= inode->size)
		return 0;
	end = len < inode->size - off ? off + len : inode->size;
	map = inode_map(inode, &tmp);
	while (off < end) {
		struct extent e;

		extent_map_at(map, off, end - off, &e);
		err = add_piece(io, e.source, e.pos, e.len, false);
		if (err) {
			drop_pieces(io);
			return err;
		}
		off += e.len;
		io->len += e.len;
	}
	pin(t, io);
	return 0;
}

void file_read_end(struct tree *t, struct file_io *io)
{
	unpin(t, io);
	drop_pieces(io);
}

/* ---- writing ---- */

static void drop_reserve(struct tree *t, struct inode_delta *delta)
{
	if (delta->reserve_len)
		stage_data_unref(t->data, delta->reserve_pos,
				 delta->reserve_len);
	delta->reserve_len = 0;
}

/* New addresses for @len bytes at @off. */
static int alloc(struct tree *t, struct inode *inode, uint64_t off,
		 uint64_t len, uint64_t *ret_pos)
{
	struct inode_delta *delta = inode->delta;
	uint64_t want = len, pos;
	int err;

	if (delta->reserve_len >= len && delta->reserve_off == off) {
		*ret_pos = delta->reserve_pos;
		delta->reserve_pos += len;
		delta->reserve_off += len;
		delta->reserve_len -= len;
		return 0;
	}
	/* Appending to what has content: more will follow. */
	if (off && off >= inode->size) {
		want = off < RESERVE_MIN   ? RESERVE_MIN
		       : off > RESERVE_MAX ? RESERVE_MAX
					   : off;
		if (want < len)
			want = len;
	}
	err = stage_data_alloc(t->data, want, off, &pos);
	if (err)
		return err;
	if (want > len) {
		drop_reserve(t, delta);
		delta->reserve_off = off + len;
		delta->reserve_pos = pos + len;
		delta->reserve_len = want - len;
	}
	*ret_pos = pos;
	return 0;
}

static bool in_place(const struct tree *t, const struct extent *e)
{
	return e->source == EXTENT_DATA && !e->shared &&
	       stage_data_writable(t->data, e->gen);
}

/* Give back the new addresses behind the first @done bytes of @io. */
static void release_fresh(struct tree *t, const struct file_io *io,
			  uint64_t done)
{
	uint64_t begin = 0;

	for (unsigned i = 0; i < io->n; i++) {
		const struct file_piece *p = &io->pieces[i];
		uint64_t skip = done > begin ? done - begin : 0;

		if (p->fresh && skip < p->len)
			stage_data_unref(t->data, p->pos + skip,
					 p->len - skip);
		begin += p->len;
	}
}

/* One new range for @len bytes at @off, if there are any. */
static int add_fresh(struct tree *t, struct inode *inode, struct file_io *io,
		     uint64_t off, uint64_t len)
{
	uint64_t pos;
	int err;

	if (!len)
		return 0;
	err = alloc(t, inode, off, len, &pos);
	if (err)
		return err;
	err = add_piece(io, EXTENT_DATA, pos, len, true);
	if (err)
		stage_data_unref(t->data, pos, len);
	return err;
}

/*
 * Where [io->off, +len) goes: over bytes of the stage that only this file has,
 * if it covers nothing else; else to one new range.  A snapshot that is taken
 * meanwhile waits for the former and does not see the latter, so that it has
 * each write whole or not at all.
 */
static int choose_pieces(struct tree *t, struct inode *inode,
			 struct file_io *io, uint64_t len)
{
	uint64_t off = io->off, end = io->off + len;
	struct extent_map tmp;
	const struct extent_map *map = inode_map(inode, &tmp);
	bool all_in_place = true;
	int err = 0;

	while (!err && all_in_place && off < end) {
		struct extent e;

		extent_map_at(map, off, end - off, &e);
		all_in_place = in_place(t, &e);
		if (all_in_place)
			err = add_piece(io, EXTENT_DATA, e.pos, e.len, false);
		off += e.len;
	}
	if (!err && !all_in_place) {
		io->n = 0;
		err = add_fresh(t, inode, io, io->off, len);
	}
	if (err)
		drop_pieces(io);
	return err;
}

/* Blocks that the session grows by when the file gets this size and new content. */
static uint64_t growth(const struct inode *inode, uint64_t size)
{
	uint64_t blocks = space_data_blocks(size > inode->size ? size
								: inode->size);
	uint64_t charged = inode->delta->charged_blocks;

	return blocks > charged ? blocks - charged : 0;
}

int file_write_begin(struct tree *t, const struct cred *cred, uint64_t ino,
		     uint64_t off, size_t len, struct file_io *io)
{
	struct inode *inode;
	int err;

	*io = (struct file_io){.ino = ino, .off = off};
	if (off > FILE_MAX_BYTES || len > FILE_MAX_BYTES - off)
		return -EFBIG;
	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	err = get_file_to_change(t, ino, &inode);
	if (err)
		return err;
	/* A file that has no name left takes no room on the disc. */
	io->reserved_blocks = inode->nlink ? growth(inode, off + len) : 0;
	if (io->reserved_blocks &&
	    !tree_has_room(t, io->reserved_blocks, 0))
		return -ENOSPC;
	err = choose_pieces(t, inode, io, len);
	if (err)
		return err;
	t->reserved_blocks += io->reserved_blocks;
	io->len = len;
	io->gen = stage_data_gen(t->data);
	/* The inode stays until the end of the write. */
	inode->lookups++;
	pin(t, io);
	return 0;
}

/* The first @done bytes of the fresh pieces become content; *@ret_entered of
 * them did when memory ran out. */
static int enter_fresh(struct tree *t, struct inode *inode,
		       const struct file_io *io, uint64_t done,
		       uint64_t *ret_entered)
{
	struct extent_list dropped = {0};
	uint64_t begin = 0;
	struct extent_map *map;
	int err = inode_own_map(inode, &map);

	for (unsigned i = 0; !err && i < io->n && begin < done; i++) {
		const struct file_piece *p = &io->pieces[i];
		uint64_t len = p->len < done - begin ? p->len : done - begin;
		struct extent e = {
			.off = io->off + begin,
			.len = len,
			.pos = p->pos,
			.gen = io->gen,
			.source = EXTENT_DATA,
		};

		if (p->fresh)
			err = extent_map_put(map, &e, &dropped);
		if (!err)
			*ret_entered = begin + len;
		begin += p->len;
	}
	tree_release_extents(t, &dropped);
	return err;
}

static void set_size(struct tree *t, struct inode *inode, uint64_t size)
{
	/* Only each 4 GiB changes what the tree needs. */
	if (inode->size >> 31 != size >> 31) {
		tree_count(t, inode, -1);
		inode->size = size;
		tree_count(t, inode, 1);
	} else {
		inode->size = size;
	}
}

int file_write_end(struct tree *t, const struct cred *cred, struct file_io *io,
		   size_t done, bool kill_suidgid)
{
	uint64_t entered = 0;
	struct inode *inode;
	int err = 0;

	(void)cred;
	WRITE_LOCK(t);
	inode = tree_inode(t, io->ino);
	assert(inode && done <= io->len);
	t->reserved_blocks -= io->reserved_blocks;
	if (done) {
		/* A commit may have ended since the write began. */
		err = inode_will_change(t, inode);
		if (!err)
			err = enter_fresh(t, inode, io, done, &entered);
		if (entered)
			inode->delta->content_touched = true;
		if (!err) {
			if (io->off + done > inode->size)
				set_size(t, inode, io->off + done);
			if (kill_suidgid)
				inode_kill_suidgid(t, inode);
			inode_touch(inode, true, true);
		}
	}
	release_fresh(t, io, entered);
	if (inode->delta)
		tree_recharge(t, inode);
	unpin(t, io);
	drop_pieces(io);
	inode->lookups--;
	inode_put(t, inode);
	return err;
}

/* ---- other changes of content ---- */

static int put_hole(struct tree *t, struct inode *inode, uint64_t off,
		    uint64_t len)
{
	struct extent hole = {.off = off, .len = len, .source = EXTENT_HOLE};
	struct extent_list dropped = {0};
	struct extent_map *map;
	int err;

	if (off >= inode->size)
		return 0;
	if (len > inode->size - off)
		hole.len = inode->size - off;
	err = inode_own_map(inode, &map);
	if (err)
		return err;
	err = extent_map_put(map, &hole, &dropped);
	if (!err)
		inode->delta->content_touched = true;
	tree_release_extents(t, &dropped);
	return err;
}

int file_fallocate(struct tree *t, const struct cred *cred, uint64_t ino,
		   int mode, uint64_t off, uint64_t len)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE |
			  FALLOC_FL_ZERO_RANGE;
	struct inode *inode;
	int err;

	if ((mode & ~known) ||
	    ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE)) ||
	    ((mode & FALLOC_FL_PUNCH_HOLE) && (mode & FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if (!len)
		return -EINVAL;
	if (off > FILE_MAX_BYTES || len > FILE_MAX_BYTES - off)
		return -EFBIG;
	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	err = get_file_to_change(t, ino, &inode);
	if (err)
		return err;
	/* First what may be refused: the room. */
	if (!(mode & FALLOC_FL_KEEP_SIZE) && off + len > inode->size) {
		uint64_t old_size = inode->size;

		err = inode_truncate(t, inode, off + len);
		if (!err && (mode & FALLOC_FL_ZERO_RANGE) && off < old_size)
			err = put_hole(t, inode, off, old_size - off);
	} else if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		uint64_t more = inode->nlink ? growth(inode, inode->size) : 0;

		if (off < inode->size && more && !tree_has_room(t, more, 0))
			return -ENOSPC;
		err = put_hole(t, inode, off, len);
	}
	if (err)
		return err;
	inode_touch(inode, true, true);
	tree_recharge(t, inode);
	return 0;
}

int64_t file_seek(struct tree *t, uint64_t ino, uint64_t off, int whence)
{
	const struct extent_map *map;
	struct extent_map tmp;
	struct inode *inode;
	int err;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	READ_LOCK(t);
	err = get_file(t, ino, &inode);
	if (err)
		return err;
	map = inode_map(inode, &tmp);
	while (off < inode->size) {
		struct extent e;
		bool hole;

		extent_map_at(map, off, inode->size - off, &e);
		hole = e.source == EXTENT_HOLE;
		if (hole == (whence == SEEK_HOLE))
			return (int64_t)off;
		off += e.len;
		/* There is a hole behind the end of every file. */
		if (whence == SEEK_HOLE && off >= inode->size)
			return (int64_t)inode->size;
	}
	return -ENXIO;
}

/* ---- sharing ---- */

/* The pieces of the source as extents for the target, each with a reference. */
static int collect_shared(const struct inode *src, uint64_t src_off,
			  uint64_t dst_off, uint64_t len, struct extent_map *to)
{
	struct extent_list none = {0};
	struct extent_map tmp;
	const struct extent_map *map = inode_map(src, &tmp);
	uint64_t done = 0;

	while (done < len) {
		struct extent e;

		extent_map_at(map, src_off + done, len - done, &e);
		e.off = dst_off + done;
		e.shared = e.source == EXTENT_DATA;
		done += e.len;
		if (e.source != EXTENT_HOLE && extent_map_put(to, &e, &none) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int put_shared(struct tree *t, struct inode *dst, uint64_t off,
		      uint64_t len, const struct extent_map *from)
{
	struct extent hole = {.off = off, .len = len, .source = EXTENT_HOLE};
	struct extent_list dropped = {0};
	struct extent_cursor c = {0};
	const struct extent *e;
	struct extent_map *map;
	int err = inode_own_map(dst, &map);

	if (!err)
		err = extent_map_put(map, &hole, &dropped);
	while (!err && (e = extent_map_next(from, &c))) {
		err = extent_map_put(map, e, &dropped);
		if (!err && e->source == EXTENT_DATA)
			stage_data_ref(t->data, e->pos, e->len);
	}
	tree_release_extents(t, &dropped);
	return err;
}

int64_t file_clone(struct tree *t, const struct cred *cred, uint64_t src_ino,
		   uint64_t src_off, uint64_t dst_ino, uint64_t dst_off,
		   uint64_t len)
{
	struct extent_map pieces = {0};
	struct inode *src, *dst;
	int err;

	if (dst_off > FILE_MAX_BYTES)
		return -EFBIG;
	/* Of an older session: the caller copies bytes. */
	if (src_ino >= TREE_OTHERS && dst_ino < TREE_OTHERS)
		return -EXDEV;
	changers_note(&t->changers, cred->pid);
	WRITE_LOCK(t);
	err = get_file(t, src_ino, &src);
	if (err)
		return err;
	if (src->flags & (I_FILTERED | I_BOOTCAT))
		return -EXDEV; /* the caller then copies bytes, or is told why not */
	if (src_off >= src->size)
		return 0;
	if (len > src->size - src_off)
		len = src->size - src_off;
	if (len > FILE_MAX_BYTES - dst_off)
		return -EFBIG;
	err = get_file_to_change(t, dst_ino, &dst);
	if (err)
		return err;
	if (src == dst && src_off < dst_off + len && dst_off < src_off + len)
		return -EINVAL;
	if (dst->nlink) {
		uint64_t more = growth(dst, dst_off + len);

		if (more && !tree_has_room(t, more, 0))
			return -ENOSPC;
	}
	err = collect_shared(src, src_off, dst_off, len, &pieces);
	/* Both records name the bytes from now on: no writing in place. */
	if (!err && !(src->flags & I_PLAIN) && src->map)
		err = extent_map_share(src->map, src_off, len);
	if (!err)
		err = put_shared(t, dst, dst_off, len, &pieces);
	extent_map_release(&pieces);
	if (err)
		return err;
	dst->delta->content_touched = true;
	if (dst_off + len > dst->size)
		set_size(t, dst, dst_off + len);
	inode_touch(dst, true, true);
	tree_recharge(t, dst);
	return (int64_t)len;
}
