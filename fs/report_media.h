/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_REPORT_MEDIA_H
#define FS_REPORT_MEDIA_H

/* Drives and media in JSON; the keys are in docs/architecture.md. */

#include <json-c/json.h>

#include "burner/medium_info.h"
#include "common/why.h"

/*
 * report_drives - the optical drives of this machine.  Looks at them.
 * Returns 0 with a reference for the caller, or -errno with @why.
 */
int report_drives(struct json_object **ret, struct why *why);

/* report_info - what is known of the medium @m at @source; a reference for the
 * caller, NULL when out of memory. */
struct json_object *report_info(const char *source,
				const struct medium_info *m);

#endif
