/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By the kernel's own commands, as eject(1) does it: libburn would spin up the
 * disc first, and does not tell whether the tray moved.
 */
#include "config.h"

#include "burner/tray.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/cdrom.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "burner/drive.h"
#include "common/cleanup.h"

enum {
	POLL_MS = 200,
	/* A drive that has not found out by then will not. */
	READY_MS = 60000,
	OPEN_MS = 10000,
};

static int claim(const char *path, int *ret_fd, struct why *why)
{
	AUTO_FD int fd = -1;
	int err = drive_check_alone(path, why);

	if (err < 0)
		return err;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return why_set(why, -EBUSY,
			       "it is mounted, or another program has it");
	if (fd < 0)
		return why_set(why, -errno, "cannot open it: %s",
			       strerror(errno));
	if (ioctl(fd, CDROM_GET_CAPABILITY, 0) < 0)
		return why_set(why, -ENOTSUP, "it is no optical drive");
	*ret_fd = STEAL_FD(fd);
	return 0;
}

static int status_of(int fd)
{
	return ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT);
}

/* Until the drive says something else than @not; the last that it said. */
static int wait_while(int fd, int not, int ms)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int status;

	while ((status = status_of(fd)) == not &&ms > 0) {
		nanosleep(&pause, NULL);
		ms -= POLL_MS;
	}
	return status;
}

int tray_open(const char *path, struct why *why)
{
	AUTO_FD int fd = -1;
	int err = claim(path, &fd, why);

	if (err < 0)
		return err;
	/* What a burn that was killed left locked, nobody needs. */
	ioctl(fd, CDROM_LOCKDOOR, 0);
	if (ioctl(fd, CDROMEJECT, 0) < 0)
		return why_set(why, -EIO, "it does not open: %s",
			       strerror(errno));
	if (wait_while(fd, CDS_DISC_OK, OPEN_MS) == CDS_DISC_OK)
		return why_set(why, -EIO,
			       "it says that it opened, but the disc is still "
			       "in it");
	return 0;
}

int tray_close(const char *path, struct why *why)
{
	AUTO_FD int fd = -1;
	int err = claim(path, &fd, why), status;

	if (err < 0)
		return err;
	if (status_of(fd) != CDS_TRAY_OPEN)
		return 0;
	if (ioctl(fd, CDROMCLOSETRAY, 0) < 0) {
		if (errno == ENOSYS)
			return why_set(why, -ENOTSUP,
				       "it cannot close its tray by itself: "
				       "push it in");
		return why_set(why, -EIO, "it does not close: %s",
			       strerror(errno));
	}
	status = wait_while(fd, CDS_DRIVE_NOT_READY, READY_MS);
	if (status == CDS_TRAY_OPEN)
		return why_set(why, -EIO,
			       "it says that it closed, but is still open");
	if (status == CDS_DRIVE_NOT_READY)
		return why_set(why, -EIO,
			       "it is closed, but the disc in it does not get "
			       "ready");
	return 0;
}
