/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DRIVE_SHIM_H
#define TESTS_DRIVE_SHIM_H

/*
 * Stands in for the system calls that programs use on an optical drive, and
 * gives the commands to the model.  Preloaded (mmcshim.so) for whole programs,
 * or linked into a unit test.  For hosts with 64 bits.
 *
 *   MMC_DRIVES  /dev/sr0=FILE[,/dev/sr1=FILE...]: drives made by mmcdisc.
 *   MMC_SLEEP   "real" lets programs sleep as long as they want.  Otherwise
 *               sleeps of 50 ms and more are shortened: the model needs no
 *               time.
 *
 * No other optical drive can be opened then, by whatever name: where
 * MMC_DRIVES does not name it, there is none.  Where FILE cannot be used, the
 * process ends.
 *
 * The descriptor of such a drive is one of FILE, and is known by its inode;
 * so it survives dup, fork and exec, and its file offset is the position on
 * the device.  An exclusive open is a flock on it, which lasts as long as the
 * kernel's claim would.
 */

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "tests/drive/mmc_file.h"

#define SHIM_DRIVES 4

struct shim_drive {
	char *name; /* /dev/sr0 */
	char *path; /* the file */
	dev_t dev;  /* of the file */
	ino_t ino;
	unsigned number;
	struct mmc_file file;
};

/* A function of libc that is shadowed here (shim_real.c). */
void *shim_real(const char *name);
#define REAL(name) ((__typeof__(&(name)))shim_real(#name))

/* The drive with that name, with that file, that is behind that descriptor,
 * or NULL. */
struct shim_drive *shim_by_name(const char *path);
struct shim_drive *shim_by_inode(dev_t dev, ino_t ino);
struct shim_drive *shim_by_fd(int fd);
/* A name that is an optical drive's by custom. */
bool shim_is_optical(const char *path);
/* An open descriptor is of an optical drive of this machine. */
bool shim_is_real_drive(int fd);
/* Are there any drives? */
bool shim_active(void);

void shim_stat(const struct shim_drive *drive, struct stat *st);
/* As the system calls: -1 with errno. */
int shim_open(struct shim_drive *drive, int flags);
FILE *shim_fopen(struct shim_drive *drive, const char *mode);
/* The descriptor behind a stream of shim_fopen, or -1. */
int shim_fileno(FILE *file);
int shim_ioctl(struct shim_drive *drive, unsigned long request, void *arg);
ssize_t shim_pread(struct shim_drive *drive, void *buf, size_t len, off_t pos);
ssize_t shim_pwrite(struct shim_drive *drive, const void *buf, size_t len,
		    off_t pos);
off_t shim_size(struct shim_drive *drive);

#endif
