/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_VOLUME_INTERNAL_H
#define FS_VOLUME_INTERNAL_H

/* For volume*.c, commit*.c and report.c. */

#include <pthread.h>
#include <stdatomic.h>

#include "fs/past.h"
#include "fs/record.h"
#include "fs/snapshot.h"
#include "fs/volume.h"

enum commit_state {
	STATE_IDLE,
	STATE_WAITING, /* for its turn */
	STATE_FREEZING,
	STATE_AUTHORING,
	STATE_BURNING,
	STATE_CLOSING,
	STATE_VERIFYING,
	STATE_REBASING,
	STATE_FAILED,
};

/* A commit that was asked for. */
struct commit_request {
	bool hold;
	commit_done done;
	void *arg;
	struct commit_request *next;
};

struct volume {
	struct volume_opts opts;
	char *source;       /* copies of the options' strings */
	char *stage_root;
	char *label;
	char *given;

	struct disc *disc;
	struct tree *tree;
	struct stage *stage;   /* NULL: nothing is staged */
	bool loaded;	       /* the tree has what the stage holds */
	bool borrowed;	       /* the stage was made now, by volume_lost.c */
	char *readonly_reason; /* NULL: writable */
	char *damage;	       /* NULL: none is known */
	char *beside;	       /* volume_beside */

	/* commit_lock: one snapshot at a time; taken before flush_lock. */
	pthread_mutex_t commit_lock;
	bool rebased; /* a commit of ours is the base: it has all trees */
	const char *turn; /* who has it, in words; guarded by lock */

	/* flush_lock: one flush at a time; taken before the tree lock. */
	pthread_mutex_t flush_lock;
	bool rebase_pending; /* the tree is on a new base, the stage is not */
	struct stage_binding binding;
	int flush_error; /* of the background, for the next flush to return */

	/*
	 * The base, and what the medium must be when a commit begins: written
	 * by the committer with lock held, read by others through volume_base.
	 */
	struct import_info info;
	bool blank; /* there is no base yet */
	struct medium medium;
	unsigned char *head;

	/* lock: the committer's queue and state, watchers, the flusher. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum commit_state state;
	struct progress progress; /* of the running commit; file is progress_file */
	char progress_file[256];
	char last_result[1024];
	struct commit_request *queue;
	bool stopping, started;
	bool keep;
	unsigned leaving; /* so many unmount it */
	bool unmounted;
	bool winding; /* volume_wind_up: no commit begins any more */
	bool serving; /* the committer is at a request */
	struct volume_watch *watchers;
	pthread_t flusher, committer;

	/* hold_lock (volume_hold.c): taken before the tree lock. */
	pthread_mutex_t hold_lock;
	unsigned holds; /* so many volume_commit_release are to come */
	bool locked_up;

	atomic_int cancel;
	atomic_int stage_trouble; /* -errno that was told of it, or 0 */
	int (*sync)(void *arg);
	void *sync_arg;
	volume_counts counts; /* guarded by lock, also while it is called */
	void *counts_source;
	struct past *past;
	/* for facts.c: the sessions while the last one is at sessions_tip */
	struct disc_session *sessions;
	size_t n_sessions;
	uint32_t sessions_tip;
	volume_invalidate invalidate;
	void *invalidate_arg;
	unsigned invalidating; /* calls of it that run; with changed */
};

/* volume_tell_kernel - that it is not as it knows any more; waits for locks of
 * folders, so never from a thread that serves requests. */
void volume_tell_kernel(struct volume *v, const struct stale *stale);

/*
 * volume_take_turn - commit_lock, for who has libisofs for long, or takes a
 * snapshot: another one's end is waited for, which @sink hears of as phase
 * "waiting", until it is cancelled (-ECANCELED).  @who, a constant in words, is
 * what others then wait for ("an export").
 * volume_try_turn - false where it would have to wait.
 * volume_end_turn - by the same thread.
 */
int volume_take_turn(struct volume *v, const char *who,
		     const struct progress_sink *sink, struct why *why);
bool volume_try_turn(struct volume *v, const char *who);
void volume_end_turn(struct volume *v);

/* volume_hold.c */

/*
 * volume_hold - let no changes in until volume_commit_release.
 * volume_hold_too - the same, and true, where somebody else does so already.
 * volume_lock_up - let none in any more before the next mount.
 */
void volume_hold(struct volume *v);
bool volume_hold_too(struct volume *v);
void volume_lock_up(struct volume *v);

/* committer.c */

/* commit_thread - serves the queue until volume.stopping. */
void *commit_thread(void *arg);

/* commit.c */

const char *commit_state_name(enum commit_state state);

/* volume_plan.c */

/* volume_push_pages - have the pages written that programs dirtied through
 * mappings (volume_set_sync).  0 or -errno with @why. */
int volume_push_pages(struct volume *v, struct why *why);

/*
 * volume_fill_plan - what @s and @v say of the next session, against the base
 * at @session_lba or IMPORT_LAST; its strings are @s's and @v's.  The caller has
 * commit_lock.
 */
void volume_fill_plan(struct volume *v, struct snapshot *s,
		      uint32_t session_lba, struct session_plan *ret);

/* volume_place.c */

/*
 * volume_in_place - as disc_in_place, of a volume with a stage: -ESTALE with
 * the ways out in @why.
 * volume_was_moved - whether the image stands elsewhere than the stage has it.
 * volume_follow_locked - tell the stage where it stands; the caller has
 * flush_lock.  0 or -errno with @why.
 */
int volume_in_place(struct volume *v, struct why *why);
bool volume_was_moved(struct volume *v);
int volume_follow_locked(struct volume *v, struct why *why);

/* volume_recover.c */

/*
 * volume_doubt - tell the disc which of its sessions are burns of ours that
 * failed, as stages below @root have it.  Before the first import; also where
 * nothing is to be written.  0 or -errno.
 */
int volume_doubt(struct disc *disc, const char *root, struct why *why);

/*
 * volume_recover - finish or undo a burn that a crash interrupted, if a stage
 * below @root tells of one for this disc.  0 or -errno with @why.
 */
int volume_recover(struct disc *disc, const char *root, struct why *why);

/* volume_fill_binding - what ties a stage to the disc as it is now; @info is
 * not looked at where it is @blank. */
int volume_fill_binding(struct disc *disc, const struct medium *m,
			const struct import_info *info, bool blank,
			struct stage_binding *ret);

/* volume_lost.c */

/*
 * volume_open_named - -o stage-from=: open stage @id, or, where this disc is
 * blank and the stage's was not, make one of what can be had of it
 * (stage_loan.h) and say what is missing.  Sets v->stage.
 * Returns 0, or -errno with @why.
 */
int volume_open_named(struct volume *v, const char *id, bool look_only,
		      struct why *why);

/* volume_former.c */

/*
 * volume_find_former - the stage whose changes were made to an older session of
 * the disc in the drive, which grew elsewhere since.  For a disc that has no
 * stage of its own.
 * Returns 0 if there is none, -ESTALE with *@ret_id (heap) and the ways out in
 * @why as stage_find, or another -errno.
 */
int volume_find_former(struct volume *v, char **ret_id, struct why *why);

/* volume_rebase.c */

/*
 * volume_open_former - with -o rebase: open stage @id, which stage_find refused
 * for @why, if that is because it is against another state of the disc.
 * Returns 0, or -ESTALE with @why as it was, or -errno.
 */
int volume_open_former(struct volume *v, const char *id, bool look_only,
		       struct why *why);

/*
 * volume_check_stage - whether the rows of v->stage can be put on v's base: they
 * are against it, or with -o rebase against a session that the disc grew from,
 * and nothing was changed on both sides.  Changes nothing.
 * @named: the user named the stage, so it need not be shown that a disc that
 * was blank is the same one.
 * Returns 0, -ESTALE with the reason (the first paths that were changed on both
 * sides), or -errno.
 */
int volume_check_stage(struct volume *v, bool named, struct why *why);

/* volume_base.c */

/*
 * volume_choose_base - with -o base=: have the disc pass over the sessions
 * behind the one that is asked for.  Refused where one of them can be read
 * whole: what it holds would be left out of the next session.
 * 0 or -errno with @why.
 */
int volume_choose_base(struct volume *v, struct why *why);

/*
 * volume_import_base - the tree of the base; of an older session where the last
 * one cannot be read.  What is damaged is told by v->damage, and makes the
 * volume read-only where a next session could make it worse.
 * 0 or -errno with @why.
 */
int volume_import_base(struct volume *v, struct why *why);

/* volume_udf.c */

/*
 * volume_look_at_udf - the words for a UDF file system beside what was
 * imported: as v->beside, and as the reason why nothing is written.
 * 0 or -ENOMEM.
 */
int volume_look_at_udf(struct volume *v, struct why *why);

/* volume.c */

/* volume_set_readonly - for @reason, if there was none.  0 or -ENOMEM. */
int volume_set_readonly(struct volume *v, const char *reason);
/* volume_look - look at the medium and remember it as the expected one. */
int volume_look(struct volume *v, struct why *why);
/* volume_import - a session as the mount's options show it into @t, which is
 * empty; as tree_import. */
int volume_import(struct volume *v, uint32_t session_lba, struct tree *t,
		  struct import_info *ret, struct why *why);
/* volume_bind_now - volume_fill_binding for the base as the mount's options
 * have it read. */
int volume_bind_now(const struct volume *v, const struct import_info *info,
		    struct stage_binding *ret);
/* volume_base - copies of what the committer changes: the medium, what is
 * known of the base (NULL: not wanted); returns whether there is no base. */
bool volume_base(struct volume *v, struct medium *ret_medium,
		 struct import_info *ret_info);
/* volume_clock_behind - whether a session that is burned now would be dated
 * before the base; then @text says so. */
bool volume_clock_behind(struct volume *v, char *text, size_t size);
/* volume_set_limit - tell the tree what the disc can take now. */
void volume_set_limit(struct volume *v);
int volume_flush_locked(struct volume *v, struct why *why);

/* volume_flush_thread - flushes now and then until volume.stopping. */
void *volume_flush_thread(void *arg);

#endif
