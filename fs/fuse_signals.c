/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_internal.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static const int ending_signals[] = {SIGTERM, SIGINT, SIGHUP};
enum { N_ENDING = 3 };

/* Of the one mount of this process. */
atomic_int mount_signal;
atomic_bool mount_signal_again;
static int signal_wake = -1;
static struct sigaction signal_old[N_ENDING], signal_old_pipe, signal_old_wake;

static void on_signal(int number)
{
	static const uint64_t one = 1;
	int saved = errno, none = 0;
	ssize_t n;

	if (!atomic_compare_exchange_strong(&mount_signal, &none, number))
		atomic_store(&mount_signal_again, true);
	n = write(signal_wake, &one, sizeof one);
	(void)n; /* if the counter is full it wakes all the same */
	errno = saved;
}

int mount_wake_signal(void)
{
	return SIGRTMIN + 4;
}

static void on_wake(int number)
{
	(void)number;
}

void mount_signals_take(int wake_fd)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction wake = {.sa_handler = on_wake};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	unsigned i;

	atomic_store(&mount_signal, 0);
	atomic_store(&mount_signal_again, false);
	signal_wake = wake_fd;
	sigaction(mount_wake_signal(), &wake, &signal_old_wake);
	sigaction(SIGPIPE, &ignore, &signal_old_pipe);
	for (i = 0; i < N_ENDING; i++) {
		sigaction(ending_signals[i], NULL, &signal_old[i]);
		/* nohup(1) wants SIGHUP ignored. */
		if (signal_old[i].sa_handler != SIG_IGN)
			sigaction(ending_signals[i], &sa, NULL);
	}
}

void mount_signals_give_back(void)
{
	unsigned i;

	for (i = 0; i < N_ENDING; i++)
		sigaction(ending_signals[i], &signal_old[i], NULL);
	sigaction(SIGPIPE, &signal_old_pipe, NULL);
	sigaction(mount_wake_signal(), &signal_old_wake, NULL);
	signal_wake = -1;
}
