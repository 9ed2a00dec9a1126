/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_SESSION_PARTS_H
#define BURNER_SESSION_PARTS_H

/*
 * Inside burner/ only: a session between its steps, and the steps' parts.
 *
 *	session.c  the sequence, facts, recovery of memory
 *	author.c   plan -> libisofs' image
 *	place.c    attributes and new nodes of libisofs
 *	boot.c     El Torito's references to files that the plan changes
 *	old_head.c what becomes of the blocks below the superblock's new copy
 *	layout.c   write options, exact size, both heads, libisofs' tree defect
 *	loosen.c   another layout, where that defect cannot be mended
 *	burn.c     the blocks, through libburn
 *	verify.c   what stands on the medium against its checksums
 *	recover.c  after a crash
 *	export.c   the same tree as an image of its own
 */

#include "burner/content_stream.h"
#include "burner/library.h"
#include "burner/session.h"

enum session_state {
	SESSION_AUTHORED,
	SESSION_BURNED,
	SESSION_CLOSED_STATE,
	SESSION_TORN, /* neither on the medium nor taken back: see the intent
		       */
	SESSION_PUBLISHED,
	SESSION_UNDONE, /* the burn failed, or was one for a test */
};

struct session {
	struct disc *disc;
	const struct session_plan *plan;
	struct medium medium; /* as it was looked at by session_author */
	enum session_state state;
	bool fresh; /* an image of its own, with all content: export.c */

	struct base_image base; /* all 0 for a blank disc */
	IsoImage *image;	/* base.image, or the new one of a blank disc */
	struct content_reader reader;
	size_t n_hidden; /* nodes that place_hidden made */

	IsoWriteOpts *options;
	/* Laid out, its writer waiting for somebody who reads; NULL: the burn
	 * has to lay out anew. */
	struct burn_source *source;
	uint64_t blocks;    /* exact */
	uint32_t data_lba;  /* first block behind the trees */
	uint64_t stretched; /* blocks that stretch.h puts in; 0: not needed */
	char volume_uuid[17];
	bool touched;	   /* something may have been written */
	unsigned char *old_head, *new_head; /* NULL on sequential media */
	/* The copy of the old head that goes into the session, owned by its
	 * stream; NULL where none is kept. */
	unsigned char *head_copy;
	size_t head_copy_bytes;
};

/*
 * session_check_base - that the imported base is the one of the plan.
 * -ESTALE with @why where it is not.
 * session_release_image - what libisofs holds for the session, its tree and its
 * layout.  Library lock held.
 */
int session_check_base(const struct session *s, struct why *why);
void session_release_image(struct session *s);

/* author_plan - apply s->plan to s->image.  Library lock held.  0 or -errno. */
int author_plan(struct session *s, struct why *why);

/*
 * Parts of author_plan that make nodes of libisofs; library lock held,
 * 0 or -errno with @why.
 */
/* place_attr - attributes and xattrs of plan->nodes[@index] to @node. */
int place_attr(struct session *s, uint32_t index, IsoNode *node,
	       struct why *why);
/* place_same_attr - all attributes of @from to @to. */
int place_same_attr(IsoNode *from, IsoNode *to, struct why *why);
/*
 * place_new - a node for plan->nodes[@index] in @dir: a new one, or one with
 * new content in the place of @old (NULL: none), whose attributes it takes
 * over where the plan has none.
 */
int place_new(struct session *s, uint32_t index, IsoDir *dir, IsoNode *old,
	      IsoNode **ret, struct why *why);
/*
 * place_twin - another node in @dir with the very content of @file, an
 * unchanged file of the base, and with its attributes.
 */
int place_twin(IsoFile *file, IsoDir *dir, const char *name, IsoNode **ret,
	       struct why *why);
/*
 * place_hidden - make @node, which is in no folder, one that is in no tree of
 * the new session while its content is, before all others.
 */
int place_hidden(struct session *s, IsoNode *node, struct why *why);

/*
 * Boot images are files that the boot catalog refers to by node.  boot_keep
 * is told of each node that takes another one's place, boot_apply renews the
 * catalog where one of its images has got new content, and drops it where its
 * own file is no longer in the tree.
 */
struct boot_change {
	IsoFile *before, *after;
};
struct boot_keep {
	struct boot_change *changes;
	size_t n;
};
int boot_keep_note(struct session *s, struct boot_keep *keep, IsoNode *before,
		   IsoNode *after);
int boot_keep_apply(struct session *s, struct boot_keep *keep, struct why *why);
/*
 * boot_move - all boot images will stand elsewhere: those that say where they
 * are get new words, those that are no files of the tree (partitions, hidden
 * files: how long they are is not known) are dropped from the catalog.
 * *@ret_kept, *@ret_dropped: how many.  0 or -errno with @why.
 */
int boot_move(struct session *s, int *ret_kept, int *ret_dropped,
	      struct why *why);
void boot_keep_release(struct boot_keep *keep);

/*
 * old_head_keep - give the session a hidden copy of the head that it replaces,
 * where chain.h wants one.
 * old_head_settle - with the new head known: the copy's own tree is made to
 * stand where the new superblock does not cover it.  -ENOTSUP where a file's
 * content would be covered.
 */
int old_head_keep(struct session *s, struct why *why);
int old_head_settle(struct session *s, struct why *why);

/*
 * layout_options - s->options, if they are not there yet; layout_session does
 * it by itself.
 * layout_session - options, exact size, the new head.  Library lock held.
 * layout_source - a burn source of the whole session, equal to what
 * layout_session found; it is the caller's.
 * layout_drop - drop what layout_session keeps for layout_source.
 */
int layout_options(struct session *s, struct why *why);
int layout_session(struct session *s, struct why *why);
int layout_source(struct session *s, struct burn_source **ret, struct why *why);
void layout_drop(struct session *s);

/*
 * loosen_root - after a layout in which the root came out longer than its
 * place: give it an attribute more, another one in each @round (from 1 on).
 * Library lock held.
 */
int loosen_root(struct session *s, unsigned round, struct why *why);

/*
 * burn_blocks - write @src, s->blocks blocks, from s->medium.nwa on.
 * Library lock held.
 */
int burn_blocks(struct session *s, struct burn_source *src,
		const struct progress_sink *sink, struct why *why);

/*
 * verify_range - read @blocks blocks from @nwa and compare with the checksum
 * tags that stand in them.  VERIFY_QUICK ends behind the tree.  @uuid: what the
 * session's descriptor must say of its creation.
 * Returns 0, -EBADMSG, -EIO, -ECANCELED.
 */
int verify_range(struct disc *disc, uint64_t nwa, uint64_t blocks,
		 const char *uuid, enum verify_level level,
		 const struct progress_sink *sink, struct why *why);

#endif
