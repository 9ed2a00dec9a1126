/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DRIVE_MMCDISC_H
#define TESTS_DRIVE_MMCDISC_H

/* The verbs of mmcdisc that have more to them (mmcdisc_verbs.c). */

#include "tests/drive/mmc.h"

/* mmcdisc_number - @text in @base; prints a complaint, returns -EINVAL. */
int mmcdisc_number(const char *text, uint32_t *ret, int base);

int mmcdisc_show(struct mmc *m);
int mmcdisc_log(struct mmc *m);
int mmcdisc_count(struct mmc *m, const char *what);
int mmcdisc_fault(struct mmc *m, int argc, char **argv);
int mmcdisc_sessions(struct mmc *m, int argc, char **argv);

#endif
