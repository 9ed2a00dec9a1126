/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/remount.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "cli/exit_code.h"
#include "cli/show.h"
#include "cli/target.h"

/* Whether @list has the option of @len bytes. */
static bool has(struct json_object *list, const char *option, size_t len)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *s = json_object_get_string(
			json_object_array_get_idx(list, i));

		if (s && strlen(s) == len && !memcmp(s, option, len))
			return true;
	}
	return false;
}

/* mount(8) hands back what fstab has: what is so already is not worth a word.
 */
static void say_what_stays(const struct command *self, struct target *t,
			   const char *of_disc)
{
	struct json_object *status = NULL, *list = NULL;
	const char *next;

	if (t->client && !target_status(t, &status, NULL) &&
	    json_object_object_get_ex(status, "options", &list) &&
	    !json_object_is_type(list, json_type_array))
		list = NULL;
	for (const char *s = of_disc; s && *s; s = next) {
		size_t len = strcspn(s, "\n");

		next = s + len + 1;
		if (!list || !has(list, s, len))
			command_say("%s: -o %.*s stays as it is until the next "
				    "mount",
				    self->name, (int)strcspn(s, "=\n"), s);
	}
	json_object_put(status);
}

/* A kernel that lets changes through to a mount of ours that is read-only would
 * only make them fail later. */
static int check_writable(struct target *t, struct why *why)
{
	struct json_object *status = NULL;
	int err = target_status(t, &status, why);

	if (!err && show_is_true(status, "readonly"))
		err = why_set(why, -EROFS,
			      "it was mounted read-only (%s); unmount and "
			      "mount again",
			      answer_text(status, "readonly_reason"));
	json_object_put(status);
	return err;
}

static unsigned long flags_of(const struct mount_opts *m)
{
	return MS_REMOUNT | (m->readonly ? MS_RDONLY : 0) |
	       (m->nosuid ? MS_NOSUID : 0) | (m->nodev ? MS_NODEV : 0) |
	       (m->noexec ? MS_NOEXEC : 0) |
	       (m->noatime ? MS_NOATIME : MS_RELATIME);
}

static int change(struct target *t, const struct mount_opts *m, struct why *why)
{
	if (mount(NULL, t->mount.dir, NULL, flags_of(m), NULL) == 0)
		return 0;
	return why_set(why, -errno, "%s",
		       errno == EBUSY ? "a file in it is open for writing"
		       : errno == EPERM
			       ? "only root can remount; unmount and mount "
				 "again"
			       : strerror(errno));
}

int remount(const struct command *self, const char *dir,
	    const struct options *o, bool fake)
{
	struct target t = {0};
	struct why why = {""};
	int err = target_open_mount(&t, dir, false, &why);

	/* Also where its process does not answer: nobody can write then. */
	if (err == -ENOTCONN && o->mount.readonly)
		err = 0;
	else if (!err && !o->mount.readonly)
		err = check_writable(&t, &why);
	if (!err && !fake)
		err = change(&t, &o->mount, &why);
	if (err)
		command_fail(&why, err, "cannot remount %s", dir);
	else
		say_what_stays(self, &t, o->of_disc);
	target_close(&t);
	return err ? exit_code_of(err) : EXIT_CODE_OK;
}
