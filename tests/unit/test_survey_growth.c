/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images of growing structures (tests/fuzz/hostile): what an import reads and
 * takes of memory grows with the image and no more, and what libisofs would
 * need minutes for is refused in words.
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burner/block_window.h"
#include "burner/disc_ops.h"
#include "burner/survey.h"
#include "tests/unit/image_tools.h"
#include "tests/unit/run_suite.h"

/* A sanitizer has a memory of its own. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define COUNTS_MEMORY 0
#else
#define COUNTS_MEMORY 1
#endif

enum {
	GROWTH = 4,
	CPU_SECONDS = 60, /* of what takes less than two */
};

/* What an import of an image did. */
struct work {
	int err;
	uint32_t nodes;
	uint64_t image_blocks;
	uint64_t blocks; /* that were read */
	uint64_t memory; /* bytes at most, beyond what there was at first */
	char why[1024];
};

/* A disc that counts what is read of it. */
static struct disc_ops counting;
static const struct disc_ops *counted;
static _Atomic uint64_t blocks_read;

static int read_counting(struct disc *disc, void *buf, size_t len, uint64_t pos)
{
	blocks_read += (len + DISC_BLOCK - 1) / DISC_BLOCK;
	return counted->read(disc, buf, len, pos);
}

static int count_node(void *arg, const struct import_node *node)
{
	struct work *w = arg;

	w->nodes = node->count;
	return 0;
}

static uint64_t memory_max(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_maxrss * 1024;
}

static void import_counting(const char *path, struct work *w)
{
	const struct import_opts opts = {.session_lba = IMPORT_LAST};
	struct disc *disc = tools_open(path, false);
	uint64_t before = memory_max();
	struct import_info info;
	struct why why = {""};

	counted = disc->ops;
	counting = *counted;
	counting.read = read_counting;
	disc->ops = &counting;
	w->image_blocks = disc_readable(disc) / DISC_BLOCK;
	w->err = import_session(disc, &opts, count_node, w, &info, &why);
	w->blocks = blocks_read;
	w->memory = memory_max() - before;
	snprintf(w->why, sizeof w->why, "%s", why.text);
	disc->ops = counted;
	disc_free(disc);
}

/* In a process of its own: its memory is measured, and it may hang. */
static void measure(const char *kind, unsigned n, struct work *ret)
{
	const struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS};
	int pipes[2], status;
	pid_t pid;

	tools_sh("\"$top_srcdir\"/tests/fuzz/hostile %s %u i.iso", kind, n);
	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct work w = {0};

		setrlimit(RLIMIT_CPU, &cpu);
		import_counting("i.iso", &w);
		_exit(write(pipes[1], &w, sizeof w) != sizeof w);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "%s %u: status %x", kind, n, (unsigned)status);
	ck_assert_int_eq(read(pipes[0], ret, sizeof *ret), sizeof *ret);
	close(pipes[0]);
	close(pipes[1]);
}

/*
 * The survey and libisofs read the tree once each, the head a few times; a
 * window may be read for one block.
 */
static uint64_t blocks_allowed(const struct work *w)
{
	return (WINDOW_BLOCKS + 4) * w->image_blocks + 100;
}

static const struct {
	const char *kind;
	unsigned n;
	const char *refused; /* where it is GROWTH times that; NULL: taken */
	unsigned nodes;	     /* 0: as many as n, and the root */
} cases[] = {
	{"plain-files", 2000, NULL, 0},
	{"equal-pairs", 2000, NULL, 0},
	{"equal-names", 500, "too many entries of this name", 0},
	{"equal-long-names", 600, "too many entries of this name", 0},
	{"equal-iso-names", 500, "too many entries of this name", 0},
	{"equal-iso-no-nm", 500, "too many entries of this name", 0},
	{"equal-joliet-names", 500, "too many entries of this name", 0},
	{"names-with-slash", 500, "too many entries of this name", 0},
	{"names-with-nul", 500, "too many entries of this name", 0},
	{"joliet-half-characters", 500, NULL, 0},
	{"names-backwards", 2000, NULL, 0},
	{"names-mixed", 2000, NULL, 0},
	{"mixed-extents", 2000, NULL, 0},
	{"wide-folders", 500, NULL, 0},
	{"relocated", 500, NULL, 0},
	{"deep-folders", 30, "paths are too long and too many", 932},
	{"extents", 2000, NULL, 2},
	{"one-inode", 2000, NULL, 0},
	{"one-inode-other-content", 2000, NULL, 0},
	{"long-link", 480, "the target of a link has more than 1023 bytes", 2},
	{"links-of-parents", 240, "the target of a link has more", 2},
	{"attributes", 500, NULL, 2},
	{"attribute-pieces", 500, NULL, 2},
	{"long-name", 500, "Incomplete Rock Ridge name", 2},
};

START_TEST(work_grows_with_the_image)
{
	const char *kind = cases[_i].kind, *refused = cases[_i].refused;
	unsigned n = cases[_i].n;
	struct work one, four;

	measure(kind, n, &one);
	ck_assert_msg(one.err == 0, "%s %u: %s", kind, n, one.why);
	ck_assert_uint_eq(one.nodes, cases[_i].nodes ? cases[_i].nodes : n + 1);
	measure(kind, n * GROWTH, &four);
	printf("%s: %u, %u nodes: blocks %lu, %lu; read %lu, %lu; memory %lu, "
	       "%lu\n",
	       kind, one.nodes, four.nodes, (unsigned long)one.image_blocks,
	       (unsigned long)four.image_blocks, (unsigned long)one.blocks,
	       (unsigned long)four.blocks, (unsigned long)one.memory,
	       (unsigned long)four.memory);
	if (refused) {
		ck_assert_int_eq(four.err, -EIO);
		ck_assert_msg(strstr(four.why, refused) != NULL, "%s",
			      four.why);
	} else {
		ck_assert_msg(four.err == 0, "%s %u: %s", kind, n * GROWTH,
			      four.why);
	}
	ck_assert_uint_le(one.blocks, blocks_allowed(&one));
	ck_assert_uint_le(four.blocks, blocks_allowed(&four));
	ck_assert_uint_le(four.blocks, one.blocks * (GROWTH + 1) + 100);
	if (COUNTS_MEMORY)
		ck_assert_uint_le(four.memory,
				  one.memory * GROWTH +
					  four.image_blocks * DISC_BLOCK * 8 +
					  (2u << 20));
}
END_TEST

/* Names in no order: libisofs gets the records sorted, and the tree is the same
 * as without libisofs, the places of all content too. */
START_TEST(a_large_folder_is_sorted_for_libisofs)
{
	static const char *const kinds[] = {"mixed-extents", "names-mixed",
					    "names-backwards", "equal-pairs"};
	struct import_opts opts = {.session_lba = IMPORT_LAST};
	struct survey survey;
	struct disc *disc;
	struct tree tree;

	tools_sh("\"$top_srcdir\"/tests/fuzz/hostile %s 6000 i.iso", kinds[_i]);
	disc = tools_open("i.iso", false);
	ck_assert_int_eq(
		survey_session(disc, 0, &opts, NULL, NULL, &survey, NULL), 0);
	ck_assert_uint_eq(survey.views.n, _i < 3);
	folder_views_release(&survey.views);
	disc_free(disc);
	ck_assert_int_eq(tree_load("i.iso", NULL, &tree, NULL), 0);
	ck_assert_uint_eq(tree.n, 6001);
	if (_i < 3)
		tree_names_agree(&tree, "i.iso", NULL);
	tree_release(&tree);
}
END_TEST

START_TEST(a_large_folder_of_others_is_as_it_was)
{
	struct tree tree;

	tools_sh("mkdir s; cd s; for i in $(seq 5000); do n=$((i * 7919 %% "
		 "5000)); x=nn$n$((n * 31))$((n * n)); "
		 "[ $((n %% 3)) -gt 0 ] || x=NN${x#nn}; printf $n >$x; done; "
		 "for i in *7; do ln $i link$i; done; mkdir a Z; ln -s b c; "
		 "cd ..; genisoimage -quiet -R -o i.iso s");
	ck_assert_int_eq(tree_load("i.iso", NULL, &tree, NULL), 0);
	tree_equals_folder(&tree, "i.iso", "s");
	tree_release(&tree);
}
END_TEST

/* One area of all files is read once for each: no more than there is. */
START_TEST(what_is_shared_is_not_read_without_end)
{
	static const char *const kinds[] = {"shared-area", "equal-beyond-255"};
	struct work w;

	measure(kinds[_i], 2000, &w);
	ck_assert_int_eq(w.err, -EIO);
	ck_assert_uint_le(w.blocks, blocks_allowed(&w));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("survey_growth");
	TCase *tcase = tcase_create("survey_growth");

	tcase_add_checked_fixture(tcase, tools_enter, tools_leave);
	tcase_set_timeout(tcase, 2.0 * CPU_SECONDS);
	tcase_add_loop_test(tcase, work_grows_with_the_image, 0,
			    (int)(sizeof cases / sizeof cases[0]));
	tcase_add_loop_test(tcase, a_large_folder_is_sorted_for_libisofs, 0, 4);
	tcase_add_test(tcase, a_large_folder_of_others_is_as_it_was);
	tcase_add_loop_test(tcase, what_is_shared_is_not_read_without_end, 0,
			    2);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
