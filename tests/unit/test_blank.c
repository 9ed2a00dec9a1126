/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is taken for blank, and what is read for it. */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "burner/blank.h"
#include "burner/disc_ops.h"
#include "burner/erase.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

static const struct blank_rest none;

/* As blank_file, of a file that was never looked at. */
static int look(const char *path, const struct blank_rest *rest,
		uint64_t *ret_pos)
{
	struct blank_memory memory = {0};
	int fd = open(path, O_RDONLY), ret;

	ck_assert_int_ge(fd, 0);
	ret = blank_file(fd, rest, &memory, ret_pos);
	close(fd);
	return ret;
}

START_TEST(zeros_in_a_file)
{
	uint64_t pos = 0;

	tools_sh(": >empty; truncate -s 1 one; truncate -s 5G hole; "
		 "head -c 3000001 /dev/zero >zeros; fallocate -l 2M reserved");
	ck_assert_int_eq(look("empty", &none, &pos), 1);
	ck_assert_int_eq(look("one", &none, &pos), 1);
	ck_assert_int_eq(look("hole", &none, &pos), 1);
	ck_assert_int_eq(look("zeros", &none, &pos), 1);
	ck_assert_int_eq(look("reserved", &none, &pos), 1);
}
END_TEST

START_TEST(a_byte_anywhere)
{
	static const uint64_t places[] = {
		0, 65535, 65536, 1048575, 1048576, 307200, 4294967296 + 17,
	};

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		uint64_t pos = 0;

		tools_sh("rm -f f; truncate -s 5G f");
		tools_patch("f", places[i], "x", 1);
		ck_assert_int_eq(look("f", &none, &pos), 0);
		ck_assert_uint_eq(pos, places[i]);
	}
	tools_sh("truncate -s 70000 g; printf x >>g");
	ck_assert_int_eq(look("g", &none, &(uint64_t){0}), 0);
}
END_TEST

START_TEST(what_a_burn_left_does_not_count)
{
	const struct blank_rest rest = {32, 100};
	uint64_t pos = 0, from = 32 * DISC_BLOCK, to = 132 * DISC_BLOCK;

	tools_sh("truncate -s 10M f");
	tools_patch("f", from, "x", 1);
	tools_patch("f", to - 1, "x", 1);
	ck_assert_int_eq(look("f", &rest, &pos), 1);
	ck_assert_int_eq(look("f", &none, &pos), 0);
	ck_assert_uint_eq(pos, from);
	tools_patch("f", to, "x", 1);
	ck_assert_int_eq(look("f", &rest, &pos), 0);
	ck_assert_uint_eq(pos, to);
	tools_patch("f", from - 1, "x", 1);
	ck_assert_int_eq(look("f", &rest, &pos), 0);
	ck_assert_uint_eq(pos, from - 1);
}
END_TEST

START_TEST(a_write_is_found_out)
{
	struct blank_memory memory = {0};
	uint64_t pos = 0;
	int fd;

	tools_sh("head -c 2M /dev/zero >f; touch -d '1 hour ago' f; sleep 5");
	fd = open("f", O_RDWR);
	ck_assert_int_eq(blank_file(fd, &none, &memory, &pos), 1);
	ck_assert(memory.known);
	ck_assert_int_eq(blank_file(fd, &none, &memory, &pos), 1);
	ck_assert_int_eq(pwrite(fd, "x", 1, 1000000), 1);
	ck_assert_int_eq(blank_file(fd, &none, &memory, &pos), 0);
	ck_assert_uint_eq(pos, 1000000);
	ck_assert(!memory.known);
	/* Written to just now: by the clock's next tick nobody would know. */
	ck_assert_int_eq(pwrite(fd, "\0", 1, 1000000), 1);
	ck_assert_int_eq(blank_file(fd, &none, &memory, &pos), 1);
	ck_assert(!memory.known);
	close(fd);
}
END_TEST

/* Bytes that this process has read. */
static unsigned long long bytes_read(void)
{
	unsigned long long n = 0;
	FILE *f = fopen("/proc/self/io", "re");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "rchar: %llu", &n), 1);
	fclose(f);
	return n;
}

/* What is in the page cache must not lead on and on into what is only
 * reserved. */
START_TEST(reserved_is_not_read)
{
	static char head[65536];
	unsigned long long before;
	struct statfs fs;
	uint64_t pos = 0;
	int fd;

	/* There it would be memory. */
	ck_assert_int_eq(statfs(".", &fs), 0);
	if (fs.f_type == TMPFS_MAGIC)
		return;
	tools_sh("fallocate -l 1G f");
	fd = open("f", O_RDONLY);
	/* A file system that writes zeros has data there. */
	if (lseek(fd, 0, SEEK_DATA) >= 0) {
		close(fd);
		return;
	}
	ck_assert_int_eq(pread(fd, head, sizeof head, 0), sizeof head);
	close(fd);
	before = bytes_read();
	ck_assert_int_eq(look("f", &none, &pos), 1);
	ck_assert_uint_lt(bytes_read() - before, 64 << 20);
}
END_TEST

START_TEST(erased_and_as_long_as_before)
{
	int fd;

	tools_sh("head -c 1M /dev/urandom >f; cp f g");
	fd = open("f", O_RDWR);
	ck_assert_int_eq(erase_file(fd, 65536, 200001), 0);
	close(fd);
	tools_sh("cmp -n 65536 f g && cmp -i 65536:0 -n 134465 f /dev/zero && "
		 "cmp -i 200001 f g && [ $(stat -c %%s f) = 1048576 ]");
}
END_TEST

/* ---- media ---- */

START_TEST(places_of_all_sizes)
{
	static const uint64_t sizes[] = {
		1,	  31,	    32,	      33,	  512,	  2047,
		2048,	  2049,	    4096,     60000,	  360000, 2295104,
		12219392, 24438784, 62500864, UINT32_MAX,
	};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct blank_place p[BLANK_PLACES_MAX];
		size_t n = blank_places(sizes[i], p);
		uint64_t sum = 0;

		ck_assert_uint_ge(n, 1);
		ck_assert_uint_eq(p[0].lba, 0);
		ck_assert_uint_eq(p[n - 1].lba + p[n - 1].blocks, sizes[i]);
		for (size_t k = 0; k < n; k++) {
			ck_assert_uint_eq(p[k].lba % BLANK_PLACE_BLOCKS, 0);
			ck_assert_uint_gt(p[k].blocks, 0);
			if (k + 1 < n) {
				ck_assert_uint_eq(
					p[k].blocks % BLANK_PLACE_BLOCKS, 0);
				ck_assert_uint_lt(p[k].lba + p[k].blocks,
						  p[k + 1].lba);
			}
			sum += p[k].blocks;
		}
		/* Seconds at most. */
		ck_assert_uint_le(sum * DISC_BLOCK, 8 << 20);
	}
	ck_assert_uint_eq(blank_places(0, (struct blank_place[64]){{0}}), 0);
}
END_TEST

/* A medium of zeros but for one block, of which some cannot be read. */
struct zero_disc {
	struct disc disc;
	uint64_t blocks, written, bad_from;
	unsigned reads, failed;
};

static int read_zeros(struct disc *disc, void *buf, size_t len, uint64_t pos)
{
	struct zero_disc *z = (struct zero_disc *)disc;
	uint64_t lba = pos / DISC_BLOCK, end = lba + len / DISC_BLOCK;

	ck_assert_uint_le(end, z->blocks);
	z->reads++;
	if (end > z->bad_from) {
		z->failed++;
		return -EIO;
	}
	memset(buf, 0, len);
	if (z->written >= lba && z->written < end)
		((char *)buf)[(z->written - lba) * DISC_BLOCK + 5] = 1;
	return 0;
}

static uint64_t zeros_readable(struct disc *disc)
{
	return ((struct zero_disc *)disc)->blocks * DISC_BLOCK;
}

static const struct disc_ops zero_ops = {.read = read_zeros,
					 .readable = zeros_readable};

START_TEST(something_where_it_is_looked_at)
{
	enum { BLOCKS = 2295104 }; /* DVD+RW */
	static const uint64_t seen[] = {
		31,	    32,
		48,	    166,
		256,	    2047,
		4096,	    8192,
		1 << 20,    BLOCKS / 16 * 7 / 32 * 32,
		BLOCKS - 1, BLOCKS - 257,
	};
	struct zero_disc z = {.disc = {.ops = &zero_ops, .fd = -1},
			      .blocks = BLOCKS,
			      .written = UINT64_MAX,
			      .bad_from = UINT64_MAX};
	uint64_t pos = 0, lbas[ERASE_PARTS_MAX];

	ck_assert_int_eq(blank_medium(&z.disc, &none, &pos), 1);
	ck_assert_uint_lt(z.reads, 128);
	for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
		z.written = seen[i];
		ck_assert_int_eq(blank_medium(&z.disc, &none, &pos), 0);
		ck_assert_uint_eq(pos, seen[i] * DISC_BLOCK + 5);
		ck_assert_uint_eq(erase_list(&z.disc, 0, UINT64_MAX, lbas), 1);
		ck_assert_uint_eq(lbas[0], seen[i] / 32 * 32);
		ck_assert_uint_eq(
			erase_list(&z.disc, seen[i] + 32, 5000000, lbas), 0);
	}
	z.written = 100;
	ck_assert_int_eq(
		blank_medium(&z.disc, &(struct blank_rest){32, 1000}, &pos), 1);
}
END_TEST

START_TEST(what_was_never_written_cannot_be_read)
{
	struct zero_disc z = {.disc = {.ops = &zero_ops, .fd = -1},
			      .blocks = 2295104,
			      .written = UINT64_MAX,
			      .bad_from = 64};
	uint64_t pos = 0;

	ck_assert_int_eq(blank_medium(&z.disc, &none, &pos), 1);
	ck_assert_uint_le(z.failed, 3);
	z.written = 40;
	ck_assert_int_eq(blank_medium(&z.disc, &none, &pos), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("blank");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, tools_enter, tools_leave);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, zeros_in_a_file);
	tcase_add_test(tc, a_byte_anywhere);
	tcase_add_test(tc, what_a_burn_left_does_not_count);
	tcase_add_test(tc, a_write_is_found_out);
	tcase_add_test(tc, reserved_is_not_read);
	tcase_add_test(tc, erased_and_as_long_as_before);
	suite_add_tcase(s, tc);
	tc = tcase_create("media");
	tcase_add_test(tc, places_of_all_sizes);
	tcase_add_test(tc, something_where_it_is_looked_at);
	tcase_add_test(tc, what_was_never_written_cannot_be_read);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
