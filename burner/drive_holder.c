/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a device, by what /proc says of mounts and processes. */
#include "burner/drive.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { BUSY_SECONDS = 2, BUSY_POLL_MS = 100 };

/* proc(5): id, parent, major:minor, root, mount point, with octal escapes. */
static bool find_mount(dev_t dev, char *buf, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	char number[32];
	bool found = false;

	if (!f)
		return false;
	snprintf(number, sizeof number, "%u:%u", major(dev), minor(dev));
	while (!found && getline(&line, &room, f) > 0) {
		char *save = NULL, *word = strtok_r(line, " ", &save);

		for (int i = 0; word && i < 2; i++)
			word = strtok_r(NULL, " ", &save);
		if (!word || strcmp(word, number) != 0)
			continue;
		word = strtok_r(NULL, " ", &save);
		word = word ? strtok_r(NULL, " ", &save) : NULL;
		if (word) {
			snprintf(buf, size, "it is mounted on %.150s", word);
			found = true;
		}
	}
	fclose(f);
	return found;
}

static bool has_open(const char *pid, dev_t dev)
{
	char path[300];
	struct dirent *e;
	bool found = false;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", pid,
			 e->d_name);
		found = stat(path, &st) == 0 && S_ISBLK(st.st_mode) &&
			st.st_rdev == dev;
	}
	closedir(dir);
	return found;
}

/* A process gives itself its name: no byte of it is to be believed. */
static void read_name(const char *pid, char name[32])
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, 32, f))
		snprintf(name, 32, "a program");
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
	for (char *p = name; *p; p++) {
		if (!isprint((unsigned char)*p))
			*p = '?';
	}
}

void drive_holder(const char *path, char *buf, size_t size)
{
	struct dirent *e;
	struct stat st;
	char name[32];
	DIR *dir;

	buf[0] = '\0';
	if (stat(path, &st) < 0 || find_mount(st.st_rdev, buf, size))
		return;
	dir = opendir("/proc");
	while (dir && !*buf && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]) ||
		    !has_open(e->d_name, st.st_rdev) ||
		    strtol(e->d_name, NULL, 10) == (long)getpid())
			continue;
		read_name(e->d_name, name);
		snprintf(buf, size, "%s (pid %.20s) has it open", name,
			 e->d_name);
	}
	if (dir)
		closedir(dir);
}

bool drive_deadline_over(struct timespec *begun)
{
	const struct timespec pause = {.tv_nsec = BUSY_POLL_MS * 1000000L};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!begun->tv_sec && !begun->tv_nsec)
		*begun = now;
	now.tv_sec -= BUSY_SECONDS;
	if (now.tv_sec > begun->tv_sec ||
	    (now.tv_sec == begun->tv_sec && now.tv_nsec >= begun->tv_nsec))
		return true;
	nanosleep(&pause, NULL);
	return false;
}

/* udev looks at each disc that is put in, for a moment, and others do, too. */
int drive_check_alone(const char *path, struct why *why)
{
	struct timespec begun = {0};
	char holder[200];

	do {
		drive_holder(path, holder, sizeof holder);
		if (!holder[0])
			return 0;
	} while (!drive_deadline_over(&begun));
	return why_set(why, -EBUSY, "it is in use: %s", holder);
}
