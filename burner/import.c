/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/import.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/disc_ops.h"
#include "burner/head.h"
#include "burner/head_view.h"
#include "burner/import_list.h"
#include "burner/import_node.h"
#include "burner/library.h"
#include "burner/survey.h"
#include "burner/tree_sums.h"
#include "burner/volume.h"
#include "common/cleanup.h"
#include "common/heap.h"
#include "common/sum128.h"

enum { DIGEST_HEAD_BYTES = (VOLUME_SUPERBLOCK + 2) * DISC_BLOCK };

/* libisofs only reads these. */
static char severity_sorry[] = "SORRY";
static char charset_utf8[] = "UTF-8";

enum {
	/* iso_read_opts_set_no_md5 */
	NO_SUMS = 1,
	SUMS_BUT_NO_TAGS = 2, /* the tags are tree_sums.h's to check */
};

/*
 * What was told is not needed any more: libisofs' nodes make room for the
 * caller's.  Folders stay, their children go by them.
 */
static void drop_node(IsoNode *node)
{
	if (iso_node_get_type(node) != LIBISO_DIR && iso_node_take(node) >= 0)
		iso_node_unref(node);
}

static int visit_nodes(const struct listing *l, struct node_parts *parts,
		       import_visit visit, void *arg, bool drop,
		       struct why *why)
{
	uint32_t id;

	for (id = 0; id < l->n; id++) {
		struct why fault = {""};
		struct import_node node;
		char path[LISTING_PATH];
		int err;

		err = node_fill(parts, l->nodes[id], id == IMPORT_ROOT, &node,
				&fault);
		if (err < 0) {
			listing_path(l, id, path);
			return why_set(why, err, "%s: %s", path,
				       why_text(&fault, err));
		}
		node.id = id;
		node.count = l->n;
		node.parent_id = l->parents[id];
		node.link_id = l->links[id];
		err = visit(arg, &node);
		if (err < 0)
			return err;
		if (drop)
			drop_node(l->nodes[id]);
	}
	return 0;
}

/*
 * The session's own system area and first two descriptors, which are the same
 * whether it is loaded by its address or by the head that names it.  No more:
 * behind a small session comes what is not its own and may change.
 */
static int make_digest(struct disc *disc, uint32_t from,
		       const struct survey *survey, struct import_info *info,
		       struct why *why)
{
	AUTO_FREE unsigned char *buf = malloc(DIGEST_HEAD_BYTES);
	uint64_t pos = (uint64_t)from * DISC_BLOCK;
	uint64_t end = disc_readable(disc), sum[2];
	size_t len = DIGEST_HEAD_BYTES;
	struct sum128 digest;
	int err;

	if (!buf)
		return -ENOMEM;
	if (end < pos + len)
		len = end > pos ? (size_t)(end - pos) : 0;
	err = disc_read(disc, buf, len, pos);
	if (err < 0)
		return why_set(why, err,
			       "cannot read the first blocks of the session at "
			       "block %lu of %s",
			       (unsigned long)info->lba, disc_path(disc));
	sum128_init(&digest, 0);
	sum128_add(&digest, buf, len);
	sum[0] = htole64(survey->sum[0]);
	sum[1] = htole64(survey->sum[1]);
	sum128_add(&digest, sum, sizeof sum);
	sum128_end(&digest, sum);
	sum[0] = htole64(sum[0]);
	sum[1] = htole64(sum[1]);
	memcpy(info->digest, sum, sizeof info->digest);
	return 0;
}

static int visit_all(struct disc *disc, struct listing *l, import_visit visit,
		     void *arg, bool drop, struct base_image *base,
		     struct why *why)
{
	uint32_t start = base->view ? 0 : base->info.lba;
	struct node_parts parts = {
		.image = base->image,
		.disc = disc,
		.start = start,
		.end = disc_session_end(disc, start),
		.readable = (disc_readable(disc) + DISC_BLOCK - 1) / DISC_BLOCK,
	};
	int err = listing_find_links(l, base->info.has_md5);

	if (err == 0)
		err = visit_nodes(l, &parts, visit, arg, drop, why);
	parts.content.session_end = parts.end;
	base->info.content = parts.content;
	node_parts_release(&parts);
	return err;
}

/*
 * A session of genisoimage behind one of ours takes over the numbers of its
 * files' checksums, and has no checksums that they are of.  Burned anew, they
 * would be of others.
 */
static int drop_stale_sums(const struct listing *l)
{
	static char name[] = "isofs.cx";
	enum { MERGE = 2, DELETE = 4, NOT_USERS = 8 };
	char *names[] = {name}, *values[] = {NULL};
	size_t lengths[] = {0};

	for (uint32_t id = 0; id < l->n; id++) {
		AUTO_FREE char *value = NULL;
		size_t len;

		if (iso_node_get_type(l->nodes[id]) == LIBISO_FILE &&
		    iso_node_lookup_attr(l->nodes[id], name, &len, &value,
					 0) == 1 &&
		    iso_node_set_attrs(l->nodes[id], 1, names, lengths, values,
				       MERGE | DELETE | NOT_USERS) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Fills base->nodes and the rest of base->info; calls the visitor. */
static int deliver(struct disc *disc, uint64_t expected, import_visit visit,
		   void *arg, bool drop, struct base_image *base,
		   struct why *why)
{
	struct listing l = {0};
	int err = listing_fill(&l, base->image);

	if (err == 0 && l.n != expected)
		err = why_set(why, -EIO,
			      "the tree of %s cannot be loaded whole: %lu of "
			      "%llu files and folders",
			      disc_path(disc), (unsigned long)l.n,
			      (unsigned long long)expected);
	if (err == 0 && !drop && !base->info.has_md5)
		err = drop_stale_sums(&l);
	if (err == 0) {
		base->info.order = listing_order(&l);
		if (visit)
			err = visit_all(disc, &l, visit, arg, drop, base, why);
	}
	if (err == 0) {
		base->info.nodes = l.n;
		base->nodes = l.nodes;
		l.nodes = NULL;
	}
	listing_release(&l);
	return err;
}

static int read_options(const struct import_opts *opts, uint32_t start,
			bool md5, IsoReadOpts **ret)
{
	IsoReadOpts *ro;

	if (iso_read_opts_new(&ro, 0) < 0)
		return -ENOMEM;
	iso_read_opts_set_start_block(ro, start);
	iso_read_opts_set_no_rockridge(ro, opts->no_rock_ridge);
	iso_read_opts_set_no_joliet(ro, opts->no_joliet);
	iso_read_opts_set_no_iso1999(ro, 0);
	iso_read_opts_set_no_aaip(ro, 0);
	iso_read_opts_set_no_md5(ro, md5 ? SUMS_BUT_NO_TAGS : NO_SUMS);
	iso_read_opts_set_input_charset(ro, charset_utf8);
	iso_read_opts_load_system_area(ro, 1);
	iso_read_opts_keep_import_src(ro, 1);
	*ret = ro;
	return 0;
}

static void take_features(IsoImage *image, IsoReadImageFeatures *f,
			  struct import_info *info)
{
	uint32_t start, end;
	char md5[16];

	info->has_rock_ridge = iso_read_image_features_has_rockridge(f);
	info->has_joliet = iso_read_image_features_has_joliet(f);
	info->has_el_torito = iso_read_image_features_has_eltorito(f);
	if (iso_read_image_features_rr_loaded(f))
		info->kind = TREE_ROCK_RIDGE;
	else if (iso_read_image_features_tree_loaded(f) == 1)
		info->kind = TREE_JOLIET;
	else
		info->kind = TREE_ISO9660;
	info->has_md5 =
		iso_image_get_session_md5(image, &start, &end, md5, 0) == 1;
}

static int import_failed(struct disc *disc, struct base_image *base, int ret,
			 struct why *why)
{
	char what[256];
	uint32_t lba;
	int err;

	err = library_source_failed(base->source, &lba);
	if (err < 0) {
		library_drain();
		return why_set(why, err,
			       "cannot read block %lu of %s, which holds "
			       "part of the tree",
			       (unsigned long)lba, disc_path(disc));
	}
	snprintf(what, sizeof what, "cannot load the tree of %s",
		 disc_path(disc));
	err = library_error(ret, what, why);
	/* What stopped it ("canceled") is the abort severity, not somebody. */
	return err == -ENOMEM || err == -EMEDIUMTYPE ? err : -EIO;
}

static int load_with(struct disc *disc, const struct import_opts *opts,
		     uint32_t start, const struct folder_views *views, bool md5,
		     struct base_image *base, struct why *why)
{
	IsoReadImageFeatures *features = NULL;
	IsoReadOpts *ro = NULL;
	uint32_t lba;
	int err, ret, severity;

	err = library_source(disc, start, views, &base->source);
	if (err < 0)
		return err;
	if (iso_image_new("ISOIMAGE", &base->image) < 0)
		return -ENOMEM;
	err = read_options(opts, start, md5, &ro);
	if (err < 0)
		return err;
	library_drain();
	/* Milder errors are those that leave out parts of the tree. */
	severity = iso_set_abort_severity(severity_sorry);
	ret = iso_image_import(base->image, base->source, ro, &features);
	if (severity > 0) {
		char name[80], *found = NULL;

		if (iso_sev_to_text(severity, &found) > 0 && found) {
			snprintf(name, sizeof name, "%s", found);
			iso_set_abort_severity(name);
		}
	}
	iso_read_opts_free(ro);
	library_source_loaded(base->source);
	if (ret >= 0 && library_source_failed(base->source, &lba))
		ret = (int)ISO_FILE_READ_ERROR;
	if (ret < 0) {
		iso_read_image_features_destroy(features);
		return import_failed(disc, base, ret, why);
	}
	take_features(base->image, features, &base->info);
	iso_read_image_features_destroy(features);
	library_drain();
	return 0;
}

/* All that libisofs read from base->view. */
static void release_loaded(struct base_image *base)
{
	free(base->nodes);
	if (base->image)
		iso_image_unref(base->image);
	if (base->source)
		iso_data_source_unref(base->source);
	base->nodes = NULL;
	base->image = NULL;
	base->source = NULL;
	/* A million nodes are 600 MB that would stay in the heap. */
	heap_release(base->n_nodes);
}

/*
 * libisofs' own part: the tree in its memory.  The files' checksums stand at
 * the end of a session, where one that was cut off has nothing; it loads
 * without them.
 */
static int load(struct disc *disc, const struct import_opts *opts,
		uint32_t start, const struct survey *survey,
		struct base_image *base, struct why *why)
{
	int err = load_with(disc, opts, start, &survey->views, true, base, why);
	uint32_t lba;

	if (err != -EIO || !survey->has_md5 || !base->source ||
	    !library_source_failed(base->source, &lba))
		return err;
	release_loaded(base);
	err = load_with(disc, opts, start, &survey->views, false, base, why);
	base->info.lost_md5 = !err;
	return err;
}

/*
 * The tree, with its checksums, which are looked at meanwhile and are the
 * reason where both fail.  *@sums is taken over.
 */
static int load_summed(struct disc *disc, const struct import_opts *opts,
		       uint32_t start, const struct survey *survey,
		       struct tree_sums **sums, struct base_image *base,
		       struct why *why)
{
	int err = load(disc, opts, start, survey, base, why);
	int bad = tree_sums_end(*sums, why);

	*sums = NULL;
	return bad < 0 ? bad : err;
}

/*
 * Whether the head can stand for the session at @lba that it names.  Where
 * another program changed it so that it does not lead to all of that session's
 * trees, the session's own descriptors do.
 */
static bool head_stands_for(struct disc *disc, uint32_t lba)
{
	AUTO_FREE unsigned char *head = malloc(DISC_HEAD_BYTES);
	AUTO_FREE unsigned char *own = malloc(DISC_HEAD_BYTES);

	return !head || !own || disc_read_head(disc, head) < 0 ||
	       disc_read(disc, own, DISC_HEAD_BYTES,
			 (uint64_t)lba * DISC_BLOCK) < 0 ||
	       head_agrees(head, own);
}

/* Where libisofs begins to read, and which session that is. */
static int choose_session(struct disc *disc, const struct import_opts *opts,
			  uint32_t *ret_start, bool *ret_changeable,
			  struct import_info *info, struct why *why)
{
	unsigned char block[DISC_BLOCK];
	struct medium medium;
	struct volume vol;
	int err;

	err = disc_look(disc, &medium, why);
	if (err < 0)
		return err;
	/* A session that is not published yet is loaded by its address. */
	if (medium.unreadable && !medium.has_base &&
	    opts->session_lba == IMPORT_LAST)
		return why_set(why, -EIO, "%s: %s", disc_path(disc),
			       medium.damage);
	if (medium.status == DISC_NONE ||
	    (medium_is_blank(&medium) && opts->session_lba == IMPORT_LAST))
		return why_set(why, -EMEDIUMTYPE, "%s is blank",
			       disc_path(disc));
	info->lba = opts->session_lba == IMPORT_LAST ? medium.base_lba
						     : opts->session_lba;
	*ret_start = info->lba;
	/*
	 * The last session of an overwritable medium is loaded by the copy of
	 * its superblock in the head, which is what everybody mounts.
	 */
	if (medium.overwritable &&
	    (info->lba == medium.head_lba || info->lba == 0)) {
		info->lba = medium.head_lba;
		if (!medium.head_changed || info->lba == 0 ||
		    head_stands_for(disc, info->lba))
			*ret_start = 0;
	}
	*ret_changeable = medium.overwritable && info->lba == 0;
	err = disc_read(disc, block, sizeof block,
			((uint64_t)*ret_start + VOLUME_SUPERBLOCK) *
				DISC_BLOCK);
	if (err < 0)
		return why_set(why, err,
			       "cannot read the superblock of the session at "
			       "block %lu of %s",
			       (unsigned long)*ret_start, disc_path(disc));
	if (!volume_parse(block, &vol))
		return why_set(why, -EMEDIUMTYPE,
			       "there is no ISO 9660 session at block %lu of "
			       "%s",
			       (unsigned long)*ret_start, disc_path(disc));
	memcpy(info->volume_id, vol.volume_id, sizeof info->volume_id);
	info->created = vol.created;
	return 0;
}

/*
 * Where a session is read from.  Of most the disc itself, by the address at
 * @start; @own is its first block.  @changeable: others may have changed what
 * stands in front of its tree.
 */
struct reading {
	struct disc *disc;
	struct disc *view; /* it, where it has to be freed; else NULL */
	uint32_t start, own;
	bool changeable;
};

static int begin_reading(struct disc *disc, const struct import_opts *opts,
			 struct reading *ret, struct import_info *info,
			 struct why *why)
{
	int err = choose_session(disc, opts, &ret->start, &ret->changeable,
				 info, why);

	ret->disc = disc;
	ret->own = info->lba;
	if (err == 0 && ret->start != 0)
		err = head_view_open(disc, info->lba, &ret->view, why);
	if (ret->view) {
		ret->disc = ret->view;
		ret->start = ret->own = 0;
		ret->changeable = true;
	}
	return err;
}

static int import(struct disc *disc, const struct import_opts *opts,
		  import_visit visit, void *arg, bool drop,
		  struct base_image *ret, struct why *why)
{
	struct base_image base = {0};
	struct tree_sums *sums = NULL;
	struct reading r = {0};
	struct survey survey = {0};
	int err;

	err = library_start(why);
	if (err < 0)
		return err;
	err = begin_reading(disc, opts, &r, &base.info, why);
	base.view = r.view;
	/* By the session's own superblock: the head is a copy of it. */
	if (err == 0)
		err = tree_sums_begin(r.disc, r.own, r.changeable, &sums);
	if (err == 0)
		err = survey_session(r.disc, r.start, opts, NULL, NULL,
				     &survey, why);
	if (err == 0)
		err = make_digest(r.disc, r.own, &survey, &base.info, why);
	/* Also for who gives back what was loaded in vain. */
	if (err == 0)
		base.n_nodes = (uint32_t)survey.nodes;
	if (err == 0)
		err = load_summed(r.disc, opts, r.start, &survey, &sums, &base,
				  why);
	tree_sums_drop(sums);
	folder_views_release(&survey.views);
	if (err == 0) {
		base.info.tree_blocks = survey.tree_blocks;
		base.content_in_head = survey.content_in_head;
		err = deliver(r.disc, survey.nodes, visit, arg, drop, &base,
			      why);
	}
	if (err < 0) {
		base_image_release(&base);
		return err;
	}
	*ret = base;
	return 0;
}

int import_image(struct disc *disc, const struct import_opts *opts,
		 import_visit visit, void *arg, struct base_image *ret,
		 struct why *why)
{
	return import(disc, opts, visit, arg, false, ret, why);
}

/* The visitor of import_names, and what it is told for the order. */
struct ordered {
	import_visit visit;
	void *arg;
	struct sum128 order;
};

static int visit_ordered(void *arg, const struct import_node *node)
{
	struct ordered *o = arg;

	if (node->id != IMPORT_ROOT)
		import_order_add(&o->order, node->parent_id, node->name);
	return o->visit(o->arg, node);
}

int import_names(struct disc *disc, const struct import_opts *opts,
		 import_visit visit, void *arg, struct import_info *ret,
		 struct why *why)
{
	struct ordered o = {.visit = visit, .arg = arg};
	struct import_info info = {.kind = TREE_ROCK_RIDGE};
	struct reading r = {0};
	struct survey survey;
	int err;

	sum128_init(&o.order, 0);
	err = begin_reading(disc, opts, &r, &info, why);
	if (err == 0)
		err = survey_session(r.disc, r.start, opts, visit_ordered, &o,
				     &survey, why);
	if (err == 0)
		err = make_digest(r.disc, r.own, &survey, &info, why);
	disc_free(r.view);
	if (err == -ENOTSUP)
		return why_set(why, err,
			       "the session at block %lu of %s has no Rock "
			       "Ridge",
			       (unsigned long)info.lba, disc_path(disc));
	if (err < 0)
		return err;
	info.nodes = (uint32_t)survey.nodes;
	info.has_rock_ridge = true;
	info.has_joliet = survey.has_joliet;
	info.has_el_torito = survey.has_catalog;
	info.has_md5 = survey.has_md5;
	info.tree_blocks = survey.tree_blocks;
	info.order = import_order_end(&o.order);
	*ret = info;
	return 0;
}

void base_image_release(struct base_image *base)
{
	release_loaded(base);
	disc_free(base->view);
	base->view = NULL;
}

int import_session(struct disc *disc, const struct import_opts *opts,
		   import_visit visit, void *arg, struct import_info *ret,
		   struct why *why)
{
	struct base_image base;
	int err;

	library_lock();
	err = import(disc, opts, visit, arg, true, &base, why);
	if (err == 0) {
		*ret = base.info;
		base_image_release(&base);
	}
	library_unlock();
	return err;
}
