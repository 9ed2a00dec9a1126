/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_JSON_TEXT_H
#define CLI_JSON_TEXT_H

#include <json-c/json.h>

/*
 * json_text_mend - make what @value holds text that JSON allows (RFC 8259, 8.1):
 * where a member KEY is not UTF-8, as a path may be, its bytes go to KEY_base64,
 * and KEY gets U+FFFD for those that are of no character.
 */
void json_text_mend(struct json_object *value);

#endif
