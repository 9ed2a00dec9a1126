/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/drive/mmc_parts.h"
#include "tests/drive/mmcdisc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *track_state(const struct mmc_track *track)
{
	static const char *const names[] = {"invisible", "open", "reserved",
					    "closed"};

	return names[track->state & 3];
}

static const char *status(const struct mmc *m)
{
	const struct mmc_state *s = m->s;
	const struct mmc_kind *kind = mmc_kind(s->media);
	const struct mmc_track *last = &s->tracks[s->tracks_n - 1];

	if (s->gone)
		return "gone";
	if (s->tray_open)
		return "open";
	if (s->no_disc)
		return "empty";
	if (kind->writing == MMC_RANDOM)
		return s->formatted ? "formatted" : "blank";
	if (s->finalized || last->state == MMC_TRACK_CLOSED)
		return "closed";
	if (last->damaged)
		return "damaged";
	return s->tracks_n == 1 && last->state == MMC_TRACK_INVISIBLE
		       ? "blank"
		       : "appendable";
}

int mmcdisc_show(struct mmc *m)
{
	const struct mmc_state *s = m->s;

	printf("kind: %s\nstatus: %s\ncapacity: %" PRIu32 "\n",
	       mmc_kind(s->media)->name, status(m), s->capacity);
	printf("readable: %" PRIu32 "\nlocked: %s\nprotected: %s\n",
	       mmc_readable(m), s->locked ? "yes" : "no",
	       s->write_protected ? "yes" : "no");
	printf("speed: %" PRIu32 "\nunguarded: %" PRIu64 "\n", s->write_kbs,
	       s->unguarded);
	printf("cached: %" PRIu32 "\nfaults: %" PRIu32 "\n", s->cache_n,
	       s->faults_n);
	for (uint32_t i = 0; i < s->tracks_n; i++) {
		const struct mmc_track *track = &s->tracks[i];

		printf("track %" PRIu32 ": session %u start %" PRIu32
		       " nwa %" PRIu32 " size %" PRIu32 " %s%s\n",
		       i + 1, track->session, track->start, track->nwa,
		       track->size, track_state(track),
		       track->damaged ? " damaged" : "");
	}
	return 0;
}

/* The last commands: their bytes, the bytes of data, the sense. */
int mmcdisc_log(struct mmc *m)
{
	const struct mmc_state *s = m->s;
	uint64_t first = s->log_n > MMC_LOG_LEN ? s->log_n - MMC_LOG_LEN : 0;

	for (uint64_t i = first; i < s->log_n; i++) {
		const struct mmc_log_entry *entry = &s->log[i % MMC_LOG_LEN];

		for (unsigned k = 0; k < 12; k++)
			printf("%02x ", entry->cdb[k]);
		printf("len %" PRIu32, entry->len);
		if (entry->sense)
			printf(" sense %x/%02x/%02x", entry->sense >> 16,
			       entry->sense >> 8 & 0xff, entry->sense & 0xff);
		putchar('\n');
	}
	return 0;
}

/* "any", "read", "write", or an opcode. */
static int parse_on(const char *text, int32_t *ret)
{
	uint32_t opcode;

	if (strcmp(text, "any") == 0) {
		*ret = MMC_ON_ANY;
	} else if (strcmp(text, "read") == 0) {
		*ret = MMC_ON_READ;
	} else if (strcmp(text, "write") == 0) {
		*ret = MMC_ON_WRITE;
	} else {
		if (mmcdisc_number(text, &opcode, 16) < 0 || opcode > 255)
			return -EINVAL;
		*ret = (int32_t)opcode;
	}
	return 0;
}

int mmcdisc_count(struct mmc *m, const char *what)
{
	const uint64_t *count = m->s->count;
	uint64_t n;
	int32_t on;

	if (parse_on(what, &on) < 0 || on == MMC_ON_ANY)
		return -EINVAL;
	if (on == MMC_ON_READ)
		n = count[0x28] + count[0xa8] + count[0xbe];
	else if (on == MMC_ON_WRITE)
		n = count[0x2a] + count[0xaa] + count[0x2e];
	else
		n = count[on];
	printf("%" PRIu64 "\n", n);
	return 0;
}

/* What each action is, where nothing else is said. */
static const struct {
	const char *name;
	struct mmc_fault fault;
} actions[] = {
	{"write-error",
	 {MMC_FAULT_FAIL, MMC_ON_WRITE, 0, 0, 0, 0, MMC_SENSE(3, 0x0c, 0), 0}},
	{"read-error",
	 {MMC_FAULT_FAIL, MMC_ON_READ, 0, 0, 0, 0, MMC_SENSE(3, 0x11, 5), 0}},
	{"full",
	 {MMC_FAULT_FAIL, MMC_ON_WRITE, 0, 0, 0, 0, MMC_SENSE(5, 0x63, 0), 0}},
	{"not-ready",
	 {MMC_FAULT_FAIL, MMC_ON_ANY, 0, 0, 0, 1, MMC_SENSE(2, 4, 1), 0}},
	{"busy",
	 {MMC_FAULT_FAIL, MMC_ON_WRITE, 0, 0, 0, 1, MMC_SENSE(2, 4, 8), 0}},
	{"fail",
	 {MMC_FAULT_FAIL, MMC_ON_ANY, 0, 0, 0, 1, MMC_SENSE(4, 0x44, 0), 0}},
	{"eject", {MMC_FAULT_EJECT, MMC_ON_ANY, 0, 0, 0, 1, 0, 0}},
	{"gone", {MMC_FAULT_GONE, MMC_ON_ANY, 0, 0, 0, 1, 0, 0}},
	{"power-cut", {MMC_FAULT_POWER_CUT, MMC_ON_ANY, 0, 0, 0, 1, 0, 0}},
	{"slow", {MMC_FAULT_SLOW, MMC_ON_ANY, 0, 0, 0, 0, 0, 100}},
};

static int parse_sense(const char *text, uint32_t *ret)
{
	unsigned key, asc, ascq;
	char end;

	/* cert-err34-c: the fields are checked below. */
	if (sscanf(text, "%x/%x/%x%c", &key, &asc, &ascq, &end) != 3 ||
	    key > 15 || asc > 255 || ascq > 255)
		return -EINVAL;
	*ret = key << 16 | asc << 8 | ascq;
	return 0;
}

static int parse_where(char *text, struct mmc_fault *fault)
{
	char *value = strchr(text, '=');

	if (!value)
		return -EINVAL;
	*value++ = 0;
	if (strcmp(text, "on") == 0)
		return parse_on(value, &fault->on);
	if (strcmp(text, "sense") == 0)
		return parse_sense(value, &fault->sense);
	if (strcmp(text, "lba") == 0) {
		if (fault->blocks == 0)
			fault->blocks = 1;
		return mmcdisc_number(value, &fault->lba, 10);
	}
	if (strcmp(text, "blocks") == 0)
		return mmcdisc_number(value, &fault->blocks, 10);
	if (strcmp(text, "skip") == 0)
		return mmcdisc_number(value, &fault->skip, 10);
	if (strcmp(text, "times") == 0)
		return mmcdisc_number(value, &fault->times, 10);
	if (strcmp(text, "ms") == 0)
		return mmcdisc_number(value, &fault->delay_ms, 10);
	return -EINVAL;
}

int mmcdisc_fault(struct mmc *m, int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct mmc_fault fault = actions[i].fault;

		if (strcmp(argv[0], actions[i].name) != 0)
			continue;
		for (int k = 1; k < argc; k++) {
			int err = parse_where(argv[k], &fault);

			if (err < 0)
				return err;
		}
		return mmc_fault_add(m, &fault) ? 0 : -ENOSPC;
	}
	return -EINVAL;
}

/* One track of an ECC block of zeros, and another one behind it. */
static bool add_track(struct mmc *m)
{
	static const uint8_t zeros[MMC_BLOCK];
	struct mmc_track *track = mmc_open_track(m);
	uint32_t blocks = mmc_medium(m)->ecc;

	if (!track || track->state != MMC_TRACK_INVISIBLE ||
	    track->nwa + 2 * blocks > m->s->capacity)
		return false;
	track->state = MMC_TRACK_OPEN;
	while (blocks-- > 0)
		mmc_cache_put(m, track->nwa++, zeros);
	mmc_cache_flush(m);
	mmc_close_track(m, track);
	return true;
}

/* Sessions that took years, at once. */
int mmcdisc_sessions(struct mmc *m, int argc, char **argv)
{
	uint32_t n = 0, tracks = 1, end;
	struct mmc_track *next;

	if (argc < 1 || argc > 2 || mmcdisc_number(argv[0], &n, 10) < 0 ||
	    (argc == 2 && mmcdisc_number(argv[1], &tracks, 10) < 0))
		return -EINVAL;
	while (n-- > 0) {
		for (uint32_t i = 0; i < tracks; i++) {
			if (!add_track(m))
				return -ENOSPC;
		}
		mmc_close_session(m, false);
		next = mmc_open_track(m);
		if (!next)
			return -ENOSPC;
		/* So that there is room for many. */
		end = mmc_track_end(m, next - 1);
		next->start = next->nwa = round_up(end + 1, mmc_medium(m)->ecc);
	}
	return 0;
}
