/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DRIVE_MMC_H
#define TESTS_DRIVE_MMC_H

/*
 * A model of an optical drive and of the disc in it: it is given command
 * blocks and answers as a drive would (MMC-6, SPC-3).  No system calls, no
 * clock, no memory of its own: all it knows is in the three areas that struct
 * mmc points to, so they can be a mapping that processes share (mmc_file.h).
 * It takes no lock: one command at a time.
 *
 * Blocks are of 2048 bytes.  What takes long on a drive (IMMED bit set) takes
 * a number of polls here.
 *
 * Not in the model: writing audio or reading it, raw sectors, packet writing on CD, packet formats
 * of DVD-RAM cartridges, copy protection.  What asks for them is refused, as
 * by a drive that does not have them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MMC_BLOCK 2048u
#define MMC_MAX_TRACKS 160
#define MMC_CACHE_BLOCKS 256u
#define MMC_MAX_FAULTS 16
#define MMC_LOG_LEN 4096u

/* A sense code: key, additional code, qualifier (SPC-3 4.5.6). */
#define MMC_SENSE(key, asc, ascq) ((key) << 16 | (asc) << 8 | (ascq))

enum mmc_media {
	MMC_CD_ROM,
	MMC_CD_R,
	MMC_CD_RW,
	MMC_DVD_ROM,
	MMC_DVD_R,
	MMC_DVD_RW,    /* sequential */
	MMC_DVD_RW_RO, /* the same medium, formatted for restricted overwrite */
	MMC_DVD_PLUS_R,
	MMC_DVD_PLUS_R_DL,
	MMC_DVD_PLUS_RW,
	MMC_DVD_RAM,
	MMC_BD_ROM,
	MMC_BD_R,
	MMC_BD_RE,
	MMC_MEDIA_N,
};

enum mmc_family { MMC_CD, MMC_DVD_MINUS, MMC_DVD_PLUS, MMC_RAM, MMC_BD };

/* How a medium takes data. */
enum mmc_writing { MMC_NEVER, MMC_SEQUENTIAL, MMC_RANDOM };

/* What never changes of a kind of medium. */
struct mmc_kind {
	const char *name;
	uint16_t profile; /* MMC-6 5.3.1 */
	enum mmc_family family;
	enum mmc_writing writing;
	bool erasable;
	uint32_t capacity;  /* of a medium as it is sold, in blocks */
	uint32_t ecc;	    /* blocks that are burned together */
	uint32_t gap_first; /* from the end of session 1 to the next start */
	uint32_t gap_next;  /* the same for later sessions */
};

enum mmc_track_state {
	MMC_TRACK_INVISIBLE, /* the rest of the disc, nothing written yet */
	MMC_TRACK_OPEN,	     /* the same with data in it */
	MMC_TRACK_RESERVED,
	MMC_TRACK_CLOSED,
};

struct mmc_track {
	uint32_t start;
	uint32_t size; /* of a reserved or closed one */
	uint32_t nwa;
	uint16_t session; /* from 1 */
	uint8_t state;	  /* enum mmc_track_state */
	uint8_t mode;	  /* data mode 1 or 2 */
	bool damaged;
};

/* What became of a block.  A cached block is none of these yet. */
enum mmc_block { MMC_UNWRITTEN, MMC_WRITTEN, MMC_LINK };

enum mmc_fault_action {
	MMC_FAULT_NONE,
	MMC_FAULT_FAIL, /* the command ends with the fault's sense */
	MMC_FAULT_GONE, /* the drive is no more there, until mmc_plug */
	MMC_FAULT_POWER_CUT,
	MMC_FAULT_EJECT, /* by the emergency hole: no lock helps */
	MMC_FAULT_SLOW,
};

/* Which commands a fault is for, beside a number from 0 to 255. */
#define MMC_ON_ANY (-1)
#define MMC_ON_READ (-2)
#define MMC_ON_WRITE (-3)

/*
 * The commands that match @on and, with a @blocks other than 0, reach into
 * @blocks from @lba on: @skip of them go well, then it happens to @times of
 * them (0: to all).  A failing read or write does its part up to @lba.
 */
struct mmc_fault {
	uint32_t action; /* enum mmc_fault_action */
	int32_t on;
	uint32_t lba;
	uint32_t blocks;
	uint32_t skip;
	uint32_t times;
	uint32_t sense;
	uint32_t delay_ms;
};

struct mmc_log_entry {
	uint8_t cdb[16];
	uint32_t len;
	uint32_t sense; /* 0: it went well */
};

/* Plain data: it lives in a file between commands. */
struct mmc_state {
	uint32_t media; /* enum mmc_media */
	uint32_t capacity;
	uint32_t disc_id; /* distinguishes media of one kind */

	/* The drive. */
	bool no_disc;
	bool tray_open;
	bool locked;
	bool gone;
	bool by_hand; /* it can open, but has to be pushed in */
	bool write_protected;
	uint32_t attention; /* sense of a pending UNIT ATTENTION, or 0 */
	uint8_t media_event;
	uint32_t kernel_blocks; /* the size that mmc_attach has seen */
	uint32_t busy_left, busy_total, busy_sense;
	uint32_t last_sense; /* of the last command, for REQUEST SENSE */
	char serial[16];
	uint8_t write_page[52]; /* mode page 05h */
	/* Writes that an empty buffer would have spoilt; of CDs, DVD-R and
	 * DVD-RW, since for others no host asks. */
	uint64_t unguarded;
	uint32_t read_kbs, write_kbs;

	/* The medium, sequential ones. */
	uint32_t tracks_n;
	struct mmc_track tracks[MMC_MAX_TRACKS];
	bool finalized;
	bool audio; /* a CD whose tracks are all of audio */
	bool only_at_once; /* a DVD-RW after a minimal blanking */
	/* From SEND CUE SHEET to its last block: session at once. */
	bool sao;
	int32_t sao_next;
	uint32_t sao_start, sao_end;
	/* Test write: where it began, and what is written where. */
	bool dummy;
	struct mmc_track dummy_saved;

	/* The medium, overwritable ones. */
	bool formatted;
	uint32_t formatted_end; /* one behind what can be read */
	bool growing;	   /* a DVD-RW: it may be written beyond that end */
	uint8_t bg_format; /* MMC-6 6.21.3.1.8: 0 to 3 */
	uint32_t bg_done;  /* percent */

	uint32_t cache_first, cache_n;
	uint32_t cache_lba[MMC_CACHE_BLOCKS];

	uint32_t faults_n;
	struct mmc_fault faults[MMC_MAX_FAULTS];

	uint64_t count[256]; /* commands that came, by opcode */
	uint64_t log_n;
	struct mmc_log_entry log[MMC_LOG_LEN];
};

struct mmc {
	struct mmc_state *s;
	uint8_t *cache; /* MMC_CACHE_BLOCKS blocks */
	uint8_t *map;	/* enum mmc_block, one for each block of the medium */
	uint8_t *data;	/* all blocks of the medium */
};

struct mmc_result {
	uint8_t status; /* SAM-3 5.3.1: 0 GOOD, 2 CHECK CONDITION */
	uint8_t sense[18];
	size_t len; /* bytes that were transferred */
	bool gone;  /* no answer will ever come */
	unsigned delay_ms;
};

/* mmc_kind - the kinds by enum mmc_media; NULL behind the last. */
const struct mmc_kind *mmc_kind(unsigned media);

/*
 * mmc_insert - the drive with a new medium of @capacity blocks in it (0: the
 * usual).  The areas behind @m are zero.  A ROM has one session over all of
 * its capacity.
 */
void mmc_insert(struct mmc *m, enum mmc_media media, uint32_t capacity);

/*
 * mmc_command - carry out one command.  @buf takes or holds the @len bytes
 * that go with it.  Fills all of @res.
 */
void mmc_command(struct mmc *m, const uint8_t *cdb, size_t cdb_len, void *buf,
		 size_t len, struct mmc_result *res);

/*
 * What happens to a drive from outside.  mmc_attach is what the kernel does
 * at each open: it takes the pending UNIT ATTENTION, and only if there was one
 * it looks at the size of the medium (so that after a burn it is stale).
 * mmc_eject is the button (false: it is locked), mmc_load closes the tray.
 * mmc_power_cut loses the cache; on a write-once medium the track is damaged by
 * it.  mmc_plug brings a drive back that is gone.
 */
void mmc_attach(struct mmc *m);
bool mmc_eject(struct mmc *m);
void mmc_load(struct mmc *m);
void mmc_power_cut(struct mmc *m);
void mmc_plug(struct mmc *m);

/* mmc_damage - as after a failed burn: some blocks in a track left open. */
bool mmc_damage(struct mmc *m);

/* mmc_fault_add - false if there are MMC_MAX_FAULTS already. */
bool mmc_fault_add(struct mmc *m, const struct mmc_fault *fault);

/* mmc_readable - blocks of the medium, as READ CAPACITY tells; 0: none. */
uint32_t mmc_readable(const struct mmc *m);

#endif
