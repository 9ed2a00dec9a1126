/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ioctls of sr, cdrom and sg. */
#include "tests/drive/shim.h"

#include <errno.h>
#include <linux/cdrom.h>
#include <linux/fs.h>
#include <scsi/sg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* linux/scsi_ioctl.h has no place among the headers for programs. */
#define GET_IDLUN 0x5382
#define GET_BUS_NUMBER 0x5386

/* As SCSI middle layers have it (linux/scsi/scsi_status.h). */
#define DID_NO_CONNECT 1
#define DRIVER_SENSE 8

static int fail(int err)
{
	errno = err;
	return -1;
}

/* Not by a name that is shadowed here: this time is meant. */
static void wait_ms(unsigned ms)
{
	struct timespec left = {.tv_sec = ms / 1000,
				.tv_nsec = (long)(ms % 1000) * 1000000};

	if (ms)
		REAL(nanosleep)(&left, NULL);
}

static void command(struct shim_drive *drive, const uint8_t *cdb, size_t len,
		    void *buf, size_t buf_len, struct mmc_result *res)
{
	mmc_file_lock(&drive->file);
	mmc_command(&drive->file.mmc, cdb, len, buf, buf_len, res);
	mmc_file_unlock(&drive->file);
	wait_ms(res->delay_ms);
}

static int sg_io(struct shim_drive *drive, struct sg_io_hdr *io)
{
	struct mmc_result res;
	size_t n;

	if (io->interface_id != 'S' || io->iovec_count || !io->cmdp ||
	    io->cmd_len > 16)
		return fail(EINVAL);
	command(drive, io->cmdp, io->cmd_len, io->dxferp,
		io->dxfer_direction == SG_DXFER_NONE ? 0 : io->dxfer_len, &res);
	io->status = res.status;
	io->masked_status = res.status >> 1 & 0x1f;
	io->msg_status = 0;
	io->host_status = 0;
	io->driver_status = 0;
	io->sb_len_wr = 0;
	io->duration = res.delay_ms;
	io->info = SG_INFO_OK;
	io->resid = (int)io->dxfer_len - (int)res.len;
	if (res.gone) {
		io->host_status = DID_NO_CONNECT;
		io->info = SG_INFO_CHECK;
		return fail(ENODEV);
	}
	if (res.status) {
		n = sizeof(res.sense) < io->mx_sb_len ? sizeof(res.sense)
						      : io->mx_sb_len;
		if (io->sbp && n)
			memcpy(io->sbp, res.sense, n);
		io->sb_len_wr = (unsigned char)n;
		io->driver_status = DRIVER_SENSE;
		io->info = SG_INFO_CHECK;
	} else if (io->dxfer_direction == SG_DXFER_TO_DEV) {
		io->resid = 0;
	}
	return 0;
}

static int send_packet(struct shim_drive *drive,
		       struct cdrom_generic_command *packet)
{
	struct mmc_result res;

	command(drive, packet->cmd, CDROM_PACKET_SIZE, packet->buffer,
		packet->buflen, &res);
	packet->stat = res.status;
	if (res.gone)
		return fail(ENODEV);
	if (res.status == 0)
		return 0;
	if (packet->sense)
		memcpy(packet->sense, res.sense, sizeof(res.sense));
	return fail(EIO);
}

static int simple(struct shim_drive *drive, uint8_t opcode, uint8_t byte4)
{
	uint8_t cdb[6] = {opcode, 0, 0, 0, byte4};
	struct mmc_result res;

	command(drive, cdb, sizeof(cdb), NULL, 0, &res);
	if (res.gone)
		return fail(ENODEV);
	return res.status ? fail(EIO) : 0;
}

static int drive_status(struct shim_drive *drive)
{
	const struct mmc_state *s = drive->file.mmc.s;

	if (s->tray_open)
		return CDS_TRAY_OPEN;
	return s->no_disc ? CDS_NO_DISC : CDS_DISC_OK;
}

static int multisession(struct shim_drive *drive, struct cdrom_multisession *p)
{
	uint8_t cdb[10] = {0x43, 0, 1, 0, 0, 0, 0, 0, 12};
	uint8_t toc[12] = {0};
	struct mmc_result res;
	uint32_t lba;

	command(drive, cdb, sizeof(cdb), toc, sizeof(toc), &res);
	if (res.gone || res.status)
		return fail(EIO);
	lba = (uint32_t)toc[8] << 24 | (uint32_t)toc[9] << 16 |
	      (uint32_t)toc[10] << 8 | toc[11];
	p->xa_flag = toc[3] > 1;
	if (p->addr_format == CDROM_LBA) {
		p->addr.lba = (int)lba;
	} else {
		p->addr.msf.minute = (uint8_t)((lba + 150) / 4500);
		p->addr.msf.second = (uint8_t)((lba + 150) / 75 % 60);
		p->addr.msf.frame = (uint8_t)((lba + 150) % 75);
	}
	return 0;
}

int shim_ioctl(struct shim_drive *drive, unsigned long request, void *arg)
{
	int *number = arg;

	switch (request) {
	case SG_IO:
		return sg_io(drive, arg);
	case CDROM_SEND_PACKET:
		return send_packet(drive, arg);
	case SG_GET_VERSION_NUM:
		*number = 30536;
		return 0;
	case SG_GET_TIMEOUT:
		return 6000;
	case SG_SET_TIMEOUT:
	case SG_SET_RESERVED_SIZE:
	case BLKFLSBUF:
		return 0;
	case SG_GET_RESERVED_SIZE:
		*number = 131072;
		return 0;
	case SG_EMULATED_HOST:
		*number = 1;
		return 0;
	case GET_BUS_NUMBER:
		*number = (int)drive->number;
		return 0;
	case GET_IDLUN:
		/* id, lun, channel, host: a byte each; then the unique id. */
		number[0] = (int)(drive->number << 24 | drive->number);
		number[1] = 0;
		return 0;
	case CDROM_GET_CAPABILITY:
		return (drive->file.mmc.s->by_hand ? 0 : CDC_CLOSE_TRAY) |
		       CDC_OPEN_TRAY | CDC_LOCK | CDC_MULTI_SESSION | CDC_CD_R |
		       CDC_CD_RW | CDC_DVD | CDC_DVD_R | CDC_DVD_RAM |
		       CDC_GENERIC_PACKET;
	case CDROM_DRIVE_STATUS:
		return drive_status(drive);
	case CDROM_DISC_STATUS:
		return drive_status(drive) == CDS_DISC_OK ? CDS_DATA_1
							  : CDS_NO_INFO;
	case CDROM_MEDIA_CHANGED:
		return drive->file.mmc.s->attention != 0;
	case CDROMMULTISESSION:
		return multisession(drive, arg);
	case CDROMEJECT:
		/* The kernel unlocks it first, if nobody else has it open. */
		if (simple(drive, 0x1e, 0) < 0)
			return -1;
		return simple(drive, 0x1b, 2);
	case CDROMCLOSETRAY:
		if (drive->file.mmc.s->by_hand)
			return fail(ENOSYS);
		return simple(drive, 0x1b, 3);
	case CDROM_LOCKDOOR:
		return simple(drive, 0x1e, arg != NULL);
	case BLKSSZGET:
		*number = 2048;
		return 0;
	case BLKGETSIZE64:
		*(uint64_t *)arg = (uint64_t)shim_size(drive);
		return 0;
	case BLKGETSIZE:
		*(unsigned long *)arg = (unsigned long)shim_size(drive) / 512;
		return 0;
	case BLKROGET:
		*number = 0;
		return 0;
	default:
		return fail(ENOTTY);
	}
}
