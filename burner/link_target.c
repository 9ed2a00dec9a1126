/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/link_target.h"

#include <stddef.h>
#include <string.h>

enum {
	TARGET_MAX = 1023,
	COMPONENT_MAX = 255,
	FIELD_MAX = 255,		    /* bytes of an SL field, SUSP 5 */
	FIELD_HEAD = 5,			    /* RRIP 4.1.3 */
	RECORD_HEAD = 2,		    /* RRIP 4.1.3.1 */
	WHOLE_MAX = FIELD_MAX - FIELD_HEAD, /* a record that no field divides */
};

/* Bytes that the component takes in its record: "." and ".." are flags. */
static size_t record_bytes(const char *component, size_t len)
{
	if ((len == 1 && component[0] == '.') ||
	    (len == 2 && component[0] == '.' && component[1] == '.'))
		len = 0;
	return RECORD_HEAD + len;
}

/*
 * Fills fields with components as libisofs does.  One that is too long for a
 * field of its own begins in what the last one has left, if the rest then
 * fits the next; else libisofs 1.5.4 writes all that follows it as well.
 */
static bool fits(const char *target)
{
	size_t used = FIELD_HEAD, len, record;
	const char *p;

	if (strlen(target) > TARGET_MAX)
		return false;
	for (p = target; *p; p += len + (p[len] == '/')) {
		len = strcspn(p, "/");
		if (len > COMPONENT_MAX)
			return false;
		record = record_bytes(p, len);
		if (used + record <= FIELD_MAX) {
			used += record;
		} else if (record <= WHOLE_MAX) {
			used = FIELD_HEAD + record;
		} else if (used + record <=
			   FIELD_MAX - RECORD_HEAD + WHOLE_MAX) {
			used = FIELD_HEAD + record -
			       (FIELD_MAX - RECORD_HEAD - used);
		} else if (p[len]) {
			return false;
		}
	}
	return true;
}

const char *link_target_for_others(const char *target)
{
	return fits(target) ? target : LINK_TARGET_STAND_IN;
}

bool link_target_needs_attr(const char *target)
{
	size_t len = strlen(target);

	return (len > 1 && target[len - 1] == '/') || !fits(target);
}

bool link_target_is_for(const char *read, const char *target)
{
	const char *written = link_target_for_others(target);
	size_t len = strlen(written), n = strlen(read);

	/* Without the slash at the end, which libisofs drops. */
	return strncmp(read, written, n) == 0 &&
	       (n == len || (n + 1 == len && written[n] == '/'));
}
