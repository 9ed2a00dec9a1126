/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The label: which disc a stage is for, in a file of its own, "disc", for when
 * its database cannot be read.  It is never believed against the database.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/io.h"
#include "common/sum128.h"
#include "fs/stage_internal.h"

static const char label_name[] = "disc", label_new[] = "disc.new";
static const char first_line[] = "discfs stage 1\n";

enum { LABEL_BYTES_MAX = 256 << 10, SUM_LINE_BYTES = 4 + 32 + 1 };

/* What could end a line, or be taken for an escape, is written as %XX. */
static void put_text(FILE *f, const char *key, const char *text)
{
	fprintf(f, "%s=", key);
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < ' ' || *p == '%' || *p == 127)
			fprintf(f, "%%%02x", *p);
		else
			fputc(*p, f);
	}
	fputc('\n', f);
}

static void sum_line(const char *text, size_t len, char buf[SUM_LINE_BYTES + 1])
{
	struct sum128 s;
	uint64_t sum[2];

	sum128_init(&s, 0);
	sum128_add(&s, text, len);
	sum128_end(&s, sum);
	snprintf(buf, SUM_LINE_BYTES + 1, "sum=%016" PRIx64 "%016" PRIx64 "\n",
		 sum[0], sum[1]);
}

static void put_all(FILE *f, const struct stage_binding *b)
{
	fputs(first_line, f);
	fputs("digest=", f);
	for (size_t i = 0; i < sizeof b->digest; i++)
		fprintf(f, "%02x", b->digest[i]);
	fprintf(f,
		"\nblank=%d\nbase_lba=%" PRIu32 "\ntip_lba=%" PRIu32
		"\nnwa=%" PRIu64 "\nimage_dev=%" PRIu64 "\nimage_ino=%" PRIu64
		"\ncapacity_blocks=%" PRIu64 "\n",
		b->blank, b->base_lba, b->tip_lba, b->nwa, b->image_dev,
		b->image_ino, b->capacity_blocks);
	put_text(f, "serial", b->serial);
	put_text(f, "media_type", b->media_type);
	put_text(f, "path", b->path);
}

static char *compose(const struct stage_binding *b, size_t *ret_len)
{
	char *text = NULL, sum[SUM_LINE_BYTES + 1];
	FILE *f = open_memstream(&text, ret_len);

	if (!f)
		return NULL;
	put_all(f, b);
	if (fflush(f) == 0) {
		sum_line(text, *ret_len, sum);
		fputs(sum, f);
	}
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

static int write_new(int dirfd, const char *text, size_t len)
{
	AUTO_FD int fd = openat(dirfd, label_new,
				O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW |
					O_NONBLOCK | O_CLOEXEC,
				0600);
	int err = fd < 0 ? -errno : io_write_at(fd, text, len, 0);

	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	return err;
}

void stage_label_write(const struct stage *st, const struct stage_binding *b)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;

	text = compose(b, &len);
	if (text && write_new(st->dirfd, text, len) == 0 &&
	    renameat(st->dirfd, label_new, st->dirfd, label_name) == 0)
		return;
	/* None says less than a wrong one, which may be another disc's. */
	unlinkat(st->dirfd, label_new, 0);
	unlinkat(st->dirfd, label_name, 0);
}

/* ---- reading ---- */

static int hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* The value of @key's line, or NULL. */
static const char *find(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, key, len) == 0 && text[len] == '=')
			return text + len + 1;
	}
	return NULL;
}

static uint64_t get_number(const char *text, const char *key)
{
	const char *p = find(text, key);

	return p ? strtoull(p, NULL, 10) : 0;
}

static void get_text(const char *text, const char *key, char *buf, size_t size)
{
	const char *p = find(text, key);
	size_t n = 0;

	while (p && *p && *p != '\n' && n + 1 < size) {
		if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
			buf[n++] = (char)(hex(p[1]) * 16 + hex(p[2]));
			p += 3;
		} else {
			buf[n++] = *p++;
		}
	}
	buf[n] = '\0';
}

static bool get_digest(const char *text, unsigned char digest[16])
{
	const char *p = find(text, "digest");

	for (size_t i = 0; p && i < 16; i++) {
		int high = hex(p[2 * i]);
		int low = high < 0 ? -1 : hex(p[2 * i + 1]);

		if (low < 0)
			return false;
		digest[i] = (unsigned char)(high * 16 + low);
	}
	return p != NULL;
}

static int read_file(int dirfd, char **ret, size_t *ret_len)
{
	AUTO_FD int fd =
		openat(dirfd, label_name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	AUTO_FREE char *text = NULL;
	struct stat s;
	int err;

	if (fd < 0 || fstat(fd, &s) < 0)
		return -errno;
	if (!S_ISREG(s.st_mode) || s.st_size < SUM_LINE_BYTES ||
	    s.st_size > LABEL_BYTES_MAX)
		return -EBADMSG;
	*ret_len = (size_t)s.st_size;
	text = calloc(1, *ret_len + 1);
	if (!text)
		return -ENOMEM;
	err = io_read_at(fd, text, *ret_len, 0);
	if (err == 0)
		*ret = STEAL_PTR(text);
	return err;
}

int stage_label_read(int dirfd, struct stage_binding *ret)
{
	AUTO_FREE char *text = NULL;
	char sum[SUM_LINE_BYTES + 1];
	struct stage_binding b = {0};
	size_t len = 0;
	int err = read_file(dirfd, &text, &len);

	if (err < 0)
		return err;
	sum_line(text, len - SUM_LINE_BYTES, sum);
	if (strlen(text) != len ||
	    strcmp(text + len - SUM_LINE_BYTES, sum) != 0 ||
	    strncmp(text, first_line, sizeof first_line - 1) != 0 ||
	    !get_digest(text, b.digest))
		return -EBADMSG;
	b.blank = get_number(text, "blank") != 0;
	b.base_lba = (uint32_t)get_number(text, "base_lba");
	b.tip_lba = (uint32_t)get_number(text, "tip_lba");
	b.nwa = get_number(text, "nwa");
	b.image_dev = get_number(text, "image_dev");
	b.image_ino = get_number(text, "image_ino");
	b.capacity_blocks = get_number(text, "capacity_blocks");
	get_text(text, "serial", b.serial, sizeof b.serial);
	get_text(text, "media_type", b.media_type, sizeof b.media_type);
	b.path = calloc(1, len);
	if (!b.path)
		return -ENOMEM;
	get_text(text, "path", b.path, len);
	*ret = b;
	return 0;
}
