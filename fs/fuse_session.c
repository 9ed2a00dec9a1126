/* SPDX-License-Identifier: GPL-2.0-or-later */
#define FUSE_USE_VERSION 314

#include "config.h"

#include "fs/fuse_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

/*
 * The threads are ours and not fuse_session_loop_mt's: between receiving a
 * request and serving it, its header is looked at for the bits of a WRITE that
 * libfuse keeps to itself, and counted.
 */
struct worker {
	struct fs_mount *m;
	pthread_t thread;
	struct fuse_buf buf;
	int peek[2]; /* a pipe for a copy of the header, -1: not made yet */
	uint32_t write_flags;
	atomic_int tid;	     /* 0: not running yet */
	atomic_uint serving; /* IDLE, UNKNOWN or the opcode */
	atomic_ulong served; /* requests */
	struct mover mover;
	struct worker *next;
};

enum { SYNC_TIMEOUT_MS = 60 * 1000 };
enum { IDLE = 0, UNKNOWN = 0xffff }; /* no opcodes */

static _Thread_local struct worker *self;

uint32_t mount_write_flags(void)
{
	return self->write_flags;
}

struct mover *mount_mover(void)
{
	return &self->mover;
}

/* ---- signals ---- */

static const int ending_signals[] = {SIGTERM, SIGINT, SIGHUP};
enum { N_ENDING = 3 };

/* Of the one mount of this process. */
static atomic_int signal_first;
static atomic_bool signal_again;
static int signal_wake = -1;
static struct sigaction signal_old[N_ENDING], signal_old_pipe;

static void on_signal(int number)
{
	static const uint64_t one = 1;
	int saved = errno, none = 0;

	if (!atomic_compare_exchange_strong(&signal_first, &none, number))
		atomic_store(&signal_again, true);
	if (write(signal_wake, &one, sizeof one) < 0)
		saved += 0; /* the counter is full: it wakes all the same */
	errno = saved;
}

static void signals_take(int wake_fd)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	unsigned i;

	atomic_store(&signal_first, 0);
	atomic_store(&signal_again, false);
	signal_wake = wake_fd;
	sigaction(SIGPIPE, &ignore, &signal_old_pipe);
	for (i = 0; i < N_ENDING; i++) {
		sigaction(ending_signals[i], NULL, &signal_old[i]);
		/* nohup(1) wants SIGHUP ignored. */
		if (signal_old[i].sa_handler != SIG_IGN)
			sigaction(ending_signals[i], &sa, NULL);
	}
}

static void signals_give_back(void)
{
	unsigned i;

	for (i = 0; i < N_ENDING; i++)
		sigaction(ending_signals[i], &signal_old[i], NULL);
	sigaction(SIGPIPE, &signal_old_pipe, NULL);
	signal_wake = -1;
}

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

/* libfuse 3.14 has no name for FUSE_HANDLE_KILLPRIV_V2: put it into its answer
 * to INIT, if the kernel offered it (note_request). */
static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs_mount *m = userdata;
	const struct fuse_out_header *out = iov[0].iov_base;

	if (out->unique && out->unique == atomic_load(&m->init_unique)) {
		atomic_store(&m->init_unique, 0);
		if (out->error == 0 && count == 2 &&
		    iov[1].iov_len >= sizeof(struct fuse_init_out)) {
			struct fuse_init_out *init = iov[1].iov_base;

			init->flags |= FUSE_HANDLE_KILLPRIV_V2;
			m->kill_priv = true;
		}
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
	.splice_receive = io_splice,
	.splice_send = io_splice,
};

static void want(struct fuse_conn_info *conn, unsigned caps)
{
	conn->want |= conn->capable & caps;
}

void mount_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs_mount *m = userdata;

	/*
	 * READDIRPLUS always, not by the kernel's guess: after the first
	 * buffer of a folder the guess asks for each name by itself, and a
	 * message costs more than the attributes of a hundred nodes.
	 */
	want(conn, FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO |
			   FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_READDIRPLUS |
			   FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
			   FUSE_CAP_SPLICE_MOVE | FUSE_CAP_CACHE_SYMLINKS |
			   FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK |
			   FUSE_CAP_EXPLICIT_INVAL_DATA);
	/*
	 * O_TRUNC has to come as a SETATTR, since OPEN is not answered; locks
	 * are the kernel's, and so is the knowledge of what changed content.
	 */
	conn->want &=
		~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_AUTO_INVAL_DATA |
			    FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_POSIX_LOCKS |
			    FUSE_CAP_FLOCK_LOCKS | FUSE_CAP_HANDLE_KILLPRIV |
			    FUSE_CAP_READDIRPLUS_AUTO);
	m->no_open = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	m->no_opendir = conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
	conn->max_write = MOUNT_MAX_IO;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
}

/* ---- workers ---- */

struct write_request {
	struct fuse_in_header head;
	struct fuse_write_in in;
};

/* The first bytes of the request in @w->buf, which stays as it is.  What is
 * missing stays zero. */
static bool peek_request(struct worker *w, struct write_request *ret)
{
	size_t len = w->buf.size < sizeof *ret ? w->buf.size : sizeof *ret;

	if (!(w->buf.flags & FUSE_BUF_IS_FD)) {
		memcpy(ret, w->buf.mem, len);
		return true;
	}
	if (w->peek[0] < 0 && pipe2(w->peek, O_CLOEXEC | O_NONBLOCK)) {
		w->peek[0] = w->peek[1] = -1;
		return false;
	}
	return tee(w->buf.fd, w->peek[1], len, SPLICE_F_NONBLOCK) > 0 &&
	       read(w->peek[0], ret, len) >= (ssize_t)sizeof ret->head;
}

/* Count the request in @w->buf; returns its opcode, 0 if it is not known. */
static uint32_t note_request(struct worker *w)
{
	struct write_request req = {.head = {.opcode = 0}};
	const struct fuse_init_in *init;

	/* What cannot be seen is taken for a write of an ordinary user. */
	w->write_flags = FUSE_WRITE_KILL_SUIDGID;
	if (!peek_request(w, &req))
		return 0;
	w->write_flags = req.head.opcode == FUSE_WRITE ? req.in.write_flags : 0;
	if (req.head.opcode < MOUNT_MAX_OPCODES)
		atomic_fetch_add_explicit(&w->m->counts[req.head.opcode], 1,
					  memory_order_relaxed);
	if (req.head.opcode == FUSE_INIT && !(w->buf.flags & FUSE_BUF_IS_FD) &&
	    w->buf.size >= sizeof req.head + 16) {
		init = (const void *)((const char *)w->buf.mem +
				      sizeof req.head);
		if (init->flags & FUSE_HANDLE_KILLPRIV_V2)
			atomic_store(&w->m->init_unique, req.head.unique);
	}
	return req.head.opcode;
}

static void wake(struct fs_mount *m)
{
	static const uint64_t one = 1;

	if (write(m->wake_fd, &one, sizeof one) < 0)
		log_error("cannot wake the mount: %s", strerror(errno));
}

static int start_worker(struct fs_mount *m);

static void serve(struct worker *w)
{
	struct fs_mount *m = w->m;
	uint32_t opcode;
	/* A burst of forgets must not make a burst of threads. */
	bool counts;

	atomic_store(&w->serving, UNKNOWN);
	opcode = note_request(w);
	if (opcode)
		atomic_store(&w->serving, opcode);
	counts = opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET;
	if (counts && atomic_fetch_sub(&m->idle, 1) == 1)
		start_worker(m);
	fuse_session_process_buf(m->session, &w->buf);
	if (counts)
		atomic_fetch_add(&m->idle, 1);
	atomic_fetch_add(&w->served, 1);
	atomic_store(&w->serving, IDLE);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct fs_mount *m = w->m;
	int n;

	self = w;
	atomic_store(&w->tid, gettid());
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	while (!atomic_load(&m->ending)) {
		w->buf.flags = 0;
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		n = fuse_session_receive_buf(m->session, &w->buf);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0) {
			LOCK_GUARD(&m->lock);

			if (!m->error)
				m->error = n;
			break;
		}
		serve(w);
	}
	atomic_store(&m->ending, true);
	wake(m);
	return NULL;
}

static void worker_free(struct worker *w)
{
	mover_release(&w->mover);
	if (w->peek[0] >= 0) {
		close(w->peek[0]);
		close(w->peek[1]);
	}
	free(w->buf.mem);
	free(w);
}

static int start_worker(struct fs_mount *m)
{
	sigset_t all, old;
	struct worker *w;
	int err;
	LOCK_GUARD(&m->lock);

	if (atomic_load(&m->ending) || m->n_workers == MOUNT_MAX_THREADS)
		return 0;
	w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	w->m = m;
	w->peek[0] = w->peek[1] = -1;
	w->mover.pipe[0] = w->mover.pipe[1] = -1;
	atomic_fetch_add(&m->idle, 1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, NULL, worker_run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		atomic_fetch_sub(&m->idle, 1);
		worker_free(w);
		return -err;
	}
	w->next = m->workers;
	m->workers = w;
	m->n_workers++;
	return 0;
}

static void end_workers(struct fs_mount *m)
{
	struct worker *list, *w;

	pthread_mutex_lock(&m->lock);
	atomic_store(&m->ending, true); /* under the lock: no new one now */
	list = m->workers;
	m->workers = NULL;
	m->n_workers = 0;
	pthread_mutex_unlock(&m->lock);
	fuse_session_exit(m->session);
	for (w = list; w; w = w->next)
		pthread_cancel(w->thread);
	while ((w = list)) {
		list = w->next;
		pthread_join(w->thread, NULL);
		worker_free(w);
	}
}

/* ---- settling ---- */

/* Whether the thread sleeps: then it is not on its way out of the device with a
 * request that it has not noted yet. */
static bool is_asleep(int tid)
{
	char path[64], stat[256];
	AUTO_FD int fd = -1;
	const char *end;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, stat, sizeof stat - 1);
	if (n <= 0)
		return false;
	stat[n] = '\0';
	end = strrchr(stat, ')'); /* proc(5): the name is in parentheses */
	return end && strncmp(end, ") S", 3) == 0;
}

/* Whether a WRITE that @w took before it had served @served requests is over.
 */
static bool is_settled(struct worker *w, unsigned long served)
{
	int tid = atomic_load(&w->tid);
	unsigned serving;
	bool asleep;

	if (atomic_load(&w->served) != served)
		return true;
	if (!tid)
		return false;
	asleep = is_asleep(tid);
	serving = atomic_load(&w->serving);
	if (serving == IDLE)
		return asleep;
	return serving != FUSE_WRITE && serving != UNKNOWN;
}

void mount_settle(struct fs_mount *m)
{
	static const struct timespec moment = {.tv_nsec = 500 * 1000};
	struct {
		struct worker *w;
		unsigned long served;
	} others[MOUNT_MAX_THREADS];
	unsigned n = 0, i;

	/* Later ones cannot have taken what was sent before.  They live until
	 * the end, as this one does. */
	pthread_mutex_lock(&m->lock);
	for (struct worker *w = m->workers; w; w = w->next) {
		if (w == self)
			continue;
		others[n].served = atomic_load(&w->served);
		others[n++].w = w;
	}
	pthread_mutex_unlock(&m->lock);
	for (i = 0; i < n; i++)
		while (!atomic_load(&m->ending) &&
		       !is_settled(others[i].w, others[i].served))
			nanosleep(&moment, NULL);
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
	if (!err)
		err = fuse_session_custom_io(m->session, &device_io, fd);
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
	char barrier[sizeof current->barrier_name];
	dev_t dev = 0;

	(void)arg;
	{
		LOCK_GUARD(&current_lock);
		if (!current || atomic_load(&current->ending))
			return 0;
		dev = current->dev;
		dir = strdup(current->dir);
		memcpy(barrier, current->barrier_name, sizeof barrier);
	}
	return dir ? sync_at(dir, dev, barrier) : -ENOMEM;
}

static int name_barrier(struct fs_mount *m)
{
	unsigned long r[2];

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		return -EIO;
	snprintf(m->barrier_name, sizeof m->barrier_name,
		 ".discfs-%016lx%016lx", r[0], r[1]);
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
	pthread_mutex_init(&m->lock, NULL);
	m->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (m->wake_fd < 0) {
		err = why_set(why, -errno, "cannot mount: eventfd: %s",
			      strerror(errno));
		pthread_mutex_destroy(&m->lock);
		free(m);
		return err;
	}
	signals_take(m->wake_fd);
	err = name_barrier(m);
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
	if (m->dev && mountpoint_is(m->dir, m->dev))
		mountpoint_detach(m->dir);
}

void fs_mount_free(struct fs_mount *m)
{
	if (!m)
		return;
	set_current(NULL);
	volume_set_sync(m->volume, NULL, NULL);
	end_session(m);
	signals_give_back();
	close(m->wake_fd);
	pthread_mutex_destroy(&m->lock);
	free(m->dir);
	free(m);
}

dev_t fs_mount_dev(const struct fs_mount *m)
{
	return m->dev;
}

int fs_mount_sync(struct fs_mount *m)
{
	if (atomic_load(&m->ending))
		return 0;
	return sync_at(m->dir, m->dev, m->barrier_name);
}

int fs_mount_loop(struct fs_mount *m)
{
	uint64_t n;
	int err = start_worker(m);

	while (!err && !atomic_load(&m->ending) && !atomic_load(&signal_first))
		if (read(m->wake_fd, &n, sizeof n) < 0 && errno != EINTR)
			err = -errno;
	if (!err && !atomic_load(&m->ending)) {
		int left = mountpoint_leave(m->dir, m->dev, m->barrier_name,
					    SYNC_TIMEOUT_MS, &signal_again);

		if (left)
			log_warning("%s: leaving the mount: %s", m->dir,
				    strerror(-left));
	}
	end_workers(m);
	end_session(m);
	if (err)
		return err;
	if (atomic_load(&signal_first))
		return atomic_load(&signal_first);
	return m->error;
}

/* ---- counters ---- */

static const char *const opcode_names[MOUNT_MAX_OPCODES] = {
	[FUSE_LOOKUP] = "lookup",
	[FUSE_FORGET] = "forget",
	[FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr",
	[FUSE_READLINK] = "readlink",
	[FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod",
	[FUSE_MKDIR] = "mkdir",
	[FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir",
	[FUSE_RENAME] = "rename",
	[FUSE_LINK] = "link",
	[FUSE_OPEN] = "open",
	[FUSE_READ] = "read",
	[FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs",
	[FUSE_RELEASE] = "release",
	[FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr",
	[FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr",
	[FUSE_REMOVEXATTR] = "removexattr",
	[FUSE_FLUSH] = "flush",
	[FUSE_INIT] = "init",
	[FUSE_OPENDIR] = "opendir",
	[FUSE_READDIR] = "readdir",
	[FUSE_RELEASEDIR] = "releasedir",
	[FUSE_FSYNCDIR] = "fsyncdir",
	[FUSE_ACCESS] = "access",
	[FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt",
	[FUSE_BMAP] = "bmap",
	[FUSE_DESTROY] = "destroy",
	[FUSE_IOCTL] = "ioctl",
	[FUSE_POLL] = "poll",
	[FUSE_BATCH_FORGET] = "batch_forget",
	[FUSE_FALLOCATE] = "fallocate",
	[FUSE_READDIRPLUS] = "readdirplus",
	[FUSE_RENAME2] = "rename2",
	[FUSE_LSEEK] = "lseek",
	[FUSE_COPY_FILE_RANGE] = "copy_file_range",
	[FUSE_SYNCFS] = "syncfs",
	[51] = "tmpfile", /* named in later headers only */
	[52] = "statx",
	[53] = "copy_file_range_64",
};

void fs_mount_counts(const struct fs_mount *m,
		     void (*fn)(void *arg, const char *name, uint64_t count),
		     void *arg)
{
	unsigned i;

	for (i = 0; i < MOUNT_MAX_OPCODES; i++) {
		uint64_t n = atomic_load_explicit(&m->counts[i],
						  memory_order_relaxed);

		if (n)
			fn(arg, opcode_names[i] ? opcode_names[i] : "other", n);
	}
}
