/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_EXTENT_LEAVES_H
#define FS_EXTENT_LEAVES_H

/*
 * How a map holds its extents, for extent.c: in order, in leaves of some dozen.
 * What they mean is not looked at but for where they end.
 */

#include "fs/extent.h"

/* A change replaces the extents it touches and one neighbour on each side by
 * at most: neighbour, rest, new, rest, neighbour. */
enum { PIECES_MAX = 5 };

/* A place in the order: before the @i'th extent of @leaf, or behind its last.
 */
struct place {
	uint32_t leaf, i;
};

static inline uint64_t extent_end(const struct extent *e)
{
	return e->off + e->len;
}

/*
 * leaves_find - the place before the first extent that ends behind @off.
 * leaves_behind - the extent behind @p, NULL if there is none.
 * leaves_after - the place behind that extent.
 * leaves_back - move *@p before the extent before it; false: there is none.
 */
struct place leaves_find(const struct extent_map *m, uint64_t off);
const struct extent *leaves_behind(const struct extent_map *m, struct place p);
struct place leaves_after(const struct extent_map *m, struct place p);
bool leaves_back(const struct extent_map *m, struct place *p);

/*
 * leaves_splice - replace the @gone extents between two places by the @n (not
 * more than PIECES_MAX) at @v, which are none of the map's own.  @to is
 * @from, or was reached by leaves_after.  0, or -ENOMEM with nothing changed.
 */
int leaves_splice(struct extent_map *m, struct place from, struct place to,
		  uint32_t gone, const struct extent *v, uint32_t n);

#endif
