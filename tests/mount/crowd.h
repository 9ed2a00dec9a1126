/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

/*
 * Many at work in one folder, and what is found there afterwards.
 *
 * Files are numbered.  Each belongs to one writer, which keeps it open, while
 * others read it, and rename it and the folders above it.  It is made of
 * blocks, a block of words, and a word is the file's number and the number of
 * the call that wrote it, counted by its writer from 1 on; 0 is a hole.  So
 * each word tells of its origin, and of what was there at a moment there is but
 * one answer for each writer: what its first n calls made.
 *
 * Beside its files each writer has a note, "note.W", which it saves as editors
 * do: a new file, renamed over the old one.  A file "ballast" is nobody's.
 */

#include <stddef.h>
#include <stdint.h>

enum {
	WRITERS = 4,
	READERS = 4,
	FILES_EACH = 12,
	FILES = WRITERS * FILES_EACH,
	BLOCKS = 64,
	BLOCK_BYTES = 4096,
	BLOCK_WORDS = BLOCK_BYTES / 8,
	FOLDERS = 8,
	NOTE_WORDS = 700,
	SEQ_BITS = 48,
	NAME_ROOM = 64,
};

/* A call of a writer.  @file: -1 for a new note. */
struct call {
	int32_t file;
	uint32_t first, count; /* blocks */
	uint32_t zero;	       /* a hole now, else data */
};

static inline uint64_t word_of(unsigned file, uint64_t seq)
{
	return (uint64_t)(file + 1) << SEQ_BITS | seq;
}

static inline uint64_t word_seq(uint64_t word)
{
	return word & (((uint64_t)1 << SEQ_BITS) - 1);
}

static inline unsigned word_file(uint64_t word)
{
	return (unsigned)(word >> SEQ_BITS) - 1;
}

/* die - what failed, with errno, and the end.  wrong - a finding, and the end.
 */
_Noreturn void die(const char *what);
_Noreturn void wrong(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * crowd_check - @dir, the mount or what another program took from the disc,
 * holds just what the writers made of it, by the logs in @log_dir: after commit
 * @commit (from 1 on), or, 0, after all calls.
 */
void crowd_check(const char *dir, const char *log_dir, unsigned commit);

#endif
