/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_TREE_CHECK_H
#define TESTS_TREE_CHECK_H

#include "fs/tree.h"

/* tree_check - walk everything and fail the running test where one of the
 * invariants of fs/tree_internal.h does not hold. */
void tree_check(struct tree *t);

#endif
