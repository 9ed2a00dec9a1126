/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names come from a file that anybody may have written.  Each step below the
 * new folder is one name of a checked form, taken without following symbolic
 * links, and nothing that is there is written to.
 */
#include "config.h"

#include "fs/stage_export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "burner/disc.h"
#include "common/array.h"
#include "common/cleanup.h"
#include "common/io.h"
#include "common/ptrmap.h"
#include "fs/stage_base.h"
#include "fs/stage_view.h"

enum { COPY_BYTES = 1 << 20, NAME_BYTES = 256 };

struct entry {
	char *path;
	const struct stage_node *node; /* NULL: a folder of the disc */
};

struct exporter {
	struct stage *st;
	struct stage_view view;
	struct entry *entries; /* by path */
	struct entry *folders; /* that were made */
	uint32_t n_entries, n_folders;
	struct ptrmap made; /* node id -> place in entries + 1 */
	int dirfd;
	unsigned char *buf;
	mode_t umask;

	bool disc_tried;
	struct disc *disc; /* NULL: not there, or another one: disc_why */
	struct why disc_why;

	stage_export_trouble trouble;
	void *arg;
	struct stage_export result;
	struct why *why;
};

__attribute__((format(printf, 3, 4))) static void
trouble(struct exporter *x, const char *path, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	x->result.troubles++;
	x->trouble(x->arg, path, text);
}

/* Whether it is of no use to go on with the next file. */
static bool is_fatal(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EROFS ||
	       err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

/* ---- which files ---- */

static int add_entry(struct exporter *x, char *path,
		     const struct stage_node *node)
{
	struct entry *e = array_append(&x->entries, &x->n_entries, sizeof *e);

	if (!e) {
		free(path);
		return -ENOMEM;
	}
	*e = (struct entry){path, node};
	return 0;
}

static int add_node(struct exporter *x, const struct stage_node *n)
{
	const struct stage_link *const *links;
	char *path = NULL;
	uint32_t n_links;
	int err = 0;

	/* Attributes of a folder of the disc count where it is made on the way
	 * to another file. */
	if (n->base_path && !(n->flags & STAGE_CONTENT) &&
	    !((n->flags & STAGE_ATTR) && S_ISDIR(n->attr.mode)))
		return 0;
	links = stage_view_links(&x->view, n->id, &n_links);
	if (n->base_path)
		err = stage_view_base_place(&x->view, n->base_path, &path,
					    x->why);
	if (!err && n->base_path && !path && !n_links) {
		path = strdup(n->base_path);
		err = path ? 0 : -ENOMEM;
	}
	if (!err && path)
		err = add_entry(x, path, n);
	for (uint32_t i = 0; !err && i < n_links; i++) {
		err = stage_view_place(&x->view, links[i], &path, x->why);
		if (!err)
			err = add_entry(x, path, n);
	}
	return err;
}

static int by_path(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int list_entries(struct exporter *x)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < x->view.n_nodes; i++)
		err = add_node(x, &x->view.nodes[i]);
	if (x->n_entries)
		qsort(x->entries, x->n_entries, sizeof *x->entries, by_path);
	return err;
}

static int count_left_out(struct exporter *x)
{
	struct diff_entry *v;
	uint32_t n;
	int err = stage_view_diff(&x->view, &v, &n, x->why);

	if (err)
		return err;
	for (uint32_t i = 0; i < n; i++)
		if (v[i].kind == DIFF_REMOVED || v[i].kind == DIFF_MOVED ||
		    v[i].kind == DIFF_ATTR ||
		    (v[i].kind == DIFF_ADDED &&
		     v[i].size == STAGE_VIEW_NO_SIZE))
			x->result.left_out++;
	diff_free(v, n);
	return 0;
}

/* ---- folders ---- */

static int note_folder(struct exporter *x, const char *path, size_t len,
		       const struct stage_node *node)
{
	struct entry *f = array_append(&x->folders, &x->n_folders, sizeof *f);

	if (!f)
		return -ENOMEM;
	*f = (struct entry){strndup(path, len), node};
	return f->path ? 0 : -ENOMEM;
}

/*
 * The folder that @path is in, with @make made where it is missing, and the
 * last name of @path.  Returns a descriptor for the caller or -errno.
 */
static int open_parent(struct exporter *x, const char *path, bool make,
		       char name[NAME_BYTES])
{
	AUTO_FD int fd =
		openat(x->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *p = path;

	while (fd >= 0) {
		size_t len = strcspn(p, "/");
		int next;

		if (!len || len >= NAME_BYTES)
			return -ENAMETOOLONG;
		memcpy(name, p, len);
		name[len] = 0;
		if (!p[len])
			return STEAL_FD(fd);
		p += len;
		if (make && mkdirat(fd, name, 0700) == 0) {
			if (note_folder(x, path, (size_t)(p - path), NULL) < 0)
				return -ENOMEM;
		} else if (make && errno != EEXIST) {
			return -errno;
		}
		next = openat(fd, name,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(fd);
		fd = next;
		p++;
	}
	return -errno;
}

/* ---- attributes ---- */

static void set_xattrs(struct exporter *x, const struct entry *e, int dirfd,
		       const char *name)
{
	char path[NAME_BYTES + 40], key[NAME_BYTES];
	const struct xattrs *xattrs = e->node->xattrs;
	const char *key_start;
	const void *value;
	size_t key_len, len;
	uint32_t cursor = 0;

	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dirfd, name);
	while (xattrs && xattrs_next(xattrs, &cursor, &key_start, &key_len,
				     &value, &len)) {
		if (key_len < sizeof key) {
			memcpy(key, key_start, key_len);
			key[key_len] = 0;
			if (lsetxattr(path, key, value, len, 0) == 0)
				continue;
		}
		trouble(x, e->path, "attribute %.*s: %s", (int)key_len,
			key_start, strerror(errno));
	}
}

/* Owner first: it takes set-id bits away. */
static void set_attr(struct exporter *x, const struct entry *e, int dirfd,
		     const char *name)
{
	const struct attr *a = &e->node->attr;
	struct timespec times[] = {a->atime, a->mtime};
	mode_t mode = a->mode & 07777;

	if (geteuid() == 0) {
		if (fchownat(dirfd, name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) <
		    0)
			trouble(x, e->path, "cannot set its owner: %s",
				strerror(errno));
	} else if (a->uid != geteuid() || a->gid != getegid()) {
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
	}
	if (!S_ISLNK(a->mode) && fchmodat(dirfd, name, mode, 0) < 0)
		trouble(x, e->path, "cannot set its mode: %s", strerror(errno));
	set_xattrs(x, e, dirfd, name);
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		trouble(x, e->path, "cannot set its times: %s",
			strerror(errno));
}

/* ---- content ---- */

static int check_disc(struct exporter *x, const struct stage_binding *b)
{
	unsigned char digest[sizeof b->digest];
	int err;

	if (b->blank)
		return why_set(&x->disc_why, -ESTALE,
			       "the stage's disc was blank");
	err = stage_base_digest(b, x->disc, digest, &x->disc_why);
	if (!err && memcmp(digest, b->digest, sizeof digest) != 0)
		err = why_set(&x->disc_why, -ESTALE,
			      "%s is not the stage's disc", b->path);
	return err;
}

/* The stage's own disc, or NULL with disc_why. */
static struct disc *get_disc(struct exporter *x)
{
	struct stage_binding b = {0};
	struct disc_params params = {0};
	int err;

	if (x->disc_tried)
		return x->disc;
	x->disc_tried = true;
	err = stage_check_age(x->st, NULL);
	if (err)
		why_set(&x->disc_why, err,
			"an older build of discfs made the stage, and only "
			"that one can tell its disc");
	else
		err = stage_get_binding(x->st, &b, &x->disc_why);
	if (!err) {
		params.path = b.path;
		err = disc_open(&params, &x->disc, &x->disc_why);
	}
	if (!err)
		err = check_disc(x, &b);
	if (err) {
		if (!x->disc_why.text[0])
			why_set(&x->disc_why, err, "%s", strerror(-err));
		disc_free(x->disc);
		x->disc = NULL;
	}
	stage_binding_release(&b);
	return x->disc;
}

static int copy_extent(struct exporter *x, int fd, const struct extent *e,
		       struct why *why)
{
	bool on_disc = e->source == EXTENT_DISC;
	int err = 0;

	if (on_disc && !get_disc(x))
		return why_set(why, -ENODATA, "part of it is on the disc: %s",
			       x->disc_why.text);
	for (uint64_t done = 0; !err && done < e->len;) {
		size_t len = e->len - done < COPY_BYTES
				     ? (size_t)(e->len - done)
				     : COPY_BYTES;

		err = on_disc ? disc_read(x->disc, x->buf, len, e->pos + done)
			      : stage_data_read(stage_data(x->st), x->buf, len,
						e->pos + done);
		if (err)
			return why_set(why, err, "cannot read it from the %s",
				       on_disc ? "disc" : "stage");
		err = io_write_at(fd, x->buf, len, e->off + done);
		done += len;
	}
	return err;
}

static int make_file(struct exporter *x, const struct stage_node *n, int dirfd,
		     const char *name, struct why *why)
{
	AUTO_FD int fd = openat(
		dirfd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	for (uint32_t i = 0; !err && i < n->n_extents; i++)
		err = copy_extent(x, fd, &n->extents[i], why);
	if (!err && ftruncate(fd, (off_t)n->size) < 0)
		err = -errno;
	/* A whole file or none. */
	if (err)
		unlinkat(dirfd, name, 0);
	else
		x->result.bytes += n->size;
	return err;
}

static int make_link(struct exporter *x, const struct entry *first, int dirfd,
		     const char *name)
{
	char first_name[NAME_BYTES];
	AUTO_FD int fd = open_parent(x, first->path, false, first_name);

	if (fd < 0)
		return fd;
	return linkat(fd, first_name, dirfd, name, 0) < 0 ? -errno : 0;
}

/* ---- one after the other ---- */

static int make_node(struct exporter *x, const struct entry *e, int dirfd,
		     const char *name, struct why *why)
{
	const struct stage_node *n = e->node;
	mode_t type = n->attr.mode & S_IFMT;
	int ret;

	/* Rows of files of the disc have their type with their attributes. */
	if (n->base_path || type == S_IFREG) {
		ret = make_file(x, n, dirfd, name, why);
		if (!ret)
			x->result.files++;
		return ret;
	}
	if (type == S_IFDIR) {
		if (mkdirat(dirfd, name, 0700) < 0)
			return -errno;
		x->result.folders++;
		return note_folder(x, e->path, strlen(e->path), n);
	}
	if (type == S_IFLNK)
		ret = symlinkat(n->target ? n->target : "", dirfd, name);
	else
		ret = mknodat(dirfd, name, type | 0600, n->attr.rdev);
	if (ret < 0)
		return -errno;
	x->result.others++;
	return 0;
}

static int export_entry(struct exporter *x, uint32_t i)
{
	const struct entry *e = &x->entries[i];
	const struct stage_node *n = e->node;
	struct why why = {""};
	char name[NAME_BYTES];
	AUTO_FD int dirfd = -1;
	uint64_t first;
	bool linked;
	int err;

	if (n->base_path && !(n->flags & STAGE_CONTENT))
		return 0;
	linked = ptrmap_get(&x->made, n->id, &first);
	dirfd = open_parent(x, e->path, true, name);
	if (dirfd < 0)
		err = dirfd;
	else if (linked)
		err = make_link(x, &x->entries[first - 1], dirfd, name);
	else
		err = make_node(x, e, dirfd, name, &why);
	if (is_fatal(err))
		return why_set(x->why, err, "%.200s: %s", e->path,
			       strerror(-err));
	if (err) {
		trouble(x, e->path, "not exported: %s", why_text(&why, err));
		return 0;
	}
	if (linked || (S_ISDIR(n->attr.mode) && !n->base_path))
		return 0;
	if (!n->base_path || (n->flags & STAGE_ATTR))
		set_attr(x, e, dirfd, name);
	return ptrmap_put(&x->made, n->id, i + 1);
}

/* From the leaves up: what is made in a folder changes its times, and what its
 * mode forbids comes last. */
static int finish_folders(struct exporter *x)
{
	if (x->n_folders)
		qsort(x->folders, x->n_folders, sizeof *x->folders, by_path);
	for (uint32_t i = x->n_folders; i-- > 0;) {
		struct entry *f = &x->folders[i];
		const struct entry *known =
			f->node || !x->n_entries
				? NULL
				: bsearch(f, x->entries, x->n_entries,
					  sizeof *f, by_path);
		char name[NAME_BYTES];
		AUTO_FD int dirfd = open_parent(x, f->path, false, name);

		if (dirfd < 0)
			return dirfd;
		if (known && S_ISDIR(known->node->attr.mode)) {
			f->node = known->node;
			x->result.left_out--;
		}
		if (f->node)
			set_attr(x, f, dirfd, name);
		else if (fchmodat(dirfd, name, 0777 & ~x->umask, 0) < 0)
			trouble(x, f->path, "cannot set its mode: %s",
				strerror(errno));
	}
	return 0;
}

static int export_all(struct exporter *x)
{
	int err = list_entries(x);

	if (!err)
		err = count_left_out(x);
	for (uint32_t i = 0; !err && i < x->n_entries; i++)
		if (*x->entries[i].path)
			err = export_entry(x, i);
	if (!err)
		err = finish_folders(x);
	return err;
}

static int open_all(struct exporter *x, const char *root, const char *id,
		    const char *dir)
{
	long pid;
	int err = stage_open(root, id, true, &x->st, x->why);

	if (err)
		return err;
	/* Its owner frees bytes at any time; and has the files. */
	if (stage_in_use(x->st, &pid))
		return why_set(x->why, -EBUSY,
			       "stage %s is in use: copy from the mount, or "
			       "unmount it with \"discfs umount --keep DIR\"",
			       id);
	err = stage_view_load(x->st, &x->view, x->why);
	if (err)
		return err;
	x->buf = malloc(COPY_BYTES);
	if (!x->buf)
		return -ENOMEM;
	if (mkdir(dir, 0777) < 0)
		return why_set(x->why, -errno, "cannot make %s: %s", dir,
			       strerror(errno));
	x->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (x->dirfd < 0)
		return why_set(x->why, -errno, "cannot open %s: %s", dir,
			       strerror(errno));
	return 0;
}

static void release_entries(struct entry *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(v[i].path);
	free(v);
}

int stage_export(const char *root, const char *id, const char *dir,
		 stage_export_trouble report, void *arg,
		 struct stage_export *ret, struct why *why)
{
	struct exporter x = {
		.dirfd = -1, .trouble = report, .arg = arg, .why = why};
	int err;

	x.umask = umask(0);
	umask(x.umask);
	err = open_all(&x, root, id, dir);
	if (!err)
		err = export_all(&x);
	if (err == -ENOMEM)
		why_set(why, err, "out of memory");
	else if (!err)
		*ret = x.result;
	release_entries(x.entries, x.n_entries);
	release_entries(x.folders, x.n_folders);
	ptrmap_release(&x.made);
	if (x.dirfd >= 0)
		close(x.dirfd);
	free(x.buf);
	disc_free(x.disc);
	stage_view_release(&x.view);
	stage_close(x.st, false);
	return err;
}
