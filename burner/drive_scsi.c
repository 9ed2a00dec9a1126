/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few commands that libburn has no call for. */
#include "burner/drive.h"

#include <errno.h>
#include <fcntl.h>
#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "common/cleanup.h"

enum {
	TIMEOUT_MS = 10000,
	/* MODE SENSE (10), SPC-3 6.10; page 1Dh, MMC-3 5.5.5. */
	OP_MODE_SENSE = 0x5a,
	PAGE_PROTECT = 0x1d,
	SOFTWARE_PROTECT = 2, /* SWPP, of its byte 4 */
	MODE_HEADER = 8,
	/* READ DISC STRUCTURE, MMC-6 6.22; format C0h, write protection. */
	OP_DISC_STRUCTURE = 0xad,
	FORMAT_PROTECTION = 0xc0,
	STRUCTURE_HEADER = 4,
	PROTECTED = 0x0f, /* by the medium, its case, or the drive */
	/* READ DISC INFORMATION, MMC-6 6.21. */
	OP_DISC_INFORMATION = 0x51,
	DISC_INFORMATION_BYTES = 34,
	SESSION_STATE_SHIFT = 2, /* of its byte 2 */
	SESSION_STATE_MASK = 3,
	SESSION_INCOMPLETE = 1,
	/* CLOSE TRACK SESSION, MMC-6 6.3. */
	OP_CLOSE = 0x5b,
	IMMEDIATE = 1,
	CLOSE_TRACK = 1,
	OP_TEST_UNIT_READY = 0x00,
	NOT_READY = 2, /* sense key */
	CLOSE_SECONDS = 600,
	POLL_MS = 100,
};

/* Returns 0, the sense key, or -1 where there is none. */
static int command(int fd, unsigned char *cdb, size_t cdb_len,
		   unsigned char *buf, size_t len)
{
	unsigned char sense[32] = {0};
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = len ? SG_DXFER_FROM_DEV : SG_DXFER_NONE,
		.cmd_len = (unsigned char)cdb_len,
		.mx_sb_len = sizeof sense,
		.dxfer_len = (unsigned)len,
		.dxferp = buf,
		.cmdp = cdb,
		.sbp = sense,
		.timeout = TIMEOUT_MS,
	};

	if (len)
		memset(buf, 0, len);
	if (ioctl(fd, SG_IO, &io) < 0 || io.host_status != 0)
		return -1;
	if (io.status == 0)
		return 0;
	return io.sb_len_wr > 2 && (sense[2] & 15) ? sense[2] & 15 : -1;
}

static bool ask(int fd, unsigned char *cdb, size_t cdb_len, unsigned char *buf,
		size_t len)
{
	return command(fd, cdb, cdb_len, buf, len) == 0;
}

bool drive_probe_protected(int fd)
{
	unsigned char mode[10] = {
		OP_MODE_SENSE,	 0, PAGE_PROTECT, 0, 0, 0, 0, 0,
		MODE_HEADER + 12};
	unsigned char structure[12] = {OP_DISC_STRUCTURE};
	unsigned char answer[MODE_HEADER + 12];
	size_t page;

	if (ask(fd, mode, sizeof mode, answer, sizeof answer)) {
		/* Behind the header and the block descriptors. */
		page = MODE_HEADER + (size_t)answer[6] * 256 + answer[7];
		if (page + 5 <= sizeof answer &&
		    (answer[page] & 0x3f) == PAGE_PROTECT &&
		    (answer[page + 4] & SOFTWARE_PROTECT))
			return true;
	}
	structure[7] = FORMAT_PROTECTION;
	structure[9] = STRUCTURE_HEADER + 4;
	return ask(fd, structure, sizeof structure, answer,
		   STRUCTURE_HEADER + 4) &&
	       (answer[STRUCTURE_HEADER] & PROTECTED);
}

/* Beside libburn's descriptor: its claim is in the way of other claims only. */
bool drive_session_open(struct drive *d)
{
	unsigned char ask_disc[10] = {OP_DISC_INFORMATION};
	unsigned char answer[DISC_INFORMATION_BYTES];
	AUTO_FD int fd = open(d->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	ask_disc[8] = sizeof answer;
	return fd >= 0 &&
	       ask(fd, ask_disc, sizeof ask_disc, answer, sizeof answer) &&
	       (answer[2] >> SESSION_STATE_SHIFT & SESSION_STATE_MASK) ==
		       SESSION_INCOMPLETE;
}

int drive_close_track(struct drive *d, unsigned number)
{
	unsigned char close[10] = {OP_CLOSE, IMMEDIATE, CLOSE_TRACK};
	unsigned char ready[6] = {OP_TEST_UNIT_READY};
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int key;
	AUTO_FD int fd = open(d->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close[4] = (unsigned char)(number >> 8);
	close[5] = (unsigned char)number;
	if (command(fd, close, sizeof close, NULL, 0) != 0)
		return -EIO;
	for (unsigned i = 0; i < CLOSE_SECONDS * (1000 / POLL_MS); i++) {
		key = command(fd, ready, sizeof ready, NULL, 0);
		if (key != NOT_READY)
			return key == 0 ? 0 : -EIO;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}
