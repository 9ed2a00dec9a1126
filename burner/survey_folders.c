/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/survey_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 1024, /* libisofs recurses */
	PATH_SHOWN = 256, /* bytes of a path in a message: its end */
	UNSORTED_CHEAPER = 16,
};

/* The folder's path, with a slash at its end; its start may be cut off. */
static size_t put_path(const struct walk *w, const struct folder *f,
		       char buf[PATH_SHOWN])
{
	size_t pos = PATH_SHOWN;

	buf[--pos] = '/';
	for (; f->depth; f = &w->queue[f->parent]) {
		const char *name = w->text + f->name;
		size_t len = strlen(name);

		if (len + 1 > pos)
			break;
		pos -= len;
		memcpy(buf + pos, name, len);
		buf[--pos] = '/';
	}
	memmove(buf, buf + pos, PATH_SHOWN - pos);
	return PATH_SHOWN - pos;
}

int survey_bad_entry(struct walk *w, const struct folder *in, const char *name,
		     size_t len, const char *what)
{
	char path[PATH_SHOWN];
	size_t n = put_path(w, in, path);

	return why_set(w->why, -EIO, "%s is damaged: %.*s%.*s: %s",
		       disc_path(w->disc), (int)n, path,
		       (int)strnlen(name, len), name, what);
}

static int keep_name(struct walk *w, const char *name, size_t len, size_t *ret)
{
	len = strnlen(name, len);
	if (w->text_room - w->text_len < len + 1) {
		size_t room = 2 * w->text_room + 2 * SAME_NAME_MAX;
		char *text = realloc(w->text, room);

		if (!text)
			return -ENOMEM;
		w->text = text;
		w->text_room = room;
	}
	*ret = w->text_len;
	memcpy(w->text + w->text_len, name, len);
	w->text[w->text_len + len] = '\0';
	w->text_len += len + 1;
	return 0;
}

static int append(struct walk *w, const struct folder *f)
{
	if (w->n == w->room) {
		size_t room = w->room ? 2 * w->room : 256;
		struct folder *queue = realloc(w->queue, room * sizeof *queue);

		if (!queue)
			return -ENOMEM;
		w->queue = queue;
		w->room = room;
	}
	w->queue[w->n++] = *f;
	return 0;
}

int survey_enqueue(struct walk *w, uint32_t lba, const struct folder *in,
		   uint32_t id, const char *name, size_t len, uint64_t from_lba)
{
	struct folder f = {.lba = lba, .id = id};
	int err;

	len = strnlen(name, len);
	if (in) {
		f.depth = in->depth + 1;
		f.parent = in->index;
		f.path_bytes = in->path_bytes + 1 + (uint32_t)len;
		f.path_cost = in->path_cost + f.path_bytes;
	}
	f.index = (uint32_t)w->n;
	if (f.depth > DEPTH_MAX)
		return survey_bad(w, from_lba, "folders are nested too deeply");
	err = lba_set_add(&w->seen, lba);
	if (err == -EEXIST)
		return survey_bad(w, from_lba, "a folder stands in two places");
	if (err == 0)
		err = keep_name(w, name, len, &f.name);
	return err < 0 ? err : append(w, &f);
}

int survey_charge_path(struct walk *w, const struct folder *in, size_t len)
{
	uint64_t cost = in->path_cost + in->path_bytes + 1 + len;

	if (cost > w->path_bytes)
		return survey_bad_entry(w, in, "", 0,
					"paths are too long and too many");
	w->path_bytes -= cost;
	return 0;
}

int survey_charge_names(struct walk *w, const struct folder *in)
{
	const char *name;
	size_t len;
	int err = same_names_count(&w->same, &w->name_steps, &name, &len);

	if (err == -E2BIG)
		return survey_bad_entry(w, in, name, len,
					"too many entries of this name");
	return err;
}

int survey_charge_unsorted(struct walk *w, const struct folder *in)
{
	/* Half the list for each entry, half of which are there on average;
	 * and more patience than with names, for this may be nobody's fault. */
	uint64_t n = w->same.n, steps = n * n / 4 / UNSORTED_CHEAPER;

	if (steps > w->name_steps)
		return survey_bad_entry(w, in, "", 0,
					"too many entries in no order");
	w->name_steps -= steps;
	return 0;
}
