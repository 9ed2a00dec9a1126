/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_RECORDER_H
#define BURNER_RECORDER_H

/*
 * The optical drives of this machine.  One that others have is listed, and
 * left alone: not a single command goes to it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "burner/disc.h"
#include "common/why.h"

#define RECORDER_PROFILES 64

struct recorder_profile {
	int number; /* MMC-6 5.3.1 */
	char name[80];
	bool writes; /* such media, not only reads them */
};

struct recorder {
	char path[32];
	/* Who has it, in words; then all that follows but the names is not
	 * known.  "": nobody. */
	char holder[200];
	/* Why it could not be looked at, in words; "" if it was. */
	char trouble[256];
	/* Without blanks at the end; "" where it does not tell. */
	char vendor[9], product[17], revision[5], serial[64];
	unsigned buffer_bytes; /* 0: it does not tell */
	struct recorder_profile profiles[RECORDER_PROFILES];
	size_t profiles_n;
	/* An overwritable medium is DISC_BLANK, whatever is on it. */
	enum disc_status status;
	char medium[80]; /* "DVD+RW", "" for none */
	bool overwritable;
	unsigned *write_speeds; /* of the medium; as in medium_info.h */
	size_t write_speeds_n;
};

/*
 * recorder_list - all of them.  Each is opened and looked at, one after the
 * other.  Returns 0 or -errno with @why; the caller gives *@ret to
 * recorder_list_free.
 */
int recorder_list(struct recorder **ret, size_t *ret_n, struct why *why);
void recorder_list_free(struct recorder *list, size_t n);

#endif
