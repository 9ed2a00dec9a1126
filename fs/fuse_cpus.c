/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/fuse_internal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* sysfs-devices-system-cpu: "0-3,8", of the list that is named. */
static bool read_list(const char *name, cpu_set_t *ret)
{
	char path[64], text[4096], *p = text;
	unsigned long first, last;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "/sys/devices/system/cpu/%s", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	CPU_ZERO(ret);
	while (*p >= '0' && *p <= '9') {
		first = last = strtoul(p, &p, 10);
		if (*p == '-')
			last = strtoul(p + 1, &p, 10);
		if (last >= CPU_SETSIZE || last < first)
			return false;
		for (; first <= last; first++)
			CPU_SET(first, ret);
		if (*p == ',')
			p++;
	}
	return true;
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
