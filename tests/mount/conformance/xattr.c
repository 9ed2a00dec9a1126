/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes, and access control lists.
 */
#include "tests/mount/conformance/conformance.h"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static void values(void)
{
	static const size_t sizes[] = {0, 1, 100, 1000, 3000};
	char value[4096], got[4096];
	struct stat before;
	unsigned i;

	note("%s", "values");
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		memset(value, 'a' + (int)i, sizeof value);
		WORKS(setxattr("f", "user.v", value, sizes[i], 0));
		EQUAL(sizes[i], getxattr("f", "user.v", NULL, 0));
		EQUAL(sizes[i], getxattr("f", "user.v", got, sizeof got));
		HOLDS(memcmp(got, value, sizes[i]) == 0);
		if (sizes[i] > 1)
			FAILS(ERANGE, getxattr("f", "user.v", got, 1));
	}
	note("%s", "flags");
	FAILS(EEXIST, setxattr("f", "user.v", "x", 1, XATTR_CREATE));
	FAILS(ENODATA, setxattr("f", "user.w", "x", 1, XATTR_REPLACE));
	FAILS(EINVAL, setxattr("f", "user.w", "x", 1, 64));
	WORKS(setxattr("f", "user.w", "x", 1, XATTR_CREATE));
	WORKS(setxattr("f", "user.v", "y", 1, XATTR_REPLACE));
	EQUAL(14, listxattr("f", NULL, 0));
	EQUAL(14, listxattr("f", got, sizeof got));
	FAILS(ERANGE, listxattr("f", got, 8));
	note("%s", "times");
	remember("f", &before);
	WORKS(setxattr("f", "user.w", "z", 1, 0));
	EQUAL(CTIME, moved("f", &before));
	remember("f", &before);
	WORKS(removexattr("f", "user.w"));
	EQUAL(CTIME, moved("f", &before));
	remember("f", &before);
	FAILS(ENODATA, removexattr("f", "user.w"));
	FAILS(ENODATA, getxattr("f", "user.w", got, sizeof got));
	EQUAL(0, moved("f", &before));
	WORKS(removexattr("f", "user.v"));
	EQUAL(0, listxattr("f", NULL, 0));
}

static void names(void)
{
	char name[300], big[65537] = {0};

	note("%s", "names");
	memcpy(name, "user.", 5);
	memset(name + 5, 'n', 250);
	name[255] = '\0';
	WORKS(setxattr("f", name, "v", 1, 0));
	WORKS(removexattr("f", name));
	name[255] = 'n';
	name[256] = '\0';
	FAILS(ERANGE, setxattr("f", name, "v", 1, 0));
	FAILS(ERANGE, setxattr("f", "", "v", 1, 0));
	FAILS(EOPNOTSUPP, setxattr("f", "nonsense", "v", 1, 0));
	FAILS(EOPNOTSUPP, setxattr("f", "nonsense.a", "v", 1, 0));
	FAILS(EOPNOTSUPP, getxattr("f", "nonsense.a", NULL, 0));
	FAILS(EINVAL, setxattr("f", "user.", "v", 1, 0));
	FAILS(E2BIG, setxattr("f", "user.big", big, sizeof big, 0));
}

static void kinds(void)
{
	unsigned k;

	for (k = 0; k < N_KINDS; k++) {
		note("%s", kind_names[k]);
		make_node(k, "n");
		WORKS(lsetxattr("n", "trusted.t", "v", 1, 0));
		EQUAL(1, lgetxattr("n", "trusted.t", NULL, 0));
		WORKS(lsetxattr("n", "security.s", "v", 1, 0));
		EQUAL(1, lgetxattr("n", "security.s", NULL, 0));
		if (k == REGULAR || k == FOLDER)
			WORKS(lsetxattr("n", "user.u", "v", 1, 0));
		else
			FAILS(EPERM, lsetxattr("n", "user.u", "v", 1, 0));
		remove_node("n");
	}
}

static void rights(void)
{
	note("%s", "rights");
	WORKS(chmod("f", 0644));
	WORKS(chown("f", ALICE, ALICE));
	WORKS(setxattr("f", "trusted.t", "v", 1, 0));
	be(ALICE, ALICE);
	WORKS(setxattr("f", "user.u", "v", 1, 0));
	FAILS(EPERM, setxattr("f", "trusted.t", "w", 1, 0));
	FAILS(ENODATA, getxattr("f", "trusted.t", NULL, 0));
	EQUAL(strlen("user.u") + 1, listxattr("f", NULL, 0));
	FAILS(EPERM, setxattr("f", "security.s", "w", 1, 0));
	be(BOB, BOB);
	FAILS(EACCES, setxattr("f", "user.u", "w", 1, 0));
	FAILS(EACCES, removexattr("f", "user.u"));
	EQUAL(1, getxattr("f", "user.u", NULL, 0));
	be_root();
	WORKS(chmod("f", 0600));
	be(BOB, BOB);
	FAILS(EACCES, getxattr("f", "user.u", NULL, 0));
	be_root();
	note("%s", "sticky folder");
	make_node(FOLDER, "s");
	WORKS(chmod("s", 01777));
	be(BOB, BOB);
	FAILS(EPERM, setxattr("s", "user.u", "w", 1, 0));
	be_root();
	remove_node("s");
}

void test_xattr(void)
{
	make_file("f", 0, 0);
	values();
	names();
	kinds();
	rights();
}

/* ---- access control lists ---- */

static const char access_name[] = "system.posix_acl_access";
static const char default_name[] = "system.posix_acl_default";

enum { MAX_ENTRIES = 8 };

struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry e[MAX_ENTRIES];
	size_t n;
};

static void entry(struct acl *a, unsigned tag, unsigned perm, uint32_t id)
{
	a->head.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	a->e[a->n++] = (struct posix_acl_xattr_entry){
		htole16((uint16_t)tag), htole16((uint16_t)perm), htole32(id)};
}

static int set_acl(const char *path, const char *name, const struct acl *a)
{
	struct acl copy = *a;

	return setxattr(path, name, &copy,
			sizeof copy.head + a->n * sizeof copy.e[0], 0);
}

/* What entry @tag, @id of @path's list says; -1: there is none. */
static int perm_of(const char *path, const char *name, unsigned tag,
		   uint32_t id)
{
	struct acl a = {.n = 0};
	ssize_t len = getxattr(path, name, &a, sizeof a.head + sizeof a.e);
	size_t i;

	if (len < (ssize_t)sizeof a.head)
		return -1;
	a.n = ((size_t)len - sizeof a.head) / sizeof a.e[0];
	for (i = 0; i < a.n; i++)
		if (le16toh(a.e[i].e_tag) == tag && le32toh(a.e[i].e_id) == id)
			return le16toh(a.e[i].e_perm);
	return -1;
}

#define NO_ID ((uint32_t)ACL_UNDEFINED_ID)

/* user: @u, BOB: @bob, group: @g, mask: @m, other: @o. */
static struct acl list(unsigned u, unsigned bob, unsigned g, unsigned m,
		       unsigned o)
{
	struct acl a = {.n = 0};

	entry(&a, ACL_USER_OBJ, u, NO_ID);
	entry(&a, ACL_USER, bob, BOB);
	entry(&a, ACL_GROUP_OBJ, g, NO_ID);
	entry(&a, ACL_MASK, m, NO_ID);
	entry(&a, ACL_OTHER, o, NO_ID);
	return a;
}

static struct acl minimal(unsigned u, unsigned g, unsigned o)
{
	struct acl a = {.n = 0};

	entry(&a, ACL_USER_OBJ, u, NO_ID);
	entry(&a, ACL_GROUP_OBJ, g, NO_ID);
	entry(&a, ACL_OTHER, o, NO_ID);
	return a;
}

static bool can(uid_t uid, const char *path, int flags)
{
	int fd;

	be(uid, uid);
	fd = open(path, flags | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	be_root();
	return fd >= 0;
}

static void enforced(void)
{
	struct acl a = list(6, 6, 4, 6, 0);

	note("%s", "access");
	make_file("f", 1, 'a');
	WORKS(chown("f", ALICE, ALICE));
	WORKS(chmod("f", 0600));
	HOLDS(!can(BOB, "f", O_RDONLY));
	WORKS(set_acl("f", access_name, &a));
	/* The mask stands where the mode has the group's bits. */
	EQUAL(0660, MODE("f"));
	HOLDS(can(BOB, "f", O_RDWR));
	HOLDS(!can(CAROL, "f", O_RDONLY));
	note("%s", "chmod changes the mask");
	WORKS(chmod("f", 0640));
	EQUAL(4, perm_of("f", access_name, ACL_MASK, NO_ID));
	EQUAL(4, perm_of("f", access_name, ACL_GROUP_OBJ, NO_ID));
	EQUAL(6, perm_of("f", access_name, ACL_USER, BOB));
	HOLDS(can(BOB, "f", O_RDONLY));
	HOLDS(!can(BOB, "f", O_RDWR));
	WORKS(chmod("f", 0600));
	EQUAL(0, perm_of("f", access_name, ACL_MASK, NO_ID));
	EQUAL(0, perm_of("f", access_name, ACL_OTHER, NO_ID));
	HOLDS(!can(BOB, "f", O_RDONLY));
	WORKS(chmod("f", 0664));
	HOLDS(can(BOB, "f", O_RDWR));
	HOLDS(can(CAROL, "f", O_RDONLY));
	note("%s", "a list that says no more than the mode");
	a = minimal(7, 5, 1);
	WORKS(set_acl("f", access_name, &a));
	EQUAL(0751, MODE("f"));
	FAILS(ENODATA, getxattr("f", access_name, NULL, 0));
	note("%s", "removing it");
	a = list(6, 7, 5, 3, 1);
	WORKS(set_acl("f", access_name, &a));
	EQUAL(0631, MODE("f"));
	WORKS(removexattr("f", access_name));
	EQUAL(-1, perm_of("f", access_name, ACL_USER, BOB));
	HOLDS(!can(BOB, "f", O_RDWR));
	remove_node("f");
}

static void bad_lists(void)
{
	struct acl a = {.n = 0};

	note("%s", "lists that are none");
	make_file("f", 1, 'a');
	WORKS(chmod("f", 0644));
	entry(&a, ACL_USER_OBJ, 7, NO_ID);
	FAILS(EINVAL, set_acl("f", access_name, &a));
	entry(&a, ACL_USER, 7, BOB);
	entry(&a, ACL_GROUP_OBJ, 7, NO_ID);
	entry(&a, ACL_OTHER, 7, NO_ID);
	/* Named entries need a mask. */
	FAILS(EINVAL, set_acl("f", access_name, &a));
	a = list(7, 7, 7, 7, 7);
	a.e[1].e_perm = htole16(8);
	FAILS(EINVAL, set_acl("f", access_name, &a));
	a = list(7, 7, 7, 7, 7);
	a.e[1].e_tag = htole16(3);
	FAILS(EINVAL, set_acl("f", access_name, &a));
	a = list(7, 7, 7, 7, 7);
	FAILS(EINVAL, setxattr("f", access_name, &a, 11, 0));
	FAILS(EACCES, set_acl("f", default_name, &a));
	EQUAL(0644, MODE("f"));
	be(BOB, BOB);
	FAILS(EPERM, set_acl("f", access_name, &a));
	be_root();
	remove_node("f");
}

static void inherited(void)
{
	struct acl a = list(7, 6, 5, 7, 0);
	mode_t old;

	note("%s", "default list");
	make_node(FOLDER, "d");
	WORKS(chmod("d", 0777));
	WORKS(set_acl("d", default_name, &a));
	EQUAL(0777, MODE("d"));
	/* The umask does not count, the mode does. */
	old = umask(077);
	make_file("d/f", 1, 'a');
	EQUAL(0640, MODE("d/f"));
	EQUAL(6, perm_of("d/f", access_name, ACL_USER, BOB));
	EQUAL(5, perm_of("d/f", access_name, ACL_GROUP_OBJ, NO_ID));
	EQUAL(4, perm_of("d/f", access_name, ACL_MASK, NO_ID));
	HOLDS(can(BOB, "d/f", O_RDONLY));
	HOLDS(!can(BOB, "d/f", O_RDWR));
	EQUAL(-1, perm_of("d/f", default_name, ACL_USER, BOB));
	WORKS(mkdir("d/s", 0777));
	EQUAL(0770, MODE("d/s"));
	EQUAL(6, perm_of("d/s", default_name, ACL_USER, BOB));
	EQUAL(6, perm_of("d/s", access_name, ACL_USER, BOB));
	WORKS(mkfifo("d/p", 0666));
	EQUAL(0660, MODE("d/p"));
	WORKS(symlink("x", "d/l"));
	EQUAL(0777, MODE("d/l"));
	umask(old);
	note("%s", "a default list without names");
	a = minimal(7, 5, 4);
	WORKS(set_acl("d", default_name, &a));
	umask(077);
	make_node(FIFO, "d/q");
	umask(old);
	EQUAL(0644, MODE("d/q"));
	EQUAL(-1, perm_of("d/q", access_name, ACL_USER_OBJ, NO_ID));
	WORKS(removexattr("d", default_name));
	note("%s", "no default list any more");
	umask(027);
	WORKS(mkfifo("d/r", 0666));
	umask(old);
	EQUAL(0640, MODE("d/r"));
}

static void set_group_id(void)
{
	struct acl a = list(7, 7, 7, 7, 7);

	note("%s", "set-group-id bit");
	make_file("f", 1, 'a');
	WORKS(chown("f", ALICE, CAROL));
	WORKS(chmod("f", 02755));
	/* The owner is not in the group: the bit goes, as with chmod. */
	be(ALICE, ALICE);
	WORKS(set_acl("f", access_name, &a));
	be_root();
	EQUAL(0777, MODE("f"));
	WORKS(chmod("f", 02755));
	be_in(ALICE, ALICE, 1, (const gid_t[]){CAROL});
	WORKS(set_acl("f", access_name, &a));
	be_root();
	EQUAL(02777, MODE("f"));
	remove_node("f");
}

void test_acl(void)
{
	enforced();
	bad_lists();
	inherited();
	set_group_id();
}
