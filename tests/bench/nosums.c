/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into discfs by the row commit-unsummed: MD5 costs nothing, and says
 * nothing.  libisofs calls its own function by its name, too.
 */
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <libisofs/libisofs.h>

int iso_md5_compute(void *ctx, char *data, int len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return 1;
}
