/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/disc.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "burner/chain.h"
#include "burner/disc_ops.h"
#include "burner/head.h"
#include "common/cleanup.h"

int disc_open(const struct disc_params *params, struct disc **ret,
	      struct why *why)
{
	AUTO_FREE char *path = realpath(params->path, NULL);
	struct disc_params absolute = *params;
	struct stat st;

	if (!path && (errno != ENOENT || !params->create))
		return why_set(why, -errno, "cannot open %s: %s", params->path,
			       strerror(errno));
	if (!path && disc_is_device_place(params->path))
		return why_set(why, -ENOENT,
			       "%s is not there, and no image is made among "
			       "devices (\"discfs drives\" lists the drives)",
			       params->path);
	if (!path)
		return image_disc_open(params, ret, why);
	absolute.path = path;
	if (stat(path, &st) < 0)
		return why_set(why, -errno, "cannot open %s: %s", path,
			       strerror(errno));
	if (S_ISDIR(st.st_mode))
		return why_set(why, -EISDIR, "%s is a folder", path);
	if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode))
		return drive_disc_open(&absolute, ret, why);
	if (!S_ISREG(st.st_mode))
		return why_set(why, -ENOTSUP, "%s is not an image file", path);
	return image_disc_open(&absolute, ret, why);
}

uint64_t medium_overhead(const struct medium *m, uint64_t blocks)
{
	uint64_t whole = blocks < m->min_blocks ? m->min_blocks : blocks;

	if (m->write_blocks > 1)
		whole = (whole + m->write_blocks - 1) / m->write_blocks *
			m->write_blocks;
	return whole - blocks + m->end_blocks + m->gap_blocks;
}

void disc_free(struct disc *disc)
{
	if (disc)
		disc->ops->free(disc);
}

const char *disc_path(const struct disc *disc)
{
	return disc->path;
}

int disc_look(struct disc *disc, struct medium *ret, struct why *why)
{
	return disc->ops->look(disc, ret, why);
}

int disc_look_again(struct disc *disc, struct medium *ret, struct why *why)
{
	return disc->ops->look_again ? disc->ops->look_again(disc, ret, why)
				     : disc->ops->look(disc, ret, why);
}

void disc_note_head(const unsigned char *head, struct medium *m)
{
	m->head_changed = head_sum(head) == HEAD_CHANGED;
	if (m->head_changed)
		m->head_note = "another program changed its first 64 KiB since "
			       "they were written; what its sessions hold is "
			       "as it was";
}

int disc_distrust(struct disc *disc, uint32_t lba)
{
	return doubts_add(&disc->doubts, lba, DOUBT_PASSED_OVER, NULL);
}

int disc_give_up(struct disc *disc, uint32_t lba, const char *reason)
{
	return doubts_add(&disc->doubts, lba, DOUBT_UNREADABLE, reason);
}

int disc_refuse_foreign(const struct disc *disc, const struct medium *m,
			struct why *why)
{
	const char *path = disc->path;
	char ways[PATH_MAX + 80] = "";

	if (m->can_blank)
		snprintf(ways, sizeof ways,
			 "; \"discfs blank %s\" makes it blank, and what it "
			 "holds is lost",
			 path);
	return why_set(why, -EMEDIUMTYPE, "%s cannot be used: %s%s%s%s", path,
		       m->why_not_writable,
		       m->looks_like ? "; it looks like " : "",
		       m->looks_like ? m->looks_like : "", ways);
}

int disc_in_place(struct disc *disc, struct why *why)
{
	return disc->ops->in_place ? disc->ops->in_place(disc, why) : 0;
}

uint64_t disc_session_end(struct disc *disc, uint32_t lba)
{
	return disc->ops->session_end
		       ? disc->ops->session_end(disc, lba)
		       : (disc_readable(disc) + DISC_BLOCK - 1) / DISC_BLOCK;
}

void disc_eject(struct disc *disc)
{
	if (disc->ops->eject)
		disc->ops->eject(disc);
}

int disc_prepare(struct disc *disc, const struct burn_settings *settings,
		 struct why *why)
{
	if (!disc->ops->prepare)
		return 0;
	return disc->ops->prepare(disc, settings, why);
}

bool disc_trouble(struct disc *disc, struct why *why)
{
	return disc->ops->trouble && disc->ops->trouble(disc, why);
}

int disc_fd(const struct disc *disc)
{
	return disc->fd;
}

uint64_t disc_readable(struct disc *disc)
{
	return disc->ops->readable(disc);
}

uint64_t disc_place(struct disc *disc, uint64_t lba, uint64_t *len_bytes)
{
	return disc->ops->place ? disc->ops->place(disc, lba, len_bytes) : lba;
}

int disc_read(struct disc *disc, void *buf, size_t len, uint64_t pos)
{
	return disc->ops->read(disc, buf, len, pos);
}

int disc_write_head(struct disc *disc, const void *head, struct why *why)
{
	return disc->ops->write_head(disc, head, why);
}

int disc_read_head(struct disc *disc, void *head)
{
	return disc->ops->read_head(disc, head);
}

int disc_sessions(struct disc *disc, struct disc_session **ret, size_t *ret_n,
		  struct why *why)
{
	AUTO_FREE unsigned char *head = NULL;
	struct medium medium;
	int err;

	if (disc->ops->sessions)
		return disc->ops->sessions(disc, ret, ret_n, why);
	err = disc_look(disc, &medium, why);
	if (err < 0)
		return err;
	if (medium.sessions == 0) {
		*ret = NULL;
		*ret_n = 0;
		return 0;
	}
	head = malloc(DISC_HEAD_BYTES);
	if (!head)
		return -ENOMEM;
	err = disc_read_head(disc, head);
	if (err < 0)
		return why_set(why, err, "cannot read the head of %s",
			       disc->path);
	return chain_sessions(disc, head, ret, ret_n, why);
}

int disc_identity(struct disc *disc, uint64_t *ret_dev, uint64_t *ret_ino,
		  char serial[64])
{
	return disc->ops->identity(disc, ret_dev, ret_ino, serial);
}

const char *disc_status_word(enum disc_status status)
{
	switch (status) {
	case DISC_BLANK:
		return "blank";
	case DISC_APPENDABLE:
		return "appendable";
	case DISC_CLOSED:
		return "closed";
	case DISC_FOREIGN:
		return "not a data disc";
	case DISC_DAMAGED:
		return "damaged";
	case DISC_PROTECTED:
		return "write-protected";
	case DISC_UNSUPPORTED:
		return "unsupported";
	case DISC_NONE:
		break;
	}
	return "no medium";
}
