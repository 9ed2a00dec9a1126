/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/stage_tools.h"
#include "tests/unit/temp_folder.h"

char root[STAGE_ROOT];
struct stage *st;
struct why why;
struct stage_binding binding;

void setup(void)
{
	static char path[] = "/images/a \xff?#%.iso";
	unsigned i;

	temp_folder_make(root);
	/* Made by the first stage, with a name that is special in a URI. */
	strcat(root, "/p%41?x#/stages");
	binding = (struct stage_binding){
		.base_lba = 32,
		.tip_lba = UINT32_MAX,
		.nwa = 12345678901,
		.image_dev = 77,
		.image_ino = UINT64_MAX,
		.path = path,
		.serial = "S1",
		.media_type = "image file",
		.capacity_blocks = 4711,
		.import_flags = 3,
	};
	for (i = 0; i < sizeof binding.digest; i++)
		binding.digest[i] = (unsigned char)(i * 17);
	ok(stage_create(root, &binding, &st, &why));
}

void teardown(void)
{
	char top[sizeof root];

	stage_close(st, false);
	strcpy(top, root);
	*strstr(top, "/p%41?x#/stages") = '\0';
	temp_folder_remove(top);
}

void reopen(bool readonly)
{
	char id[64];

	strcpy(id, stage_id(st));
	stage_close(st, false);
	st = NULL;
	ok(stage_open(root, id, readonly, &st, &why));
}

const char *file(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", stage_path(st), name);
	return path;
}

static void add(struct dump *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct dump *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (d->n < sizeof d->text)
		d->n += (size_t)vsnprintf(d->text + d->n, sizeof d->text - d->n,
					  fmt, ap);
	va_end(ap);
}

static void add_node(struct dump *d, const struct stage_node *n)
{
	const char *name;
	const void *value;
	size_t name_len, value_len;
	uint32_t cursor = 0, i;

	add(d, "node %llu '%s' %u %o %u:%u %llx %lld.%ld %lld.%ld %lld.%ld",
	    (unsigned long long)n->id, n->base_path ? n->base_path : "-",
	    n->flags, n->attr.mode, n->attr.uid, n->attr.gid,
	    (unsigned long long)n->attr.rdev, (long long)n->attr.atime.tv_sec,
	    n->attr.atime.tv_nsec, (long long)n->attr.mtime.tv_sec,
	    n->attr.mtime.tv_nsec, (long long)n->attr.ctime.tv_sec,
	    n->attr.ctime.tv_nsec);
	add(d, " '%s' %llu", n->target ? n->target : "-",
	    (unsigned long long)n->size);
	while (xattrs_next(n->xattrs, &cursor, &name, &name_len, &value,
			   &value_len))
		add(d, " %.*s=%.*s", (int)name_len, name, (int)value_len,
		    (const char *)value);
	for (i = 0; i < n->n_extents; i++)
		add(d, " %llx+%llx=%d:%llx",
		    (unsigned long long)n->extents[i].off,
		    (unsigned long long)n->extents[i].len, n->extents[i].source,
		    (unsigned long long)n->extents[i].pos);
	add(d, "\n");
}

static int on_node(void *arg, const struct stage_node *n)
{
	struct dump *d = arg;

	d->rows++;
	add_node(d, n);
	return 0;
}

static int on_gone(void *arg, const char *path)
{
	struct dump *d = arg;

	d->rows++;
	add(d, "gone '%s'\n", path);
	return 0;
}

static int on_link(void *arg, const struct stage_link *l)
{
	struct dump *d = arg;

	d->rows++;
	add(d, "link %llu '%s' %llu\n", (unsigned long long)l->parent, l->name,
	    (unsigned long long)l->node);
	return 0;
}

int load(struct dump *d)
{
	struct stage_reader r = {on_node, on_gone, on_link, d};

	memset(d, 0, sizeof *d);
	return stage_load(st, &r, &why);
}

const char *loaded(void)
{
	static struct dump d;

	ok(load(&d));
	ck_assert_uint_eq(d.rows, stage_rows(st));
	return d.text;
}

/* A batch with rows of all kinds.  Sorted as they will be loaded. */
static struct stage_node nodes[] = {
	{.id = 1, .base_path = ""},
	{.id = 2,
	 .flags = 0,
	 .attr = {.mode = S_IFREG | 06755,
		  .uid = UINT32_MAX - 1,
		  .gid = 7,
		  .atime = {-5, 999999999},
		  .mtime = {1ll << 40, 1},
		  .ctime = {3, 4}},
	 .size = 1ull << 40},
	{.id = 3,
	 .attr = {.mode = S_IFLNK | 0777},
	 .target = "../\xfe\ntarget"},
	{.id = 4, .attr = {.mode = S_IFCHR | 0600, .rdev = UINT64_MAX}},
	{.id = 5, .attr = {.mode = S_IFDIR | 01777}},
	{.id = 7,
	 .base_path = "a/b/\xff..x",
	 .flags = STAGE_ATTR,
	 .attr = {.mode = S_IFREG | 0400}},
	{.id = 9, .base_path = "c", .flags = STAGE_CONTENT, .size = 9000},
};
static struct stage_link links[] = {
	{1, "\x01 first", 2},
	{1, "new", 5},
	{5, "b", 3},
	{5, "c", 4},
};
static const char *gone[] = {"a", "a/b", "z\n"};
const struct extent two_extents[] = {
	{.off = 0, .len = 4096, .pos = 1ull << 41, .source = EXTENT_DISC},
	{.off = 8192,
	 .len = 100,
	 .pos = DATA_BYTES - 100,
	 .source = EXTENT_DATA},
};

void write_all_kinds(void)
{
	static struct xattrs *x, *y;
	struct stage_batch b = {
		.nodes = nodes,
		.n_nodes = 7,
		.links = links,
		.n_links = 4,
		.gone = gone,
		.n_gone = 3,
	};
	uint64_t pos;

	if (!x) {
		ck_assert_int_eq(xattrs_set(NULL, "user.b", "v", 1, &y), 0);
		ck_assert_int_eq(xattrs_set(y, "user.a", "", 0, &x), 0);
		free(y);
	}
	nodes[1].xattrs = x;
	nodes[6].extents = two_extents;
	nodes[6].n_extents = 2;
	ck_assert_int_eq(stage_data_alloc(stage_data(st), DATA_BYTES, 0, &pos),
			 0);
	ck_assert_int_eq(ftruncate(stage_data_fd(stage_data(st)), DATA_BYTES),
			 0);
	ok(stage_write(st, &b, &why));
}

const char all_kinds[] =
	"node 1 '' 0 0 0:0 0 0.0 0.0 0.0 '-' 0\n"
	"node 2 '-' 0 106755 4294967294:7 0 -5.999999999 1099511627776.1 3.4 "
	"'-' 1099511627776 user.a= user.b=v\n"
	"node 3 '-' 0 120777 0:0 0 0.0 0.0 0.0 '../\xfe\ntarget' 0\n"
	"node 4 '-' 0 20600 0:0 ffffffffffffffff 0.0 0.0 0.0 '-' 0\n"
	"node 5 '-' 0 41777 0:0 0 0.0 0.0 0.0 '-' 0\n"
	"node 7 'a/b/\xff..x' 1 100400 0:0 0 0.0 0.0 0.0 '-' 0\n"
	"node 9 'c' 2 0 0:0 0 0.0 0.0 0.0 '-' 9000 0+1000=1:20000000000 "
	"2000+64=2:26ac\n"
	"gone 'a'\ngone 'a/b'\ngone 'z\n'\n"
	"link 1 '\x01 first' 2\nlink 1 'new' 5\nlink 5 'b' 3\n"
	"link 5 'c' 4\n";

static int count_one(void *arg, const char *id)
{
	unsigned *n = arg;

	ck_assert_uint_eq(strlen(id), 36);
	++*n;
	return 0;
}

unsigned stages(void)
{
	unsigned n = 0;

	ok(stage_each(root, count_one, &n, &why));
	return n;
}

struct stage_node a_node(uint64_t id, const char *base_path, unsigned flags,
			 mode_t mode)
{
	return (struct stage_node){.id = id,
				   .base_path = base_path,
				   .flags = flags,
				   .attr = {.mode = mode}};
}
