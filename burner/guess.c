/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/guess.h"

#include <blkid.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "burner/disc_ops.h"
#include "burner/volume.h"
#include "common/cleanup.h"
#include "common/io.h"

enum {
	COPY_BYTES = 1 << 20,
	COPY_STEP = DISC_HEAD_BYTES,
	/* A drive may count only what was written; libblkid believes no file
	 * system that is larger than what it is on. */
	COPY_SIZE_MIN = 1 << 30,
	NAME_MAX_BYTES = 60,
	PREGAP_BLOCKS = 150, /* two seconds of a CD */
};

/* ---- by libblkid ---- */

/* For the terminal; a label is whatever somebody wrote there. */
static void copy_name(blkid_probe pr, const char *key, char *ret, size_t size)
{
	const char *text = NULL;
	size_t n = 0;

	ret[0] = 0;
	if (blkid_probe_lookup_value(pr, key, &text, NULL) < 0 || !text)
		return;
	for (; text[n] && n + 1 < size; n++)
		ret[n] = (unsigned char)text[n] < ' ' || text[n] == 0x7f
				 ? '?'
				 : text[n];
	ret[n] = 0;
}

static void describe(blkid_probe pr, char *ret, size_t size)
{
	char type[NAME_MAX_BYTES], label[NAME_MAX_BYTES], table[NAME_MAX_BYTES];
	char usage[NAME_MAX_BYTES];

	copy_name(pr, "TYPE", type, sizeof type);
	copy_name(pr, "LABEL", label, sizeof label);
	copy_name(pr, "PTTYPE", table, sizeof table);
	copy_name(pr, "USAGE", usage, sizeof usage);
	if (type[0])
		snprintf(ret, size, "%s%s%s%s%s",
			 !strcmp(usage, "crypto") ? "an encrypted volume, "
			 : !strcmp(usage, "raid") ? "a part of a volume, "
						  : "a file system, ",
			 type, label[0] ? " named '" : "", label,
			 label[0] ? "'" : "");
	else if (table[0])
		snprintf(ret, size, "a disk with partitions, %s",
			 !strcmp(table, "dos") ? "mbr" : table);
}

static void ask_blkid(int fd, char *ret, size_t size)
{
	blkid_probe pr = blkid_new_probe();
	int found;

	if (!pr)
		return;
	if (blkid_probe_set_device(pr, fd, 0, 0) == 0) {
		blkid_probe_enable_superblocks(pr, 1);
		blkid_probe_set_superblocks_flags(
			pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL |
				    BLKID_SUBLKS_USAGE);
		blkid_probe_enable_partitions(pr, 1);
		found = blkid_do_safeprobe(pr);
		if (found == 0)
			describe(pr, ret, size);
		else if (found == -2)
			snprintf(ret, size, "more than one file system");
	}
	blkid_free_probe(pr);
}

/* ---- by how it begins ---- */

static const struct beginning {
	const char *bytes;
	size_t n;
	const char *words;
} beginnings[] = {
	{"\x1f\x8b\x08", 3, "a file compressed by gzip: unpack it first"},
	{"\xfd"
	 "7zXZ",
	 5, "a file compressed by xz: unpack it first"},
	{"BZh", 3, "a file compressed by bzip2: unpack it first"},
	{"\x28\xb5\x2f\xfd", 4, "a file compressed by zstd: unpack it first"},
	{"PK\3\4", 4, "a zip archive: unpack it first"},
	{"7z\xbc\xaf\x27\x1c", 6, "a 7z archive: unpack it first"},
	{"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", 12,
	 "an image of raw CD sectors of 2352 bytes"},
};

static bool has_volume(int fd, unsigned session)
{
	unsigned char block[DISC_BLOCK];
	struct volume vol;

	return io_read_at(fd, block, sizeof block,
			  ((uint64_t)session + VOLUME_SUPERBLOCK) *
				  DISC_BLOCK) == 0 &&
	       volume_parse(block, &vol);
}

static void look_at_beginning(int fd, char *ret, size_t size)
{
	unsigned char head[16];

	if (io_read_at(fd, head, sizeof head, 0) < 0)
		return;
	for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
		if (!memcmp(head, beginnings[i].bytes, beginnings[i].n)) {
			snprintf(ret, size, "%s", beginnings[i].words);
			return;
		}
	}
	if (has_volume(fd, DISC_SESSION_ALIGN))
		snprintf(ret, size,
			 "an ISO 9660 session at block %u that no superblock "
			 "leads to; -o sbsector=%u shows it",
			 DISC_SESSION_ALIGN, DISC_SESSION_ALIGN);
	else if (has_volume(fd, PREGAP_BLOCKS))
		snprintf(ret, size,
			 "an ISO 9660 volume behind a pregap of %u blocks",
			 (unsigned)PREGAP_BLOCKS);
}

/* ---- a drive has no descriptor to read from ---- */

static int copy_start(struct disc *disc)
{
	AUTO_FREE unsigned char *buf = malloc(COPY_STEP);
	uint64_t readable = disc_readable(disc);
	AUTO_FD int fd = memfd_create("medium", MFD_CLOEXEC);

	if (!buf || fd < 0 ||
	    ftruncate(fd, readable > COPY_SIZE_MIN ? (off_t)readable
						   : COPY_SIZE_MIN) < 0)
		return -1;
	for (uint64_t pos = 0; pos < COPY_BYTES && pos < readable;
	     pos += COPY_STEP) {
		size_t n = readable - pos < COPY_STEP ? (size_t)(readable - pos)
						      : COPY_STEP;

		if (disc_read(disc, buf, n, pos) < 0 ||
		    io_write_at(fd, buf, n, pos) < 0)
			break;
	}
	return STEAL_FD(fd);
}

void guess(struct disc *disc, char ret[GUESS_TEXT])
{
	int fd = disc_fd(disc);
	AUTO_FD int copy = fd < 0 ? copy_start(disc) : -1;

	ret[0] = 0;
	if (fd < 0)
		fd = copy;
	if (fd < 0)
		return;
	ask_blkid(fd, ret, GUESS_TEXT);
	if (!ret[0])
		look_at_beginning(fd, ret, GUESS_TEXT);
}
