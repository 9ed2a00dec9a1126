/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/control_internal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/log.h"

enum { MAX_CLIENTS = 32 };

struct client_thread {
	struct control *c;
	struct client_thread *next;
	pthread_t thread;
	atomic_bool ended; /* to be joined */
	int fd;
};

struct control {
	struct volume *v;
	uid_t owner;
	char *path;
	ino_t ino; /* of the socket at path */
	int listen_fd;
	int stop_fd; /* eventfd, readable from control_stop on */
	pthread_t thread;
	/* of the accepting thread; of control_stop once that has ended */
	struct client_thread *clients;
	unsigned n_clients;
};

/* Threads of ours take no signals: they are the mount's. */
static int start_thread(pthread_t *ret, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(ret, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

static void *client_run(void *arg)
{
	struct client_thread *t = arg;

	control_serve(t->c->v, t->fd, t->c->stop_fd);
	atomic_store(&t->ended, true);
	return NULL;
}

/* Join the threads that ended, or all. */
static void reap(struct control *c, bool all)
{
	struct client_thread **p = &c->clients, *t;

	while ((t = *p)) {
		if (!all && !atomic_load(&t->ended)) {
			p = &t->next;
			continue;
		}
		*p = t->next;
		pthread_join(t->thread, NULL);
		free(t);
		c->n_clients--;
	}
}

static void take_client(struct control *c, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	struct client_thread *t;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) ||
	    (peer.uid != 0 && peer.uid != c->owner)) {
		control_refuse(fd, -EACCES,
			       "only the owner of the mount and root may ask");
		return;
	}
	reap(c, false);
	if (c->n_clients == MAX_CLIENTS) {
		control_refuse(fd, -EBUSY, "too many clients");
		return;
	}
	t = calloc(1, sizeof *t);
	if (!t) {
		control_refuse(fd, -ENOMEM, strerror(ENOMEM));
		return;
	}
	t->c = c;
	t->fd = fd;
	if (start_thread(&t->thread, client_run, t)) {
		free(t);
		control_refuse(fd, -EAGAIN, strerror(EAGAIN));
		return;
	}
	t->next = c->clients;
	c->clients = t;
	c->n_clients++;
}

static void *accept_run(void *arg)
{
	struct control *c = arg;
	struct pollfd fds[2] = {
		{.fd = c->stop_fd, .events = POLLIN},
		{.fd = c->listen_fd, .events = POLLIN},
	};

	for (;;) {
		int fd;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		fd = accept4(c->listen_fd, NULL, NULL,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			take_client(c, fd);
		else if (errno != EAGAIN && errno != EINTR &&
			 errno != ECONNABORTED) {
			/* No descriptors left: it goes on when some are. */
			reap(c, false);
			poll(fds, 1, 100);
		}
	}
	return NULL;
}

int control_start(struct volume *v, dev_t dev, struct control **ret,
		  struct why *why)
{
	struct control *c = calloc(1, sizeof *c);
	int err;

	if (!c)
		return why_set(why, -ENOMEM, "control socket: out of memory");
	c->v = v;
	c->owner = geteuid();
	c->stop_fd = -1;
	c->listen_fd = control_listen(dev, &c->path, &c->ino, why);
	if (c->listen_fd < 0) {
		err = c->listen_fd;
		free(c);
		return err;
	}
	c->stop_fd = eventfd(0, EFD_CLOEXEC);
	err = c->stop_fd < 0 ? -errno : start_thread(&c->thread, accept_run, c);
	if (err) {
		unlink(c->path);
		close(c->listen_fd);
		if (c->stop_fd >= 0)
			close(c->stop_fd);
		free(c->path);
		free(c);
		return why_set(why, err, "control socket: %s", strerror(-err));
	}
	*ret = c;
	return 0;
}

void control_stop(struct control *c)
{
	static const uint64_t one = 1;
	struct stat st;

	if (!c)
		return;
	/* The socket of the next mount with this device number may be there. */
	if (lstat(c->path, &st) == 0 && st.st_ino == c->ino)
		unlink(c->path);
	if (write(c->stop_fd, &one, sizeof one) < 0)
		log_error("control: cannot stop: %s", strerror(errno));
	pthread_join(c->thread, NULL);
	reap(c, true);
	close(c->listen_fd);
	close(c->stop_fd);
	free(c->path);
	free(c);
}
