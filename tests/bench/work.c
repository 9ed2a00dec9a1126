/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * work WHAT ... - the loads of the benchmark that no common program makes
 * without measuring itself:
 *
 *   create DIR N FOLDERS        N empty files in FOLDERS folders
 *   remove DIR N FOLDERS        the same files and folders again
 *   write FILE MIB KIB [fsync]  in writes of KIB, in order, into a new file
 *   rewrite FILE MIB N          N writes of 4 KiB at random places
 *   read FILE KIB               in order, to its end
 *   reads FILE N JOBS           N reads of 4 KiB at random, each of JOBS threads
 *   each DIR FILE N             N times: lookup, create, rename and a write of
 *                               4 KiB (FILE); the microseconds of each kind
 *   warm MIB                    takes so much memory, and gives it back
 *   run COMMAND...              seconds and peak memory (KiB) of the command
 *
 * All but "run" and "each" print nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, BUF = 1 << 20 };

static void fail(const char *what)
{
	fprintf(stderr, "work: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long number(const char *s)
{
	return strtoul(s, NULL, 10);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The same places in each run. */
static uint64_t next_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15ULL;
	uint64_t z = *state;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	return z ^ (z >> 31);
}

static int open_or_fail(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		fail(path);
	return fd;
}

static void empty_files(const char *dir, unsigned long n, unsigned long folders,
			int remove_them)
{
	char path[4096];

	for (unsigned long i = 0; !remove_them && i < folders; i++) {
		snprintf(path, sizeof path, "%s/%lu", dir, i);
		if (mkdir(path, 0755))
			fail(path);
	}
	for (unsigned long i = 0; i < n; i++) {
		/* Folder by folder, as programs do. */
		snprintf(path, sizeof path, "%s/%lu/file-%lu", dir,
			 i / ((n + folders - 1) / folders), i);
		if (remove_them) {
			if (unlink(path))
				fail(path);
		} else {
			close(open_or_fail(path, O_CREAT | O_EXCL | O_WRONLY));
		}
	}
	for (unsigned long i = 0; remove_them && i < folders; i++) {
		snprintf(path, sizeof path, "%s/%lu", dir, i);
		if (rmdir(path))
			fail(path);
	}
}

static char *buffer(void)
{
	char *buf = malloc(BUF);
	uint64_t state = 1;

	if (!buf)
		fail("memory");
	for (size_t i = 0; i < BUF; i += sizeof state) {
		next_random(&state);
		memcpy(buf + i, &state, sizeof state);
	}
	return buf;
}

static void write_file(const char *path, unsigned long mib, unsigned long kib,
		       int sync)
{
	size_t size = kib << 10, left = mib << 20;
	int fd = open_or_fail(path, O_CREAT | O_TRUNC | O_WRONLY);
	char *buf = buffer();

	if (!size || size > BUF)
		fail("size");
	for (; left >= size; left -= size)
		if (write(fd, buf, size) != (ssize_t)size)
			fail(path);
	if (sync && fsync(fd))
		fail(path);
	close(fd);
	free(buf);
}

static void rewrite(const char *path, unsigned long mib, unsigned long n)
{
	int fd = open_or_fail(path, O_WRONLY);
	char *buf = buffer();
	uint64_t state = 7;

	while (n--) {
		uint64_t page = next_random(&state) % (mib << 20) / PAGE;

		if (pwrite(fd, buf, PAGE, (off_t)(page * PAGE)) != PAGE)
			fail(path);
	}
	close(fd);
	free(buf);
}

static void read_file(const char *path, unsigned long kib)
{
	int fd = open_or_fail(path, O_RDONLY);
	char *buf = buffer();
	ssize_t n;

	while ((n = read(fd, buf, kib << 10)) > 0)
		;
	if (n < 0)
		fail(path);
	close(fd);
	free(buf);
}

struct job {
	pthread_t thread;
	const char *path;
	unsigned long n;
	uint64_t seed;
};

static void *run_reads(void *arg)
{
	struct job *job = arg;
	int fd = open_or_fail(job->path, O_RDONLY);
	struct stat st;
	char buf[PAGE];

	if (fstat(fd, &st) || st.st_size < PAGE)
		fail(job->path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	while (job->n--) {
		uint64_t page =
			next_random(&job->seed) % ((uint64_t)st.st_size / PAGE);

		if (pread(fd, buf, PAGE, (off_t)(page * PAGE)) != PAGE)
			fail(job->path);
	}
	close(fd);
	return NULL;
}

static void random_reads(const char *path, unsigned long n, unsigned long jobs)
{
	struct job *v = calloc(jobs, sizeof *v);

	if (!v)
		fail("memory");
	for (unsigned long i = 0; i < jobs; i++) {
		v[i] = (struct job){.path = path, .n = n, .seed = i + 1};
		if (pthread_create(&v[i].thread, NULL, run_reads, &v[i]))
			fail("thread");
	}
	for (unsigned long i = 0; i < jobs; i++)
		pthread_join(v[i].thread, NULL);
	free(v);
}

static void each(const char *dir, const char *file, unsigned long n)
{
	double t[5], per = 1e6 / (double)n;
	char path[4096], to[4096];
	struct stat st;

	t[0] = now();
	for (unsigned long i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/absent-%lu", dir, i);
		if (stat(path, &st) == 0)
			fail(path);
	}
	t[1] = now();
	for (unsigned long i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/new-%lu", dir, i);
		close(open_or_fail(path, O_CREAT | O_EXCL | O_WRONLY));
	}
	t[2] = now();
	for (unsigned long i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/new-%lu", dir, i);
		snprintf(to, sizeof to, "%s/moved-%lu", dir, i);
		if (rename(path, to))
			fail(path);
	}
	t[3] = now();
	write_file(file, n * PAGE >> 20, PAGE >> 10, 0);
	t[4] = now();
	printf("%.2f %.2f %.2f %.2f\n", (t[1] - t[0]) * per,
	       (t[2] - t[1]) * per, (t[3] - t[2]) * per, (t[4] - t[3]) * per);
}

/* Of a virtual machine: what it gave back to its host is there again. */
static void warm(unsigned long mib)
{
	void *p = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		fail("memory");
	munmap(p, mib << 20);
}

static int run(char **argv)
{
	double start = now();
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		/* What it says is not wanted here. */
		if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &usage) < 0)
		fail("wait");
	printf("%.6f %ld\n", now() - start, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "create") && argc == 5)
		empty_files(argv[2], number(argv[3]), number(argv[4]), 0);
	else if (!strcmp(what, "remove") && argc == 5)
		empty_files(argv[2], number(argv[3]), number(argv[4]), 1);
	else if (!strcmp(what, "write") && argc >= 5)
		write_file(argv[2], number(argv[3]), number(argv[4]), argc > 5);
	else if (!strcmp(what, "rewrite") && argc == 5)
		rewrite(argv[2], number(argv[3]), number(argv[4]));
	else if (!strcmp(what, "read") && argc == 4)
		read_file(argv[2], number(argv[3]));
	else if (!strcmp(what, "reads") && argc == 5)
		random_reads(argv[2], number(argv[3]), number(argv[4]));
	else if (!strcmp(what, "each") && argc == 5)
		each(argv[2], argv[3], number(argv[4]));
	else if (!strcmp(what, "warm") && argc == 3)
		warm(number(argv[2]));
	else if (!strcmp(what, "run") && argc > 2)
		return run(argv + 2);
	else
		return 2;
	return 0;
}
