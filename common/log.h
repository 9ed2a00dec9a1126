/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

/*
 * The log of the program: lines "discfs: TEXT" on standard error while in the
 * foreground, syslog (facility daemon) once log_to_syslog was called.  An
 * error is logged once, where it is handled; lower code returns it.
 * All functions may be called from any thread.
 */

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* log_set_level - what is more detailed than @level is dropped (default: warnings and errors are kept). */
void log_set_level(enum log_level level);

/* log_to_syslog - from now on to syslog, for a daemon without a terminal. */
void log_to_syslog(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
