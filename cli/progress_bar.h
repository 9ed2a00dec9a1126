/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_PROGRESS_BAR_H
#define CLI_PROGRESS_BAR_H

/*
 * One line on a terminal that shows how far a commit is:
 *
 *	burning   [=========>          ]  45%  312/700 MB  8.4 MB/s  0:46  a/b
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/progress.h"

/*
 * progress_bar_render - the line for @p, at most @width columns, into @buf
 * (@size bytes).  What does not fit is left out whole, the least important
 * first; the file's name is cut at its beginning.  Names are shown with '?'
 * for what a terminal would act on or cannot show (LC_CTYPE decides).
 * Returns the columns used.
 */
size_t progress_bar_render(const struct progress *p, size_t width, char *buf,
			   size_t size);

struct progress_bar {
	FILE *out;
	bool shown;   /* false: draws nothing (@out is no terminal) */
	size_t drawn; /* columns of the line that stands there */
};

void progress_bar_init(struct progress_bar *bar, FILE *out);
void progress_bar_draw(struct progress_bar *bar, const struct progress *p);
/* progress_bar_clear - leave an empty line; a message may follow. */
void progress_bar_clear(struct progress_bar *bar);

#endif
