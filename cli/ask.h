/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_ASK_H
#define CLI_ASK_H

/* A question before something is lost. */

#include <stdbool.h>

#include "common/why.h"

/*
 * ask_can - whether there is somebody to ask: standard input and standard
 * error are a terminal.
 */
bool ask_can(void);

/*
 * ask - put "@question [y/N] " on the terminal.  Returns 0 for yes, or
 * -ECANCELED with @why.
 */
int ask(struct why *why, const char *question, ...)
	__attribute__((format(printf, 2, 3)));

#endif
