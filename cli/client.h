/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

/*
 * The other end of a mount's control socket (fs/control.h): JSON lines in
 * both directions, one request at a time.
 */

#include <stdint.h>
#include <json-c/json.h>
#include <sys/types.h>

#include "common/why.h"

struct client;

/*
 * client_connect - to the socket at @path, which must be served by @owner or
 * by root: another user's process is not believed.
 * Returns 0; -ENOENT or -ECONNREFUSED (nobody serves it), -EACCES, -EPERM.
 */
int client_connect(const char *path, uid_t owner, struct client **ret,
		   struct why *why);
void client_free(struct client *c);

/* client_peer - the process that serves, 0 where it cannot be seen from here. */
pid_t client_peer(const struct client *c);

/*
 * client_call - send @request (which stays the caller's) and wait for its
 * last answer, handing every event before it to @event (may be NULL).
 * @wake_fd: when it becomes readable the waiting ends with -EINTR, and the
 * connection is of no more use; -1 for none.
 * A process that does not answer for some seconds is told of on standard error;
 * one that is stopped ends the call without @wake_fd: -ETIMEDOUT.
 * Returns 0 with the answer in *@ret (a reference for the caller, who may
 * pass NULL), the -errno that the answer carries with its line in @why,
 * -EPIPE when the other end is gone, -EPROTO for what is no answer.
 */
typedef void (*client_event)(void *arg, struct json_object *event);
int client_call(struct client *c, struct json_object *request,
		client_event event, void *arg, int wake_fd,
		struct json_object **ret, struct why *why);

/* client_pass - the next request takes a copy of @fd along. */
void client_pass(struct client *c, int fd);

/* client_call_op - client_call for a request that is only {"op": @op}. */
int client_call_op(struct client *c, const char *op, struct json_object **ret,
		   struct why *why);

/*
 * client_wait_gone - until the process at the other end has ended.
 * Returns 0, -ETIMEDOUT after @timeout_ms.
 */
int client_wait_gone(struct client *c, int timeout_ms);

/* answer_text, answer_number - the value of @key in @object, or "" and 0 where
 * it is not there or of another type. */
const char *answer_text(struct json_object *object, const char *key);
uint64_t answer_number(struct json_object *object, const char *key);

#endif
