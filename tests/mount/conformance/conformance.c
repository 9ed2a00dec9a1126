/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conformance FOLDER GROUP... - run these groups of assertions, each in a
 * folder of its own within FOLDER.  conformance - list the groups but for
 * those that need more: "imported" goes on in the folder of "prepare", "limits"
 * is what discfs does not do.
 *
 * Prints a line for each assertion that fails and one for each group.  Exits
 * with 1 where any failed, and with 2 where they could not be run.
 */
#include "tests/mount/conformance/conformance.h"

#include <err.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>

static const struct group_def {
	const char *name;
	void (*run)(void);
	const char *folder; /* goes on in that one; not listed */
} groups[] = {
	{"paths", test_paths, NULL},
	{"make", test_make, NULL},
	{"open", test_open, NULL},
	{"link", test_link, NULL},
	{"symlink", test_symlink, NULL},
	{"remove", test_remove, NULL},
	{"rename", test_rename, NULL},
	{"sticky", test_sticky, NULL},
	{"permissions", test_permissions, NULL},
	{"chmod", test_chmod, NULL},
	{"chown", test_chown, NULL},
	{"set-id", test_set_id, NULL},
	{"utimens", test_utimens, NULL},
	{"truncate", test_truncate, NULL},
	{"allocate", test_allocate, NULL},
	{"content", test_content, NULL},
	{"sharing", test_sharing, NULL},
	{"maps", test_maps, NULL},
	{"locks", test_locks, NULL},
	{"folders", test_folders, NULL},
	{"xattr", test_xattr, NULL},
	{"acl", test_acl, NULL},
	{"prepare", test_prepare, "prepare"},
	{"imported", test_imported, "prepare"},
	{"limits", test_limits, "limits"},
};
enum { N_GROUPS = sizeof groups / sizeof *groups };

static unsigned long n_done, n_failed;
static char noted[512];

/* ---- assertions ---- */

static void failed(const char *file, int line)
{
	const char *slash = strrchr(file, '/');

	n_failed++;
	printf("%s:%d: %s%s", slash ? slash + 1 : file, line, noted,
	       noted[0] ? ": " : "");
}

static const char *error_name(int error)
{
	const char *name = error ? strerrorname_np(error) : "success";

	return name ? name : "an unknown error";
}

void check_call(const char *file, int line, const char *text, long ret,
		int want)
{
	int got = ret == -1 ? errno : 0;

	n_done++;
	if (ret == -1 && !got)
		got = -1;
	if (got == want)
		return;
	failed(file, line);
	printf("%s: %s, not %s\n", text, error_name(got), error_name(want));
}

void check_equal(const char *file, int line, const char *text, long long want,
		 long long got)
{
	n_done++;
	if (got == want)
		return;
	failed(file, line);
	printf("%s is %lld (0%llo), not %lld (0%llo)\n", text, got,
	       (unsigned long long)got, want, (unsigned long long)want);
}

void check_holds(const char *file, int line, const char *text, bool holds)
{
	n_done++;
	if (holds)
		return;
	failed(file, line);
	printf("not so: %s\n", text);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(noted, sizeof noted, fmt, ap);
	va_end(ap);
}

/* ---- who calls ---- */

void be_root(void)
{
	if (seteuid(0) || setegid(0) || setgroups(0, NULL))
		err(2, "cannot be root again");
}

void be_in(uid_t uid, gid_t gid, size_t n, const gid_t *list)
{
	be_root();
	if (setgroups(n, list) || setegid(gid) || seteuid(uid))
		err(2, "cannot be user %u", uid);
}

void be(uid_t uid, gid_t gid)
{
	be_in(uid, gid, 0, NULL);
}

/* ---- nodes ---- */

/* What assertions rest on: where that fails, they are to fail as well. */
static void prepared(bool ok, const char *what, const char *path)
{
	if (ok)
		return;
	failed("preparation", 0);
	printf("cannot %s %s: %s\n", what, path, error_name(errno));
}

const char *const kind_names[N_KINDS] = {
	"regular", "folder", "fifo", "block", "character", "socket", "link",
};

static int make_socket(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t old = umask(0133);
	int ret;

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
	ret = fd < 0 ? -1
		     : bind(fd, (const struct sockaddr *)&addr, sizeof addr);
	umask(old);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int make_regular(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	return fd < 0 ? -1 : close(fd);
}

void make_node(enum kind kind, const char *path)
{
	int ret = -1;

	switch (kind) {
	case REGULAR:
		ret = make_regular(path);
		break;
	case FOLDER:
		ret = mkdir(path, 0755);
		break;
	case FIFO:
		ret = mkfifo(path, 0644);
		break;
	case BLOCK:
		ret = mknod(path, S_IFBLK | 0644, makedev(1, 2));
		break;
	case CHARACTER:
		ret = mknod(path, S_IFCHR | 0644, makedev(1, 2));
		break;
	case SOCKET:
		ret = make_socket(path);
		break;
	case LINK:
		ret = symlink("nowhere", path);
		break;
	case N_KINDS:
		break;
	}
	prepared(ret == 0, "make", path);
}

void remove_node(const char *path)
{
	struct stat st;

	if (lstat(path, &st) ||
	    (S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path)))
		prepared(false, "remove", path);
}

void make_file(const char *path, size_t len, int byte)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	char *buf = malloc(len + 1);

	if (fd < 0 || !buf)
		err(2, "cannot make %s", path);
	memset(buf, byte, len);
	if (write(fd, buf, len) != (ssize_t)len)
		err(2, "cannot fill %s", path);
	close(fd);
	free(buf);
}

bool file_is(const char *path, size_t len, int byte)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf = malloc(len + 1);
	bool is = fd >= 0 && buf && read(fd, buf, len + 1) == (ssize_t)len;
	size_t i;

	for (i = 0; is && i < len; i++)
		is = buf[i] == (char)byte;
	free(buf);
	if (fd >= 0)
		close(fd);
	return is;
}

struct stat lstat_of(const char *path)
{
	struct stat st = {0};

	prepared(lstat(path, &st) == 0, "look at", path);
	return st;
}

bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* ---- times ---- */

void remember(const char *path, struct stat *ret)
{
	/* File systems take the time from a clock that ticks. */
	static const struct timespec tick = {.tv_nsec = 11 * 1000 * 1000};

	*ret = lstat_of(path);
	nanosleep(&tick, NULL);
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

unsigned moved(const char *path, const struct stat *before)
{
	struct stat st = lstat_of(path);

	return (is_later(&st.st_atim, &before->st_atim) ? ATIME : 0u) |
	       (is_later(&st.st_mtim, &before->st_mtim) ? MTIME : 0u) |
	       (is_later(&st.st_ctim, &before->st_ctim) ? CTIME : 0u);
}

/* ---- groups ---- */

static void run_group(const struct group_def *g, const char *top)
{
	const char *folder = g->folder ? g->folder : g->name;

	n_done = n_failed = 0;
	note("%s", "");
	if (chdir(top) || (mkdir(folder, 0777) && errno != EEXIST) ||
	    chdir(folder))
		err(2, "cannot begin in %s/%s", top, g->name);
	g->run();
	be_root();
	printf("%s: %lu assertions, %lu failed\n", g->name, n_done, n_failed);
}

static const struct group_def *find_group(const char *name)
{
	unsigned i;

	for (i = 0; i < N_GROUPS; i++)
		if (strcmp(groups[i].name, name) == 0)
			return &groups[i];
	errx(2, "no group %s", name);
}

int main(int argc, char **argv)
{
	unsigned long bad = 0;
	char *top;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		for (i = 0; i < N_GROUPS; i++)
			if (!groups[i].folder)
				puts(groups[i].name);
		return 0;
	}
	if (geteuid() != 0)
		errx(2, "only root can be other users");
	umask(0);
	be_root();
	top = realpath(argv[1], NULL);
	if (!top)
		err(2, "%s", argv[1]);
	for (i = 2; i < argc; i++) {
		run_group(find_group(argv[i]), top);
		bad += n_failed;
	}
	free(top);
	return bad ? 1 : 0;
}
