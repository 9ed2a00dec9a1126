/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_CONTROL_JOB_H
#define FS_CONTROL_JOB_H

/*
 * A long work that one client asked for, in a thread of its own: unlike a
 * commit it is that client's alone, and ends when it goes.
 */

#include <stdbool.h>
#include <json-c/json.h>

#include "common/progress.h"
#include "common/why.h"
#include "fs/volume.h"

struct job;

/* What is done: @request is the client's; *@ret is the report. */
typedef int (*job_run)(struct volume *v, struct json_object *request, int fd,
		       const struct progress_sink *sink,
		       struct json_object **ret, struct why *why);

/*
 * job_start - begin.  @event is called from the job's thread, until job_end has
 * returned; @wake_fd (an eventfd) is written to when the work is over.  @fd (or
 * -1), a descriptor that the client passed, becomes the job's, with a failure
 * too.  0 or -errno.
 */
int job_start(struct volume *v, job_run run, struct json_object *request,
	      int fd, volume_event event, void *arg, int wake_fd,
	      struct job **ret);
bool job_is_over(const struct job *job);
/*
 * job_end - wait for the end of the work, which is cancelled where it is not
 * over, and free it.  Returns what it returned, with *@ret or @why.
 */
int job_end(struct job *job, struct json_object **ret, struct why *why);

#endif
