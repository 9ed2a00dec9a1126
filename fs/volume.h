/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_VOLUME_H
#define FS_VOLUME_H

/*
 * A disc with its tree and its stage: the one place that wires the parts
 * together.  The mount (fuse_*.c), the control socket (control.c) and the
 * commands that look at a disc that is not mounted (cli/) all work on this.
 */

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "burner/disc.h"
#include "burner/import.h"
#include "burner/session.h"
#include "common/progress.h"
#include "common/why.h"
#include "fs/stage.h"
#include "fs/tree.h"

/* When a commit is made without being asked for by "discfs commit". */
enum commit_trigger {
	COMMIT_ON_UNMOUNT = 1 << 0,
	COMMIT_ON_SYNC = 1 << 1,
};

/* The mount options (discfs(1)) that concern the disc and its stage. */
struct volume_opts {
	const char *source;
	const char *stage_root;  /* NULL: stage_root() */
	const char *stage_from;  /* the id of a stage to take, NULL: the matching one */
	bool offline;            /* look only: nothing is locked, made, recovered or burned */
	bool readonly;           /* ro */
	bool create;
	bool no_stage;
	bool rebase;             /* take a stage of the disc before it grew elsewhere */
	bool no_rock_ridge, no_joliet;
	struct burn_settings burn;
	bool eject; /* open the tray at the end, if nothing waits */
	uint64_t capacity_bytes;
	uint32_t session_lba; /* IMPORT_LAST, or -o session=/sbsector= (then
				 read-only) */
	bool base_given;      /* -o base=: go on from this session, and pass */
	unsigned base_number; /* over those behind it; 0: from an empty root */
	unsigned triggers;    /* enum commit_trigger */
	enum verify_level verify;
	const char *label;       /* volume id of the next session */
	const char *given;       /* the options in words, for the status: each
				    ended by a newline; may be NULL */
	/* presentation, as iso9660 and udf have it; -1: as on the disc */
	int64_t uid, gid, mode, dmode, umask;
};

struct volume;

/*
 * volume_open - open the disc, recover an interrupted burn, find or make the
 * stage, import the base, put the stage's deltas on it.
 * volume_close - flush, stop the threads, drop the stage if it is empty.
 * Nothing is burned by it.
 */
int volume_open(const struct volume_opts *opts, struct volume **ret,
		struct why *why);
void volume_close(struct volume *v);

struct tree *volume_tree(struct volume *v);
/* volume_getxattr - tree_getxattr, and what fs/facts.h has. */
ssize_t volume_getxattr(struct volume *v, uint64_t ino, const char *name,
			void *buf, size_t size);
/* Where the pieces of file_io are: EXTENT_DISC and EXTENT_DATA descriptors (-1:
 * no descriptor for the disc, use volume_read_disc). */
int volume_disc_fd(struct volume *v);
int volume_data_fd(struct volume *v);
int volume_read_disc(struct volume *v, void *buf, size_t len, uint64_t pos);
const struct volume_opts *volume_opts(const struct volume *v);
/* Why the volume is read-only, in words; NULL: it is not. */
const char *volume_readonly_reason(const struct volume *v);
/* What is missing of the disc that is shown, in words; NULL: nothing is known
 * to be. */
const char *volume_damage(const struct volume *v);
/* volume_notes - what else a person should know of the disc: up to
 * VOLUME_NOTES lines, one after the other, then NULL. */
enum { VOLUME_NOTES = 2 };
void volume_notes(const struct volume *v, const char *ret[VOLUME_NOTES + 1]);

/* volume_beside - a line about what the disc holds that is not shown; NULL:
 * nothing is known of. */
const char *volume_beside(const struct volume *v);

/* volume_start - start the 5-second flusher and the committer (a mount only,
 * after daemonizing: threads do not survive a fork). */
int volume_start(struct volume *v, struct why *why);

/*
 * volume_flush - make every change so far durable in the stage, as one
 * consistent cut.  Returns 0 or -errno (-ENOSPC, -EIO); an error of the
 * background flush is kept and returned by the next call.
 */
int volume_flush(struct volume *v, struct why *why);

/* volume_note_full - a write found no room for staged bytes: told at once, the
 * first time. */
void volume_note_full(struct volume *v);

/* volume_set_sync - what pushes the pages that programs dirtied through shared
 * mappings (the mount sets it); called before the snapshot of a commit. */
void volume_set_sync(struct volume *v, int (*sync)(void *arg), void *arg);

/* volume_set_counts - who knows how many requests came (the mount sets it):
 * @counts calls @fn for each kind of them.  NULL: nobody. */
typedef void (*volume_count)(void *arg, const char *name, uint64_t count);
typedef void (*volume_counts)(void *source, volume_count fn, void *arg);
void volume_set_counts(struct volume *v, volume_counts counts, void *source);

/* volume_set_invalidate - what tells the kernel that names and nodes are not as
 * it knows them (the mount sets it); called after a revert and a commit, from
 * any thread.  Returns when no call of the one before it runs any more. */
struct stale;
typedef void (*volume_invalidate)(void *arg, const struct stale *stale);
void volume_set_invalidate(struct volume *v, volume_invalidate fn, void *arg);

/*
 * volume_revert - drop the deltas at and below @paths (fs/revert.h); pages that
 * programs dirtied through mappings are pushed first, so that they do not come
 * later.  Not from a thread that serves requests.  *@ret is {deltas: [...]} as
 * in report_diff: those that were dropped.  0 or -errno with @why.
 */
int volume_revert(struct volume *v, const char *const *paths, size_t n,
		  struct json_object **ret, struct why *why);

/*
 * volume_check - read the base whole and compare with its recorded checksums
 * (burner/check.h).  *@ret is {files, bytes, no_checksum, damaged: [{path}],
 * unreadable: [{path, lba}], damage?, beside?}, lists sorted by path.  0 or -errno with @why.
 */
int volume_check(struct volume *v, const struct progress_sink *sink,
		 struct json_object **ret, struct why *why);

/*
 * volume_export - write what is shown, pending changes included, or session
 * number @session (0: what is shown), as an image of its own to @fd
 * (burner/export.h).  While it runs no commit begins and nothing is reverted.
 * *@ret is {blocks, bytes, left_out: text|null, beside?}.  0 or -errno with @why.
 */
int volume_export(struct volume *v, unsigned session, int fd,
		  const struct progress_sink *sink, struct json_object **ret,
		  struct why *why);

struct volume_statfs {
	uint64_t total_blocks, free_blocks; /* of 2048 bytes */
	uint64_t files;
};
void volume_statfs(struct volume *v, struct volume_statfs *ret);

/* ---- commit (fs/commit.c has the state machine) ---- */

/*
 * volume_commit - ask for a commit; returns at once.  @done is called from
 * the committer's thread when it is over: err 0 and @blocks written (0: there
 * was nothing to do), or -errno with its line.  A request that comes while
 * another commit runs is served after it.
 * @hold: from the snapshot until volume_commit_release (or a failure) changes
 * get -EROFS: what the unmount helper needs.  Of several holds each is to be
 * released.
 * @done gets -ESHUTDOWN for what was not begun at volume_wind_up.
 */
typedef void (*commit_done)(void *arg, int err, uint64_t blocks,
			    const char *text);
int volume_commit(struct volume *v, bool hold, commit_done done, void *arg);
void volume_commit_release(struct volume *v);
/* volume_is_held - whether changes wait for a release. */
bool volume_is_held(struct volume *v);
/* volume_commit_wait - the same, in the calling thread. */
int volume_commit_wait(struct volume *v, bool hold, struct why *why);

/* volume_commit_size - what a commit now would write, exactly; nothing is
 * burned.  0 or -errno with @why. */
int volume_commit_size(struct volume *v, uint64_t *ret_blocks,
		       struct why *why);

/*
 * volume_wind_up - the mount is to end: a commit that runs goes on to its end,
 * none begins any more.  Returns at once.
 * volume_is_committing - one runs or waits to be served.
 */
void volume_wind_up(struct volume *v);
bool volume_is_committing(struct volume *v);
/* volume_is_behind - whether the commit that was asked for with @arg waits for
 * another one's end. */
bool volume_is_behind(struct volume *v, const void *arg);

/* volume_pending - how many deltas are not on the disc. */
uint64_t volume_pending(struct volume *v);

/* volume_watch - @fn gets every progress event, and state changes as phase
 * "idle" or "failed"; from any thread.  volume_unwatch returns after the last
 * call has ended. */
typedef void (*volume_event)(void *arg, const struct progress *p);
struct volume_watch {
	volume_event fn;
	void *arg;
	struct volume_watch *next;
};
void volume_watch(struct volume *v, struct volume_watch *w);
void volume_unwatch(struct volume *v, struct volume_watch *w);

/*
 * volume_keep - at the unmount, burn nothing (umount --keep, SIGTERM).
 * @reason: in words, NULL for none: where changes wait, the log, "status" and
 * the next mount say it ("not burned: REASON").
 * volume_unkeep - burn at the unmount after all: there was none.
 */
void volume_keep(struct volume *v, const char *reason);
void volume_unkeep(struct volume *v);
/*
 * volume_leaving - an unmount begins, and the mount is about to end; or it did
 * not come to that.  volume_is_leaving - whether one does.
 */
void volume_leaving(struct volume *v, bool begins);
bool volume_is_leaving(struct volume *v);
/* volume_unmounted - no mount shows it any more, and the process is about to
 * end: so the status says from now on. */
void volume_unmounted(struct volume *v);
/* volume_last_result - what became of the last commit, in words; "" for
 * nothing.  volume_stage_id - of the stage, or NULL; as long as the volume. */
void volume_last_result(struct volume *v, char *buf, size_t size);
const char *volume_stage_id(const struct volume *v);
/* volume_commits_on - whether @trigger burns, as mounted and after volume_keep. */
bool volume_commits_on(struct volume *v, enum commit_trigger trigger);

/* ---- reports: the JSON that the commands print (fs/report.c) ---- */

/*
 * New references for the caller.  Keys are fixed in docs/architecture.md:
 *
 * report_status  {source, mounted, readonly, readonly_reason?, damage?,
 *   medium: {type, status, capacity_bytes, free_bytes, nwa, sessions,
 *   trouble?},
 *   session: {lba, volume_id, tree: "rock_ridge"|"joliet"|"iso9660"|"blank"},
 *   space: {total_bytes, free_bytes, commit_bytes, overhead_bytes},
 *   pending: {deltas, added, removed, modified, attributes, moved, bytes},
 *   commit_on: ["unmount", "sync"], what burns by itself; fewer, or none
 *   stage: {id, path, bytes, trouble?}|null, state: "idle"|"freezing"|...,
 *   unmounting: an unmount runs, options: ["verify=quick"], of the disc, as given,
 *   progress?: {...}, last_commit: text,
 *   requests?: {lookup: 7, ...}, of the kernel, by opcode; of a mount}
 * report_diff    {deltas: [{kind: "A"|"D"|"M"|"T"|"R", path, old_path?,
 * size?}]} sorted by path, only at and below the @n @paths if @n > 0 report_log
 * {sessions: [{number, lba, blocks, volume_id, date, added, removed}]}
 */
struct json_object *report_status(struct volume *v);
struct json_object *report_diff(struct volume *v, const char *const *paths,
				size_t n);
int report_log(struct volume *v, struct json_object **ret, struct why *why);

#endif
