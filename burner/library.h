/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_LIBRARY_H
#define BURNER_LIBRARY_H

/*
 * Inside burner/ only: the one place that starts libburn and libisofs, holds
 * their lock, turns their codes into -errno and their messages into our log.
 *
 * libisofs counts references without any synchronisation: every call into it
 * is made with the library lock held, except by its own writer thread during a
 * burn (the caller of session_burn holds the lock meanwhile; imports wait).
 * The lock is recursive-free and a leaf for everybody outside burner/.
 */

#include <stdbool.h>
#include <stdint.h>

#include <libburn/libburn.h>
#include <libisofs/libisofs.h>

#include "burner/disc.h"
#include "burner/folder_view.h"
#include "burner/import.h"
#include "common/why.h"

/*
 * library_start - initialize both libraries once in the process; nothing is
 * printed by them, no signal handler installed.  Takes no lock of the caller.
 * Returns 0 or -EIO with @why.
 */
int library_start(struct why *why);

void library_lock(void);
void library_unlock(void);

/*
 * library_error - the -errno for libisofs' return value @ret (< 0), with
 * "@what: TEXT" in @why, where TEXT is the worst message that the libraries
 * queued since the last call.  Where the system told libburn that there is no
 * space or the like, its error is returned.  Both queues are drained (into
 * log_debug).
 * After a failed call of libburn, @ret is 0: -EIO with libburn's text.
 */
int library_error(int ret, const char *what, struct why *why);

/* library_drain - drop what is queued (into log_debug). */
void library_drain(void);

/*
 * library_source - a data source of libisofs that reads @disc by disc_read.
 * An unreadable block, or one behind the end, is ISO_FATAL_ERROR, so that an
 * import can never leave a part out; the first such block's number and reason
 * are kept for library_source_failed (0: none failed).  @disc must outlive it.
 * Until library_source_loaded the session at @start_lba is imported: what
 * libisofs looks at in the medium's first blocks, where that is another's, may
 * be unreadable and then is zeros.  Until then, too, what is in @views stands in
 * the place of the disc's blocks; they must stay as long (NULL: none).
 * Returns 0 or -ENOMEM.
 */
int library_source(struct disc *disc, uint32_t start_lba,
		   const struct folder_views *views, IsoDataSource **ret);
void library_source_loaded(IsoDataSource *src);

/* library_source_watch - @fn gets each block that is read from now on, in the
 * thread that reads it, and where it stands on the medium. */
typedef void (*library_block)(void *arg, uint32_t lba, const uint8_t *data);
void library_source_watch(IsoDataSource *src, library_block fn, void *arg);
int library_source_failed(IsoDataSource *src, uint32_t *ret_lba);

/* An imported image with its nodes by import_node.id. */
struct base_image {
	IsoImage *image;
	IsoDataSource *source;
	IsoNode **nodes;
	uint32_t n_nodes;
	/* Blocks of the head (1 << block) that hold content of files. */
	uint32_t content_in_head;
	/* What @source reads, where that is the medium as it was
	 * (head_view.h); else NULL. */
	struct disc *view;
	struct import_info info;
};

/*
 * import_image - what import_session does, but the image is kept and returned
 * with an array id -> node.  @visit may be NULL: then the nodes are not looked
 * at one by one.  Caller holds the library lock.  Release with
 * base_image_release (lock held).
 */
int import_image(struct disc *disc, const struct import_opts *opts,
		 import_visit visit, void *arg, struct base_image *ret,
		 struct why *why);
void base_image_release(struct base_image *base);

#endif
