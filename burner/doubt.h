/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_DOUBT_H
#define BURNER_DOUBT_H

/*
 * Inside burner/ only: sessions of a disc that are not what the medium makes
 * them look like, and the words for them.
 *
 *   DOUBT_UNREADABLE   nothing is written behind it unasked: the next session
 *			would leave out what it holds
 *   DOUBT_PASSED_OVER  it does not count
 *
 * A leaf lock of its own guards the list.
 */

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "burner/disc.h"

enum doubt { DOUBT_NONE, DOUBT_UNREADABLE, DOUBT_PASSED_OVER };

enum { DOUBT_REASON = 200 }; /* bytes of a reason */

struct doubts {
	pthread_mutex_t lock;
	struct doubted {
		uint32_t lba;
		enum doubt doubt;
		char reason[DOUBT_REASON];
	} * v;
	size_t n;
	char damage[DOUBT_REASON + 200]; /* medium.damage */
};

void doubts_init(struct doubts *d);
void doubts_release(struct doubts *d);

/* doubts_add - the session at @lba, whatever was thought of it before.
 * @reason is copied, NULL for none.  0 or -ENOMEM. */
int doubts_add(struct doubts *d, uint32_t lba, enum doubt doubt,
	       const char *reason);

/* doubts_look - what is thought of the session at @lba; the reason for it into
 * @reason. */
enum doubt doubts_look(struct doubts *d, uint32_t lba,
		       char reason[DOUBT_REASON]);

/*
 * doubts_tell - the m->unreadable sessions behind number m->base_number cannot
 * be read, the last of them, number @last, for @reason: the line is
 * m->damage.
 * doubts_forbid - nothing else is in the way of a next session: m->damage says
 * how to go on, too, and is m->why_not_writable.
 */
void doubts_tell(struct doubts *d, struct medium *m, unsigned last,
		 const char *reason);
void doubts_forbid(struct doubts *d, struct medium *m);

/*
 * doubts_choose - the base of an overwritable medium: the last of its
 * @n @sessions, oldest first, that is not given up.  Sets has_base, base_lba,
 * base_number, unreadable and damage.
 */
void doubts_choose(struct doubts *d, const struct disc_session *sessions,
		   size_t n, struct medium *m);

#endif
