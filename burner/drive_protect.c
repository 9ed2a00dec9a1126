/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libburn does not ask a drive: whether writing is switched off. */
#include "burner/drive.h"

#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>

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
};

static bool ask(int fd, unsigned char *cdb, size_t cdb_len, unsigned char *buf,
		size_t len)
{
	unsigned char sense[32];
	struct sg_io_hdr io = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.cmd_len = (unsigned char)cdb_len,
		.mx_sb_len = sizeof sense,
		.dxfer_len = (unsigned)len,
		.dxferp = buf,
		.cmdp = cdb,
		.sbp = sense,
		.timeout = TIMEOUT_MS,
	};

	memset(buf, 0, len);
	return ioctl(fd, SG_IO, &io) == 0 && io.status == 0 &&
	       io.host_status == 0;
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
