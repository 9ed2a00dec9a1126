/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_IMPORT_H
#define BURNER_IMPORT_H

/*
 * Reading a session's tree.  libisofs reads it; each node is handed to a
 * visitor, parents before their children and the children of a folder in the
 * order of their names; then libisofs' image is released.  Importing the same
 * session again with the same options visits the same nodes in the same order:
 * import_node.id, their running number, names a node of the base for the
 * burner (session.h).
 *
 * An unreadable or contradictory tree is an error; a tree with parts missing
 * is never delivered as whole.
 */

#include <stdbool.h>
#include <stdint.h>

#include "burner/disc.h"
#include "common/attr.h"
#include "common/why.h"

enum tree_kind {
	TREE_ROCK_RIDGE,
	TREE_JOLIET,
	TREE_ISO9660, /* plain, 8.3 or level 2 names */
};

struct import_opts {
	uint32_t session_lba; /* load this session; IMPORT_LAST for the last */
	bool no_rock_ridge;
	bool no_joliet;
};
#define IMPORT_LAST UINT32_MAX

/* A run of a file's bytes on the disc: bytes lba*2048 .. +len. */
struct disc_run {
	uint64_t lba; /* UINT32_MAX at most */
	uint64_t len_bytes;
};

/* The lba of content that its session should have and has not: no medium has
 * so many blocks. */
#define IMPORT_NOWHERE ((uint64_t)UINT32_MAX)

#define IMPORT_ROOT 0u /* the id of the root folder */

/* Valid during the visit only. */
struct import_node {
	uint32_t id;
	uint32_t parent_id; /* of the root: IMPORT_ROOT */
	uint32_t count;	    /* of all nodes that are visited */
	const char *name;   /* UTF-8 as far as the disc keeps it; "" for the root */
	struct attr attr;
	uint64_t link_id; /* equal and non-zero: hard links of one file */
	uint64_t size;	  /* of a regular file, in bytes */
	/* Of a regular file, in order, sum = size.  What the medium does not
	 * have of them is -EIO to read. */
	const struct disc_run *runs;
	unsigned n_runs;
	const char *target; /* of a symbolic link */
	const struct xattrs *xattrs; /* NULL for none */
	bool boot_catalog;  /* El Torito's own file: its content is not the user's */
	bool filtered;      /* content must be decoded (zisofs): the runs hold
			     * the encoded bytes, whose sum is not size */
};

/* Returns 0 to go on, or a -errno that ends the import with it. */
typedef int (*import_visit)(void *arg, const struct import_node *node);

/* What the session should hold of its files' content. */
struct import_content {
	uint64_t session_end; /* one behind its last block */
	/* One behind the last block of its own content; 0: it has none. */
	uint64_t end_lba;
	/* So many files reach behind session_end: the burn did not end, or the
	 * medium or image was cut off.  Reading there is -EIO. */
	uint32_t missing_files;
};

/* What is known of the session as a whole. */
struct import_info {
	enum tree_kind kind;
	uint32_t lba;        /* of the session */
	uint32_t nodes;
	char volume_id[33];
	int64_t created;     /* as volume.created */
	bool has_rock_ridge, has_joliet, has_el_torito;
	bool has_md5;	      /* libisofs MD5 tags and sums are there */
	bool lost_md5;	      /* they should be, and cannot be read */
	uint64_t tree_blocks; /* descriptors, path tables and folders, estimated
				 from below */
	/*
	 * Of the session's first 18 blocks, the blocks of the tree's folders and
	 * their continuation areas (common/sum128.h): names this base for the
	 * binding of a stage.
	 */
	unsigned char digest[16];
	struct import_content content; /* where nodes were visited */
	/* Of all nodes' numbers, folders and names: where it is the same, a
	 * number names the same node. */
	uint64_t order;
};

/*
 * import_session - read the tree of one session of @disc.
 * Returns 0, -EIO (unreadable block; @why says which), -EMEDIUMTYPE (not ISO
 * 9660), -ENOMEM, or what @visit returned.
 */
int import_session(struct disc *disc, const struct import_opts *opts,
		   import_visit visit, void *arg, struct import_info *ret,
		   struct why *why);

/*
 * import_names - read a session's tree by its directory records alone, without
 * libisofs: the same nodes with the same numbers in the same order, and the
 * same @ret, for a fiftieth of the time.  Of a node only id, parent_id, name,
 * the mode, and of a regular file the runs are told; size is their sum, which
 * for a filtered file is that of its encoded bytes.
 * For sessions that we wrote ourselves: -ENOTSUP without Rock Ridge, -EIO for a
 * node without a Rock Ridge name.  Else as import_session.
 */
int import_names(struct disc *disc, const struct import_opts *opts,
		 import_visit visit, void *arg, struct import_info *ret,
		 struct why *why);

#endif
