/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * discfs mount, and mount.discfs as mount(8) calls it: the arguments, and
 * what can be said of them before a disc is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/ending.h"
#include "cli/exit_code.h"
#include "cli/launch.h"
#include "cli/mountinfo.h"
#include "cli/options.h"
#include "cli/remount.h"
#include "cli/serve.h"
#include "common/cleanup.h"

struct mount_args {
	struct options options;
	struct serve_plan plan;
	bool foreground, fake, sloppy;
	const char *source, *dir;
	const char *namespace;	/* -N, or NULL */
	struct args_list texts; /* each -o, parsed once -s is known */
};

/*
 * The source as the daemon can use it: absolute, links resolved, so that the
 * stage and the lock are of the file itself.  Heap.
 */
static int absolute_source(const char *source, char **ret, struct why *why)
{
	struct stat st;

	*ret = realpath(source, NULL);
	if (*ret) {
		if (!stat(*ret, &st) && S_ISDIR(st.st_mode)) {
			free(STEAL_PTR(*ret));
			return why_set(why, -EISDIR,
				       "the source is a folder, not a drive "
				       "or an image file");
		}
		return 0;
	}
	/* One that is missing may be made, or have changes in a stage. */
	if (errno != ENOENT)
		return why_set(why, -errno, "the source: %s", strerror(errno));
	*ret = mountinfo_canonical(source);
	if (!*ret)
		return why_set(why, -errno, "the source's folder: %s",
			       strerror(errno));
	return 0;
}

/*
 * Whether there is nothing to mount, nor to be made: the file, or its folder, or
 * the drive behind the device's name is missing.  As mount(8) has it for
 * -o nofail; a medium that is missing is found later.
 */
static bool is_missing(const char *source, const struct options *o)
{
	AUTO_FD int fd = -1;

	if (o->volume.create)
		return false;
	fd = open(source, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 && (errno == ENOENT || errno == ENOTDIR ||
			  errno == ENXIO || errno == ENODEV);
}

static int absolute_dir(const char *dir, char **ret, struct why *why)
{
	struct mountinfo m = {0};
	struct stat st;
	int found;

	/* Before anything looks into it: a mount of ours may hang. */
	found = mountinfo_lookup(dir, false, &m, why);
	if (found == 1 && ending_wait_mount(&m)) {
		mountinfo_release(&m);
		found = mountinfo_lookup(dir, false, &m, why);
	}
	if (found < 0)
		return found;
	if (found) {
		why_set(why, -EBUSY,
			"the folder is in use: %s is mounted there", m.source);
		mountinfo_release(&m);
		return -EBUSY;
	}
	*ret = realpath(dir, NULL);
	if (!*ret)
		return why_set(why, -errno, "the folder to mount on: %s",
			       strerror(errno));
	if (!stat(*ret, &st) && S_ISDIR(st.st_mode))
		return 0;
	free(STEAL_PTR(*ret));
	return why_set(why, -ENOTDIR, "it is not a folder to mount on");
}

static int run_mount(const struct command *self, struct mount_args *a)
{
	AUTO_FREE char *source = NULL, *dir = NULL;
	struct options *o = &a->options;
	struct why why = {""};
	int err = 0;

	for (size_t i = 0; !err && i < a->texts.n; i++)
		err = options_parse(o, a->texts.texts[i], a->sloppy, &why);
	if (!err)
		err = options_finish(o, &why);
	if (err) {
		command_fail(&why, err, "%s", self->name);
		return err == -EINVAL ? EXIT_CODE_USAGE : exit_code_of(err);
	}
	if (o->remount)
		return remount(self, a->dir, o, a->fake);
	if (o->nofail && is_missing(a->source, o))
		return EXIT_CODE_OK;
	err = absolute_source(a->source, &source, &why);
	if (!err)
		err = absolute_dir(a->dir, &dir, &why);
	if (err) {
		command_fail(&why, err, "cannot mount %s on %s", a->source,
			     a->dir);
		return exit_code_of(err);
	}
	o->volume.source = o->mount.source = source;
	o->mount.dir = dir;
	a->plan.options = o;
	if (a->fake)
		return serve_try(&a->plan);
	return launch(a->foreground, serve, &a->plan);
}

static int parse_and_run(const struct command *self, int argc, char **argv,
			 struct mount_args *a,
			 const struct args_option *options)
{
	static const char *const needed[] = {
		"SOURCE and DIR are needed",
		"SOURCE and DIR are needed",
		NULL,
	};
	int code;

	if (args_parse(self, argc, argv, options, needed, 0, &code) < 0)
		return code;
	if (a->namespace)
		command_say("%s: -N is passed over: it mounts in the "
			    "namespace of the caller",
			    self->name);
	a->source = argv[0];
	a->dir = argv[1];
	options_init(&a->options);
	code = run_mount(self, a);
	options_release(&a->options);
	return code;
}

static int mount_run(const struct command *self, int argc, char **argv)
{
	struct mount_args a = {0};
	const struct args_option options[] = {
		{"options", 'o', .list = &a.texts},
		{"foreground", 'f', .flag = &a.foreground},
		{"verbose", 'v', .flag = &a.plan.verbose},
		{0},
	};

	return parse_and_run(self, argc, argv, &a, options);
}

static int helper_run(const struct command *self, int argc, char **argv)
{
	struct mount_args a = {0};
	const char *type;
	const struct args_option options[] = {
		{.letter = 'o', .list = &a.texts},
		{.letter = 'f', .flag = &a.fake},
		{.letter = 'v', .flag = &a.plan.verbose},
		{.letter = 's', .flag = &a.sloppy},
		{.letter = 'n', .flag = &a.plan.no_utab},
		{.letter = 'N', .value = &a.namespace},
		{.letter = 't', .value = &type},
		{0},
	};

	return parse_and_run(self, argc, argv, &a, options);
}

#define OPTIONS_HELP                                                          \
	"\n"                                                                  \
	"Mount options (-o), mount.discfs(8) has more of them:\n"             \
	"  ro, rw             read-only; writable where the disc is\n"        \
	"  create             make SOURCE, a blank image, if it is missing\n" \
	"  capacity=SIZE      bytes with K, M, G or T, or cd, dvd, dvd-dl,\n" \
	"                     bd, bd-dl: what the session has to fit in\n"    \
	"  commit=unmount,sync  what burns: the default\n"                    \
	"  commit=manual      only \"discfs commit\" burns\n"                 \
	"  verify=LEVEL       none, quick or full (default): what is read\n"  \
	"                     back after a burn\n"                            \
	"  label=TEXT         volume id of the next session\n"                \
	"  close              let the disc take no further session\n"         \
	"  eject              open the tray after the unmount\n"              \
	"  speed=N            write at most so fast: 8, 4c, 4d, 4b, 5540k\n"  \
	"  stream=on|off      DVD-RAM, BD: full speed, defects unmanaged\n"   \
	"  dummy              burn for a test, with the laser off\n"          \
	"  session=N, sbsector=LBA  an older session, read-only\n"            \
	"  base=N             go on from session N behind damaged ones\n"     \
	"  stage=DIR          where changes wait until they are burned\n"     \
	"  stage-from=ID      take this stage; to a blank disc also a lost\n" \
	"                     one's, as far as it does not need that disc\n"  \
	"  nostage            read-only, an existing stage is not touched\n"  \
	"  norock, nojoliet   do not use these extensions of ISO 9660\n"      \
	"  uid=, gid=, umask=, mode=, dmode=  show files with these\n"        \
	"  allow_other        let other users in (default for root)\n"

const struct command command_mount = {
	.name = "mount",
	.summary = "mount a disc or an image file on a folder",
	.usage = "Usage: discfs mount [-fv] [-o OPTIONS] SOURCE DIR\n"
		 "\n"
		 "Mount SOURCE, a drive or an image file, on the folder DIR.\n"
		 "\n"
		 "  -o, --options=OPTIONS  mount options, see below\n"
		 "  -f, --foreground       stay in front\n"
		 "  -v, --verbose          say what is done\n"
		 "      --help             show this\n" OPTIONS_HELP,
	.usage_code = EXIT_CODE_USAGE,
	.run = mount_run,
};

const struct command helper_mount = {
	.name = "mount.discfs",
	.summary = "mount(8)'s helper",
	.usage = "Usage: mount.discfs SOURCE DIR [-fnsv] [-o OPTIONS]\n"
		 "\n"
		 "What \"mount -t discfs SOURCE DIR\" runs.\n"
		 "\n"
		 "  -o OPTIONS  mount options, see below\n"
		 "  -f          do everything but mount\n"
		 "  -n          do not tell umount(8) of its helper\n"
		 "  -s          pass over options that are not known\n"
		 "  -v          say what is done\n"
		 "  --help      show this\n" OPTIONS_HELP,
	.usage_code = EXIT_CODE_USAGE,
	.run = helper_run,
};
