/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commit_run.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/progress_bar.h"
#include "common/cleanup.h"

struct view {
	struct progress_bar bar;
	bool lines;
	char phase[32]; /* of the last line */
	unsigned tenth;
};

static void show_line(struct view *v, const struct progress *p)
{
	unsigned tenth = 0;

	if (p->blocks_total)
		tenth = (unsigned)((double)p->blocks_done * 10 /
				   (double)p->blocks_total);
	if (!strcmp(v->phase, p->phase) && tenth <= v->tenth)
		return;
	snprintf(v->phase, sizeof v->phase, "%s", p->phase);
	v->tenth = tenth;
	if (p->blocks_total)
		fprintf(stderr, "%s %u%%\n", p->phase, tenth * 10);
	else
		fprintf(stderr, "%s\n", p->phase);
}

static void on_event(void *arg, struct json_object *event)
{
	struct view *v = arg;
	struct progress p = {
		.phase = answer_text(event, "phase"),
		.blocks_done = answer_number(event, "blocks_done"),
		.blocks_total = answer_number(event, "blocks_total"),
		.file = answer_text(event, "file"),
		.bytes_per_second = answer_number(event, "bytes_per_second"),
		.seconds_left = (uint32_t)answer_number(event, "seconds_left"),
	};

	if (strcmp(answer_text(event, "event"), "progress") != 0 || !*p.phase)
		return;
	if (v->lines)
		show_line(v, &p);
	else
		progress_bar_draw(&v->bar, &p);
}

void commit_warn(struct json_object *status)
{
	struct json_object *pending = NULL;
	const char *text = answer_text(status, "burn_warning");

	json_object_object_get_ex(status, "pending", &pending);
	if (*text && answer_number(pending, "deltas") > 0)
		command_say("%s", text);
}

static struct json_object *make_request(bool hold)
{
	struct json_object *request = json_object_new_object();

	if (!request)
		return NULL;
	json_object_object_add(request, "op", json_object_new_string("commit"));
	json_object_object_add(request, "hold", json_object_new_boolean(hold));
	return request;
}

int commit_run(struct client *c, bool hold, bool verbose,
	       struct commit_result *ret, struct why *why)
{
	AUTO_FD int wake = -1;
	struct json_object *request = make_request(hold), *answer;
	struct view view = {0};
	sigset_t set, old;
	int err;

	if (!request)
		return -ENOMEM;
	progress_bar_init(&view.bar, stderr);
	view.lines = verbose && !view.bar.shown;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	wake = signalfd(-1, &set, SFD_CLOEXEC);
	err = client_call(c, request, on_event, &view, wake, &answer, why);
	progress_bar_clear(&view.bar);
	json_object_put(request);
	/* One that ended the waiting has been answered; take it away. */
	if (err == -EINTR) {
		struct signalfd_siginfo info;

		if (read(wake, &info, sizeof info) < 0)
			err = -errno;
		else
			err = -EINTR;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (err)
		return err;
	ret->blocks = answer_number(answer, "blocks");
	ret->text = strdup(answer_text(answer, "text"));
	json_object_put(answer);
	return ret->text ? 0 : -ENOMEM;
}
