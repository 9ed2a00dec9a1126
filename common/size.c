/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SIZE_BLOCK UINT64_C(2048)

static const struct medium_size {
	const char *name;
	uint64_t blocks;
} media[] = {
	{"cd", 359847},	     /* CD-R of 80 minutes */
	{"dvd", 2295104},    /* DVD+R; DVD-R has a little more */
	{"dvd-dl", 4171712}, /* DVD-R DL; DVD+R DL has a little more */
	{"bd", 12219392},    /* BD-R, not formatted */
	{"bd-dl", 24438784},
};

static int unit_shift(const char *unit, unsigned *ret)
{
	static const char letters[] = "kmgt";
	const char *at;

	if (!*unit) {
		*ret = 0;
		return 0;
	}
	at = strchr(letters, *unit | 0x20);
	if (!at || unit[1])
		return -EINVAL;
	*ret = 10 * (unsigned)(at - letters + 1);
	return 0;
}

int size_parse(const char *text, uint64_t *ret_bytes)
{
	uint64_t value = 0;
	unsigned shift;
	const char *p = text;
	int err;

	for (size_t i = 0; i < sizeof media / sizeof media[0]; i++) {
		if (!strcmp(text, media[i].name)) {
			*ret_bytes = media[i].blocks * SIZE_BLOCK;
			return 0;
		}
	}
	for (; *p >= '0' && *p <= '9'; p++) {
		if (value > (INT64_MAX - 9) / 10)
			return -ERANGE;
		value = value * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return -EINVAL;
	err = unit_shift(p, &shift);
	if (err)
		return err;
	if (value > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*ret_bytes = value << shift;
	return 0;
}

const char *size_format(uint64_t bytes, char buf[SIZE_TEXT])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t unit = 1000;
	size_t i = 0;
	double value;

	if (bytes < 1000) {
		snprintf(buf, SIZE_TEXT, "%" PRIu64 " byte%s", bytes,
			 bytes == 1 ? "" : "s");
		return buf;
	}
	/* Half of the last digit shown: 999,960 is 1.00 MB, not 1000 kB. */
	while (i + 1 < sizeof units / sizeof units[0] &&
	       bytes >= unit * 1000 - unit / 2) {
		unit *= 1000;
		i++;
	}
	value = (double)bytes / (double)unit;
	snprintf(buf, SIZE_TEXT, "%.*f %s",
		 value < 9.995	 ? 2
		 : value < 99.95 ? 1
				 : 0,
		 value, units[i]);
	return buf;
}
