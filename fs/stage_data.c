/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "fs/stage_data.h"
#include "fs/stage_ranges.h"
#include "fs/stage_refs.h"

/*
 * The way of a freed range, gate by gate:
 *
 *   freed[f] --cut--> captured[f] --cut_done(true)--> held   (f: freed in a
 *      ^                  |                      \      |     freeze)
 *      +--cut_done(false)-+                  f=0  \     | thaw
 *                                                  v    v
 *                     unpinned <--last unpin-- draining <--flip-- behind
 *                         |
 *                         v
 *                     loose --whole blocks--> punched
 *
 * Pins are counted in two slots.  The current epoch's slot takes new ones;
 * a flip begins a new epoch, and when the old slot has become empty, what was
 * behind the gate at the flip is looked up by nobody any more.  The slot of
 * the epoch before is empty whenever no flip is under way ("draining").
 */
struct stage_data {
	int fd;
	bool readonly;

	/* Without the lock. */
	atomic_uint epoch;
	atomic_uint pins[2];
	atomic_bool draining;
	atomic_uint gen;
	atomic_bool frozen;
	atomic_int sync_error; /* what once failed stays failed */
	atomic_ullong used;    /* changed under the lock */

	pthread_mutex_t lock;
	pthread_cond_t drained; /* an epoch has ended */

	/* Under the lock. */
	uint64_t frontier; /* new ranges begin here */
	struct stage_refs refs;
	struct range_list claims;
	struct range_list freed[2], captured[2], held;
	struct range_list behind, leaving, unpinned, loose;
	bool loaded; /* what is in use is known */
	bool in_cut;
	bool punching;	    /* a thread is about it: it takes the rest too */
	bool keep_all;	    /* out of memory: nothing is freed until the next
			     * open, which finds what is unused */
	unsigned epoch_due; /* somebody waits for this epoch */
};

int stage_data_open(int dirfd, bool readonly, struct stage_data **ret,
		    struct why *why)
{
	/* O_NONBLOCK: a FIFO in the file's place must not hang us. */
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	AUTO_FD int fd = -1;
	struct stage_data *d;
	struct stat st;

	fd = openat(dirfd, "data", flags | (readonly ? O_RDONLY : O_RDWR));
	if (fd < 0 && errno == ENOENT && !readonly)
		fd = openat(dirfd, "data", flags | O_RDWR | O_CREAT | O_EXCL,
			    0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return why_set(why, -errno,
			       "cannot open the stage's data file: %s",
			       strerror(errno));
	if (!S_ISREG(st.st_mode))
		return why_set(why, -EBADMSG,
			       "the stage's data file is no regular file");
	if (fcntl(fd, F_SETFL, 0) < 0)
		return why_set(why, -errno, "%s", strerror(errno));
	d = calloc(1, sizeof *d);
	if (!d)
		return why_set(why, -ENOMEM, "out of memory");
	d->fd = STEAL_FD(fd);
	d->readonly = readonly;
	d->frontier = (uint64_t)st.st_size;
	d->loaded = st.st_size == 0;
	/* Loaded extents have generation 0. */
	atomic_init(&d->gen, 1);
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->drained, NULL);
	*ret = d;
	return 0;
}

void stage_data_free(struct stage_data *d)
{
	unsigned f;

	if (!d)
		return;
	assert(atomic_load(&d->pins[0]) == 0);
	assert(atomic_load(&d->pins[1]) == 0);
	for (f = 0; f < 2; f++) {
		range_list_release(&d->freed[f]);
		range_list_release(&d->captured[f]);
	}
	range_list_release(&d->claims);
	range_list_release(&d->held);
	range_list_release(&d->behind);
	range_list_release(&d->leaving);
	range_list_release(&d->unpinned);
	range_list_release(&d->loose);
	stage_refs_release(&d->refs);
	pthread_cond_destroy(&d->drained);
	pthread_mutex_destroy(&d->lock);
	close(d->fd);
	free(d);
}

int stage_data_fd(const struct stage_data *d)
{
	return d->fd;
}

/* Move all of *@from behind *@to. */
static void move_ranges(struct stage_data *d, struct range_list *to,
			struct range_list *from)
{
	if (range_list_move(to, from) < 0)
		d->keep_all = true;
}

/*
 * References
 */

int stage_data_claim(struct stage_data *d, uint64_t pos, uint64_t len)
{
	LOCK_GUARD(&d->lock);

	if (len > d->frontier || pos > d->frontier - len)
		return -ERANGE;
	return range_list_add(&d->claims, pos, len);
}

int stage_data_claimed(struct stage_data *d, struct data_range **ret_shared,
		       uint32_t *ret_n)
{
	struct range_list shared = {0};
	struct range_count *runs;
	size_t n, i;
	uint64_t at = 0, used = 0;
	int err;
	LOCK_GUARD(&d->lock);

	assert(atomic_load(&d->used) == 0 && !d->refs.root);
	err = range_list_count(&d->claims, &runs, &n);
	if (err < 0)
		return err;
	for (i = 0; i < n && err == 0; i++) {
		if (runs[i].pos > at)
			err = range_list_add(&d->freed[0], at,
					     runs[i].pos - at);
		at = runs[i].pos + runs[i].len;
		used += runs[i].len;
		if (err == 0 && runs[i].count > 1) {
			err = range_list_add(&shared, runs[i].pos, runs[i].len);
			if (err == 0)
				err = stage_refs_append(&d->refs, runs[i].pos,
							runs[i].len,
							runs[i].count - 1);
		}
	}
	if (err == 0 && at < d->frontier)
		err = range_list_add(&d->freed[0], at, d->frontier - at);
	free(runs);
	if (err == 0 && shared.n > UINT32_MAX)
		err = -ENOMEM;
	if (err < 0) {
		range_list_release(&shared);
		range_list_release(&d->freed[0]);
		stage_refs_release(&d->refs);
		return err;
	}
	range_list_release(&d->claims);
	atomic_store(&d->used, used);
	d->loaded = true;
	*ret_shared = shared.v;
	*ret_n = (uint32_t)shared.n;
	return 0;
}

int stage_data_alloc(struct stage_data *d, uint64_t len, uint64_t off,
		     uint64_t *ret_pos)
{
	LOCK_GUARD(&d->lock);
	uint64_t pad = (off - d->frontier) % DATA_BLOCK;
	uint64_t pos = d->frontier + pad;

	assert(!d->readonly);
	if (pos > INT64_MAX || len > INT64_MAX - pos)
		return -EFBIG;
	/* Nobody will ever refer to what is skipped. */
	if (pad && range_list_add(&d->loose, d->frontier, pad) < 0)
		d->keep_all = true;
	d->frontier = pos + len;
	atomic_fetch_add(&d->used, len);
	*ret_pos = pos;
	return 0;
}

void stage_data_ref(struct stage_data *d, uint64_t pos, uint64_t len)
{
	LOCK_GUARD(&d->lock);

	assert(len <= d->frontier && pos <= d->frontier - len);
	/* Where a reference cannot be counted, no range is freed any more. */
	if (!d->keep_all && stage_refs_add(&d->refs, pos, len) < 0)
		d->keep_all = true;
}

static void free_range(void *arg, uint64_t pos, uint64_t len)
{
	struct stage_data *d = arg;

	assert(len <= atomic_load(&d->used));
	atomic_fetch_sub(&d->used, len);
	if (range_list_add(&d->freed[atomic_load(&d->frozen)], pos, len) < 0)
		d->keep_all = true;
}

void stage_data_unref(struct stage_data *d, uint64_t pos, uint64_t len)
{
	LOCK_GUARD(&d->lock);

	assert(len <= d->frontier && pos <= d->frontier - len);
	if (!d->keep_all &&
	    stage_refs_sub(&d->refs, pos, len, free_range, d) < 0)
		d->keep_all = true;
}

uint32_t stage_data_gen(const struct stage_data *d)
{
	return atomic_load(&d->gen);
}

bool stage_data_writable(const struct stage_data *d, uint32_t gen)
{
	return !atomic_load(&d->frozen) || gen == atomic_load(&d->gen);
}

/*
 * Punching
 */

static void punch(void *arg, uint64_t pos, uint64_t len)
{
	const struct stage_data *d = arg;

	/* Without holes (EOPNOTSUPP) the space comes back when the file is
	 * cut; other errors cost space as well, and nothing else. */
	(void)fallocate(d->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)pos, (off_t)len);
}

/* Nothing is in the file any more: begin anew.  What is cut was punched. */
static void restart(struct stage_data *d)
{
	if (!d->loaded || atomic_load(&d->used) || !d->frontier ||
	    d->keep_all || d->in_cut || atomic_load(&d->frozen) ||
	    d->freed[0].n || d->freed[1].n || d->held.n || d->behind.n ||
	    d->leaving.n || d->unpinned.n)
		return;
	if (ftruncate(d->fd, 0) < 0)
		return;
	d->frontier = 0;
	range_list_release(&d->loose);
}

/* Called and left with the lock held; punches without it. */
static void punch_unpinned(struct stage_data *d)
{
	if (d->punching || d->readonly)
		return;
	d->punching = true;
	while (d->unpinned.n && !d->keep_all) {
		struct range_list todo = d->unpinned, loose = d->loose;
		int err;

		d->unpinned = (struct range_list){0};
		d->loose = (struct range_list){0};
		pthread_mutex_unlock(&d->lock);
		err = range_list_split(&todo, &loose, DATA_BLOCK, punch, d);
		range_list_release(&todo);
		pthread_mutex_lock(&d->lock);
		/* What was skipped meanwhile lies behind. */
		if (err == 0)
			err = range_list_move(&loose, &d->loose);
		if (err < 0)
			d->keep_all = true;
		range_list_release(&d->loose);
		d->loose = loose;
	}
	d->punching = false;
	restart(d);
}

/*
 * Pins
 */

unsigned stage_data_pin(struct stage_data *d)
{
	for (;;) {
		unsigned epoch = atomic_load(&d->epoch);

		atomic_fetch_add(&d->pins[epoch & 1], 1);
		/* Counted before a flip: whoever flips has seen it. */
		if (atomic_load(&d->epoch) == epoch)
			return epoch & 1;
		stage_data_unpin(d, epoch & 1);
	}
}

/*
 * End and begin epochs as far as pins allow and somebody needs it; then
 * punch.  Called and left with the lock held.
 */
static void settle(struct stage_data *d)
{
	for (;;) {
		unsigned epoch = atomic_load(&d->epoch);

		if (atomic_load(&d->draining)) {
			if (atomic_load(&d->pins[(epoch - 1) & 1]))
				break;
			atomic_store(&d->draining, false);
			move_ranges(d, &d->unpinned, &d->leaving);
			pthread_cond_broadcast(&d->drained);
		}
		if (d->behind.n == 0 && (int)(d->epoch_due - epoch) <= 0)
			break;
		move_ranges(d, &d->leaving, &d->behind);
		/* draining first: an unpin that sees the new epoch's slot
		 * still looks whether it was the last of the old one. */
		atomic_store(&d->draining, true);
		atomic_store(&d->epoch, epoch + 1);
	}
	punch_unpinned(d);
}

void stage_data_unpin(struct stage_data *d, unsigned pin)
{
	unsigned before = atomic_fetch_sub(&d->pins[pin], 1);

	assert(before > 0);
	if (before == 1 && atomic_load(&d->draining)) {
		LOCK_GUARD(&d->lock);

		settle(d);
	}
}

void stage_data_drain(struct stage_data *d)
{
	LOCK_GUARD(&d->lock);
	unsigned due = atomic_load(&d->epoch) + 1;

	if ((int)(due - d->epoch_due) > 0)
		d->epoch_due = due;
	settle(d);
	/* The epoch of the call has ended when a later one has begun and is
	 * not waiting for it. */
	while ((int)(atomic_load(&d->epoch) - due) < 0 ||
	       (atomic_load(&d->epoch) == due && atomic_load(&d->draining)))
		pthread_cond_wait(&d->drained, &d->lock);
}

/*
 * Cuts and snapshots
 */

void stage_data_cut(struct stage_data *d)
{
	unsigned f;
	LOCK_GUARD(&d->lock);

	assert(!d->in_cut);
	d->in_cut = true;
	for (f = 0; f < 2; f++)
		move_ranges(d, &d->captured[f], &d->freed[f]);
}

void stage_data_cut_done(struct stage_data *d, bool durable)
{
	unsigned f;
	LOCK_GUARD(&d->lock);

	assert(d->in_cut);
	d->in_cut = false;
	for (f = 0; f < 2; f++) {
		struct range_list *to = &d->freed[f];

		if (durable)
			to = f ? &d->held : &d->behind;
		move_ranges(d, to, &d->captured[f]);
	}
	settle(d);
}

void stage_data_freeze(struct stage_data *d)
{
	LOCK_GUARD(&d->lock);

	assert(!atomic_load(&d->frozen));
	atomic_fetch_add(&d->gen, 1);
	atomic_store(&d->frozen, true);
}

void stage_data_thaw(struct stage_data *d)
{
	LOCK_GUARD(&d->lock);

	assert(atomic_load(&d->frozen));
	atomic_store(&d->frozen, false);
	/* A later snapshot does not hold what this one did. */
	move_ranges(d, &d->freed[0], &d->freed[1]);
	move_ranges(d, &d->captured[0], &d->captured[1]);
	move_ranges(d, &d->behind, &d->held);
	settle(d);
}

int stage_data_sync(struct stage_data *d)
{
	int none = 0;

	/* The kernel tells of a page that it could not write only once: the
	 * next call would succeed, with the page lost. */
	if (fdatasync(d->fd) < 0)
		atomic_compare_exchange_strong(&d->sync_error, &none, -errno);
	return atomic_load(&d->sync_error);
}

uint64_t stage_data_used(const struct stage_data *d)
{
	return atomic_load(&d->used);
}

int stage_data_read(struct stage_data *d, void *buf, size_t len, uint64_t pos)
{
	return io_read_at(d->fd, buf, len, pos) < 0 ? -EIO : 0;
}

uint64_t stage_data_room(const struct stage_data *d)
{
	struct statvfs v;

	if (fstatvfs(d->fd, &v) < 0)
		return 0;
	return (uint64_t)v.f_bavail * v.f_frsize;
}
