/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File handles, name_to_handle_at(2), for handles.sh.
 *
 *   handle keep PATH FILE      put the handle of PATH into FILE
 *   handle open DIR FILE...    open each handle in the mount of DIR; a line
 *                              each: "ok", its path as the kernel has it
 *                              and its content or number of entries; or the
 *                              error
 *   handle held PATH FILE      open PATH, remove it, and do "open" while it is
 *                              open, in the mount of its folder
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

union handle {
	struct file_handle h;
	char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static int keep(const char *path, const char *file)
{
	union handle h = {.h.handle_bytes = MAX_HANDLE_SZ};
	FILE *f = fopen(file, "w");
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, path, &h.h, &mount_id, 0))
		die(path);
	if (!f || fwrite(&h, sizeof h, 1, f) != 1 || fclose(f))
		die(file);
	return 0;
}

static void show(int fd)
{
	char name[64], path[4096] = "", text[64] = "";
	struct stat st;
	int n = 0;

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	if (readlink(name, path, sizeof path - 1) < 0 || fstat(fd, &st))
		die(name);
	if (S_ISDIR(st.st_mode)) {
		DIR *d = fdopendir(dup(fd));

		while (d && readdir(d))
			n++;
		closedir(d);
		snprintf(text, sizeof text, "%d entries", n - 2);
	} else if (S_ISREG(st.st_mode)) {
		if (read(fd, text, sizeof text - 1) < 0)
			die("read");
		text[strcspn(text, "\n")] = 0;
	} else if (S_ISLNK(st.st_mode)) {
		if (readlinkat(fd, "", text, sizeof text - 1) < 0)
			die("readlinkat");
	}
	printf("ok %s %s\n", path, text);
}

static int open_it(const char *dir, const char *file)
{
	int mount_fd = open(dir, O_RDONLY | O_DIRECTORY), fd;
	FILE *f = fopen(file, "r");
	union handle h;

	if (mount_fd < 0 || !f || fread(&h, sizeof h, 1, f) != 1)
		die(file);
	fclose(f);
	fd = open_by_handle_at(mount_fd, &h.h, O_RDONLY | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP) /* a symbolic link */
		fd = open_by_handle_at(mount_fd, &h.h, O_PATH | O_NOFOLLOW);
	if (fd < 0) {
		puts(strerrorname_np(errno));
	} else {
		show(fd);
		close(fd);
	}
	close(mount_fd);
	return fd < 0;
}

static int held(char *path, const char *file)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || unlink(path))
		die(path);
	return open_it(dirname(path), file);
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc == 4 && strcmp(argv[1], "keep") == 0)
		return keep(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "held") == 0)
		return held(argv[2], argv[3]);
	if (argc < 4 || strcmp(argv[1], "open") != 0)
		return 2;
	for (int i = 3; i < argc; i++)
		status |= open_it(argv[2], argv[i]);
	return status;
}
