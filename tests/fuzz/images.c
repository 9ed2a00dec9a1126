/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damages images at random and looks at them as a mount would, each in a
 * process of its own: it may refuse an image in words, but not crash, hang,
 * take memory without end, or hand out what lies outside of the image.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "burner/disc.h"
#include "burner/import.h"
#include "common/cleanup.h"
#include "fs/volume.h"
#include "tests/fuzz/visitor.h"

/* libisofs forgets a little memory where an import fails: not our leak. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define FORGIVE_LEAKS() __lsan_disable()
#define MEMORY_MAX RLIM_INFINITY
#elif defined __SANITIZE_THREAD__
#define FORGIVE_LEAKS() ((void)0)
#define MEMORY_MAX RLIM_INFINITY
#else
#define FORGIVE_LEAKS() ((void)0)
#define MEMORY_MAX ((rlim_t)4 << 30)
#endif

enum {
	TREES_FIRST = 16, /* blocks: descriptors, then trees, then content */
	CHANGES_MAX = 12,
	REFUSED = 3, /* exit status; 0: taken */
	BROKEN = 4,
};

static const char victim[] = "victim.iso";

static uint64_t random_state;

/* As in Marsaglia's paper on xorshift generators. */
static uint32_t roll(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return below ? (uint32_t)((random_state >> 16) % below) : 0;
}

/* ---- damage ---- */

struct image {
	unsigned char *bytes;
	uint32_t len;
	uint32_t tree_len; /* how far from its start most of the damage is */
};

/* Numbers at which lengths and addresses turn over. */
static uint32_t odd_number(const struct image *i)
{
	static const uint32_t odd[] = {
		0,	    1,		2,	    33,	       34,   254,
		255,	    256,	2047,	    2048,      2049, 0x7fffffff,
		0x80000000, 0xfffff800, 0xfffffffe, 0xffffffff};
	uint32_t blocks = i->len / DISC_BLOCK;

	switch (roll(4)) {
	case 0:
		return blocks - roll(3);
	case 1:
		return roll(blocks);
	default:
		return odd[roll(sizeof odd / sizeof odd[0])];
	}
}

/* ECMA-119 7.3.3: in both byte orders. */
static void put_both(unsigned char *p, uint32_t value)
{
	for (unsigned k = 0; k < 4; k++)
		p[k] = p[7 - k] = (unsigned char)(value >> 8 * k);
}

/* A place that has something in it, and room for @len bytes. */
static uint32_t place(const struct image *i, uint32_t len)
{
	uint32_t from = TREES_FIRST * DISC_BLOCK;
	uint32_t end = roll(8) ? i->tree_len : i->len;
	uint32_t pos = from;

	for (unsigned tries = 0; tries < 50; tries++) {
		pos = from + roll(end - from - len);
		if (i->bytes[pos])
			break;
	}
	return pos;
}

static void change(struct image *i)
{
	uint32_t pos;

	switch (roll(9)) {
	case 0:
	case 1:
		i->bytes[place(i, 1)] ^= (unsigned char)(1 << roll(8));
		break;
	case 2:
		i->bytes[place(i, 1)] = (unsigned char)odd_number(i);
		break;
	case 3:
	case 4: /* a number, where one may begin */
		put_both(i->bytes + place(i, 8), odd_number(i));
		break;
	case 5: /* the same in one order */
		pos = odd_number(i);
		memcpy(i->bytes + place(i, 4), &pos, 4);
		break;
	case 6:
		pos = place(i, 64);
		memset(i->bytes + pos, roll(2) ? 0 : 0xff, 1 + roll(64));
		break;
	case 7: /* a piece of the tree in another place */
		memmove(i->bytes + place(i, 256), i->bytes + place(i, 256),
			1 + roll(256));
		break;
	default: /* a block of it */
		memmove(i->bytes + place(i, 4096) / DISC_BLOCK * DISC_BLOCK,
			i->bytes + place(i, 4096) / DISC_BLOCK * DISC_BLOCK,
			DISC_BLOCK);
		break;
	}
}

static int write_victim(const struct image *from)
{
	AUTO_FREE unsigned char *bytes = malloc(from->len);
	struct image damaged = *from;
	AUTO_FD int fd =
		open(victim, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint32_t n = 1 + roll(CHANGES_MAX);

	if (!bytes || fd < 0)
		return -1;
	memcpy(bytes, from->bytes, from->len);
	damaged.bytes = bytes;
	while (n--)
		change(&damaged);
	if (roll(16) == 0)
		damaged.len = DISC_BLOCK + roll(from->len - DISC_BLOCK);
	return write(fd, bytes, damaged.len) == (ssize_t)damaged.len ? 0 : -1;
}

/* ---- what a mount does with it ---- */

static int look_at_nodes(void)
{
	struct disc_params params = {.path = victim};
	struct import_opts opts = {.session_lba = IMPORT_LAST};
	struct import_info info;
	struct visitor v = {0};
	struct disc *disc;
	struct why why = {""};
	int err = disc_open(&params, &disc, &why);

	if (err < 0)
		return err;
	opts.no_rock_ridge = roll(4) == 0;
	opts.no_joliet = roll(4) == 0;
	err = import_session(disc, &opts, visitor_visit, &v, &info, &why);
	disc_free(disc);
	return v.wrong ? -EBADMSG : err;
}

static int look_at_volume(void)
{
	struct volume_opts opts = {.source = victim,
				   .offline = true,
				   .readonly = true,
				   .no_stage = true,
				   .session_lba = IMPORT_LAST,
				   .uid = -1,
				   .gid = -1,
				   .mode = -1,
				   .dmode = -1,
				   .umask = -1};
	struct json_object *log = NULL;
	struct volume *v;
	struct why why = {""};
	int err = volume_open(&opts, &v, &why);

	if (err < 0)
		return err;
	json_object_put(report_status(v));
	if (report_log(v, &log, &why) == 0)
		json_object_put(log);
	volume_close(v);
	return 0;
}

static int look(unsigned seconds)
{
	struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};
	int err;

	alarm(seconds);
	setrlimit(RLIMIT_AS, &memory);
	FORGIVE_LEAKS();
	err = look_at_nodes();
	if (err == -EBADMSG)
		return BROKEN;
	return look_at_volume() < 0 || err < 0 ? REFUSED : 0;
}

/* ---- rounds ---- */

static int read_image(const char *path, struct image *ret)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 ||
	    st.st_size < 64 * (off_t)DISC_BLOCK || st.st_size > 64 << 20)
		return -1;
	ret->len = (uint32_t)st.st_size;
	ret->bytes = malloc(ret->len);
	if (!ret->bytes || read(fd, ret->bytes, ret->len) != (ssize_t)ret->len)
		return -1;
	/* The images are small ones, with their content behind all trees. */
	ret->tree_len = ret->len / 3 * 2;
	return 0;
}

static int one(const struct image *image, uint64_t seed, unsigned seconds)
{
	int status;
	pid_t pid;

	random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	if (write_victim(image) < 0) {
		perror("images: cannot write the victim");
		return -1;
	}
	pid = fork();
	if (pid == 0)
		_exit(look(seconds));
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("images: cannot start a process");
		return -1;
	}
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == REFUSED))
		return WEXITSTATUS(status) == 0;
	fprintf(stderr, "seed %llu: %s %d\n", (unsigned long long)seed,
		WIFSIGNALED(status) ? "signal" : "exit status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return -1;
}

int main(int argc, char **argv)
{
	unsigned long seconds, slow;
	uint64_t seed, n = 0, taken = 0;
	time_t end;

	if (argc < 5) {
		fprintf(stderr,
			"usage: images SEED SECONDS SLOW IMAGE...\n"
			"SECONDS 0: this seed only, in "
			"%s\n",
			victim);
		return 2;
	}
	seed = strtoull(argv[1], NULL, 10);
	seconds = strtoul(argv[2], NULL, 10);
	slow = strtoul(argv[3], NULL, 10);
	end = time(NULL) + (time_t)seconds;
	do {
		struct image image = {0};
		const char *path = argv[4 + (int)(seed % (uint64_t)(argc - 4))];
		int got = read_image(path, &image);

		if (got == 0)
			got = one(&image, seed, (unsigned)(20 * slow));
		free(image.bytes);
		if (got < 0) {
			fprintf(stderr, "images: seed %llu, of %s\n",
				(unsigned long long)seed, path);
			return 1;
		}
		taken += (uint64_t)got;
		n++;
		seed++;
	} while (time(NULL) < end);
	printf("%llu damaged images, %llu of them taken\n",
	       (unsigned long long)n, (unsigned long long)taken);
	return 0;
}
