/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool cpus_parse(const char *text, cpu_set_t *ret)
{
	unsigned long first, last;
	char *end = NULL;

	CPU_ZERO(ret);
	while (*text >= '0' && *text <= '9') {
		first = last = strtoul(text, &end, 10);
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last >= CPU_SETSIZE || last < first)
			return false;
		for (; first <= last; first++)
			CPU_SET(first, ret);
		text = *end == ',' ? end + 1 : end;
	}
	return *text == '\n' || *text == '\0';
}

static bool read_list(const char *name, cpu_set_t *ret)
{
	char path[64], text[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/sys/devices/system/cpu/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	return cpus_parse(text, ret);
}

unsigned cpus_possible(void)
{
	unsigned n = 0;
	cpu_set_t set;

	if (!read_list("possible", &set))
		return 0;
	while (n < CPU_SETSIZE && CPU_ISSET(n, &set))
		n++;
	return CPU_COUNT(&set) == (int)n ? n : 0;
}

bool cpu_is_online(unsigned cpu)
{
	cpu_set_t set;

	/* A kernel that does not tell can take none away. */
	return !read_list("online", &set) || CPU_ISSET(cpu, &set);
}

int cpu_take(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof set, &set) ? -errno : 0;
}
