/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image file is blanked by cutting it to nothing: one step, after which it
 * is blank, and before which it is as it was.  Zeros over its content would
 * leave something between the two where the power goes.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burner/care_parts.h"
#include "burner/disc_ops.h"

int care_check_image(const struct medium_info *m, enum care_job job, bool full,
		     struct why *why)
{
	if (job != CARE_BLANK)
		return why_set(why, -ENOTSUP,
			       "it is an image file and no drive: it can "
			       "always be written again, and \"discfs blank\" "
			       "makes it empty");
	if (full)
		return why_set(why, -ENOTSUP,
			       "an image file has no thorough blanking");
	if (!m->medium.can_blank)
		return why_set(why, -EROFS, "it may not be written to");
	if (m->medium.status == DISC_BLANK)
		return why_set(why, 1, "the image file is blank already");
	return 0;
}

/*
 * A lease to write is given only where nobody else has the file open: no loop
 * device, no virtual machine, no program that is reading it; and who opens it
 * then waits.  Where there are no leases, the lock on it has to do.
 */
static int take_lease(int fd, struct why *why)
{
	/* Who waits is told of by a signal: one that does no harm. */
	fcntl(fd, F_SETSIG, SIGURG);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0 && errno == EAGAIN)
		return why_set(why, -EBUSY, "another program has it open");
	return 0;
}

static int cut(const struct medium_info *m, int fd, struct why *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return why_set(why, -errno, "%s", strerror(errno));
	if (st.st_size != m->image.st_size ||
	    st.st_mtim.tv_sec != m->image.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != m->image.st_mtim.tv_nsec)
		return why_set(why, -ESTALE,
			       "another program wrote to it just now");
	if (ftruncate(fd, 0) < 0 || fsync(fd) < 0)
		return why_set(why, -errno, "%s", strerror(errno));
	return 0;
}

int care_blank_image(const struct medium_info *m, struct why *why)
{
	int fd = disc_fd(m->disc);
	int err = take_lease(fd, why);

	if (err)
		return err;
	err = cut(m, fd, why);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	beside_forget(m->disc);
	return err;
}
