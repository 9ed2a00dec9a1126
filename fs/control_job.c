/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fs/control_job.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

struct job {
	struct volume *v;
	job_run run;
	struct json_object *request;
	int fd;
	int wake_fd;
	struct progress_sink sink;
	atomic_int cancel;
	atomic_bool over;
	pthread_t thread;

	/* The thread's, until it is over. */
	int err;
	struct why why;
	struct json_object *result;
};

static void *job_thread(void *arg)
{
	static const uint64_t one = 1;
	struct job *job = arg;

	job->err = job->run(job->v, job->request, job->fd, &job->sink,
			    &job->result, &job->why);
	atomic_store(&job->over, true);
	if (write(job->wake_fd, &one, sizeof one) < 0)
		log_error("control: cannot wake: %s", strerror(errno));
	return NULL;
}

static void job_free(struct job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	json_object_put(job->request);
	json_object_put(job->result);
	free(job);
}

int job_start(struct volume *v, job_run run, struct json_object *request,
	      int fd, volume_event event, void *arg, int wake_fd,
	      struct job **ret)
{
	struct job *job = calloc(1, sizeof *job);
	sigset_t all, old;
	int err;

	if (!job) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	*job = (struct job){.v = v,
			    .run = run,
			    .request = json_object_get(request),
			    .fd = fd,
			    .wake_fd = wake_fd};
	job->sink = (struct progress_sink){
		.report = event, .arg = arg, .cancel = &job->cancel};
	/* Signals are the mount's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&job->thread, NULL, job_thread, job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		job_free(job);
		return -err;
	}
	*ret = job;
	return 0;
}

bool job_is_over(const struct job *job)
{
	return atomic_load(&job->over);
}

int job_end(struct job *job, struct json_object **ret, struct why *why)
{
	int err;

	atomic_store(&job->cancel, 1);
	pthread_join(job->thread, NULL);
	err = job->err;
	if (err) {
		why_set(why, err, "%s", why_text(&job->why, err));
	} else {
		*ret = job->result;
		job->result = NULL;
	}
	job_free(job);
	return err;
}
