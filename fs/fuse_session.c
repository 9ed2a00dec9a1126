/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/cond.h"
#include "common/log.h"

enum { SYNC_TIMEOUT_MS = 60 * 1000 };
/* ---- what libfuse says ---- */

/* The line of a mount that is being tried. */
static _Thread_local struct why *log_why;
static bool log_trace;

__attribute__((format(printf, 2, 0))) static void
on_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char line[512], *text = line;

	vsnprintf(line, sizeof line, fmt, ap);
	if (log_trace) {
		fputs(line, stderr);
		return;
	}
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(text, "fuse: ", 6) == 0)
		text += 6;
	if (log_why)
		why_set(log_why, 0, "%s", text);
	else if (level <= FUSE_LOG_ERR)
		log_error("FUSE: %s", text);
	else
		log_debug("FUSE: %s", text);
}

/* ---- the device ---- */

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, buf, len);
}

/*
 * Into the answer to INIT goes what this libfuse may have no name for:
 * FUSE_HANDLE_KILLPRIV_V2, if the kernel offered it.
 */
static ssize_t answer_init(struct fs_mount *m, int fd, struct iovec *iov,
			   int count)
{
#ifndef FUSE_CAP_HANDLE_KILLPRIV_V2
	const struct fuse_out_header *out = iov[0].iov_base;
	struct fuse_init_out *init = count == 2 ? iov[1].iov_base : NULL;

	if (out->error == 0 && init && iov[1].iov_len >= sizeof *init) {
		init->flags |= m->init_flags & FUSE_HANDLE_KILLPRIV_V2;
		m->kill_priv = init->flags & FUSE_HANDLE_KILLPRIV_V2;
	}
#else
	(void)m;
#endif
	return writev(fd, iov, count);
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs_mount *m = userdata;
	const struct fuse_out_header *out = iov[0].iov_base;
	uint64_t init = atomic_load(&m->init_unique);

	if (init && out->unique == init) {
		atomic_store(&m->init_unique, 0);
		return answer_init(m, fd, iov, count);
	}
	return writev(fd, iov, count);
}

static ssize_t io_splice(int fd_in, off_t *off_in, int fd_out, off_t *off_out,
			 size_t len, unsigned flags, void *userdata)
{
	(void)userdata;
	return splice(fd_in, off_in, fd_out, off_out, len, flags);
}

static const struct fuse_custom_io device_io = {
	.writev = io_writev,
	.read = io_read,
	.splice_send = io_splice,
};

static int take_device(struct fs_mount *m, int fd)
{
	struct why said = {""};
	int err;

	log_why = &said;
	err = fuse_session_custom_io(m->session, &device_io, fd);
	log_why = NULL;
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
	/* Such a libfuse may have been built without that.  It can do all that
	 * we need. */
	if (err) {
		char name[32];

		/* fuse_session_mount(3): it is mounted already. */
		snprintf(name, sizeof name, "/dev/fd/%d", fd);
		err = fuse_session_mount(m->session, name) ? -EIO : 0;
	}
#endif
	return err;
}

static void want(struct fuse_conn_info *conn, unsigned caps)
{
	conn->want |= conn->capable & caps;
}

/* Whether we may have a pipe of @bytes: an ordinary user is bounded. */
static bool pipe_holds(int bytes)
{
	int fds[2], size;

	if (pipe2(fds, O_CLOEXEC))
		return false;
	size = fcntl(fds[0], F_SETPIPE_SZ, bytes);
	close(fds[0]);
	close(fds[1]);
	return size >= bytes;
}

/* Whether as much as goes into a message is read ahead.  Not of a drive: who
 * reads here and there, through a mapping, would wait for all of it. */
static bool reads_ahead(const struct fs_mount *m)
{
	return volume_disc_fd(m->volume) >= 0;
}

void mount_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs_mount *m = userdata;

	/*
	 * READDIRPLUS always, not by the kernel's guess: after the first
	 * buffer of a folder the guess asks for each name by itself, and a
	 * message costs more than the attributes of a hundred nodes.
	 */
	want(conn, FUSE_CAP_ASYNC_READ | FUSE_CAP_EXPORT_SUPPORT |
			   FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
			   FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
			   FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_POSIX_ACL |
			   FUSE_CAP_DONT_MASK | FUSE_CAP_EXPLICIT_INVAL_DATA);
	/*
	 * O_TRUNC has to come as a SETATTR, since OPEN is not answered; locks
	 * are the kernel's, and so is the knowledge of what changed content.
	 * With ASYNC_DIO an asynchronous direct write would leave in the page
	 * cache for good what somebody read there while it was under way: the
	 * kernel (6.18) drops those pages behind synchronous ones only.
	 */
	conn->want &=
		~(unsigned)(FUSE_CAP_ASYNC_DIO | FUSE_CAP_ATOMIC_O_TRUNC |
			    FUSE_CAP_AUTO_INVAL_DATA |
			    FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_POSIX_LOCKS |
			    FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_HANDLE_KILLPRIV |
			    FUSE_CAP_READDIRPLUS_AUTO);
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
	want(conn, FUSE_CAP_HANDLE_KILLPRIV_V2);
	m->kill_priv = conn->want & FUSE_CAP_HANDLE_KILLPRIV_V2;
#endif
#ifdef FUSE_CAP_OVER_IO_URING
	/* libfuse 3.18.3 loses what another thread answers, as the fsync that
	 * waits for a burn (docs/performance.md). */
	conn->want &= ~(unsigned)FUSE_CAP_OVER_IO_URING;
#endif
	m->no_open = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	m->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
	/* With its header it must fit into a pipe to be spliced.  Halves, so
	 * that a write of a power of two is not sent as a large and a very
	 * small one. */
	conn->max_write = pipe_holds(MOUNT_MAX_IO + 4096) ? MOUNT_MAX_IO
							  : MOUNT_MAX_IO / 2;
	m->max_request = conn->max_write + 4096;
	if (reads_ahead(m))
		conn->max_readahead = MOUNT_MAX_IO;
	/* Above what mappings can have in flight: see wait_for_pages. */
	conn->max_background = 4096;
	conn->congestion_threshold = 3072;
}

void mount_forget_attr(struct fs_mount *m, uint64_t ino)
{
	int err = fuse_lowlevel_notify_inval_inode(m->session, ino, -1, 0);

	/* -ENOENT: it knows none. */
	if (err && err != -ENOENT)
		log_warning("%s: the kernel keeps old attributes: %s", m->dir,
			    strerror(-err));
}

/* ---- making and ending ---- */

static int mount_session(struct fs_mount *m, const struct mount_opts *opts,
			 struct why *why)
{
	char name[] = "discfs", debug[] = "-odebug";
	char *argv[] = {name, debug, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(opts->debug ? 2 : 1, argv);
	struct why said = {""};
	AUTO_FD int fd = -1;
	int err;

	log_trace = opts->debug;
	fuse_set_log_func(on_log);
	log_why = &said;
	m->session = fuse_session_new(&args, &mount_ops, mount_ops_size, m);
	log_why = NULL;
	fuse_opt_free_args(&args);
	if (!m->session)
		return why_set(why, -EINVAL, "cannot start FUSE: %s",
			       why_text(&said, -EINVAL));
	err = mountpoint_mount(m->dir, opts, &fd, why);
	if (err)
		return err;
	err = mountpoint_dev(m->dir, &m->dev);
	if (!err && reads_ahead(m))
		mountpoint_read_ahead(m->dev, MOUNT_MAX_IO);
	if (!err)
		err = take_device(m, fd);
	if (err) {
		mountpoint_detach(m->dir);
		return why_set(why, err, "cannot mount on %s: %s", m->dir,
			       strerror(-err));
	}
	STEAL_FD(fd); /* closed by fuse_session_destroy */
	return 0;
}

/* The mount of this process, as long as there is one: the committer may be
 * about to push its pages when it ends. */
static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fs_mount *current;

static void set_current(struct fs_mount *m)
{
	LOCK_GUARD(&current_lock);

	current = m;
}

static int sync_at(const char *dir, dev_t dev, const char *barrier)
{
	int err = mountpoint_sync(dir, dev, barrier, SYNC_TIMEOUT_MS);

	if (err == -ETIMEDOUT)
		log_warning("%s: programs' changed pages could not be written "
			    "within %d seconds",
			    dir, SYNC_TIMEOUT_MS / 1000);
	return err;
}

static int sync_for_volume(void *arg)
{
	AUTO_FREE char *dir = NULL;
	char barrier[sizeof current->barrier];
	dev_t dev = 0;

	(void)arg;
	{
		LOCK_GUARD(&current_lock);
		if (!current || atomic_load(&current->ending))
			return 0;
		dev = current->dev;
		dir = strdup(current->dir);
		memcpy(barrier, current->barrier, sizeof barrier);
	}
	return dir ? sync_at(dir, dev, barrier) : -ENOMEM;
}

static void counts_for_volume(void *source, volume_count fn, void *arg)
{
	fs_mount_counts(source, fn, arg);
}

/* What this mount alone has: the name of its barrier, and its epoch. */
static int draw_lots(struct fs_mount *m)
{
	unsigned long r[3];

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		return -EIO;
	snprintf(m->barrier, sizeof m->barrier, "user.discfs.%016lx%016lx",
		 r[0], r[1]);
	m->epoch = (uint32_t)r[2];
	return 0;
}

int fs_mount_new(struct volume *v, const struct mount_opts *opts,
		 struct fs_mount **ret, struct why *why)
{
	struct fs_mount *m = calloc(1, sizeof *m);
	int err;

	if (!m)
		return why_set(why, -ENOMEM, "cannot mount: out of memory");
	m->volume = v;
	m->tree = volume_tree(v);
	m->owner = geteuid();
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->called, NULL);
	cond_init(&m->noticed);
	m->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (m->wake_fd < 0) {
		err = why_set(why, -errno, "cannot mount: eventfd: %s",
			      strerror(errno));
		pthread_cond_destroy(&m->called);
		pthread_cond_destroy(&m->noticed);
		pthread_mutex_destroy(&m->lock);
		free(m);
		return err;
	}
	mount_signals_take(m->wake_fd);
	err = draw_lots(m);
	if (err)
		why_set(why, err, "no random numbers: %s", strerror(-err));
	if (!err)
		err = mountpoint_check(opts->dir, &m->dir, why);
	if (!err)
		err = mount_session(m, opts, why);
	if (err) {
		fs_mount_free(m);
		return err;
	}
	set_current(m);
	volume_set_sync(v, sync_for_volume, NULL);
	volume_set_counts(v, counts_for_volume, m);
	volume_set_invalidate(v, mount_invalidate, m);
	*ret = m;
	return 0;
}

/* Close the device, so that nobody waits for answers any more, and detach what
 * is still there.  Something else mounted over it is left alone. */
static void end_session(struct fs_mount *m)
{
	if (!m->session)
		return;
	mount_end_waits(m);
	fuse_session_destroy(m->session);
	m->session = NULL;
	if (m->dev)
		mountpoint_detach_all(m->dir, m->dev);
}

void fs_mount_free(struct fs_mount *m)
{
	if (!m)
		return;
	set_current(NULL);
	volume_set_sync(m->volume, NULL, NULL);
	volume_set_counts(m->volume, NULL, NULL);
	volume_set_invalidate(m->volume, NULL, NULL);
	end_session(m);
	mount_signals_give_back();
	close(m->wake_fd);
	pthread_cond_destroy(&m->called);
	pthread_cond_destroy(&m->noticed);
	pthread_mutex_destroy(&m->lock);
	free(m->dir);
	free(m);
}

dev_t fs_mount_dev(const struct fs_mount *m)
{
	return m->dev;
}

/*
 * A signal ends the mount, but not a burn that runs: the session would be on the
 * disc, or a part of it, while those who wait for it were told that it is not.
 * Who unmounts then comes first, or a program would find the mount busy.
 */
static void finish_commit(struct fs_mount *m)
{
	enum { STEP_MS = 50 };

	volume_wind_up(m->volume);
	if (volume_is_committing(m->volume))
		log_warning("%s: told to end by signal %d: the burn that runs "
			    "is finished first",
			    m->dir, atomic_load(&mount_signal));
	while (!atomic_load(&m->ending) &&
	       (volume_is_committing(m->volume) || volume_is_held(m->volume)))
		clock_nap_ms(STEP_MS);
}

int fs_mount_loop(struct fs_mount *m)
{
	struct pollfd wake = {.fd = m->wake_fd, .events = POLLIN};
	int err = 0;

	/*
	 * All that may wait, from the start.  With a single one each request
	 * wakes it on the other processor, which sleeps: making 50,000 files
	 * takes twice as long.
	 */
	for (int i = 0; !err && i < MOUNT_MAX_IDLE; i++)
		err = mount_start_worker(m);
	while (!err && !atomic_load(&m->ending) && !atomic_load(&mount_signal))
		if (poll(&wake, 1, -1) < 0 && errno != EINTR)
			err = -errno;
	if (!err && !atomic_load(&m->ending))
		finish_commit(m);
	if (!err && !atomic_load(&m->ending)) {
		int left =
			mountpoint_leave(m->dir, m->dev, m->barrier,
					 SYNC_TIMEOUT_MS, &mount_signal_again);

		if (left)
			log_warning("%s: leaving the mount: %s", m->dir,
				    strerror(-left));
	}
	mount_end_notices(m);
	mount_end_workers(m);
	end_session(m);
	if (err)
		return err;
	if (atomic_load(&mount_signal))
		return atomic_load(&mount_signal);
	return m->error;
}
