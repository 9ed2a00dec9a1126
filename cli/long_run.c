/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/long_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/cleanup.h"

static void show_line(struct long_run *r, const struct progress *p)
{
	unsigned tenth = 0;

	if (p->blocks_total)
		tenth = (unsigned)((double)p->blocks_done * 10 /
				   (double)p->blocks_total);
	if (!strcmp(r->phase, p->phase) && tenth <= r->tenth)
		return;
	snprintf(r->phase, sizeof r->phase, "%s", p->phase);
	r->tenth = tenth;
	if (p->blocks_total)
		fprintf(stderr, "%s %u%%\n", p->phase, tenth * 10);
	else
		fprintf(stderr, "%s\n", p->phase);
}

static void show(void *arg, const struct progress *p)
{
	struct long_run *r = arg;

	/* What is waited for may take any time: it is said in any case. */
	if (p->waits_for && *p->waits_for && !r->bar.shown)
		command_say("waiting for %s to end", p->waits_for);
	else if (r->lines)
		show_line(r, p);
	else
		progress_bar_draw(&r->bar, p);
}

static void show_event(void *arg, struct json_object *event)
{
	struct progress p = {
		.phase = answer_text(event, "phase"),
		.blocks_done = answer_number(event, "blocks_done"),
		.blocks_total = answer_number(event, "blocks_total"),
		.file = answer_text(event, "file"),
		.waits_for = answer_text(event, "waits_for"),
		.bytes_per_second = answer_number(event, "bytes_per_second"),
		.seconds_left = (uint32_t)answer_number(event, "seconds_left"),
	};

	if (strcmp(answer_text(event, "event"), "progress") == 0 && *p.phase)
		show(arg, &p);
}

static void init(struct long_run *r, bool verbose)
{
	*r = (struct long_run){.sink = {.report = show}};
	progress_bar_init(&r->bar, stderr);
	r->lines = verbose && !r->bar.shown;
}

static void end_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
}

int long_run_call(struct client *c, struct json_object *request, bool verbose,
		  struct json_object **ret, struct why *why)
{
	AUTO_FD int wake = -1;
	struct long_run r;
	sigset_t set, old;
	int err;

	init(&r, verbose);
	end_signals(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	wake = signalfd(-1, &set, SFD_CLOEXEC);
	err = client_call(c, request, show_event, &r, wake, ret, why);
	progress_bar_clear(&r.bar);
	/* One that ended the waiting has been answered; take it away. */
	if (err == -EINTR) {
		struct signalfd_siginfo info;

		if (read(wake, &info, sizeof info) < 0)
			err = -errno;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

int long_run_report(struct client *c, struct json_object *request,
		    struct json_object **ret, struct why *why)
{
	struct json_object *answer, *report;
	int err = long_run_call(c, request, false, &answer, why);

	if (err == -EINTR)
		return why_set(why, err, "interrupted");
	if (err)
		return err;
	if (json_object_object_get_ex(answer, "report", &report))
		*ret = json_object_get(report);
	else
		err = why_set(why, -EPROTO, "the mount gave no report");
	json_object_put(answer);
	return err;
}

/* ---- work of this process ---- */

static atomic_int cancelled;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&cancelled, 1);
}

void long_run_begin(struct long_run *r, bool verbose)
{
	struct sigaction act = {.sa_handler = on_signal};

	init(r, verbose);
	r->sink.arg = r;
	r->sink.cancel = &cancelled;
	atomic_store(&cancelled, 0);
	sigaction(SIGINT, &act, &r->old_int);
	sigaction(SIGTERM, &act, &r->old_term);
	sigaction(SIGHUP, &act, &r->old_hup);
}

void long_run_end(struct long_run *r)
{
	progress_bar_clear(&r->bar);
	sigaction(SIGINT, &r->old_int, NULL);
	sigaction(SIGTERM, &r->old_term, NULL);
	sigaction(SIGHUP, &r->old_hup, NULL);
}
