/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_MOUNT_CONFORMANCE_H
#define TESTS_MOUNT_CONFORMANCE_H

/*
 * Assertions about what POSIX and Linux say of system calls on files.  They
 * hold on any good file system: what is wrong with one of them shows on the
 * machine's own disk first.
 *
 * Each group runs as root in an empty folder of its own, the current one, with
 * umask 0.  An assertion that fails is printed and counted, and the group goes
 * on.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* ---- assertions ---- */

/* The call returns something other than -1; -1 with that error; two numbers
 * are equal; something is so. */
#define WORKS(call) \
	(errno = 0, check_call(__FILE__, __LINE__, #call, (long)(call), 0))
#define FAILS(error, call) \
	(errno = 0, check_call(__FILE__, __LINE__, #call, (long)(call), error))
#define EQUAL(want, got)                                         \
	check_equal(__FILE__, __LINE__, #got, (long long)(want), \
		    (long long)(got))
#define HOLDS(what) check_holds(__FILE__, __LINE__, #what, (what))

void check_call(const char *file, int line, const char *text, long ret,
		int want);
void check_equal(const char *file, int line, const char *text, long long want,
		 long long got);
void check_holds(const char *file, int line, const char *text, bool holds);

/* note - said with each assertion that fails from now on; "" for nothing. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- who calls ---- */

enum { ALICE = 65534, BOB = 65533, CAROL = 65532 };

/* be - from now on be @uid with the group @gid alone, or with the @n groups
 * behind it as well.  be_root - with all rights again. */
void be(uid_t uid, gid_t gid);
void be_in(uid_t uid, gid_t gid, size_t n, const gid_t *groups);
void be_root(void);

/* ---- nodes ---- */

enum kind { REGULAR, FOLDER, FIFO, BLOCK, CHARACTER, SOCKET, LINK, N_KINDS };
extern const char *const kind_names[N_KINDS];

/* make_node - a node at @path, which is free; mode 0644, of a folder 0755.
 * remove_node - the empty folder or other node there.
 * lstat_of - all zero where there is nothing.
 * That any of them fails is counted as an assertion's failure is. */
void make_node(enum kind kind, const char *path);
void remove_node(const char *path);

/* make_file - a regular file of @len bytes, all of them @byte. */
void make_file(const char *path, size_t len, int byte);
/* file_is - whether it is that. */
bool file_is(const char *path, size_t len, int byte);

struct stat lstat_of(const char *path);
#define MODE(path) (lstat_of(path).st_mode & 07777)
#define NLINK(path) (lstat_of(path).st_nlink)
bool is_there(const char *path);

/* ---- times ---- */

enum { ATIME = 1, MTIME = 2, CTIME = 4 };

/* remember - the times of @path, and wait until the clock has moved on.
 * moved - which of them are later now. */
void remember(const char *path, struct stat *ret);
unsigned moved(const char *path, const struct stat *before);

/* ---- groups ---- */

void test_paths(void);
void test_make(void);
void test_open(void);
void test_link(void);
void test_symlink(void);
void test_remove(void);
void test_rename(void);
void test_sticky(void);
void test_permissions(void);
void test_chmod(void);
void test_chown(void);
void test_set_id(void);
void test_utimens(void);
void test_truncate(void);
void test_allocate(void);
void test_content(void);
void test_sharing(void);
void test_maps(void);
void test_locks(void);
void test_folders(void);
void test_xattr(void);
void test_acl(void);
void test_prepare(void);
void test_imported(void);
void test_limits(void);

#endif
