/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_CARE_PARTS_H
#define BURNER_CARE_PARTS_H

/* For care*.c: an image file, which was opened to be changed. */

#include "burner/care.h"

/* As care_check. */
int care_check_image(const struct medium_info *m, enum care_job job, bool full,
		     struct why *why);

/*
 * care_blank_image - cuts it to nothing, durably.  0; -EBUSY: somebody has it
 * open; -ESTALE: it is not any more what medium_info_look saw; -errno.
 */
int care_blank_image(const struct medium_info *m, struct why *why);

#endif
