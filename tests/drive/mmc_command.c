/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a command: is there a drive, is it ready, does a fault happen,
 * does the command go with this medium; then the command itself.
 */
#include "tests/drive/mmc_parts.h"

/* Answered whatever the state of the drive is (MMC-6 4.1.6, SPC-3 5.6.1). */
#define ALWAYS 1u
/* Needs a medium. */
#define MEDIUM 2u
/* Answered during a long operation as well. */
#define BUSY_TOO 4u

struct command {
	mmc_handler *run;
	unsigned flags;
};

int mmc_reply(struct mmc_request *rq, const void *data, size_t n,
	      size_t allocation)
{
	if (n > allocation)
		n = allocation;
	if (n > rq->len)
		n = rq->len;
	if (n)
		memcpy(rq->buf, data, n);
	rq->done = n;
	return 0;
}

/* Fixed format (SPC-3 4.5.3). */
static void fill_sense(const struct mmc_state *s, uint32_t sense, uint8_t *p)
{
	memset(p, 0, 18);
	p[0] = 0x70;
	p[2] = (uint8_t)(sense >> 16);
	p[7] = 10;
	p[12] = (uint8_t)(sense >> 8);
	p[13] = (uint8_t)sense;
	if (s->busy_total && sense == s->busy_sense) {
		p[15] = 0x80;
		put16(p + 16,
		      (s->busy_total - s->busy_left) * 65535u / s->busy_total);
	}
}

void mmc_busy(struct mmc *m, uint32_t polls, uint32_t sense)
{
	m->s->busy_left = polls;
	m->s->busy_total = polls;
	m->s->busy_sense = sense;
}

/* One poll nearer to the end of a long operation; its sense, or 0. */
static uint32_t poll_busy(struct mmc *m)
{
	struct mmc_state *s = m->s;

	if (s->busy_left == 0)
		return 0;
	s->busy_left--;
	return s->busy_sense;
}

static int test_unit_ready(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;

	(void)rq;
	/* Formatting in the background goes on meanwhile. */
	if (s->bg_format == 2) {
		s->bg_done += 2;
		if (s->bg_done >= 100) {
			s->bg_format = 3;
			s->formatted_end = s->capacity;
		}
	}
	return 0;
}

static int request_sense(struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[18];
	uint32_t sense = poll_busy(m);

	if (!sense && m->s->attention) {
		sense = m->s->attention;
		m->s->attention = 0;
	} else if (!sense) {
		sense = m->s->last_sense;
	}
	fill_sense(m->s, sense, answer);
	return mmc_reply(rq, answer, sizeof(answer), rq->cdb[4]);
}

static int start_stop(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;

	switch (rq->cdb[4] & 3) {
	case 2: /* eject */
		if (s->locked)
			return SENSE_LOCKED;
		mmc_eject(m);
		return 0;
	case 3:
		if (s->tray_open && s->by_hand)
			return SENSE_CDB;
		if (s->tray_open)
			mmc_load(m);
		return 0;
	case 1:
		if (s->tray_open)
			return SENSE_TRAY_OPEN;
		return 0;
	default:
		return 0;
	}
}

static int prevent_removal(struct mmc *m, struct mmc_request *rq)
{
	m->s->locked = rq->cdb[4] & 1;
	return 0;
}

/* MMC-6 6.6: media class only, polled only. */
static int event_status(struct mmc *m, struct mmc_request *rq)
{
	struct mmc_state *s = m->s;
	uint8_t answer[8] = {0};

	if (!(rq->cdb[1] & 1))
		return SENSE_CDB;
	answer[3] = 0x10;
	if (!(rq->cdb[4] & 0x10)) {
		answer[1] = 2;
		answer[2] = 0x80; /* no class that was asked for */
		return mmc_reply(rq, answer, 4, get16(rq->cdb + 7));
	}
	answer[1] = 6;
	answer[2] = 4;
	answer[4] = s->media_event;
	answer[5] = (uint8_t)(s->tray_open | !s->no_disc << 1);
	s->media_event = 0;
	return mmc_reply(rq, answer, sizeof(answer), get16(rq->cdb + 7));
}

static int mechanism_status(struct mmc *m, struct mmc_request *rq)
{
	uint8_t answer[8] = {0};

	if (m->s->tray_open)
		answer[1] = 0x10;
	return mmc_reply(rq, answer, sizeof(answer), get16(rq->cdb + 8));
}

/* Accepted, and without an effect here: speeds, power calibration, seeks. */
static int no_effect(struct mmc *m, struct mmc_request *rq)
{
	(void)m;
	rq->done = rq->len;
	return 0;
}

static int set_cd_speed(struct mmc *m, struct mmc_request *rq)
{
	uint32_t speed = get16(rq->cdb + 4);

	/* 0xffff asks for the highest (MMC-6 6.37). */
	m->s->write_kbs = speed == 0xffff ? 8468 : speed;
	return 0;
}

/* MMC-6 6.39: performance descriptor, bytes 20 to 27 are the write speed. */
static int set_streaming(struct mmc *m, struct mmc_request *rq)
{
	uint32_t kilobytes, ms;

	if (rq->cdb[8] == 5)
		return no_effect(m, rq); /* DBI cache zone */
	if (rq->len < 28)
		return SENSE_LIST_LENGTH;
	kilobytes = get32(rq->buf + 20);
	ms = get32(rq->buf + 24);
	if (ms && kilobytes)
		m->s->write_kbs = (uint32_t)(kilobytes * 1000ull / ms);
	rq->done = rq->len;
	return 0;
}

static const struct command commands[256] = {
	[0x00] = {test_unit_ready, MEDIUM},
	[0x03] = {request_sense, ALWAYS | BUSY_TOO},
	[0x04] = {mmc_format_unit, MEDIUM},
	[0x12] = {mmc_inquiry, ALWAYS | BUSY_TOO},
	[0x1b] = {start_stop, 0},
	[0x1e] = {prevent_removal, 0},
	[0x23] = {mmc_format_capacities, 0},
	[0x25] = {mmc_read_capacity, MEDIUM},
	[0x28] = {mmc_read, MEDIUM},
	[0x2a] = {mmc_write, MEDIUM},
	[0x2b] = {no_effect, MEDIUM},
	[0x2e] = {mmc_write, MEDIUM},
	[0x2f] = {mmc_verify, MEDIUM},
	[0x35] = {mmc_synchronize, MEDIUM},
	[0x43] = {mmc_read_toc, MEDIUM},
	[0x46] = {mmc_get_configuration, ALWAYS | BUSY_TOO},
	[0x4a] = {event_status, ALWAYS | BUSY_TOO},
	[0x51] = {mmc_disc_information, MEDIUM},
	[0x52] = {mmc_track_information, MEDIUM},
	[0x53] = {mmc_reserve_track, MEDIUM},
	[0x54] = {no_effect, MEDIUM},
	[0x55] = {mmc_mode_select, 0},
	[0x5a] = {mmc_mode_sense, 0},
	[0x5b] = {mmc_close, MEDIUM},
	[0x5c] = {mmc_buffer_capacity, 0},
	[0x5d] = {mmc_send_cue_sheet, MEDIUM},
	[0xa1] = {mmc_blank, MEDIUM},
	[0xa8] = {mmc_read, MEDIUM},
	[0xaa] = {mmc_write, MEDIUM},
	[0xac] = {mmc_get_performance, 0},
	[0xad] = {mmc_read_structure, MEDIUM},
	[0xb6] = {set_streaming, 0},
	[0xb9] = {mmc_read_cd, MEDIUM},
	[0xbb] = {set_cd_speed, 0},
	[0xbd] = {mechanism_status, BUSY_TOO},
	[0xbe] = {mmc_read_cd, MEDIUM},
};

/* What comes before the command itself. */
static int admit(struct mmc *m, const struct command *command)
{
	struct mmc_state *s = m->s;
	uint32_t sense;

	if (!command->run)
		return SENSE_OPCODE;
	if (!(command->flags & ALWAYS) && s->attention) {
		sense = s->attention;
		s->attention = 0;
		return (int)sense;
	}
	if (!(command->flags & BUSY_TOO)) {
		sense = poll_busy(m);
		if (sense)
			return (int)sense;
	}
	if (!(command->flags & MEDIUM))
		return 0;
	if (s->tray_open)
		return SENSE_TRAY_OPEN;
	return s->no_disc ? SENSE_NO_MEDIUM : 0;
}

static void note(struct mmc_state *s, const struct mmc_request *rq,
		 uint32_t sense)
{
	struct mmc_log_entry *entry = &s->log[s->log_n++ % MMC_LOG_LEN];

	memcpy(entry->cdb, rq->cdb, sizeof(entry->cdb));
	entry->len = (uint32_t)rq->len;
	entry->sense = sense;
}

void mmc_command(struct mmc *m, const uint8_t *cdb, size_t cdb_len, void *buf,
		 size_t len, struct mmc_result *res)
{
	const struct command *command = &commands[cdb[0]];
	struct mmc_state *s = m->s;
	uint8_t padded[16] = {0};
	struct mmc_request rq = {.cdb = padded, .buf = buf, .len = len};
	uint32_t sense = 0;

	memset(res, 0, sizeof(*res));
	memcpy(padded, cdb,
	       cdb_len < sizeof(padded) ? cdb_len : sizeof(padded));
	s->count[cdb[0]]++;
	if (!s->gone)
		sense = (uint32_t)mmc_fault_check(m, &rq, res);
	if (s->gone) {
		res->gone = true;
		note(s, &rq, SENSE_INTERNAL);
		return;
	}
	if (!sense)
		sense = (uint32_t)admit(m, command);
	if (!sense)
		sense = (uint32_t)command->run(m, &rq);
	if (s->gone) {
		res->gone = true;
		note(s, &rq, SENSE_INTERNAL);
		return;
	}
	note(s, &rq, sense);
	res->len = rq.done;
	s->last_sense = sense;
	if (sense) {
		res->status = 2;
		fill_sense(s, sense, res->sense);
	}
}
