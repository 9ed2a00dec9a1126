/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/busy.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "cli/quote.h"
#include "common/cleanup.h"

bool busy_maps_line_on(const char *line, dev_t dev)
{
	unsigned long major_no, minor_no;
	char *end;

	/* proc(5): address perms offset major:minor inode path */
	for (int i = 0; i < 3; i++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	major_no = strtoul(line, &end, 16);
	if (end == line || *end != ':')
		return false;
	line = end + 1;
	minor_no = strtoul(line, &end, 16);
	return end != line && makedev(major_no, minor_no) == dev;
}

static FILE *open_at(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

static bool link_below(int dir_fd, const char *name, const char *dir)
{
	char path[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, name, path, sizeof path - 1);

	if (n < 0)
		return false;
	path[n] = 0;
	return mountinfo_path_below(path, dir);
}

static bool fdinfo_on(int proc_fd, const char *number, unsigned mount_id)
{
	static const char key[] = "mnt_id:";
	char name[64], line[256];
	bool on = false;
	FILE *f;

	if (snprintf(name, sizeof name, "fdinfo/%s", number) >=
	    (int)sizeof name)
		return false;
	f = open_at(proc_fd, name);
	if (!f)
		return false;
	while (fgets(line, sizeof line, f)) {
		if (!strncmp(line, key, sizeof key - 1)) {
			on = strtoul(line + sizeof key - 1, NULL, 10) ==
			     mount_id;
			break;
		}
	}
	fclose(f);
	return on;
}

/* Whether @fn says so of an open file of the process: @dir_fd is its folder of
 * descriptors, @name one in it. */
static bool has_file(int proc_fd,
		     bool (*fn)(int proc_fd, int dir_fd, const char *name,
				const void *arg),
		     const void *arg)
{
	int fd = openat(proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool found = false;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (e = readdir(d)))
		found = isdigit((unsigned char)e->d_name[0]) &&
			fn(proc_fd, dirfd(d), e->d_name, arg);
	closedir(d);
	return found;
}

static bool is_on_mount(int proc_fd, int dir_fd, const char *name,
			const void *arg)
{
	const struct mountinfo *m = arg;

	(void)dir_fd;
	return fdinfo_on(proc_fd, name, m->id);
}

static bool has_open_file(int proc_fd, const struct mountinfo *m)
{
	return has_file(proc_fd, is_on_mount, m);
}

static bool has_mapping(int proc_fd, const struct mountinfo *m)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f = open_at(proc_fd, "maps");

	if (!f)
		return false;
	while (!found && getline(&line, &size, f) > 0)
		found = busy_maps_line_on(line, m->dev);
	fclose(f);
	return found;
}

/* Paths and mount ids mean another mount in another mount namespace. */
static bool same_namespace(int proc_fd)
{
	char theirs[64] = "", ours[64] = "";

	return readlinkat(proc_fd, "ns/mnt", theirs, sizeof theirs - 1) < 0 ||
	       readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) < 0 ||
	       !strcmp(theirs, ours);
}

static const char *how_busy(int proc_fd, const struct mountinfo *m)
{
	if (!same_namespace(proc_fd))
		return NULL;
	if (link_below(proc_fd, "cwd", m->dir))
		return "has its working folder there";
	if (link_below(proc_fd, "root", m->dir) && strcmp(m->dir, "/") != 0)
		return "has its root folder there";
	if (link_below(proc_fd, "exe", m->dir))
		return "runs a program from there";
	if (has_open_file(proc_fd, m))
		return "has a file open there";
	if (has_mapping(proc_fd, m))
		return "has a file mapped there";
	return NULL;
}

/* The third field of a line of mountinfo: MAJOR:MINOR. */
static bool is_mount_of(const char *line, dev_t dev)
{
	unsigned long major_no, minor_no;
	char *end;

	for (int skip = 0; skip < 2; skip++) {
		line = strchr(line, ' ');
		if (!line)
			return false;
		line++;
	}
	major_no = strtoul(line, &end, 10);
	if (*end != ':')
		return false;
	minor_no = strtoul(end + 1, &end, 10);
	return *end == ' ' && makedev(major_no, minor_no) == dev;
}

static bool has_it_mounted(int proc_fd, dev_t dev)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	bool found = false;
	FILE *f;

	if (same_namespace(proc_fd))
		return false;
	f = open_at(proc_fd, "mountinfo");
	if (!f)
		return false;
	while (!found && getline(&line, &size, f) > 0)
		found = is_mount_of(line, dev);
	fclose(f);
	return found;
}

/* Whether a link of /proc leads to something on @dev.  No file system is asked:
 * it may hang. */
static bool link_on(int dir_fd, const char *name, dev_t dev)
{
	struct statx st;

	return statx(dir_fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		     STATX_TYPE, &st) == 0 &&
	       makedev(st.stx_dev_major, st.stx_dev_minor) == dev;
}

static bool is_on_dev(int proc_fd, int dir_fd, const char *name,
		      const void *arg)
{
	(void)proc_fd;
	return link_on(dir_fd, name, *(const dev_t *)arg);
}

static bool has_file_on(int proc_fd, dev_t dev)
{
	return has_file(proc_fd, is_on_dev, &dev);
}

/* What is detached has no place in any table. */
static const char *how_elsewhere(int proc_fd, const struct mountinfo *m)
{
	if (has_it_mounted(proc_fd, m->dev))
		return "has it in a mount namespace of its own";
	if (link_on(proc_fd, "cwd", m->dev) || link_on(proc_fd, "root", m->dev))
		return "stands in a folder of it";
	if (has_file_on(proc_fd, m->dev))
		return "has a file of it open";
	if (has_mapping(proc_fd, m))
		return "has a file of it mapped";
	return NULL;
}

static void read_name(int proc_fd, char *buf, size_t size)
{
	FILE *f = open_at(proc_fd, "comm");

	snprintf(buf, size, "?");
	if (!f)
		return;
	if (fgets(buf, (int)size, f))
		buf[strcspn(buf, "\n")] = 0;
	fclose(f);
}

static size_t scan(const struct mountinfo *m,
		   const char *(*how)(int proc_fd, const struct mountinfo *m),
		   struct busy_holder *holders, size_t max)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	if (!d)
		return 0;
	while (n < max && (e = readdir(d))) {
		AUTO_FD int fd = -1;
		const char *what;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		fd = openat(dirfd(d), e->d_name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		what = fd < 0 ? NULL : how(fd, m);
		if (!what)
			continue;
		holders[n].pid = (pid_t)strtol(e->d_name, NULL, 10);
		holders[n].what = what;
		read_name(fd, holders[n].name, sizeof holders[n].name);
		n++;
	}
	closedir(d);
	return n;
}

size_t busy_scan(const struct mountinfo *m, struct busy_holder *holders,
		 size_t max)
{
	return scan(m, how_busy, holders, max);
}

size_t busy_elsewhere(const struct mountinfo *m, struct busy_holder *holders,
		      size_t max)
{
	return scan(m, how_elsewhere, holders, max);
}

/*
 * The kernel's answer.  The first umount2 with MNT_EXPIRE only marks the
 * mount; a second one while nobody came by would unmount it.  Walking to the
 * mount takes an old mark away: opening with O_PATH asks the file system
 * nothing.  Returns -errno where the kernel does not tell.
 */
static int kernel_says_busy(const char *dir)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	if (!umount2(dir, MNT_EXPIRE | UMOUNT_NOFOLLOW) || errno == EAGAIN)
		return 0;
	return errno == EBUSY ? 1 : -errno;
}

static bool is_busy(const struct mountinfo *m)
{
	struct busy_holder holder;
	int busy = -EPERM;

	if (geteuid() == 0)
		busy = kernel_says_busy(m->dir);
	return busy < 0 ? busy_scan(m, &holder, 1) > 0 : busy;
}

bool busy_check(const struct mountinfo *m)
{
	static const struct timespec pause = {.tv_nsec = 100000000};

	/* Somebody who only came by (a desktop's indexer) is no reason. */
	for (int i = 0; i < 3; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		if (!is_busy(m))
			return false;
	}
	return true;
}

void busy_text(const struct busy_holder *holders, size_t n, char *buf,
	       size_t size)
{
	size_t len = 0;

	buf[0] = 0;
	for (size_t i = 0; i < n && len < size; i++) {
		AUTO_FREE char *name = quote_name(holders[i].name);

		len += (size_t)snprintf(buf + len, size - len,
					"%s%s (pid %d) %s", i ? ", " : "",
					name ? name : "?", (int)holders[i].pid,
					holders[i].what);
	}
}

/* The first mount that stands on @m. */
static bool find_child(const struct mountinfo *m, char *buf, size_t size)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	struct mountinfo *list = NULL;
	bool found = false;
	size_t n = 0;

	if (!table)
		return false;
	if (mountinfo_load(table, &list, &n) == 0) {
		for (size_t i = 0; !found && i < n; i++) {
			found = list[i].parent == m->id;
			if (found)
				snprintf(buf, size, "%s is mounted there",
					 list[i].dir);
		}
		mountinfo_free(list, n);
	}
	fclose(table);
	return found;
}

void busy_words(const struct mountinfo *m, char *buf, size_t size)
{
	struct busy_holder holders[BUSY_HOLDERS];
	size_t n;

	buf[0] = 0;
	if (find_child(m, buf, size))
		return;
	n = busy_scan(m, holders, BUSY_HOLDERS);
	busy_text(holders, n, buf, size);
}
