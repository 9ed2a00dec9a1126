/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor DATA DIR - the least that FUSE allows: names in memory, bytes in the
 * one file DATA, each message that can be saved saved.  A yardstick, not a file
 * system: nothing is ever freed, permissions are the kernel's, time stands
 * still but for what is made.  Stays in front; ends with the unmount.
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, MAX_IO = 1 << 20, PIECES = MAX_IO / CHUNK + 1 };
static const double forever_s = 24 * 3600;

struct node {
	struct stat st;
	struct node *parent, *next; /* in the hash */
	struct node **kids;	    /* NULL: removed */
	size_t n_kids, at;	    /* its own place in parent's */
	off_t *chunks;		    /* where in the data file; 0: a hole */
	size_t n_chunks;
	char *name, *target;
};

static struct node root = {.st = {.st_mode = S_IFDIR | 0755, .st_nlink = 2}};
static struct node **hash;
static size_t n_hash, n_nodes;
static off_t frontier = CHUNK;
static int data_fd;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static struct node *node_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &root : (struct node *)ino;
}

static fuse_ino_t ino_of(struct node *n)
{
	return n == &root ? FUSE_ROOT_ID : (fuse_ino_t)n;
}

/* Room for one more behind @n, doubled at each power of two. */
static void *grow(void *v, size_t n, size_t size)
{
	if (n & (n - 1))
		return v;
	v = realloc(v, (n ? 2 * n : 1) * size);
	if (!v)
		abort();
	return v;
}

static struct node **bucket(struct node *dir, const char *name)
{
	uint64_t h = (uintptr_t)dir * 0x9e3779b97f4a7c15ULL;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3ULL;
	return &hash[(h ^ h >> 29) & (n_hash - 1)];
}

static struct node **find(struct node *dir, const char *name)
{
	struct node **p = bucket(dir, name);

	while (*p && ((*p)->parent != dir || strcmp((*p)->name, name) != 0))
		p = &(*p)->next;
	return p;
}

static void rehash(void)
{
	struct node **old = hash;
	size_t n = n_hash;

	n_hash = n ? 2 * n : 1024;
	hash = calloc(n_hash, sizeof(struct node *));
	if (!hash)
		abort();
	for (size_t i = 0; i < n; i++)
		for (struct node *e = old[i], *next; e; e = next) {
			struct node **b = bucket(e->parent, e->name);

			next = e->next;
			e->next = *b;
			*b = e;
		}
	free(old);
}

static void enter(struct node *dir, struct node *n, const char *name)
{
	struct node **b;

	if (n_nodes++ >= n_hash)
		rehash();
	n->parent = dir;
	n->name = strdup(name);
	b = bucket(dir, n->name);
	n->next = *b;
	*b = n;
	dir->kids = grow(dir->kids, dir->n_kids, sizeof(struct node *));
	n->at = dir->n_kids;
	dir->kids[dir->n_kids++] = n;
}

static void leave(struct node **p)
{
	struct node *n = *p;

	*p = n->next;
	n_nodes--;
	n->parent->kids[n->at] = NULL;
	n->st.st_nlink = 0;
}

static struct fuse_entry_param entry(struct node *n)
{
	return (struct fuse_entry_param){
		.ino = n ? ino_of(n) : 0,
		.attr = n ? n->st : (struct stat){0},
		.attr_timeout = forever_s,
		.entry_timeout = forever_s,
	};
}

static void op_init(void *arg, struct fuse_conn_info *conn)
{
	(void)arg;
	conn->want |= conn->capable &
		      (FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS |
		       FUSE_CAP_READDIRPLUS | FUSE_CAP_SPLICE_READ |
		       FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
		       FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_EXPLICIT_INVAL_DATA);
	conn->want &=
		~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_AUTO_INVAL_DATA |
			    FUSE_CAP_READDIRPLUS_AUTO);
	conn->max_write = MAX_IO;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;

	pthread_rwlock_rdlock(&lock);
	e = entry(*find(node_of(parent), name));
	pthread_rwlock_unlock(&lock);
	fuse_reply_entry(req, &e);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	(void)ino;
	(void)n;
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t n,
			    struct fuse_forget_data *v)
{
	(void)n;
	(void)v;
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	pthread_rwlock_rdlock(&lock);
	st = node_of(ino)->st;
	pthread_rwlock_unlock(&lock);
	fuse_reply_attr(req, &st, forever_s);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		       int set, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	struct stat st;

	(void)fi;
	pthread_rwlock_wrlock(&lock);
	if (set & FUSE_SET_ATTR_MODE)
		n->st.st_mode =
			(n->st.st_mode & S_IFMT) | (attr->st_mode & 07777);
	if (set & FUSE_SET_ATTR_UID)
		n->st.st_uid = attr->st_uid;
	if (set & FUSE_SET_ATTR_GID)
		n->st.st_gid = attr->st_gid;
	if (set & FUSE_SET_ATTR_SIZE)
		n->st.st_size = attr->st_size;
	if (set & FUSE_SET_ATTR_MTIME)
		n->st.st_mtim = attr->st_mtim;
	st = n->st;
	pthread_rwlock_unlock(&lock);
	fuse_reply_attr(req, &st, forever_s);
}

static void make(fuse_req_t req, fuse_ino_t parent, const char *name,
		 mode_t mode, const char *target)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct node *n = calloc(1, sizeof *n);
	struct fuse_entry_param e;

	if (!n)
		abort();
	n->st = (struct stat){.st_ino = (ino_t)n,
			      .st_mode = mode,
			      .st_nlink = 1,
			      .st_uid = ctx->uid,
			      .st_gid = ctx->gid};
	clock_gettime(CLOCK_REALTIME_COARSE, &n->st.st_mtim);
	n->st.st_atim = n->st.st_ctim = n->st.st_mtim;
	if (target) {
		n->target = strdup(target);
		n->st.st_size = (off_t)strlen(target);
	}
	pthread_rwlock_wrlock(&lock);
	enter(node_of(parent), n, name);
	e = entry(n);
	pthread_rwlock_unlock(&lock);
	fuse_reply_entry(req, &e);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode, dev_t rdev)
{
	(void)rdev;
	make(req, parent, name, mode, NULL);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode)
{
	make(req, parent, name, mode | S_IFDIR, NULL);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		       const char *name)
{
	make(req, parent, name, S_IFLNK | 0777, target);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	fuse_reply_readlink(req, node_of(ino)->target);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	pthread_rwlock_wrlock(&lock);
	leave(find(node_of(parent), name));
	pthread_rwlock_unlock(&lock);
	fuse_reply_err(req, 0);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		      fuse_ino_t to, const char *to_name, unsigned flags)
{
	struct node *n, **old;

	(void)flags;
	pthread_rwlock_wrlock(&lock);
	old = find(node_of(to), to_name);
	if (*old)
		leave(old);
	old = find(node_of(parent), name);
	n = *old;
	leave(old);
	n->st.st_nlink = 1;
	enter(node_of(to), n, to_name);
	pthread_rwlock_unlock(&lock);
	fuse_reply_err(req, 0);
}

/*
 * The runs of [off, +len) in the data file.  @make: give addresses to what has
 * none; else a hole has position -1.
 */
static size_t runs(struct node *n, off_t off, size_t len, int make_new,
		   struct fuse_buf *v)
{
	size_t k = 0;

	while (len) {
		size_t i = (size_t)off / CHUNK, in = (size_t)off % CHUNK;
		size_t part = CHUNK - in < len ? CHUNK - in : len;
		off_t pos = -1;

		while (make_new && n->n_chunks <= i) {
			n->chunks = grow(n->chunks, n->n_chunks, sizeof(off_t));
			n->chunks[n->n_chunks++] = 0;
		}
		if (make_new && !n->chunks[i]) {
			n->chunks[i] = frontier;
			frontier += CHUNK;
		}
		if (i < n->n_chunks && n->chunks[i])
			pos = n->chunks[i] + (off_t)in;
		if (k && pos >= 0 && v[k - 1].pos + (off_t)v[k - 1].size == pos)
			v[k - 1].size += part;
		else
			v[k++] = (struct fuse_buf){.size = part,
						   .flags = FUSE_BUF_IS_FD |
							    FUSE_BUF_FD_SEEK |
							    FUSE_BUF_FD_RETRY,
						   .fd = data_fd,
						   .pos = pos};
		off += (off_t)part;
		len -= part;
	}
	return k;
}

struct bufs {
	struct fuse_bufvec vec;
	struct fuse_buf more[PIECES];
};

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	static _Thread_local char mem[MAX_IO];
	struct node *n = node_of(ino);
	struct bufs b = {.vec = FUSE_BUFVEC_INIT(0)};
	size_t done = 0;

	(void)fi;
	pthread_rwlock_rdlock(&lock);
	if (off >= n->st.st_size)
		size = 0;
	else if ((off_t)size > n->st.st_size - off)
		size = (size_t)(n->st.st_size - off);
	b.vec.count = runs(n, off, size, 0, b.vec.buf);
	pthread_rwlock_unlock(&lock);
	if (b.vec.count == 1 && size >= 32 * 1024 && b.vec.buf[0].pos >= 0) {
		fuse_reply_data(req, &b.vec, 0);
		return;
	}
	for (size_t i = 0; i < b.vec.count; i++) {
		struct fuse_buf *p = &b.vec.buf[i];

		if (p->pos < 0)
			memset(mem + done, 0, p->size);
		else if (pread(data_fd, mem + done, p->size, p->pos) !=
			 (ssize_t)p->size)
			break;
		done += p->size;
	}
	fuse_reply_buf(req, mem, done);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *in,
		     off_t off, struct fuse_file_info *fi)
{
	struct node *n = node_of(ino);
	struct bufs b = {.vec = FUSE_BUFVEC_INIT(0)};
	ssize_t done;

	(void)fi;
	pthread_rwlock_wrlock(&lock);
	b.vec.count = runs(n, off, fuse_buf_size(in), 1, b.vec.buf);
	pthread_rwlock_unlock(&lock);
	done = fuse_buf_copy(&b.vec, in, 0);
	if (done < 0) {
		fuse_reply_err(req, (int)-done);
		return;
	}
	pthread_rwlock_wrlock(&lock);
	if (n->st.st_size < off + done)
		n->st.st_size = off + done;
	pthread_rwlock_unlock(&lock);
	fuse_reply_write(req, (size_t)done);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, fdatasync(data_fd) ? errno : 0);
}

/* OPEN and OPENDIR answered so are not sent again. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, ENOSYS);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			   off_t off, struct fuse_file_info *fi)
{
	static _Thread_local char mem[MAX_IO];
	struct node *dir = node_of(ino);
	size_t used = 0;

	(void)fi;
	if (size > sizeof mem)
		size = sizeof mem;
	pthread_rwlock_rdlock(&lock);
	for (size_t i = (size_t)off; i < dir->n_kids + 2; i++) {
		struct node *n = i < 2 ? dir : dir->kids[i - 2];
		struct fuse_entry_param e;
		size_t len;

		if (!n)
			continue;
		e = entry(n);
		if (i < 2)
			e.ino = 0;
		len = fuse_add_direntry_plus(req, mem + used, size - used,
					     i == 0   ? "."
					     : i == 1 ? ".."
						      : n->name,
					     &e, (off_t)i + 1);
		if (len > size - used)
			break;
		used += len;
	}
	pthread_rwlock_unlock(&lock);
	fuse_reply_buf(req, mem, used);
}

static const struct fuse_lowlevel_ops ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_unlink,
	.symlink = op_symlink,
	.rename = op_rename,
	.open = op_open,
	.opendir = op_open,
	.read = op_read,
	.write_buf = op_write,
	.fsync = op_fsync,
	.readdirplus = op_readdirplus,
};

int main(int argc, char **argv)
{
	char name[] = "floor", options[] = "-ofsname=floor,default_permissions";
	char *args_v[] = {name, options, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(2, args_v);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct fuse_session *se;
	int ret = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: floor DATA DIR\n");
		return 2;
	}
	data_fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (data_fd < 0) {
		perror(argv[1]);
		return 1;
	}
	rehash();
	se = fuse_session_new(&args, &ops, sizeof ops, NULL);
	/* More that wait at the same time are slower: each request wakes the one
	 * that slept longest, most likely on another CPU. */
	fuse_loop_cfg_set_max_threads(config, 2);
	if (se && fuse_session_mount(se, argv[2]) == 0) {
		fuse_set_signal_handlers(se);
		ret = fuse_session_loop_mt(se, config) != 0;
		fuse_session_unmount(se);
	}
	if (se)
		fuse_session_destroy(se);
	fuse_loop_cfg_destroy(config);
	fuse_opt_free_args(&args);
	_exit(ret); /* the names go with it */
}
