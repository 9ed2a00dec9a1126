/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/import_node.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <linux/limits.h>
#include <linux/posix_acl_xattr.h>

#include "burner/acl.h"
#include "burner/disc_ops.h"
#include "burner/link_mark.h"
#include "burner/link_target.h"
#include "common/cleanup.h"

void node_parts_release(struct node_parts *parts)
{
	free(parts->runs);
	free(parts->xattrs);
	parts->runs = NULL;
	parts->xattrs = NULL;
	parts->room = 0;
}

static int check_name(const char *name, struct why *why)
{
	if (!name || !*name || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strchr(name, '/'))
		return why_set(why, -EIO, "a name that no file can have");
	if (strlen(name) > NAME_MAX)
		return why_set(why, -EIO, "a name of more than %d bytes",
			       NAME_MAX);
	return 0;
}

/*
 * How Linux reads a Rock Ridge PN field of two halves (RRIP 4.1.2): libisofs
 * hands them on as one number, which is right only where the upper is empty.
 */
static dev_t device(dev_t dev)
{
	uint64_t number = (uint64_t)dev;

	if (number >> 32)
		return makedev((unsigned)(number >> 32), (unsigned)number);
	return dev;
}

static int add_run(struct node_parts *parts, unsigned *n, uint64_t lba,
		   uint64_t len_bytes)
{
	struct disc_run *last = *n ? &parts->runs[*n - 1] : NULL;

	if (last && last->len_bytes % DISC_BLOCK == 0 &&
	    last->lba + last->len_bytes / DISC_BLOCK == lba) {
		last->len_bytes += len_bytes;
		return 0;
	}
	if (*n == parts->room) {
		size_t room = parts->room ? 2 * parts->room : 8;
		struct disc_run *runs =
			realloc(parts->runs, room * sizeof *runs);

		if (!runs)
			return -ENOMEM;
		parts->runs = runs;
		parts->room = room;
	}
	parts->runs[*n].lba = lba;
	parts->runs[*n].len_bytes = len_bytes;
	(*n)++;
	return 0;
}

static uint64_t end_of(const struct disc_run *run)
{
	return run->lba + (run->len_bytes + DISC_BLOCK - 1) / DISC_BLOCK;
}

/* Puts what run @i has behind @limit to where nothing can be read: by now it
 * may hold something else. */
static int cut_run(struct node_parts *parts, unsigned *n, unsigned i,
		   uint64_t limit)
{
	struct disc_run *run = &parts->runs[i];
	uint64_t have, missing;
	int err;

	if (run->lba >= limit) {
		run->lba = IMPORT_NOWHERE;
		return 0;
	}
	have = (limit - run->lba) * DISC_BLOCK;
	missing = run->len_bytes - have;
	/* Room for one more, which moves up to its place. */
	err = add_run(parts, n, IMPORT_NOWHERE + 1, missing);
	if (err < 0)
		return err;
	parts->runs[i].len_bytes = have;
	memmove(&parts->runs[i + 2], &parts->runs[i + 1],
		(*n - i - 2) * sizeof *parts->runs);
	parts->runs[i + 1] =
		(struct disc_run){.lba = IMPORT_NOWHERE, .len_bytes = missing};
	return 0;
}

/* What is missing of a file's content, because its session does not go on. */
static int check_runs(struct node_parts *parts, unsigned *n)
{
	struct import_content *c = &parts->content;
	bool missing = false;
	int err = 0;

	for (unsigned i = 0; !err && i < *n; i++) {
		bool own = parts->runs[i].lba >= parts->start;
		uint64_t limit = own ? parts->end : parts->start;
		uint64_t end = end_of(&parts->runs[i]);

		if (parts->runs[i].lba == IMPORT_NOWHERE)
			continue;
		if (own && c->end_lba < end)
			c->end_lba = end;
		if (end <= limit)
			continue;
		missing = true;
		/* Behind the end of the medium nothing is read in any case. */
		if (limit < parts->readable)
			err = cut_run(parts, n, i, limit);
	}
	c->missing_files += missing;
	return err;
}

/* Where the runs stand on the medium, which is what others read. */
static int place_runs(struct node_parts *parts, unsigned *n)
{
	AUTO_FREE struct disc_run *runs = NULL;
	unsigned count = *n;
	int err = 0;

	if (!parts->disc->ops->place || count == 0)
		return 0;
	runs = calloc(count, sizeof *runs);
	if (!runs)
		return -ENOMEM;
	memcpy(runs, parts->runs, count * sizeof *runs);
	*n = 0;
	for (unsigned i = 0; i < count; i++) {
		struct disc_run *run = &runs[i];

		while (!err && run->len_bytes) {
			uint64_t len = run->len_bytes, lba;

			lba = disc_place(parts->disc, run->lba, &len);
			err = add_run(parts, n, lba, len);
			run->lba += len / DISC_BLOCK;
			run->len_bytes -= len;
		}
	}
	return err;
}

static int settle_runs(struct node_parts *parts, unsigned *n)
{
	int err = check_runs(parts, n);

	return err ? err : place_runs(parts, n);
}

static int fill_file(struct node_parts *parts, IsoFile *file,
		     struct import_node *ret, struct why *why)
{
	AUTO_FREE struct iso_file_section *sections = NULL;
	uint64_t sum = 0;
	unsigned n = 0;
	int count = 0, i, err;

	err = iso_file_get_old_image_sections(file, &count, &sections, 0);
	if (err < 0)
		return library_error(err, "no place of the content", why);
	ret->size = (uint64_t)iso_file_get_size(file);
	ret->filtered = iso_stream_get_input_stream(iso_file_get_stream(file),
						    0) != NULL;
	for (i = 0; i < count; i++) {
		if (sections[i].size == 0)
			continue;
		err = add_run(parts, &n, sections[i].block, sections[i].size);
		if (err < 0)
			return err;
		sum += sections[i].size;
	}
	if (!ret->filtered && sum != ret->size)
		return why_set(why, -EIO, "content of another size");
	err = settle_runs(parts, &n);
	ret->runs = parts->runs;
	ret->n_runs = n;
	return err;
}

static int fill_boot_catalog(struct node_parts *parts, struct import_node *ret,
			     struct why *why)
{
	AUTO_FREE char *content = NULL;
	IsoBoot *boot = NULL;
	off_t size = 0;
	uint32_t lba = 0;
	unsigned n = 0;
	int err;

	ret->boot_catalog = true;
	err = iso_image_get_bootcat(parts->image, &boot, &lba, &content, &size);
	if (err < 0)
		return library_error(err, "a damaged boot catalog", why);
	if (size > 0) {
		ret->size = (uint64_t)size;
		err = add_run(parts, &n, lba, ret->size);
		if (err < 0)
			return err;
	}
	err = settle_runs(parts, &n);
	ret->runs = parts->runs;
	ret->n_runs = n;
	return err;
}

struct pair {
	const char *name;
	const void *value;
	size_t len;
};

static int pair_cmp(const void *a, const void *b)
{
	return strcmp(((const struct pair *)a)->name,
		      ((const struct pair *)b)->name);
}

/* Sorts @pairs; of equal names the first one counts. */
static int build_xattrs(struct pair *pairs, size_t n, struct xattrs **ret)
{
	struct xattrs *x;
	size_t i, size = 0;
	unsigned char *p;

	if (n == 0) {
		*ret = NULL;
		return 0;
	}
	qsort(pairs, n, sizeof *pairs, pair_cmp);
	for (i = 0; i < n; i++)
		size += sizeof(uint16_t) + sizeof(uint32_t) +
			strlen(pairs[i].name) + pairs[i].len;
	if (size > UINT32_MAX)
		return -EIO;
	x = malloc(sizeof *x + size);
	if (!x)
		return -ENOMEM;
	x->count = 0;
	p = x->data;
	for (i = 0; i < n; i++) {
		uint16_t name_len = (uint16_t)strlen(pairs[i].name);
		uint32_t value_len = (uint32_t)pairs[i].len;

		if (i && !strcmp(pairs[i].name, pairs[i - 1].name))
			continue;
		memcpy(p, &name_len, sizeof name_len);
		p += sizeof name_len;
		memcpy(p, &value_len, sizeof value_len);
		p += sizeof value_len;
		memcpy(p, pairs[i].name, name_len);
		p += name_len;
		if (value_len)
			memcpy(p, pairs[i].value, value_len);
		p += value_len;
		x->count++;
	}
	x->size_bytes = (uint32_t)(p - x->data);
	*ret = x;
	return 0;
}

/* libisofs' own notes are no attributes of the file; nor can Linux hold all. */
static bool is_user_attr(const char *name, size_t len)
{
	size_t n = strlen(name);

	return n > 0 && n <= XATTR_NAME_MAX && len <= XATTR_SIZE_MAX &&
	       strncmp(name, "isofs.", 6) != 0 &&
	       strcmp(name, LINK_TARGET_ATTR) != 0 &&
	       strcmp(name, LINK_MARK_ATTR_OLD) != 0;
}

/* What the link itself could not take, if it is one and may be the target of
 * this one. */
static void take_target(struct node_parts *parts, const char *value, size_t len,
			struct import_node *ret)
{
	if (!S_ISLNK(ret->attr.mode) || len == 0 || len >= sizeof parts->target)
		return;
	memcpy(parts->target, value, len);
	parts->target[len] = '\0';
	if (strlen(parts->target) == len &&
	    link_target_is_for(ret->target, parts->target))
		ret->target = parts->target;
}

/* Whether an access list names nobody: libisofs makes such a one of the mode
 * where a folder has a default list only. */
static bool says_the_mode(size_t len)
{
	return len <= sizeof(struct posix_acl_xattr_header) +
			      3 * sizeof(struct posix_acl_xattr_entry);
}

/* Takes @text over; it came from iso_node_get_acl_text. */
static int acl_pair(const char *name, char *text, void **value,
		    struct pair *pairs, size_t *n)
{
	int len;

	if (!text || !*text)
		return 0;
	len = acl_from_text(text, value);
	/* An ACL for somebody unknown here: the mode bits still hold. */
	if (len == -ENOENT)
		return 0;
	if (len < 0)
		return len == -ENOMEM ? len : -EIO;
	if (!strcmp(name, ACL_ACCESS_XATTR) && says_the_mode((size_t)len))
		return 0;
	pairs[*n].name = name;
	pairs[*n].value = *value;
	pairs[*n].len = (size_t)len;
	(*n)++;
	return 0;
}

static int add_acls(IsoNode *node, struct pair *pairs, size_t *n,
		    void *values[2])
{
	char *access_text = NULL, *default_text = NULL;
	int err;

	err = iso_node_get_acl_text(node, &access_text, &default_text, 1 << 4);
	if (err >= 0) {
		err = acl_pair(ACL_ACCESS_XATTR, access_text, &values[0], pairs,
			       n);
		if (err == 0)
			err = acl_pair(ACL_DEFAULT_XATTR, default_text,
				       &values[1], pairs, n);
	} else {
		err = -EIO;
	}
	iso_node_get_acl_text(NULL, &access_text, &default_text, 1 << 15);
	return err;
}

/*
 * Whether @aa, AAIP 2.0's "AL" field, holds nothing but libisofs' number of the
 * file's checksum ("isofs.cx"): so it is with most files, and what libisofs
 * does to list it twice is a quarter of an import's time.
 */
static bool is_sum_only(const unsigned char *aa)
{
	/* header: signature, length, version, flags; then name and value, each
	 * with flags and length; \4 stands for "isofs." */
	static const unsigned char name[] = {0, 3, 4, 'c', 'x'};
	enum { HEAD = 5, VALUE = HEAD + sizeof name };

	return aa[0] == 'A' && aa[1] == 'L' && aa[2] > VALUE + 2 &&
	       aa[3] == 1 && aa[4] == 0 &&
	       memcmp(aa + HEAD, name, sizeof name) == 0 && aa[VALUE] == 0 &&
	       aa[VALUE + 1] == aa[2] - VALUE - 2;
}

static int fill_xattrs(struct node_parts *parts, IsoNode *node,
		       struct import_node *ret, struct why *why)
{
	AUTO_FREE struct pair *pairs = NULL;
	char **names = NULL, **values = NULL;
	size_t n_attrs = 0, *lengths = NULL, i, n = 0;
	void *xinfo, *acls[2] = {NULL, NULL};
	int err;

	free(parts->xattrs);
	parts->xattrs = NULL;
	if (iso_node_get_xinfo(node, aaip_xinfo_func, &xinfo) != 1 ||
	    is_sum_only(xinfo))
		return 0;
	err = iso_node_get_attrs(node, &n_attrs, &names, &lengths, &values, 0);
	if (err < 0)
		return library_error(err, "damaged extended attributes", why);
	pairs = calloc(n_attrs + 2, sizeof *pairs);
	err = pairs ? 0 : -ENOMEM;
	for (i = 0; !err && i < n_attrs; i++) {
		if (!strcmp(names[i], LINK_TARGET_ATTR))
			take_target(parts, values[i], lengths[i], ret);
		if (!is_user_attr(names[i], lengths[i]))
			continue;
		pairs[n].name = names[i];
		pairs[n].value = values[i];
		pairs[n++].len = lengths[i];
	}
	if (!err)
		err = add_acls(node, pairs, &n, acls);
	if (!err)
		err = build_xattrs(pairs, n, &parts->xattrs);
	free(acls[0]);
	free(acls[1]);
	iso_node_get_attrs(NULL, &n_attrs, &names, &lengths, &values, 1 << 15);
	if (err == -EIO)
		return why_set(why, err, "a damaged access control list");
	ret->xattrs = parts->xattrs;
	return err;
}

static int fill_kind(struct node_parts *parts, IsoNode *node,
		     struct import_node *ret, struct why *why)
{
	switch (iso_node_get_type(node)) {
	case LIBISO_DIR:
		ret->attr.mode = (ret->attr.mode & 07777) | S_IFDIR;
		return 0;
	case LIBISO_FILE:
		ret->attr.mode = (ret->attr.mode & 07777) | S_IFREG;
		return fill_file(parts, (IsoFile *)node, ret, why);
	case LIBISO_BOOT:
		ret->attr.mode = (ret->attr.mode & 07777) | S_IFREG;
		return fill_boot_catalog(parts, ret, why);
	case LIBISO_SYMLINK:
		ret->attr.mode = (ret->attr.mode & 07777) | S_IFLNK;
		ret->target = iso_symlink_get_dest((IsoSymlink *)node);
		if (!ret->target || !*ret->target)
			return why_set(why, -EIO, "a link to nothing");
		return 0;
	case LIBISO_SPECIAL:
		if (S_ISCHR(ret->attr.mode) || S_ISBLK(ret->attr.mode))
			ret->attr.rdev =
				device(iso_special_get_dev((IsoSpecial *)node));
		else if (!S_ISFIFO(ret->attr.mode) && !S_ISSOCK(ret->attr.mode))
			return why_set(why, -EIO, "an unknown kind of file");
		return 0;
	default:
		return why_set(why, -EIO, "an unknown kind of file");
	}
}

int node_fill(struct node_parts *parts, IsoNode *node, bool is_root,
	      struct import_node *ret, struct why *why)
{
	int err;

	memset(ret, 0, sizeof *ret);
	ret->name = is_root ? "" : iso_node_get_name(node);
	if (!is_root) {
		err = check_name(ret->name, why);
		if (err < 0)
			return err;
	}
	ret->attr.mode = iso_node_get_mode(node);
	ret->attr.uid = iso_node_get_uid(node);
	ret->attr.gid = iso_node_get_gid(node);
	ret->attr.atime.tv_sec = iso_node_get_atime(node);
	ret->attr.mtime.tv_sec = iso_node_get_mtime(node);
	ret->attr.ctime.tv_sec = iso_node_get_ctime(node);
	err = fill_kind(parts, node, ret, why);
	if (err < 0)
		return err;
	return fill_xattrs(parts, node, ret, why);
}

/* Below a filter, the stream of the image's bytes. */
static uint64_t file_ino(IsoNode *node)
{
	IsoStream *stream = iso_file_get_stream((IsoFile *)node), *input;
	unsigned fs_id;
	dev_t dev;
	ino_t ino;

	while ((input = iso_stream_get_input_stream(stream, 0)))
		stream = input;
	iso_stream_get_id(stream, &fs_id, &dev, &ino);
	return ino;
}

bool node_can_link(IsoNode *node, bool trusted)
{
	switch (iso_node_get_type(node)) {
	case LIBISO_FILE:
		return file_ino(node) != 0 &&
		       (trusted || iso_file_get_size((IsoFile *)node) > 0);
	case LIBISO_SYMLINK:
	case LIBISO_SPECIAL:
		return trusted;
	default:
		return false;
	}
}

uint64_t node_file_ino(IsoNode *node)
{
	return iso_node_get_type(node) == LIBISO_FILE ? file_ino(node) : 0;
}

int node_order(IsoNode *a, IsoNode *b)
{
	enum IsoNodeType ta = iso_node_get_type(a), tb = iso_node_get_type(b);

	if (ta != tb)
		return ta < tb ? -1 : 1;
	return ta == LIBISO_FILE ? 0 : iso_node_cmp_ino(a, b, 0);
}

/*
 * Of the 254 bytes of a record (ECMA-119 9.1) 33 are its own, 38 at most the
 * ISO name, 44 PX, 26 TF with three times, 5 the head of NM, 5 that of SL, and
 * 25 an attribute list with nothing but a checksum's number.  A component of a
 * link's target takes two bytes more than its text.
 */
bool node_is_short(IsoNode *node)
{
	enum { ROOM = 254 - 33 - 38 - 44 - 26 - 5 - 5 - 25 };
	const char *name = iso_node_get_name(node);
	size_t len = name ? strlen(name) : 0;
	void *attrs;

	if (iso_node_get_type(node) == LIBISO_SYMLINK)
		len += 2 + 2 * strlen(iso_symlink_get_dest((IsoSymlink *)node));
	if (len > ROOM)
		return false;
	return iso_node_get_xinfo(node, aaip_xinfo_func, &attrs) != 1 ||
	       is_sum_only(attrs);
}

bool node_has_one_piece(IsoNode *node)
{
	void *xinfo;
	const unsigned char *aa;

	if (iso_node_get_xinfo(node, aaip_xinfo_func, &xinfo) != 1)
		return true;
	/* Signature, length, version, flags: is there another one? */
	aa = xinfo;
	return aa[0] == 'A' && aa[1] == 'L' && aa[3] == 1 && !(aa[4] & 1);
}

static bool same_content(IsoFile *a, IsoFile *b)
{
	AUTO_FREE struct iso_file_section *sa = NULL, *sb = NULL;
	int na = 0, nb = 0;

	if (iso_file_get_size(a) != iso_file_get_size(b) ||
	    iso_file_get_old_image_sections(a, &na, &sa, 0) < 0 ||
	    iso_file_get_old_image_sections(b, &nb, &sb, 0) < 0 || na != nb)
		return false;
	if (iso_file_get_size(a) == 0)
		return true;
	return na == 0 || memcmp(sa, sb, (size_t)na * sizeof *sa) == 0;
}

bool node_link_mark(IsoNode *node, char *buf)
{
	enum IsoNodeType type = iso_node_get_type(node);
	char **names = NULL, **values = NULL;
	size_t n = 0, *lengths = NULL, i;
	bool found = false;
	void *xinfo;
	int err;

	if ((type != LIBISO_SYMLINK && type != LIBISO_SPECIAL) ||
	    iso_node_get_xinfo(node, aaip_xinfo_func, &xinfo) != 1)
		return false;
	err = iso_node_get_attrs(node, &n, &names, &lengths, &values, 0);
	/* A damaged list is told of by node_fill. */
	for (i = 0; err >= 0 && i < n; i++)
		if ((!strcmp(names[i], LINK_MARK_ATTR) ||
		     !strcmp(names[i], LINK_MARK_ATTR_OLD)) &&
		    lengths[i] > 0 && lengths[i] < LINK_MARK_MAX) {
			memcpy(buf, values[i], lengths[i]);
			buf[lengths[i]] = '\0';
			found = true;
		}
	iso_node_get_attrs(NULL, &n, &names, &lengths, &values, 1 << 15);
	return found;
}

bool node_same_inode(IsoNode *a, IsoNode *b)
{
	enum IsoNodeType type = iso_node_get_type(a);

	if (type != iso_node_get_type(b) ||
	    iso_node_get_mode(a) != iso_node_get_mode(b) ||
	    iso_node_get_uid(a) != iso_node_get_uid(b) ||
	    iso_node_get_gid(a) != iso_node_get_gid(b) ||
	    iso_node_get_mtime(a) != iso_node_get_mtime(b))
		return false;
	switch (type) {
	case LIBISO_FILE:
		return same_content((IsoFile *)a, (IsoFile *)b);
	case LIBISO_SYMLINK:
		return strcmp(iso_symlink_get_dest((IsoSymlink *)a),
			      iso_symlink_get_dest((IsoSymlink *)b)) == 0;
	case LIBISO_SPECIAL:
		return iso_special_get_dev((IsoSpecial *)a) ==
		       iso_special_get_dev((IsoSpecial *)b);
	default:
		return false;
	}
}
