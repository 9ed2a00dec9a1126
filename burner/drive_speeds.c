/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/drive_speeds.h"

#include <errno.h>
#include <stdlib.h>

#include "burner/library.h"

/* MMC-6 5.3.1. */
enum {
	PROFILE_CD_ROM = 0x08,
	PROFILE_DVD_ROM = 0x10,
	PROFILE_BD_ROM = 0x40,
	PROFILE_HD_DVD_ROM = 0x50,
};

bool drive_is_pressed(int profile)
{
	return profile == PROFILE_CD_ROM || profile == PROFILE_DVD_ROM ||
	       profile == PROFILE_BD_ROM || profile == PROFILE_HD_DVD_ROM;
}

static int fastest_first(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

int drive_speeds(struct drive *d, int profile, unsigned **ret, size_t *ret_n)
{
	struct burn_speed_descriptor *list = NULL;
	unsigned *speeds = NULL;
	size_t n = 0, kept = 0;

	/* Drives name some for these, too. */
	if (!drive_is_pressed(profile) &&
	    burn_drive_get_speedlist(d->handle, &list) > 0) {
		for (struct burn_speed_descriptor *s = list; s; s = s->next)
			n++;
		speeds = calloc(n ? n : 1, sizeof *speeds);
		n = 0;
		/* In 1000 bytes a second; some appear many times. */
		for (struct burn_speed_descriptor *s = list; speeds && s;
		     s = s->next) {
			if (s->write_speed > 0)
				speeds[n++] = (unsigned)s->write_speed * 1000;
		}
		if (!speeds) {
			burn_drive_free_speedlist(&list);
			return -ENOMEM;
		}
		qsort(speeds, n, sizeof *speeds, fastest_first);
		for (size_t i = 0; i < n; i++) {
			if (kept == 0 || speeds[i] != speeds[kept - 1])
				speeds[kept++] = speeds[i];
		}
	}
	if (list)
		burn_drive_free_speedlist(&list);
	free(*ret);
	*ret = speeds;
	*ret_n = kept;
	return 0;
}
