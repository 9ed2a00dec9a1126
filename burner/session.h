/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BURNER_SESSION_H
#define BURNER_SESSION_H

/*
 * A new session: authored from the base and a plan of what differs, burned,
 * read back, published.  Calling sequence, each step once:
 *
 *	session_author	imports the base, applies the plan, lays the session
 *			out: from here on size and both heads are exact, and
 *			nothing was written yet
 *	session_facts	(the caller makes these durable: the intent)
 *	session_burn	writes the session's blocks from nwa on; what the disc
 *			held before is not touched
 *	session_close	sequential media: closes track and session;
 *			image files: fsync
 *	session_verify	reads the session back from the medium
 *	session_publish	overwritable media: writes the new head, durably; only
 *			now the session exists.  Others: nothing
 *	session_free	at any point; an unpublished session leaves the disc as
 *			it was
 *
 * Sequential media (medium.overwritable is false) know no such step: a session
 * exists as soon as session_burn has closed it, whatever comes afterwards, and
 * a burn that fails can leave one that cannot be read.  The sessions before it
 * stand; what is in the way of the next one is closed as far as the medium
 * allows.  The caller sees to it that a session that was not read back well is
 * not taken for the base.
 *
 * From session_burn on a disc in a drive is not read by others, and the plan's
 * reader must not read it: it would wait for the end of the burn.
 *
 * With plan->burn.dummy the session ends after session_burn; nothing was
 * written.
 *
 * One session at a time in a process.  The functions may be called from any
 * one thread; the plan's reader is called from libisofs' writer thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "burner/disc.h"
#include "burner/import.h"
#include "common/attr.h"
#include "common/progress.h"
#include "common/why.h"

/* Of a symbolic link, as Linux has it (PATH_MAX).  How those that libisofs
 * cannot write get onto the disc: link_target.h. */
#define SESSION_TARGET_MAX 4095
#define SESSION_NEW UINT32_MAX    /* base_id of a node that the base does not have */

enum session_node_flags {
	/* Stands at (parent, name) in the new tree and did not in the base, or
	 * under another name: new nodes, new hard links, moved nodes. */
	SESSION_PLACE = 1 << 0,
	SESSION_ATTR = 1 << 1,    /* attr and xattrs are to be set */
	SESSION_CONTENT = 1 << 2, /* regular file: the content is read from the plan */
};

/*
 * One node of the skeleton of the new tree: every node that differs from the
 * base, and the folders above it (flags 0 where they do not differ).
 * Parents come before their children; plan->nodes[0] is the root.
 */
struct session_node {
	uint32_t parent;  /* index into plan->nodes; of the root 0 */
	uint32_t base_id; /* import_node.id, or SESSION_NEW */
	unsigned flags;
	const char *name; /* in the new tree, 1..255 bytes */
	const char *base_name; /* of base_id in the base: checked, -ESTALE if it differs */
	struct attr attr;      /* SESSION_ATTR, and always for SESSION_NEW */
	const struct xattrs *xattrs;
	const char *target;    /* symbolic link */
	uint64_t size;         /* SESSION_CONTENT, in bytes */
	void *content;         /* SESSION_CONTENT: handed to plan->read */
	/*
	 * Equal and non-zero: hard links of one inode.  With SESSION_CONTENT
	 * the first one's content serves all.  A new link (SESSION_PLACE) of
	 * a file of the base with unchanged content has base_id SESSION_NEW
	 * and link_base set.  Links are one inode on the disc only where all
	 * of attr and xattrs are equal: what changes for one of them is to be
	 * given for all, as SESSION_ATTR.
	 */
	uint64_t link_id;
	uint32_t link_base;    /* import id of a regular file of the base whose
				* content this node shares; else SESSION_NEW */
};

enum verify_level { VERIFY_NONE, VERIFY_QUICK, VERIFY_FULL };

struct session_plan {
	const struct session_node *nodes;
	uint32_t n_nodes;
	/* Nodes of the base that are in no place of the new tree, in any
	 * order; what is below a removed folder and is not placed elsewhere
	 * is removed with it and need not be named. */
	const uint32_t *removed;
	const char *const *removed_names; /* checked as base_name */
	uint32_t n_removed;
	/*
	 * Fill @buf with @len bytes from @off of @content.  Returns 0 or
	 * -errno; a failure fails the burn.
	 */
	int (*read)(void *arg, void *content, void *buf, size_t len,
		    uint64_t off);
	void *arg;

	struct import_opts base;   /* how the base was imported */
	bool blank;                /* there is no base: a first session */
	/* import_info's, checked after the import: -ESTALE */
	unsigned char base_digest[16];
	uint64_t base_order;
	const char *volume_id;     /* NULL: as in the base; for a blank disc "ISOIMAGE" */
	bool no_links;		   /* no file of the new tree has two names */
	bool joliet;               /* write a Joliet tree too */
	struct burn_settings burn; /* of a drive */
};

struct session_facts {
	uint64_t nwa;
	uint64_t blocks;       /* exact, as they will be written */
	char volume_uuid[17];  /* the session's own mark: 16 digits as in
				* iso_write_opts_set_pvd_times' vol_uuid */
	bool overwritable;
	const unsigned char *old_head; /* DISC_HEAD_BYTES each, owned by the session; */
	const unsigned char *new_head; /* NULL on sequential media */
};

struct session;

/*
 * session_author - see above.  @plan and all it points to must live until
 * session_free.  Returns 0; -ESTALE (the medium is not the base that the plan
 * is made for), -ENOSPC with the blocks in excess in @why, -EIO, -ECANCELED,
 * -EROFS (medium cannot be appended), -ENAMETOOLONG (a link's target), -ENOTSUP
 * (what libisofs cannot write), -EINVAL (a contradictory plan), ...
 */
int session_author(struct disc *disc, const struct session_plan *plan,
		   const struct progress_sink *sink, struct session **ret,
		   struct why *why);
void session_facts(const struct session *s, struct session_facts *ret);
int session_burn(struct session *s, const struct progress_sink *sink,
		 struct why *why);
int session_close(struct session *s, const struct progress_sink *sink,
		  struct why *why);
/*
 * session_verify - drop caches, read the session back and compare with its
 * recorded MD5 (VERIFY_FULL: every block; VERIFY_QUICK: descriptors and tree).
 * Returns 0, -EBADMSG (differs), -EIO.
 */
int session_verify(struct session *s, enum verify_level level,
		   const struct progress_sink *sink, struct why *why);
/*
 * session_publish - where the new head cannot be written, the old one is put
 * back.
 * session_give_up - a session that is not published does not count: what was
 * written of it is taken back where the medium can.  session_free does it, too.
 * session_unsettled - the medium could not be made what it was before: the
 * intent has to stay, and session_recover decides once it can be written again.
 */
int session_publish(struct session *s, struct why *why);
void session_give_up(struct session *s);
/* session_withdraw - after session_publish, of overwritable media: the old head
 * is put back, and the session is one that was not published. */
void session_withdraw(struct session *s);
bool session_unsettled(const struct session *s);
/* session_touched - a burn was begun: a sequential medium may not be any more
 * what it was before. */
bool session_touched(const struct session *s);
void session_free(struct session *s);

/*
 * What a crash in mid-burn left, at the next mount.
 */
struct session_intent {
	uint64_t nwa, blocks;
	char volume_uuid[17];
	bool overwritable;
	const unsigned char *old_head, *new_head; /* DISC_HEAD_BYTES each */
};

enum session_outcome {
	SESSION_WHOLE, /* read back by its MD5, and (again) published */
	SESSION_LOST,  /* the disc is as before the burn, the old head in place */
};

/*
 * session_recover - decide what became of @intent and make the disc agree:
 * where the session at nwa is whole by its MD5 and carries volume_uuid, the new
 * head is written (again: a torn one matches nothing), durably, and read back;
 * else the old head is put back where it does not stand, and a medium that was
 * blank is erased where the burn wrote.
 * -ESTALE where session_fits does not hold: somebody else wrote to the disc;
 * nothing is touched then.
 */
int session_recover(struct disc *disc, const struct session_intent *intent,
		    enum session_outcome *ret, struct why *why);

/*
 * session_take_back - the session of @intent, which session_recover found to be
 * whole, is not to count: the disc is made as it was before the burn.
 * Overwritable media only.  0 or -errno with @why.
 */
int session_take_back(struct disc *disc, const struct session_intent *intent,
		      struct why *why);

/*
 * session_discard - the old head stands, and what was burned of @intent is not
 * wanted: an image gives up its blocks, so that the next session can begin
 * there.  It does so only where the descriptor of the burn stands; what else
 * may be there stays, and the next session begins behind it.
 */
void session_discard(struct disc *disc, const struct session_intent *intent);

/*
 * session_fits - whether the disc can be the one that @intent is for, by its
 * head: the old one, the new one, or a mix.  Where it was blank, what stands at
 * the session's start must be the session's, too, or zero: the head of zeros
 * tells nothing.  Overwritable media only.
 */
bool session_fits(struct disc *disc, const struct session_intent *intent);

#endif
