/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the fuzzer's own function over files, each one once: the corpus in
 * "make check", and what a fuzzer found.
 */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/fuzz/sparse_image.h"

/* libisofs forgets a little memory where an import fails: not our leak. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define FORGIVE_LEAKS() __lsan_disable()
#else
#define FORGIVE_LEAKS() ((void)0)
#endif

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns the length, or -1. */
static ssize_t read_input(const char *path, uint8_t *buf)
{
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f)
		return -1;
	len = fread(buf, 1, INPUT_MAX, f);
	fclose(f);
	return (ssize_t)len;
}

int main(int argc, char **argv)
{
	AUTO_FREE uint8_t *buf = malloc(INPUT_MAX);
	const char *slow = getenv("TEST_SLOW");
	unsigned seconds = 20 * (unsigned)(slow ? atoi(slow) : 1);
	int first = 1, i;
	uint8_t flags;
	ssize_t len;

	if (argc > 3 && !strcmp(argv[1], "-o"))
		first = 3;
	if (argc <= first || !buf) {
		fprintf(stderr, "usage: replay FILE...\n"
				"       replay -o IMAGE FILE  what it is\n");
		return 2;
	}
	FORGIVE_LEAKS();
	for (i = first; i < argc; i++) {
		len = read_input(argv[i], buf);
		if (len < 0 ||
		    (first == 3 && sparse_image_write(buf, (size_t)len, argv[2],
						      &flags) < 0)) {
			perror(argv[i]);
			return 1;
		}
		/* Named before it crashes, or hangs. */
		fprintf(stderr, "%s\n", argv[i]);
		alarm(seconds);
		if (first == 1)
			LLVMFuzzerTestOneInput(buf, (size_t)len);
	}
	return 0;
}
