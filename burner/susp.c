/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/susp.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "burner/volume.h"
#include "common/cleanup.h"

enum {
	/* ECMA-119 9.1 */
	DR_NAME_LEN = 32,
	DR_NAME = 33,
	/* SUSP 5: signature, length, version, then what the entry is made of */
	SUE_LEN = 2,
	SUE_VERSION = 3,
	SUE_DATA = 4,
	AREA_MAX = 1 << 20, /* what libisofs takes for one file */
	AREAS_MAX = 256,    /* of one record */
	/* RRIP 4.1.4: the name of the folder itself, of its parent */
	NM_CURRENT = 1 << 1,
	NM_PARENT = 1 << 2,
	/* RRIP 4.1.3.1 */
	SL_CONTINUE = 1 << 0,
	SL_CURRENT = 1 << 1,
	SL_PARENT = 1 << 2,
	SL_ROOT = 1 << 3,
};

/* A continuation area, SUSP 5.1. */
struct area {
	uint32_t lba, offset, len;
};

static bool is(const unsigned char *e, const char *signature)
{
	return e[0] == (unsigned char)signature[0] &&
	       e[1] == (unsigned char)signature[1];
}

/* RRIP 4.1.3: components of { flags, length, bytes } fill the entry. */
static bool link_is_sound(const unsigned char *e)
{
	size_t pos = SUE_DATA + 1, len = e[SUE_LEN];

	if (len < pos + 2)
		return false;
	while (pos < len) {
		if (len - pos < 2 || len - pos - 2 < e[pos + 1])
			return false;
		pos += 2 + (size_t)e[pos + 1];
	}
	return true;
}

static void take_er(const unsigned char *e, struct susp_facts *facts)
{
	static const char *const names[] = {"RRIP_1991A", "IEEE_P1282",
					    "IEEE_1282"};
	size_t i, len = e[SUE_DATA];

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (len == strlen(names[i]) && !memcmp(e + 8, names[i], len))
			facts->rock_ridge = true;
}

static bool er_is_sound(const unsigned char *e)
{
	/* SUSP 5.5: three lengths, a version, three texts */
	return e[SUE_LEN] >= 8 && e[SUE_LEN] >= 8 + e[4] + e[5] + e[6];
}

/* How long an entry must be at least, so that its fields are in it. */
static const struct {
	const char *signature;
	uint8_t len;
} shortest[] = {
	{"CE", 28}, {"SP", 7}, {"NM", 5}, {"SL", 5}, {"CL", 12},
	{"PL", 12}, {"TF", 5}, {"AA", 6}, {"AL", 6}, {"ER", 8},
};

static bool entry_is_sound(const unsigned char *e)
{
	size_t i;

	for (i = 0; i < sizeof shortest / sizeof shortest[0]; i++)
		if (is(e, shortest[i].signature) &&
		    e[SUE_LEN] < shortest[i].len)
			return false;
	if (is(e, "SL"))
		return link_is_sound(e);
	if (is(e, "ER"))
		return er_is_sound(e);
	return true;
}

/* RRIP 4.1.4: pieces of the name. */
static void take_name(const unsigned char *e, struct susp_facts *facts)
{
	size_t len = (size_t)e[SUE_LEN] - 5, room;

	if (e[4] & (NM_CURRENT | NM_PARENT))
		return;
	room = facts->name_len < SUSP_NAME_MAX ? SUSP_NAME_MAX - facts->name_len
					       : 0;
	if (room)
		memcpy(facts->name + facts->name_len, e + 5,
		       len < room ? len : room);
	/* FNV-1a, so that it is not equal to all that begin like it. */
	for (; room < len; room++)
		facts->name_rest =
			(facts->name_rest ^ e[5 + room]) * UINT32_C(16777619);
	facts->name_len += len;
}

/* RRIP 4.1.3: components of the target, by their flags "." or ".." or "/" or
 * text; a slash between them where the first one does not go on. */
static void take_link(const unsigned char *e, struct susp_facts *facts)
{
	size_t pos;

	for (pos = SUE_DATA + 1; pos < e[SUE_LEN];
	     pos += 2 + (size_t)e[pos + 1]) {
		uint8_t flags = e[pos];

		if (facts->target_len && !facts->target_joins)
			facts->target_len++;
		facts->target_len += flags & SL_PARENT	  ? 2
				     : flags & SL_CURRENT ? 1
							  : e[pos + 1];
		/* The root is nothing, with a slash behind it. */
		if (flags & SL_ROOT && !facts->target_len)
			facts->target_len = 1;
		facts->target_joins =
			flags & SL_CONTINUE ||
			(flags & SL_ROOT && facts->target_len == 1);
	}
}

static void take_entry(const unsigned char *e, bool first,
		       struct susp_facts *facts)
{
	if (e[SUE_VERSION] != 1)
		return;
	if (first && is(e, "SP")) {
		facts->is_susp = e[4] == 0xbe && e[5] == 0xef;
		facts->skip = e[6];
	} else if (is(e, "ER")) {
		take_er(e, facts);
	} else if (is(e, "PX") && (e[SUE_LEN] == 36 || e[SUE_LEN] == 44)) {
		facts->has_mode = true;
		facts->mode = volume_le32(e + SUE_DATA);
	} else if (is(e, "NM")) {
		take_name(e, facts);
	} else if (is(e, "SL")) {
		take_link(e, facts);
	} else if (is(e, "RE")) {
		facts->relocated = true;
	} else if (is(e, "CL")) {
		facts->child_lba = volume_le32(e + SUE_DATA);
	}
}

/* One field or continuation area; the last CE entry in it goes to @ret_next. */
static int check_area(const unsigned char *p, size_t size, bool first,
		      struct susp_facts *facts, struct area *ret_next)
{
	size_t pos = 0;

	while (size - pos >= SUE_DATA && !is(p + pos, "ST")) {
		const unsigned char *e = p + pos;

		if (e[SUE_LEN] < SUE_DATA || e[SUE_LEN] > size - pos ||
		    !entry_is_sound(e))
			return -EIO;
		if (is(e, "CE") && !ret_next->len) {
			ret_next->lba = volume_le32(e + 4);
			ret_next->offset = volume_le32(e + 12);
			ret_next->len = volume_le32(e + 20);
		}
		take_entry(e, first && pos == 0, facts);
		pos += e[SUE_LEN];
	}
	return 0;
}

static int read_area(struct susp_reader *r, const struct area *a,
		     struct why *why)
{
	int err;

	if (a->len > AREA_MAX || a->len > r->area_budget)
		return why_set(why, -EIO,
			       "attributes that are too long, or in a circle");
	r->area_budget -= a->len;
	r->area_bytes += a->len;
	if (!r->area)
		r->area = malloc(AREA_MAX);
	if (!r->area)
		return -ENOMEM;
	err = disc_read(r->disc, r->area, a->len,
			(uint64_t)a->lba * DISC_BLOCK + a->offset);
	if (err < 0)
		return why_set(why, err,
			       "cannot read block %lu, which holds "
			       "attributes",
			       (unsigned long)a->lba + a->offset / DISC_BLOCK);
	if (r->sum)
		sum128_add(r->sum, r->area, a->len);
	return 0;
}

/* The System Use field behind name and padding (ECMA-119 9.1.13). */
static const unsigned char *field(const unsigned char *record, size_t *ret_size)
{
	size_t start = DR_NAME + (size_t)record[DR_NAME_LEN];

	if (record[DR_NAME_LEN] % 2 == 0)
		start++;
	*ret_size = record[0] > start ? record[0] - start : 0;
	return record + start;
}

bool susp_begins(const unsigned char *record)
{
	size_t size;
	const unsigned char *p = field(record, &size);

	return size >= 7 && is(p, "SP") && p[SUE_LEN] >= 7;
}

int susp_check(struct susp_reader *r, const unsigned char *record,
	       struct susp_facts *ret, struct why *why)
{
	size_t size;
	const unsigned char *p = field(record, &size);
	struct area next = {0};
	int n, err;

	/* Without the name's bytes: there are millions of records. */
	memset(ret, 0, offsetof(struct susp_facts, name));
	if (r->skip < size)
		err = check_area(p + r->skip, size - r->skip, true, ret, &next);
	else
		err = 0;
	for (n = 0; err == 0 && next.len; n++) {
		struct area a = next;

		if (n == AREAS_MAX)
			return why_set(why, -EIO, "attributes in a circle");
		err = read_area(r, &a, why);
		if (err < 0)
			return err;
		next.len = 0;
		err = check_area(r->area, a.len, false, ret, &next);
	}
	if (err < 0)
		return why_set(why, err, "malformed Rock Ridge attributes");
	return 0;
}

void susp_reader_release(struct susp_reader *r)
{
	free(r->area);
	r->area = NULL;
}
