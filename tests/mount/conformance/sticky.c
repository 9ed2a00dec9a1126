/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folders with the sticky bit: only the owner of the entry, of the folder, or
 * root removes, renames or replaces.
 */
#include "tests/mount/conformance/conformance.h"

static const uid_t owners[] = {ALICE, BOB, 0};
enum { N_OWNERS = 3 };

static void fresh(enum kind kind, const char *path, uid_t owner)
{
	make_node(kind, path);
	if (lchown(path, owner, owner))
		abort();
}

/* ALICE removes a node of @node's in a sticky folder of @dir's. */
static void removing(enum kind kind, uid_t dir, uid_t node)
{
	bool may = dir == ALICE || node == ALICE;

	note("%s of %u in a folder of %u", kind_names[kind], node, dir);
	WORKS(chown("s", dir, dir));
	fresh(kind, "s/n", node);
	be(ALICE, ALICE);
	if (may)
		WORKS(kind == FOLDER ? rmdir("s/n") : unlink("s/n"));
	else
		FAILS(EPERM, kind == FOLDER ? rmdir("s/n") : unlink("s/n"));
	be_root();
	EQUAL(!may, is_there("s/n"));
	if (is_there("s/n"))
		remove_node("s/n");
}

/* ALICE moves it out, and back. */
static void moving(enum kind kind, uid_t dir, uid_t node)
{
	bool may = dir == ALICE || node == ALICE;

	note("%s of %u out of a folder of %u", kind_names[kind], node, dir);
	WORKS(chown("s", dir, dir));
	fresh(kind, "s/n", node);
	be(ALICE, ALICE);
	if (!may) {
		FAILS(EPERM, rename("s/n", "s/m"));
		FAILS(EPERM, rename("s/n", "o/m"));
		be_root();
		remove_node("s/n");
		return;
	}
	WORKS(rename("s/n", "s/m"));
	/* A folder's ".." is to be changed, for which one needs its w. */
	if (kind == FOLDER && node != ALICE) {
		FAILS(EACCES, rename("s/m", "o/m"));
		be_root();
		remove_node("s/m");
		return;
	}
	WORKS(rename("s/m", "o/m"));
	WORKS(rename("o/m", "s/n"));
	be_root();
	EQUAL(node, lstat_of("s/n").st_uid);
	remove_node("s/n");
}

/* ALICE replaces it by one of her own. */
static void replacing(enum kind from, enum kind to, uid_t dir, uid_t node)
{
	bool may = dir == ALICE || node == ALICE;
	ino_t ino;

	note("%s over a %s of %u in a folder of %u", kind_names[from],
	     kind_names[to], node, dir);
	WORKS(chown("s", dir, dir));
	fresh(from, "o/n", ALICE);
	fresh(to, "s/n", node);
	ino = lstat_of("o/n").st_ino;
	be(ALICE, ALICE);
	if (may)
		WORKS(rename("o/n", "s/n"));
	else
		FAILS(EPERM, rename("o/n", "s/n"));
	be_root();
	EQUAL(may, lstat_of("s/n").st_ino == ino);
	remove_node("s/n");
	if (!may)
		remove_node("o/n");
}

void test_sticky(void)
{
	unsigned k, to, d, n;

	make_node(FOLDER, "s");
	make_node(FOLDER, "o");
	WORKS(chmod("s", 01777));
	WORKS(chown("o", ALICE, ALICE));
	EQUAL(01777, MODE("s"));
	for (d = 0; d < N_OWNERS; d++)
		for (n = 0; n < N_OWNERS; n++)
			for (k = 0; k < N_KINDS; k++) {
				removing(k, owners[d], owners[n]);
				moving(k, owners[d], owners[n]);
				for (to = 0; to < N_KINDS; to++)
					if ((k == FOLDER) == (to == FOLDER))
						replacing(k, to, owners[d],
							  owners[n]);
			}
}
