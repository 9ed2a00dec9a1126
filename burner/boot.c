/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burner/session_parts.h"
#include "common/cleanup.h"

enum {
	/* el_torito_set_isolinux_options, el_torito_seems_boot_info_table */
	PATCH_BOOT_INFO_TABLE = 1 << 0,
	PATCH_GRUB2_BOOT_INFO = 1 << 9,
	PATCHES = PATCH_BOOT_INFO_TABLE | PATCH_GRUB2_BOOT_INFO,
	SEEMS_BOOT_INFO_TABLE = 0,
	SEEMS_GRUB2_BOOT_INFO = 1,
};

/* What a catalog says of one boot image (El Torito 1.0, figures 2 to 5). */
struct entry {
	IsoFile *file;
	enum eltorito_boot_media_type media;
	int platform_id, load_seg, load_size, full_load, bootable, options;
	uint8_t id_string[28], criteria[20];
};

struct catalog {
	struct entry *entries;
	int n;
	IsoBoot *node; /* referenced */
	char *path;
};

static bool in_tree(struct session *s, IsoNode *node)
{
	IsoNode *root = (IsoNode *)iso_image_get_root(s->image);

	while (node && node != root) {
		IsoNode *parent = (IsoNode *)iso_node_get_parent(node);

		if (parent == node)
			return false;
		node = parent;
	}
	return node != NULL;
}

static bool was_in_base(struct session *s, IsoNode *node)
{
	uint32_t i;

	for (i = 0; i < s->base.n_nodes; i++)
		if (s->base.nodes[i] == node)
			return true;
	return false;
}

static void read_entry(ElToritoBootImage *img, struct entry *e)
{
	el_torito_get_boot_media_type(img, &e->media);
	e->platform_id = el_torito_get_boot_platform_id(img);
	e->load_seg = el_torito_get_load_seg(img);
	e->load_size = el_torito_get_load_size(img);
	e->full_load = el_torito_get_full_load(img);
	e->bootable = el_torito_get_bootable(img);
	e->options = el_torito_get_isolinux_options(img, 0);
	/* mkisofs -boot-info-table, and GRUB's own: they hold the file's place
	 * on the disc, so that new content needs new ones. */
	if (el_torito_seems_boot_info_table(img, SEEMS_BOOT_INFO_TABLE))
		e->options |= PATCH_BOOT_INFO_TABLE;
	if (el_torito_seems_boot_info_table(img, SEEMS_GRUB2_BOOT_INFO))
		e->options |= PATCH_GRUB2_BOOT_INFO;
	el_torito_get_id_string(img, e->id_string);
	el_torito_get_selection_crit(img, e->criteria);
}

static void write_entry(ElToritoBootImage *img, const struct entry *e,
			bool changed)
{
	uint8_t id_string[28], criteria[20];

	memcpy(id_string, e->id_string, sizeof id_string);
	memcpy(criteria, e->criteria, sizeof criteria);
	el_torito_set_boot_platform_id(img, (uint8_t)e->platform_id);
	el_torito_set_load_seg(img, (short)e->load_seg);
	el_torito_set_load_size(img, (short)e->load_size);
	el_torito_set_full_load(img, e->full_load);
	if (!e->bootable)
		el_torito_set_no_bootable(img);
	el_torito_set_id_string(img, id_string);
	el_torito_set_selection_crit(img, criteria);
	/* What stays on the disc is not patched. */
	el_torito_set_isolinux_options(
		img, changed ? e->options : e->options & ~PATCHES, 0);
}

static void catalog_release(struct catalog *cat)
{
	int i;

	for (i = 0; cat->entries && i < cat->n; i++)
		iso_node_unref((IsoNode *)cat->entries[i].file);
	free(cat->entries);
	iso_node_unref((IsoNode *)cat->node);
	free(cat->path);
}

static int catalog_read(struct session *s, struct catalog *cat, struct why *why)
{
	AUTO_FREE ElToritoBootImage **boots = NULL;
	AUTO_FREE IsoFile **files = NULL;
	int n = 0, i, ret;

	ret = iso_image_get_all_boot_imgs(s->image, &n, &boots, &files, 0);
	if (ret <= 0)
		return library_error(ret, "boot catalog", why);
	cat->entries = calloc((size_t)n + 1, sizeof *cat->entries);
	if (!cat->entries)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (!files[i])
			return why_set(why, -ENOTSUP,
				       "a boot image was changed, and "
				       "another one is a partition: the "
				       "boot catalog cannot be renewed");
		read_entry(boots[i], &cat->entries[i]);
		cat->entries[i].file = files[i];
		iso_node_ref((IsoNode *)files[i]);
		cat->n = i + 1;
	}
	if (iso_image_get_boot_image(s->image, NULL, NULL, &cat->node) <= 0 ||
	    !cat->node)
		return why_set(why, -EIO, "a boot catalog without a file");
	iso_node_ref((IsoNode *)cat->node);
	return 0;
}

static IsoFile *successor(const struct boot_keep *keep, IsoFile *file)
{
	size_t i;

	for (i = 0; i < keep->n; i++)
		if (keep->changes[i].before == file)
			return keep->changes[i].after;
	return NULL;
}

static int add_entry(struct session *s, struct catalog *cat, int i,
		     IsoFile *file, bool changed, struct why *why)
{
	AUTO_FREE char *path = NULL;
	ElToritoBootImage *img;
	int ret;

	if (!in_tree(s, (IsoNode *)file)) {
		iso_node_ref((IsoNode *)file);
		ret = place_hidden(s, (IsoNode *)file, why);
		if (ret < 0) {
			iso_node_unref((IsoNode *)file);
			return ret;
		}
	}
	path = iso_tree_get_node_path((IsoNode *)file);
	if (!path)
		return -ENOMEM;
	if (i == 0)
		ret = iso_image_set_boot_image(
			s->image, path, cat->entries[i].media, cat->path, &img);
	else
		ret = iso_image_add_boot_image(s->image, path,
					       cat->entries[i].media, 0, &img);
	if (ret < 0) {
		ret = library_error(ret, "boot image", why);
		return ret == -ENOMEM ? ret : -ENOTSUP;
	}
	write_entry(img, &cat->entries[i], changed);
	return 0;
}

static int renew(struct session *s, const struct boot_keep *keep,
		 struct catalog *cat, struct why *why)
{
	IsoBoot *node = NULL;
	int i, err;

	if (!in_tree(s, (IsoNode *)cat->node))
		return why_set(why, -ENOTSUP,
			       "a boot image was changed, and the boot "
			       "catalog is hidden: it cannot be renewed");
	cat->path = iso_tree_get_node_path((IsoNode *)cat->node);
	if (!cat->path)
		return -ENOMEM;
	iso_image_remove_boot_image(s->image);
	for (i = 0; i < cat->n; i++) {
		IsoFile *file = successor(keep, cat->entries[i].file);
		bool changed = file != NULL;

		err = add_entry(s, cat, i,
				changed ? file : cat->entries[i].file, changed,
				why);
		if (err < 0)
			return err;
	}
	iso_image_get_boot_image(s->image, NULL, NULL, &node);
	return node ? place_same_attr((IsoNode *)cat->node, (IsoNode *)node,
				      why)
		    : 0;
}

int boot_keep_note(struct session *s, struct boot_keep *keep, IsoNode *before,
		   IsoNode *after)
{
	struct boot_change *p;

	if (!s->base.info.has_el_torito)
		return 0;
	p = realloc(keep->changes, (keep->n + 1) * sizeof *p);
	if (!p)
		return -ENOMEM;
	keep->changes = p;
	p[keep->n].before = (IsoFile *)before;
	p[keep->n++].after = (IsoFile *)after;
	iso_node_ref(before);
	iso_node_ref(after);
	return 0;
}

static bool touches(const struct boot_keep *keep, IsoFile **files, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (files[i] && successor(keep, files[i]))
			return true;
	return false;
}

int boot_keep_apply(struct session *s, struct boot_keep *keep, struct why *why)
{
	AUTO_FREE ElToritoBootImage **boots = NULL;
	AUTO_FREE IsoFile **files = NULL;
	struct catalog cat = {0};
	IsoBoot *node = NULL;
	int n = 0, err;

	if (iso_image_get_all_boot_imgs(s->image, &n, &boots, &files, 0) <= 0)
		return 0;
	iso_image_get_boot_image(s->image, NULL, NULL, &node);
	if (node && !in_tree(s, (IsoNode *)node) &&
	    was_in_base(s, (IsoNode *)node)) {
		iso_image_remove_boot_image(s->image);
		return 0;
	}
	if (!touches(keep, files, n))
		return 0;
	err = catalog_read(s, &cat, why);
	if (!err)
		err = renew(s, keep, &cat, why);
	catalog_release(&cat);
	return err;
}

/* Forget those that are no files of the tree; returns how many. */
static int drop_hidden(struct session *s, struct catalog *cat)
{
	int i, kept = 0, dropped;

	for (i = 0; i < cat->n; i++) {
		struct entry *e = &cat->entries[i];

		if (in_tree(s, (IsoNode *)e->file))
			cat->entries[kept++] = *e;
		else
			iso_node_unref((IsoNode *)e->file);
	}
	dropped = cat->n - kept;
	cat->n = kept;
	return dropped;
}

/* The catalog anew, of the images that are left, at their new places. */
static int move_catalog(struct session *s, struct catalog *cat, struct why *why)
{
	IsoBoot *node = NULL;
	int i, err = 0;

	cat->path = iso_tree_get_node_path((IsoNode *)cat->node);
	if (!cat->path)
		return -ENOMEM;
	iso_image_remove_boot_image(s->image);
	for (i = 0; !err && i < cat->n; i++)
		err = add_entry(s, cat, i, cat->entries[i].file, true, why);
	if (!err)
		iso_image_get_boot_image(s->image, NULL, NULL, &node);
	return node ? place_same_attr((IsoNode *)cat->node, (IsoNode *)node,
				      why)
		    : err;
}

/* The images of a catalog that can stay as it is. */
static void patch_images(ElToritoBootImage **boots, IsoFile **files, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		struct entry e = {.file = files[i]};

		read_entry(boots[i], &e);
		el_torito_set_isolinux_options(boots[i], e.options, 0);
	}
}

int boot_move(struct session *s, int *ret_kept, int *ret_dropped,
	      struct why *why)
{
	AUTO_FREE ElToritoBootImage **boots = NULL;
	AUTO_FREE IsoFile **files = NULL;
	struct catalog cat = {0};
	IsoBoot *node = NULL;
	int n = 0, i, hidden = 0, unknown = 0, err;

	*ret_kept = *ret_dropped = 0;
	if (iso_image_get_all_boot_imgs(s->image, &n, &boots, &files, 0) <= 0)
		return 0;
	for (i = 0; i < n; i++) {
		unknown += !files[i];
		hidden += files[i] && !in_tree(s, (IsoNode *)files[i]);
	}
	if (!hidden && !unknown) {
		patch_images(boots, files, n);
		*ret_kept = n;
		return 0;
	}
	iso_image_get_boot_image(s->image, NULL, NULL, &node);
	if (unknown || !node || !in_tree(s, (IsoNode *)node)) {
		iso_image_remove_boot_image(s->image);
		*ret_dropped = n;
		return 0;
	}
	err = catalog_read(s, &cat, why);
	if (!err) {
		*ret_dropped = drop_hidden(s, &cat);
		*ret_kept = cat.n;
		err = move_catalog(s, &cat, why);
	}
	catalog_release(&cat);
	return err;
}

void boot_keep_release(struct boot_keep *keep)
{
	size_t i;

	for (i = 0; i < keep->n; i++) {
		iso_node_unref((IsoNode *)keep->changes[i].before);
		iso_node_unref((IsoNode *)keep->changes[i].after);
	}
	free(keep->changes);
	keep->changes = NULL;
	keep->n = 0;
}
