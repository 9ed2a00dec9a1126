/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/commit_run.h"

#include <errno.h>
#include <string.h>

#include "cli/command.h"
#include "cli/long_run.h"

void commit_warn(struct json_object *status)
{
	struct json_object *pending = NULL;
	const char *const texts[] = {answer_text(status, "burn_warning"),
				     answer_text(status, "clock_warning")};

	json_object_object_get_ex(status, "pending", &pending);
	if (answer_number(pending, "deltas") == 0)
		return;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (*texts[i])
			command_say("%s", texts[i]);
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
	struct json_object *request = make_request(hold), *answer;
	int err;

	if (!request)
		return -ENOMEM;
	err = long_run_call(c, request, verbose, &answer, why);
	json_object_put(request);
	if (err)
		return err;
	ret->blocks = answer_number(answer, "blocks");
	ret->text = strdup(answer_text(answer, "text"));
	json_object_put(answer);
	return ret->text ? 0 : -ENOMEM;
}
