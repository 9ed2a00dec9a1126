/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_CONTENT_STREAM_H
#define BURNER_CONTENT_STREAM_H

/*
 * Inside burner/ only: files whose content libisofs reads from a plan, as
 * streams of a class of our own.  Streams of equal link_id are one file for
 * libisofs: their content is written once and they become hard links.
 */

#include <stdatomic.h>
#include <stdint.h>

#include <libburn/libburn.h>
#include <libisofs/libisofs.h>

#include "burner/session.h"

/* Shared by all streams of one session; must outlive them. */
struct content_reader {
	const struct session_plan *plan;
	/* May be NULL; checked while reading. */
	_Atomic(const atomic_int *) cancel;
	/*
	 * Written by libisofs' writer thread, read by the one that waits for
	 * the burn: the node that is being read (CONTENT_NO_NODE: none), the
	 * -errno of the first failure and the node it is about.
	 */
	atomic_uint current;
	atomic_int failure;
	atomic_uint failed;
};
#define CONTENT_NO_NODE UINT32_MAX

void content_reader_init(struct content_reader *reader,
			 const struct session_plan *plan);

/*
 * content_reader_settle - after libisofs' writer thread has ended: all that it
 * did is seen by the caller.  (libisofs joins the thread; tools that look for
 * races do not see that.)
 */
void content_reader_settle(struct content_reader *reader);

/*
 * content_stream_new - a stream of the content of plan->nodes[@index].
 * Library lock held.  Returns 0 or -ENOMEM.
 */
int content_stream_new(struct content_reader *reader, uint32_t index,
		       IsoStream **ret);

/*
 * content_path - the path of plan->nodes[@index] in the new tree, cut to
 * @size bytes.
 */
void content_path(const struct session_plan *plan, uint32_t index, char *buf,
		  size_t size);

#endif
