/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "tests/unit/plan_builder.h"

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NODES = 8192, OUTPUT_MAX = 65536, TIME_OF_NEW = 1600000000 };

void new_folder(void)
{
	static char *start; /* kept where tests share a process */
	char dir[] = "session.XXXXXX";

	if (!start)
		start = getcwd(NULL, 0);
	ck_assert_ptr_nonnull(start);
	ck_assert_int_eq(chdir(start), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

__attribute__((format(printf, 1, 0))) static char *command(const char *fmt,
							   va_list ap)
{
	char *text;

	ck_assert_int_gt(vasprintf(&text, fmt, ap), 0);
	return text;
}

void shell(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int status;

	va_start(ap, fmt);
	text = command(fmt, ap);
	va_end(ap);
	/* All of a list of commands count. */
	ck_assert_int_eq(setenv("COMMANDS", text, 1), 0);
	status = system("set -e; eval \"$COMMANDS\"");
	ck_assert_msg(status == 0, "%s: status %d", text, status);
	free(text);
}

char *output(const char *fmt, ...)
{
	char *text, *buf = calloc(1, OUTPUT_MAX);
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	text = command(fmt, ap);
	va_end(ap);
	f = popen(text, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(buf);
	buf[fread(buf, 1, OUTPUT_MAX - 1, f)] = 0;
	ck_assert_msg(pclose(f) == 0, "%s: %s", text, buf);
	free(text);
	return buf;
}

/* What the image shows to xorriso has to be what the folder "want" holds. */
void same_tree(const char *image)
{
	shell("rm -rf got && xorriso -osirrox on -indev %s -extract / got "
	      ">log 2>&1 || { cat log; exit 1; }",
	      image);
	shell("chmod -R u+rwX got; diff -r --no-dereference want got");
	shell("xorriso -md5 on -indev %s -check_md5 SORRY -- "
	      "-check_md5_r SORRY / -- >log 2>&1 || { cat log; exit 1; }",
	      image);
	shell("grep -q 'session data match recorded md5' log || "
	      "{ cat log; exit 1; }");
}

/* A tree with a bit of all, as folder "src", and the folder "want", a copy. */
static void make_source(void)
{
	shell("mkdir -p src/a/deep/er src/b src/many src/gone/keep; cd src;"
	      "echo one >one; echo two >two; echo three >a/three;"
	      "seq 1 40000 >a/numbers; echo x >a/deep/er/x; ln one hard;"
	      "seq 1 3000 >b/list; echo del >gone/del; echo stay >gone/stay;"
	      "echo deep >gone/keep/deep; ln -s a/three link;"
	      "for i in $(seq 1 50); do echo $i >many/file$i; done;"
	      "cd ..; cp -a src want");
}

static const char *const makers[] = {
	"xorriso -outdev a.iso -volid BASE -map src / -commit",
	("xorriso -md5 on -outdev a.iso -volid BASE -joliet on -map src / "
	 "-commit"),
	"xorriso -as mkisofs -V BASE -J -R -o a.iso src",
	"genisoimage -V BASE -J -R -cache-inodes -o a.iso src",
	"genisoimage -V BASE -R -o a.iso src",
	"bsdtar -c -f a.iso --format iso9660 --options volume-id=BASE -C src .",
};

_Static_assert(sizeof makers / sizeof *makers == N_MAKERS, "makers");

void make_base(int maker)
{
	make_source();
	shell("%s >log 2>&1 || { cat log; exit 1; }", makers[maker]);
	shell("cp a.iso before.iso");
}

/* Nothing below @nwa may change but the head. */
void old_blocks_stand(uint64_t nwa)
{
	shell("s=$(stat -c %%s before.iso); n=%llu; [ $s -lt $n ] && n=$s;"
	      "cmp -i 65536 -n $((n - 65536)) before.iso a.iso",
	      (unsigned long long)nwa * DISC_BLOCK);
}

static int visit(void *arg, const struct import_node *node)
{
	struct builder *b = arg;
	struct base_node *n;

	b->base = realloc(b->base, (b->n_base + 1) * sizeof *b->base);
	ck_assert_ptr_nonnull(b->base);
	n = &b->base[b->n_base];
	ck_assert_uint_eq(node->id, b->n_base);
	b->n_base++;
	n->id = node->id;
	n->parent = node->parent_id;
	n->name = strdup(node->name);
	n->target = node->target ? strdup(node->target) : NULL;
	n->lba = node->n_runs ? (uint32_t)node->runs[0].lba : 0;
	n->size = node->size;
	n->link_id = node->link_id;
	n->attr = node->attr;
	ck_assert_int_eq(xattrs_dup(node->xattrs, &n->xattrs), 0);
	if (node->id == IMPORT_ROOT)
		n->path = strdup("");
	else
		ck_assert_int_gt(asprintf(&n->path, "%s/%s",
					  b->base[node->parent_id].path,
					  node->name),
				 0);
	return 0;
}

static void sink_report(void *arg, const struct progress *p)
{
	struct builder *b = arg;

	b->reports++;
	ck_assert(p->blocks_total == 0 || p->blocks_done <= p->blocks_total);
	if (p->file)
		b->saw_file = true;
}

static int content_read(void *arg, void *content, void *buf, size_t len,
			uint64_t off)
{
	struct content_of *c = content;
	atomic_int *flag = c->set_when_read;
	size_t i;

	(void)arg;
	if (flag)
		atomic_store(flag, 1);
	if (c->delay_ms)
		usleep(c->delay_ms * 1000);
	if (off + len > c->fail_at)
		return -EIO;
	for (i = 0; i < len; i++)
		((char *)buf)[i] = c->data[(off + i) % c->len];
	return 0;
}

void b_open(struct builder *b, const char *image)
{
	const struct disc_params params = {
		.path = image, .writable = true, .create = true};
	const struct import_opts opts = {.session_lba = IMPORT_LAST};
	struct medium medium;
	int err;

	memset(b, 0, sizeof *b);
	b->sink.report = sink_report;
	b->sink.arg = b;
	err = disc_open(&params, &b->disc, &b->why);
	ck_assert_msg(err == 0, "%s", why_text(&b->why, err));
	ck_assert_int_eq(disc_look(b->disc, &medium, &b->why), 0);
	b->nodes = calloc(MAX_NODES, sizeof *b->nodes);
	b->plan.nodes = b->nodes;
	b->plan.n_nodes = 1;
	b->nodes[0].link_base = SESSION_NEW;
	b->plan.removed = b->removed;
	b->plan.removed_names = b->removed_names;
	b->plan.read = content_read;
	b->plan.base = opts;
	b->plan.joliet = true;
	if (medium.status == DISC_BLANK) {
		b->plan.blank = true;
		b->nodes[0].base_id = SESSION_NEW;
		b->nodes[0].flags = SESSION_ATTR;
		b->nodes[0].attr.mode = S_IFDIR | 0755;
		return;
	}
	err = import_session(b->disc, &opts, visit, b, &b->info, &b->why);
	ck_assert_msg(err == 0, "%s", why_text(&b->why, err));
	memcpy(b->plan.base_digest, b->info.digest, sizeof b->plan.base_digest);
	b->plan.base_order = b->info.order;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void b_close(struct builder *b)
{
	uint32_t i;

	session_free(b->session);
	for (i = 0; i < b->plan.n_nodes; i++) {
		struct session_node *n = &b->nodes[i];
		struct content_of *c = n->content;

		free_text(n->name);
		free_text(n->target);
		free((void *)(uintptr_t)n->xattrs);
		if (c)
			free(c->data);
		free(c);
	}
	free(b->nodes);
	for (i = 0; i < b->n_base; i++) {
		free(b->base[i].name);
		free(b->base[i].path);
		free(b->base[i].target);
		free(b->base[i].xattrs);
	}
	free(b->base);
	disc_free(b->disc);
	memset(b, 0, sizeof *b);
}

const struct base_node *b_base(struct builder *b, const char *path)
{
	uint32_t i;

	if (!strcmp(path, "/"))
		path = "";
	for (i = 0; i < b->n_base; i++)
		if (!strcmp(b->base[i].path, path))
			return &b->base[i];
	return NULL;
}

static uint32_t at_id(struct builder *b, uint32_t id)
{
	const struct base_node *base = &b->base[id];
	struct session_node *n;
	uint32_t i, parent;

	if (id == IMPORT_ROOT)
		return 0;
	for (i = 1; i < b->plan.n_nodes; i++)
		if (b->nodes[i].base_id == id)
			return i;
	parent = at_id(b, base->parent);
	i = b->plan.n_nodes++;
	ck_assert_uint_lt(i, MAX_NODES);
	n = &b->nodes[i];
	n->parent = parent;
	n->base_id = id;
	n->link_base = SESSION_NEW;
	n->name = strdup(base->name);
	n->base_name = base->name;
	n->attr = base->attr;
	return i;
}

static const struct base_node *must(struct builder *b, const char *path)
{
	const struct base_node *n = b_base(b, path);

	ck_assert_msg(n != NULL, "%s is not in the base", path);
	return n;
}

uint32_t b_at(struct builder *b, const char *path)
{
	return at_id(b, must(b, path)->id);
}

uint32_t b_new(struct builder *b, uint32_t parent, const char *name,
	       mode_t mode)
{
	uint32_t i = b->plan.n_nodes++;
	struct session_node *n = &b->nodes[i];

	ck_assert_uint_lt(i, MAX_NODES);
	n->parent = parent;
	n->base_id = SESSION_NEW;
	n->link_base = SESSION_NEW;
	n->flags = SESSION_PLACE | SESSION_ATTR;
	n->name = strdup(name);
	n->attr.mode = mode;
	n->attr.atime.tv_sec = TIME_OF_NEW;
	n->attr.mtime.tv_sec = TIME_OF_NEW;
	n->attr.ctime.tv_sec = TIME_OF_NEW;
	return i;
}

uint32_t b_dir(struct builder *b, uint32_t parent, const char *name)
{
	return b_new(b, parent, name, S_IFDIR | 0755);
}

static void set_content(struct builder *b, uint32_t i, const char *text,
			uint64_t size)
{
	struct content_of *c = calloc(1, sizeof *c);

	ck_assert_ptr_nonnull(c);
	c->data = strdup(text);
	c->len = strlen(text);
	c->fail_at = UINT64_MAX;
	b->nodes[i].content = c;
	b->nodes[i].size = size;
	b->nodes[i].flags |= SESSION_CONTENT;
}

uint32_t b_file(struct builder *b, uint32_t parent, const char *name,
		const char *text)
{
	uint32_t i = b_new(b, parent, name, S_IFREG | 0644);

	set_content(b, i, text, strlen(text));
	return i;
}

uint32_t b_big(struct builder *b, uint32_t parent, const char *name,
	       uint64_t size)
{
	uint32_t i = b_new(b, parent, name, S_IFREG | 0644);

	set_content(b, i, "The quick brown fox jumps over the lazy dog.\n",
		    size);
	return i;
}

uint32_t b_symlink(struct builder *b, uint32_t parent, const char *name,
		   const char *target)
{
	uint32_t i = b_new(b, parent, name, S_IFLNK | 0777);

	b->nodes[i].target = strdup(target);
	return i;
}

uint32_t b_move(struct builder *b, const char *path, uint32_t parent,
		const char *name)
{
	const struct base_node *base = must(b, path);
	uint32_t i = b->plan.n_nodes++;
	struct session_node *n = &b->nodes[i];

	ck_assert_uint_lt(i, MAX_NODES);
	n->parent = parent;
	n->base_id = base->id;
	n->link_base = SESSION_NEW;
	n->flags = SESSION_PLACE;
	n->name = strdup(name);
	n->base_name = base->name;
	return i;
}

uint32_t b_rewrite(struct builder *b, const char *path, const char *text)
{
	uint32_t i = b_at(b, path);

	set_content(b, i, text, strlen(text));
	return i;
}

uint32_t b_link(struct builder *b, const char *path, uint32_t parent,
		const char *name)
{
	const struct base_node *base = must(b, path);
	uint32_t i = b_new(b, parent, name, base->attr.mode);

	b->nodes[i].attr = base->attr;
	b->nodes[i].link_base = base->id;
	ck_assert_int_eq(
		xattrs_dup(base->xattrs,
			   (struct xattrs **)(uintptr_t)&b->nodes[i].xattrs),
		0);
	return i;
}

void b_remove(struct builder *b, const char *path)
{
	const struct base_node *base = must(b, path);

	b->removed[b->plan.n_removed] = base->id;
	b->removed_names[b->plan.n_removed++] = base->name;
}

void b_xattr(struct builder *b, uint32_t index, const char *name,
	     const void *value, size_t len)
{
	struct session_node *n = &b->nodes[index];
	struct xattrs *x;

	ck_assert_int_eq(xattrs_set(n->xattrs, name, value, len, &x), 0);
	free((void *)(uintptr_t)n->xattrs);
	n->xattrs = x;
	n->flags |= SESSION_ATTR;
}

void b_load(struct builder *b, uint32_t index, const char *file)
{
	struct content_of *c = b->nodes[index].content;
	FILE *f = fopen(file, "r");
	long size;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	ck_assert_int_gt(size, 0);
	rewind(f);
	c->len = (size_t)size;
	c->data = realloc(c->data, c->len);
	ck_assert_ptr_nonnull(c->data);
	ck_assert_uint_eq(fread(c->data, 1, c->len, f), c->len);
	fclose(f);
	b->nodes[index].size = c->len;
}

struct content_of *b_content(struct builder *b, uint32_t index)
{
	return b->nodes[index].content;
}

#define MUST(call)                                                  \
	do {                                                        \
		int err_ = (call);                                  \
                                                                    \
		ck_assert_msg(err_ == 0, "%s: %d: %s", #call, err_, \
			      why_text(&b->why, err_));             \
	} while (0)

void b_author(struct builder *b)
{
	MUST(session_author(b->disc, &b->plan, &b->sink, &b->session, &b->why));
	session_facts(b->session, &b->facts);
}

void b_burn(struct builder *b)
{
	MUST(session_burn(b->session, &b->sink, &b->why));
	MUST(session_close(b->session, &b->sink, &b->why));
}

void b_verify(struct builder *b)
{
	MUST(session_verify(b->session, VERIFY_QUICK, &b->sink, &b->why));
	MUST(session_verify(b->session, VERIFY_FULL, &b->sink, &b->why));
}

void b_publish(struct builder *b)
{
	MUST(session_publish(b->session, &b->why));
}

void b_commit(struct builder *b)
{
	char *path = strdup(disc_path(b->disc));

	b_author(b);
	b_burn(b);
	b_verify(b);
	b_publish(b);
	b_close(b);
	b_open(b, path);
	free(path);
}
