/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What discfs does not do, and says so (docs/semantics.md).  Disks do some of
 * it.
 */
#include "tests/mount/conformance/conformance.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

void test_limits(void)
{
	char value[XATTR_SIZE_MAX] = {0};
	int a, b, flags;

	make_file("a", 100, 'a');
	make_file("b", 100, 'b');
	a = open("a", O_RDWR | O_CLOEXEC);
	b = open("b", O_RDWR | O_CLOEXEC);
	FAILS(EOPNOTSUPP, open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	FAILS(EOPNOTSUPP, ioctl(a, FICLONE, b));
	FAILS(ENOTTY, ioctl(a, FS_IOC_GETFLAGS, &flags));
	FAILS(EINVAL, renameat2(AT_FDCWD, "a", AT_FDCWD, "c", 1 << 2));
	FAILS(EOPNOTSUPP, fallocate(a, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	FAILS(EOPNOTSUPP, fallocate(a, FALLOC_FL_INSERT_RANGE, 0, 4096));
	FAILS(EOPNOTSUPP, fallocate(a, FALLOC_FL_UNSHARE_RANGE, 0, 4096));
	/* 4 TiB are more blocks than a disc has numbers for. */
	FAILS(EFBIG, ftruncate(a, (4LL << 40) + 1));
	FAILS(EFBIG, pwrite(a, "x", 1, 4LL << 40));
	EQUAL(100, lstat_of("a").st_size);
	/* Attributes are part of the tree, which each session repeats. */
	WORKS(setxattr("a", "user.1", value, sizeof value, 0));
	FAILS(ENOSPC, setxattr("a", "user.2", value, sizeof value, 0));
	EQUAL(sizeof value, getxattr("a", "user.1", NULL, 0));
	FAILS(ENODATA, getxattr("a", "user.2", NULL, 0));
	close(a);
	close(b);
}
