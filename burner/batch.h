/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_BATCH_H
#define BURNER_BATCH_H

/*
 * Inside burner/ only: takes libisofs' blocks from its buffer by the hundred.
 *
 * libisofs' writer puts blocks of 2 KiB into a ring buffer, libburn takes them
 * out one by one.  Where both are equally fast, each block wakes one of the
 * threads and puts the other to sleep, which costs a third of a burn's time.
 */

#include <libburn/libburn.h>

/*
 * batch_source - a burn source that reads @inner, one of libisofs', and takes
 * it over; release with burn_source_free.  NULL without memory (@inner is not
 * taken over then).
 */
struct burn_source *batch_source(struct burn_source *inner);

#endif
