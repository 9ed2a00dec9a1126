/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libburn's own scan opens all drives at once, leaves out those that are in
 * use, and has commands for all others.  So each is opened by itself.
 */
#include "config.h"

#include "burner/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "burner/drive.h"
#include "burner/drive_speeds.h"
#include "burner/library.h"
#include "common/cleanup.h"

enum {
	DRIVES_MAX = 32, /* as libburn looks for */
	/* MMC-6 5.3.1 */
	FIRST_DISC_PROFILE = 0x08,
	LAST_DISC_PROFILE = 0x5a,
};

/* What the kernel knows of a drive that must not be asked. */
static void read_name(const char *path, const char *what, char *buf,
		      size_t size)
{
	char name[80];
	size_t len;
	FILE *f;

	snprintf(name, sizeof name, "/sys/class/block/%.20s/device/%s",
		 path + strlen("/dev/"), what);
	f = fopen(name, "re");
	if (!f)
		return;
	if (!fgets(buf, (int)size, f))
		buf[0] = 0;
	fclose(f);
	len = strcspn(buf, "\n");
	while (len > 0 && buf[len - 1] == ' ')
		len--;
	buf[len] = 0;
}

static void read_names(struct recorder *r)
{
	read_name(r->path, "vendor", r->vendor, sizeof r->vendor);
	read_name(r->path, "model", r->product, sizeof r->product);
	read_name(r->path, "rev", r->revision, sizeof r->revision);
}

static int ascending(const void *a, const void *b)
{
	return ((const struct recorder_profile *)a)->number -
	       ((const struct recorder_profile *)b)->number;
}

static void take_profiles(struct recorder *r, struct burn_drive *handle)
{
	int numbers[RECORDER_PROFILES] = {0}, n = 0;
	char current[RECORDER_PROFILES];

	burn_drive_get_all_profiles(handle, &n, numbers, current);
	for (int i = 0; i < n && i < RECORDER_PROFILES; i++) {
		struct recorder_profile *p = &r->profiles[r->profiles_n];

		/* The others are of removable disks, or reserved. */
		if (numbers[i] < FIRST_DISC_PROFILE ||
		    numbers[i] > LAST_DISC_PROFILE ||
		    burn_obtain_profile_name(numbers[i], p->name) <= 0)
			continue;
		p->number = numbers[i];
		p->writes = !drive_is_pressed(numbers[i]);
		r->profiles_n++;
	}
	qsort(r->profiles, r->profiles_n, sizeof *r->profiles, ascending);
}

static int look_at(struct recorder *r, struct drive *d, struct why *why)
{
	struct drive_state state = {0};
	int err;

	memcpy(r->vendor, d->vendor, sizeof r->vendor);
	memcpy(r->product, d->product, sizeof r->product);
	memcpy(r->revision, d->revision, sizeof r->revision);
	memcpy(r->serial, d->serial, sizeof r->serial);
	if (d->infos[0].buffer_size > 0)
		r->buffer_bytes = (unsigned)d->infos[0].buffer_size * 1024;
	take_profiles(r, d->handle);
	err = drive_assess(d, &state, why);
	if (err < 0)
		return err;
	r->status = state.status;
	if (state.status != DISC_NONE) {
		memcpy(r->medium, state.type, sizeof r->medium);
		r->overwritable = state.overwritable;
		err = drive_speeds(d, state.profile, &r->write_speeds,
				   &r->write_speeds_n);
	}
	drive_state_release(&state);
	return err;
}

static int fill(struct recorder *r)
{
	struct drive *d = NULL;
	struct why why = {""};
	int err;

	r->status = DISC_NONE;
	/* Also one who has not claimed it for himself alone. */
	drive_holder(r->path, r->holder, sizeof r->holder);
	if (r->holder[0]) {
		read_names(r);
		return 0;
	}
	err = drive_open(r->path, &d, &why);
	if (!err)
		err = look_at(r, d, &why);
	drive_close(d, false);
	if (err == -ENOMEM)
		return err;
	if (err < 0) {
		snprintf(r->trouble, sizeof r->trouble, "%s",
			 why_text(&why, err));
		if (!r->product[0])
			read_names(r);
	}
	return 0;
}

int recorder_list(struct recorder **ret, size_t *ret_n, struct why *why)
{
	struct recorder *list;
	size_t n = 0;
	int err = library_start(why);

	if (err < 0)
		return err;
	list = calloc(DRIVES_MAX, sizeof *list);
	if (!list)
		return -ENOMEM;
	for (int i = 0; i < DRIVES_MAX; i++) {
		struct recorder *r = &list[n];
		struct stat st;

		snprintf(r->path, sizeof r->path, "/dev/sr%d", i);
		if (stat(r->path, &st) < 0 || !S_ISBLK(st.st_mode))
			continue;
		n++;
		err = fill(r);
		if (err < 0) {
			recorder_list_free(list, n);
			return err;
		}
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

void recorder_list_free(struct recorder *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].write_speeds);
	free(list);
}
