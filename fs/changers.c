/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/changers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"

/* A thread id is not given out again within this time. */
enum { TRUST_SECONDS = 1 };

static int64_t now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

/* proc(5): the 22nd field of stat; the second one may hold blanks and brackets. */
static uint64_t start_time(pid_t tid)
{
	char path[64], line[1024], *p;
	FILE *f;
	int field;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	p = fgets(line, sizeof line, f);
	fclose(f);
	p = p ? strrchr(line, ')') : NULL;
	for (field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	return p ? strtoull(p, NULL, 10) : 0;
}

static int thread_group(pid_t tid)
{
	char path[64], line[256];
	int tgid = tid;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)tid);
	f = fopen(path, "re");
	if (!f)
		return tgid;
	while (fgets(line, sizeof line, f))
		if (strncmp(line, "Tgid:", 5) == 0) {
			tgid = (int)strtol(line + 5, NULL, 10);
			break;
		}
	fclose(f);
	return tgid;
}

void changers_init(struct changers *c)
{
	*c = (struct changers){0};
	pthread_mutex_init(&c->lock, NULL);
}

void changers_release(struct changers *c)
{
	free(c->v);
	pthread_mutex_destroy(&c->lock);
}

static struct changer *find_locked(struct changers *c, pid_t tid)
{
	if (c->n && c->v[c->last].tid == tid)
		return &c->v[c->last];
	for (unsigned i = 0; i < c->n; i++)
		if (c->v[i].tid == tid)
			return &c->v[i];
	return NULL;
}

static struct changer *slot_locked(struct changers *c)
{
	unsigned oldest = 0;

	if (c->n < CHANGERS_MAX) {
		struct changer *v;

		/* Room doubles: n is a power of two or 0 when it is used up. */
		if ((c->n & (c->n - 1)) == 0) {
			v = realloc(c->v, (c->n ? c->n * 2 : 1) * sizeof *v);
			if (!v)
				return NULL;
			c->v = v;
		}
		return &c->v[c->n++];
	}
	for (unsigned i = 1; i < c->n; i++)
		if (c->v[i].checked < c->v[oldest].checked)
			oldest = i;
	return &c->v[oldest];
}

void changers_note(struct changers *c, pid_t tid)
{
	int64_t now = now_seconds();
	struct changer *e;

	if (tid <= 0)
		return;
	LOCK_GUARD(&c->lock);
	e = find_locked(c, tid);
	if (e && now - e->checked < TRUST_SECONDS) {
		c->last = (unsigned)(e - c->v);
		return;
	}
	if (!e)
		e = slot_locked(c);
	if (!e)
		return;
	*e = (struct changer){
		.tid = tid, .start = start_time(tid), .checked = now};
	c->last = (unsigned)(e - c->v);
}

static bool noted(struct changers *c, pid_t tid)
{
	struct changer *e;
	uint64_t start = start_time(tid);

	LOCK_GUARD(&c->lock);
	e = find_locked(c, tid);
	return e && e->start == start;
}

bool changers_has(struct changers *c, pid_t tid)
{
	char path[64];
	struct dirent *entry;
	bool found;
	DIR *tasks;

	/* Of another pid namespace: nobody that could be told apart. */
	if (tid <= 0)
		return true;
	found = noted(c, tid);
	snprintf(path, sizeof path, "/proc/%d/task", thread_group(tid));
	tasks = opendir(path);
	if (!tasks)
		return found;
	while (!found && (entry = readdir(tasks))) {
		int other = (int)strtol(entry->d_name, NULL, 10);

		if (other > 0)
			found = noted(c, other);
	}
	closedir(tasks);
	return found;
}
