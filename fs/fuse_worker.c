/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_request.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	struct server server;
	pthread_t thread;
	struct receiver in;
	atomic_bool ended;
	atomic_int tid;	     /* 0: not running yet */
	atomic_uint serving; /* IDLE, UNKNOWN or the opcode */
	atomic_ulong served; /* requests */
	struct worker *next;
};

enum { IDLE = 0, UNKNOWN = 0xffff }; /* no opcodes */

void mount_end(struct fs_mount *m)
{
	static const uint64_t one = 1;

	atomic_store(&m->ending, true);
	if (write(m->wake_fd, &one, sizeof one) < 0)
		log_error("cannot wake the mount: %s", strerror(errno));
}

static void serve(struct worker *w)
{
	struct fs_mount *m = w->server.m;
	struct request_head req;
	bool seen;

	atomic_store(&w->serving, UNKNOWN);
	seen = receiver_peek(&w->in, &req);
	server_count(m, seen ? &req : NULL);
	server_begin(&w->server, seen ? &req : NULL);
	if (seen)
		atomic_store(&w->serving, req.head.opcode);
	fuse_session_process_buf(m->session, &w->in.buf);
	receiver_served(&w->in, req.head.opcode);
	atomic_fetch_add(&w->served, 1);
	atomic_store(&w->serving, IDLE);
}

void mount_io_begin(struct fs_mount *m)
{
	if (atomic_fetch_sub(&m->idle, 1) != 1)
		return;
	pthread_mutex_lock(&m->lock);
	if (m->n_parked > m->n_calls) {
		m->n_calls++;
		atomic_fetch_add(&m->idle, 1);
		pthread_cond_signal(&m->called);
		pthread_mutex_unlock(&m->lock);
		return;
	}
	pthread_mutex_unlock(&m->lock);
	/* Without another one, the next request waits for this one. */
	(void)mount_start_worker(m);
}

void mount_io_end(struct fs_mount *m)
{
	atomic_fetch_add(&m->idle, 1);
}

/* Where there are enough, wait until there are too few. */
static void park(struct fs_mount *m)
{
	int idle = atomic_load(&m->idle);

	do {
		if (idle <= MOUNT_MAX_IDLE)
			return;
	} while (!atomic_compare_exchange_weak(&m->idle, &idle, idle - 1));
	pthread_mutex_lock(&m->lock);
	m->n_parked++;
	while (!m->n_calls && !atomic_load(&m->ending))
		pthread_cond_wait(&m->called, &m->lock);
	m->n_parked--;
	/* Who called has counted this one as idle. */
	if (m->n_calls)
		m->n_calls--;
	pthread_mutex_unlock(&m->lock);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct fs_mount *m = w->server.m;
	int n;

	server_enter(&w->server);
	atomic_store(&w->tid, gettid());
	while (!atomic_load(&m->ending)) {
		n = receiver_next(&w->in, m);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0) {
			LOCK_GUARD(&m->lock);

			if (!m->error)
				m->error = n;
			break;
		}
		serve(w);
		park(m);
	}
	mount_end(m);
	atomic_store(&w->ended, true);
	return NULL;
}

static void worker_free(struct worker *w)
{
	server_release(&w->server);
	receiver_release(&w->in);
	free(w);
}

int mount_start_worker(struct fs_mount *m)
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
	server_init(&w->server, m);
	receiver_init(&w->in);
	atomic_fetch_add(&m->idle, 1);
	sigfillset(&all);
	sigdelset(&all, mount_wake_signal());
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

void mount_end_workers(struct fs_mount *m)
{
	static const struct timespec moment = {.tv_nsec = 5000000};
	struct worker *list, *w;

	pthread_mutex_lock(&m->lock);
	atomic_store(&m->ending, true); /* under the lock: no new one now */
	pthread_cond_broadcast(&m->called);
	list = m->workers;
	m->workers = NULL;
	m->n_workers = 0;
	pthread_mutex_unlock(&m->lock);
	fuse_session_exit(m->session);
	for (w = list; w; w = w->next)
		pthread_kill(w->thread, mount_wake_signal());
	/* Again and again: it may be about to wait for the device just now. */
	for (w = list; w; w = w->next) {
		while (!atomic_load(&w->ended)) {
			pthread_kill(w->thread, mount_wake_signal());
			nanosleep(&moment, NULL);
		}
		pthread_join(w->thread, NULL);
	}
	/* Only then: one may have been looking at the others (mount_settle). */
	while ((w = list)) {
		list = w->next;
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

uint64_t mount_settle(struct fs_mount *m)
{
	static const struct timespec moment = {.tv_nsec = 500000};
	struct {
		struct worker *w;
		unsigned long served;
	} others[MOUNT_MAX_THREADS];
	unsigned n = 0, i;

	/* Later ones cannot have taken what was sent before.  They live until
	 * the end, as this one does. */
	pthread_mutex_lock(&m->lock);
	for (struct worker *w = m->workers; w; w = w->next) {
		if (&w->server == server_self())
			continue;
		others[n].served = atomic_load(&w->served);
		others[n++].w = w;
	}
	pthread_mutex_unlock(&m->lock);
	for (i = 0; i < n; i++)
		while (!atomic_load(&m->ending) &&
		       !is_settled(others[i].w, others[i].served))
			nanosleep(&moment, NULL);
	return atomic_load(&m->pushed);
}
