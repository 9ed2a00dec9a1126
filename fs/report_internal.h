/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_REPORT_INTERNAL_H
#define FS_REPORT_INTERNAL_H

/* For report*.c. */

#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

#include "burner/disc.h"
#include "fs/diff.h"
#include "fs/stage_view.h"

static inline void put(struct json_object *o, const char *key,
		       struct json_object *v)
{
	json_object_object_add(o, key, v);
}

static inline void put_text(struct json_object *o, const char *key,
			    const char *text)
{
	put(o, key, text ? json_object_new_string(text) : NULL);
}

static inline void put_number(struct json_object *o, const char *key,
			      uint64_t n)
{
	put(o, key, json_object_new_uint64(n));
}

static inline void put_bool(struct json_object *o, const char *key, bool b)
{
	put(o, key, json_object_new_boolean(b));
}

/* report_medium - the medium as in report_status (volume.h). */
struct json_object *report_medium(const struct medium *m);

/* report_delta - one of the deltas in report_diff (volume.h); "size" is left
 * out where it is STAGE_VIEW_NO_SIZE. */
struct json_object *report_delta(const struct diff_entry *e);

/* report_pending_counts - put how many @deltas there are, in all and of each
 * kind, into @o. */
void report_pending_counts(struct json_object *o,
			   const struct diff_entry *deltas, uint32_t n);

/* report_session - session number @i + 1 of a disc: {number, lba, blocks,
 * volume_id, date: text|null}. */
struct json_object *report_session(const struct disc_session *s, size_t i);

/* report_date - RFC 3339, in UTC; "" for what is no date. */
void report_date(int64_t seconds, char *buf, size_t size);

#endif
