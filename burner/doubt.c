/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/doubt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

void doubts_init(struct doubts *d)
{
	*d = (struct doubts){0};
	pthread_mutex_init(&d->lock, NULL);
}

void doubts_release(struct doubts *d)
{
	free(d->v);
	pthread_mutex_destroy(&d->lock);
}

static struct doubted *find(struct doubts *d, uint32_t lba)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].lba == lba)
			return &d->v[i];
	}
	return NULL;
}

int doubts_add(struct doubts *d, uint32_t lba, enum doubt doubt,
	       const char *reason)
{
	struct doubted *p;
	LOCK_GUARD(&d->lock);

	p = find(d, lba);
	if (!p) {
		p = realloc(d->v, (d->n + 1) * sizeof *p);
		if (!p)
			return -ENOMEM;
		d->v = p;
		p = &d->v[d->n++];
	}
	*p = (struct doubted){.lba = lba, .doubt = doubt};
	snprintf(p->reason, sizeof p->reason, "%s", reason ? reason : "");
	return 0;
}

enum doubt doubts_look(struct doubts *d, uint32_t lba,
		       char reason[DOUBT_REASON])
{
	const struct doubted *p;
	LOCK_GUARD(&d->lock);

	p = find(d, lba);
	snprintf(reason, DOUBT_REASON, "%s", p ? p->reason : "");
	return p ? p->doubt : DOUBT_NONE;
}

void doubts_tell(struct doubts *d, struct medium *m, unsigned last,
		 const char *reason)
{
	char which[40], shown[40];
	LOCK_GUARD(&d->lock);

	if (m->unreadable == 1)
		snprintf(which, sizeof which, "session %u", last);
	else
		snprintf(which, sizeof which, "%u sessions up to %u",
			 m->unreadable, last);
	if (m->has_base)
		snprintf(shown, sizeof shown, "session %u is shown",
			 m->base_number);
	else
		snprintf(shown, sizeof shown, "none came before");
	snprintf(d->damage, sizeof d->damage, "%s cannot be read (%s): %s",
		 which, reason, shown);
	m->damage = d->damage;
}

void doubts_forbid(struct doubts *d, struct medium *m)
{
	size_t len;
	LOCK_GUARD(&d->lock);

	len = strlen(d->damage);
	if (!m->overwritable && m->has_base)
		snprintf(d->damage + len, sizeof d->damage - len,
			 "; -o base=%u goes on from it, behind the damage",
			 m->base_number);
	else if (!m->overwritable)
		snprintf(d->damage + len, sizeof d->damage - len,
			 "; -o base=0 begins anew, behind the damage");
	m->why_not_writable = d->damage;
}

void doubts_choose(struct doubts *d, const struct disc_session *sessions,
		   size_t n, struct medium *m)
{
	char reason[DOUBT_REASON], first[DOUBT_REASON] = "";
	unsigned last = (unsigned)n;

	while (n > 0 && doubts_look(d, sessions[n - 1].lba, reason) ==
				DOUBT_UNREADABLE) {
		if (!m->unreadable++)
			snprintf(first, sizeof first, "%s", reason);
		n--;
	}
	m->has_base = n > 0;
	m->base_lba = n > 0 ? sessions[n - 1].lba : 0;
	m->base_number = (unsigned)n;
	if (m->unreadable)
		doubts_tell(d, m, last, first);
}
