/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmcdisc - makes drives with discs for mmcshim.so, shows and troubles them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/drive/mmc_file.h"
#include "tests/drive/mmcdisc.h"

static const char usage[] =
	"usage: mmcdisc FILE create KIND [capacity=BLOCKS] [image=FILE]\n"
	"       mmcdisc FILE show | log | count OPCODE|read|write\n"
	"       mmcdisc FILE eject | load | remove | damage | powercut\n"
	"       mmcdisc FILE unplug | plug | protect | unprotect | by-hand | "
	"audio\n"
	"       mmcdisc FILE fault ACTION [WHERE...] | faults clear\n"
	"       mmcdisc FILE extract LBA BLOCKS\n"
	"       mmcdisc FILE sessions N [TRACKS]\n"
	"       mmcdisc kinds\n"
	"\n"
	"create makes a new drive, or puts a new disc into it.\n"
	"sessions adds so many short ones of zeros, with a gap of one block.\n"
	"ACTION: write-error read-error full not-ready busy fail eject gone\n"
	"        power-cut slow\n"
	"WHERE:  on=any|read|write|OPCODE (hexadecimal)  lba=N  blocks=N\n"
	"        skip=N  times=N (0: always)  sense=K/AA/QQ  ms=N\n";

int mmcdisc_number(const char *text, uint32_t *ret, int base)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, base);
	if (errno || end == text || *end || value > UINT32_MAX) {
		fprintf(stderr, "mmcdisc: not a number: %s\n", text);
		return -EINVAL;
	}
	*ret = (uint32_t)value;
	return 0;
}

/* The session on a disc that comes with data: @image, closed. */
static int fill(struct mmc *m, const char *image)
{
	struct mmc_state *s = m->s;
	AUTO_FD int fd = open(image, O_RDONLY | O_CLOEXEC);
	uint32_t lba = 0;
	ssize_t n;

	if (fd < 0) {
		fprintf(stderr, "mmcdisc: %s: %s\n", image, strerror(errno));
		return -errno;
	}
	while (lba < s->capacity &&
	       (n = read(fd, m->data + (size_t)lba * MMC_BLOCK, MMC_BLOCK)) > 0)
		m->map[lba++] = MMC_WRITTEN;
	if (mmc_kind(s->media)->writing == MMC_RANDOM) {
		s->formatted = true;
		s->formatted_end = s->capacity;
		return 0;
	}
	s->tracks_n = 1;
	s->tracks[0].size = lba;
	s->tracks[0].nwa = lba;
	s->tracks[0].state = MMC_TRACK_CLOSED;
	s->finalized = true;
	return 0;
}

static int create(const char *path, int argc, char **argv)
{
	const char *image = NULL;
	struct mmc_file file;
	uint32_t capacity = 0;
	unsigned media = 0;
	int err;

	if (argc < 1)
		return -EINVAL;
	while (mmc_kind(media) && strcmp(mmc_kind(media)->name, argv[0]) != 0)
		media++;
	if (!mmc_kind(media)) {
		fprintf(stderr, "mmcdisc: no such kind of disc: %s\n", argv[0]);
		return -EINVAL;
	}
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "capacity=", 9) == 0)
			err = mmcdisc_number(argv[i] + 9, &capacity, 10);
		else
			err = strncmp(argv[i], "image=", 6) == 0 ? 0 : -EINVAL;
		if (err < 0)
			return err;
		if (argv[i][0] == 'i')
			image = argv[i] + 6;
	}
	err = mmc_file_create(path, media, capacity);
	if (err == 0)
		err = mmc_file_open(path, &file);
	if (err < 0) {
		fprintf(stderr, "mmcdisc: %s: %s\n", path, strerror(-err));
		return err;
	}
	if (image)
		err = fill(&file.mmc, image);
	mmc_file_close(&file);
	return err;
}

static int extract(struct mmc *m, int argc, char **argv)
{
	uint32_t lba, blocks;

	if (argc != 2 || mmcdisc_number(argv[0], &lba, 10) < 0 ||
	    mmcdisc_number(argv[1], &blocks, 10) < 0)
		return -EINVAL;
	if (lba > m->s->capacity || blocks > m->s->capacity - lba)
		return -ERANGE;
	return fwrite(m->data + (size_t)lba * MMC_BLOCK, MMC_BLOCK, blocks,
		      stdout) == blocks
		       ? 0
		       : -EIO;
}

/* 1: done; 0: no such verb; -errno. */
static int simple_verb(struct mmc *m, const char *verb)
{
	struct mmc_state *s = m->s;

	if (strcmp(verb, "eject") == 0)
		return mmc_eject(m) ? 1 : -EBUSY;
	if (strcmp(verb, "load") == 0)
		mmc_load(m);
	else if (strcmp(verb, "remove") == 0)
		s->no_disc = true;
	else if (strcmp(verb, "damage") == 0)
		return mmc_damage(m) ? 1 : -ENOSPC;
	else if (strcmp(verb, "powercut") == 0)
		mmc_power_cut(m);
	else if (strcmp(verb, "unplug") == 0)
		mmc_power_cut(m), s->gone = true;
	else if (strcmp(verb, "plug") == 0)
		mmc_plug(m);
	else if (strcmp(verb, "protect") == 0)
		s->write_protected = true;
	else if (strcmp(verb, "unprotect") == 0)
		s->write_protected = false;
	else if (strcmp(verb, "by-hand") == 0)
		s->by_hand = true;
	else if (strcmp(verb, "audio") == 0)
		s->audio = true;
	else
		return 0;
	return 1;
}

/*
 * The kernel unlocks the tray when the last program that has it open is gone,
 * however it ended.
 */
static void unlock_unowned(const char *path, struct mmc *m)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		m->s->locked = false;
}

static int verb_of(struct mmc_file *file, const char *verb, int argc,
		   char **argv)
{
	struct mmc *m = &file->mmc;
	int err = argc == 0 ? simple_verb(m, verb) : 0;

	if (err)
		return err < 0 ? err : 0;
	if (strcmp(verb, "show") == 0 && argc == 0)
		return mmcdisc_show(m);
	if (strcmp(verb, "log") == 0 && argc == 0)
		return mmcdisc_log(m);
	if (strcmp(verb, "count") == 0 && argc == 1)
		return mmcdisc_count(m, argv[0]);
	if (strcmp(verb, "fault") == 0 && argc >= 1)
		return mmcdisc_fault(m, argc, argv);
	if (strcmp(verb, "faults") == 0 && argc == 1 &&
	    strcmp(argv[0], "clear") == 0) {
		m->s->faults_n = 0;
		return 0;
	}
	if (strcmp(verb, "extract") == 0)
		return extract(m, argc, argv);
	if (strcmp(verb, "sessions") == 0)
		return mmcdisc_sessions(m, argc, argv);
	fputs(usage, stderr);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	struct mmc_file file;
	int err;

	if (argc == 2 && strcmp(argv[1], "kinds") == 0) {
		for (unsigned i = 0; mmc_kind(i); i++)
			puts(mmc_kind(i)->name);
		return 0;
	}
	if (argc < 3) {
		fputs(usage, stderr);
		return 2;
	}
	if (strcmp(argv[2], "create") == 0)
		return create(argv[1], argc - 3, argv + 3) < 0;
	if (!realpath(argv[1], path)) {
		fprintf(stderr, "mmcdisc: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	err = mmc_file_open(path, &file);
	if (err == 0) {
		mmc_file_lock(&file);
		unlock_unowned(path, &file.mmc);
		err = verb_of(&file, argv[2], argc - 3, argv + 3);
		mmc_file_unlock(&file);
		mmc_file_close(&file);
	}
	if (err < 0)
		fprintf(stderr, "mmcdisc: %s %s: %s\n", argv[1], argv[2],
			strerror(-err));
	return err < 0;
}
