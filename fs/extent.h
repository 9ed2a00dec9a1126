/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_EXTENT_H
#define FS_EXTENT_H

/*
 * The content of a file: a sorted list of extents, gaps reading as zeros.
 * Pure bookkeeping: nothing here reads, writes, allocates ranges of the stage
 * or takes a lock; the caller does (fs/file.c, under the tree lock).
 *
 * Positions and lengths are in bytes.  A source position is a byte position on
 * the disc (EXTENT_DISC) or in the stage's data file (EXTENT_DATA).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum extent_source {
	EXTENT_HOLE, /* never in a map; what extent_map_at tells of a gap */
	EXTENT_DISC,
	EXTENT_DATA,
};

struct extent {
	uint64_t off; /* in the file */
	uint64_t len;
	uint64_t pos; /* in the source */
	uint32_t gen; /* of EXTENT_DATA: stage_data_gen() when it was written */
	uint8_t source;
	bool shared; /* of EXTENT_DATA: another file's record may name the same
		      * bytes, so they are never overwritten in place; sticky */
};

/*
 * A file's extents.  Zero-initialized is empty.  One extent is held inside,
 * so that an imported file costs no allocation; more are in leaves of some
 * hundred at most, so that a change costs the same in a file of many pieces.
 */
struct extent_map {
	union {
		struct extent one;
		struct extent_leaf **leaves;
	};
	uint32_t n;
	uint32_t n_leaves; /* 0: one is used */
};

/* Where a walk over a map stands.  Zero-initialized: before the first. */
struct extent_cursor {
	uint32_t leaf, i;
};

/* A list of extents that a change took out of a map, for the caller to release.
 */
struct extent_list {
	struct extent *v;
	size_t n, room;
};

void extent_map_release(struct extent_map *m);
void extent_list_release(struct extent_list *l);

/* extent_map_copy - *@ret becomes an independent copy.  0 or -ENOMEM. */
int extent_map_copy(const struct extent_map *m, struct extent_map *ret);

/*
 * extent_map_next - the next extent of a walk in order of the file; NULL at the
 * end.  It is valid, and the walk may go on, until the map's next change.
 * extent_map_list - copy all of them, m->n, to @ret.
 */
const struct extent *extent_map_next(const struct extent_map *m,
				     struct extent_cursor *c);
void extent_map_list(const struct extent_map *m, struct extent *ret);

/*
 * extent_map_at - the piece that holds byte @off: an extent cut to begin at
 * @off, or a hole (source EXTENT_HOLE) up to the next extent.  len is bounded
 * by @max.  Never fails; @max > 0.
 */
void extent_map_at(const struct extent_map *m, uint64_t off, uint64_t max,
		   struct extent *ret);

/*
 * extent_map_put - let e->off .. +e->len come from @e; what stood there
 * before is cut out and appended to @dropped (EXTENT_DATA and EXTENT_DISC
 * pieces alike).  Neighbours that continue each other in file, source, gen and
 * shared are merged.  With source EXTENT_HOLE the range becomes a gap. @dropped
 * may be NULL: nobody wants to know. Returns 0, or -ENOMEM with map and list as
 * they were.
 */
int extent_map_put(struct extent_map *m, const struct extent *e,
		   struct extent_list *dropped);

/* extent_map_cut - drop all from byte @size on.  As extent_map_put. */
int extent_map_cut(struct extent_map *m, uint64_t size,
		   struct extent_list *dropped);

/* extent_map_share - mark the EXTENT_DATA extents in the range as shared
 * (splitting at its ends).  0 or -ENOMEM, with some of them marked. */
int extent_map_share(struct extent_map *m, uint64_t off, uint64_t len);

/* extent_map_bytes - how many bytes come from @source. */
uint64_t extent_map_bytes(const struct extent_map *m,
			  enum extent_source source);

/* extent_map_equal - whether each byte comes from the same place in both; how
 * the extents are split, gen and shared do not count. */
bool extent_map_equal(const struct extent_map *a, const struct extent_map *b);

#endif
