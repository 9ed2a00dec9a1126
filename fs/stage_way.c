/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "fs/stage_way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "fs/stage.h"

enum { SHORT_ID = 8 };

/* ---- commands ---- */

/* As a shell takes it.  Heap, or NULL. */
static char *quoted(const char *text)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_@%+=:,./-";
	char *ret, *p;

	if (*text && text[strspn(text, safe)] == 0)
		return strdup(text);
	/* Each ' becomes '\'' */
	ret = p = malloc(4 * strlen(text) + 3);
	if (!ret)
		return NULL;
	*p++ = '\'';
	for (; *text; text++)
		if (*text == '\'')
			p = stpcpy(p, "'\\''");
		else
			*p++ = *text;
	*p++ = '\'';
	*p = 0;
	return ret;
}

/* Whether it goes without saying. */
static bool is_usual(const char *root)
{
	AUTO_FREE char *usual = stage_root(NULL, NULL);
	AUTO_FREE char *real = usual ? realpath(usual, NULL) : NULL;

	return (usual && strcmp(usual, root) == 0) ||
	       (real && strcmp(real, root) == 0);
}

const char *stage_way(struct stage_way *way, const char *root, const char *verb,
		      const char *id)
{
	AUTO_FREE char *folder = is_usual(root) ? NULL : quoted(root);

	snprintf(way->text, sizeof way->text, "discfs stage %s%s%s %.*s%s",
		 verb, folder ? " --stage " : "", folder ? folder : "",
		 SHORT_ID, id, strcmp(verb, "export") == 0 ? " DIR" : "");
	return way->text;
}

const char *stage_way_mount(struct stage_way *way, const char *root,
			    const char *option, const char *id,
			    const char *source)
{
	AUTO_FREE char *name = quoted(source), *list = NULL, *options = NULL;
	/* A comma ends an option that is not quoted. */
	const char *mark = strchr(root, ',') ? "\"" : "";
	bool usual = is_usual(root);
	int n;

	n = asprintf(&list, "%s%s%s%s%s%s%s%.*s",
		     usual ? "" : "stage=", usual ? "" : mark,
		     usual ? "" : root, usual ? "" : mark, usual ? "" : ",",
		     option, id ? "=" : "", SHORT_ID, id ? id : "");
	if (n < 0)
		list = NULL;
	options = list ? quoted(list) : NULL;
	snprintf(way->text, sizeof way->text, "discfs mount -o %s %s DIR",
		 options ? options : option, name ? name : "SOURCE");
	return way->text;
}

/* ---- what is typed ---- */

struct match {
	const char *prefix;
	char *id; /* the first one, heap */
	unsigned n;
	char list[200]; /* of all, as far as it goes */
};

static int compare(void *arg, const char *id)
{
	struct match *m = arg;
	size_t len = strlen(m->list);

	if (strncmp(id, m->prefix, strlen(m->prefix)) != 0)
		return 0;
	snprintf(m->list + len, sizeof m->list - len, "%s%s", len ? ", " : "",
		 id);
	if (m->n++)
		return 0;
	m->id = strdup(id);
	return m->id ? 0 : -ENOMEM;
}

int stage_resolve(const char *root, const char *given, char **ret_id,
		  struct why *why)
{
	struct match m = {.prefix = given};
	int err;

	if (!*given || given[strspn(given, "0123456789abcdef-")])
		return why_set(why, -EINVAL, "\"%.60s\" is no stage's name",
			       given);
	err = stage_each(root, compare, &m, why);
	if (!err && m.n > 1)
		err = why_set(why, -EINVAL,
			      "%u stages have names that begin with \"%s\": %s",
			      m.n, given, m.list);
	else if (!err && m.n == 0)
		err = why_set(why, -ENOENT, "there is no stage %s in %s", given,
			      root);
	if (err) {
		free(m.id);
		return err;
	}
	*ret_id = m.id;
	return 0;
}
