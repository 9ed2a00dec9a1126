/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

static atomic_int max_level = LOG_LEVEL_WARNING;
static atomic_bool use_syslog;

void log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

void log_to_syslog(void)
{
	openlog("discfs", LOG_PID, LOG_DAEMON);
	atomic_store(&use_syslog, true);
}

__attribute__((format(printf, 2, 0))) static void
log_put(enum log_level level, const char *fmt, va_list ap)
{
	static const int priority[] = {LOG_ERR, LOG_WARNING, LOG_INFO,
				       LOG_DEBUG};
	char line[1024];

	if ((int)level > atomic_load(&max_level))
		return;
	vsnprintf(line, sizeof line, fmt, ap);
	if (atomic_load(&use_syslog))
		syslog(priority[level], "%s", line);
	else
		fprintf(stderr, "discfs: %s\n", line);
}

#define LOG_FUNCTION(name, level)                                             \
	void name(const char *fmt, ...)                                       \
	{                                                                     \
		va_list ap;                                                   \
                                                                              \
		va_start(ap, fmt);                                            \
		log_put(level, fmt, ap);                                      \
		va_end(ap);                                                   \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
