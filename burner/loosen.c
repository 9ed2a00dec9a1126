/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include <string.h>

#include "burner/session_parts.h"

/*
 * stretch.h has what libisofs gets wrong.  Whether a folder comes out shorter
 * or longer depends on where in a block each entry's continuation begins.  So
 * all of that is moved: one entry of the folder gets an attribute in the name
 * space that readers keep for themselves.  A long one is best: the forecast
 * counts too much for what crosses blocks, and more than needed does no harm.
 */
static char attr_name[] = "isofs.end";
static char zeros[8192];

enum {
	ATTRS_ADD = 2 | 8, /* keep the others, allow every name space */
	LONG_NAME = 100,   /* bytes that a folder's own record holds */
	SOME_ATTRS = 300,  /* bytes of attributes, as a guess */
	HEAVY = 1500,	   /* bytes of continuations: not far from a block */
	STEP = 370,	   /* no divisor of a block, nor of what is below one */
};

/* A guess at the bytes that do not fit into the entry's record. */
static size_t continuation(IsoNode *node)
{
	size_t len = strlen(iso_node_get_name(node));
	void *attrs;

	if (iso_node_get_type(node) == LIBISO_SYMLINK)
		len += strlen(iso_symlink_get_dest((IsoSymlink *)node));
	if (iso_node_get_xinfo(node, aaip_xinfo_func, &attrs) == 1)
		len += SOME_ATTRS;
	return len > LONG_NAME ? len : 0;
}

/* Not a file: its names are one only while their attributes are the same. */
static bool can_carry(IsoNode *node)
{
	return iso_node_get_type(node) != LIBISO_FILE &&
	       iso_node_get_type(node) != LIBISO_BOOT;
}

static int add_weight(IsoNode *node, unsigned round)
{
	char *name = attr_name, *value = zeros;
	size_t len = (size_t)STEP * round;

	if (len > sizeof zeros)
		len = sizeof zeros;
	return iso_node_set_attrs(node, 1, &name, &len, &value, ATTRS_ADD);
}

static int loosen(IsoDir *dir, unsigned round)
{
	IsoNode *node, *carrier = NULL;
	IsoDirIter *it;
	size_t bytes = 0;
	int ret = iso_dir_get_children(dir, &it);

	if (ret < 0)
		return ret;
	while ((ret = iso_dir_iter_next(it, &node)) == 1) {
		bytes += continuation(node);
		if (!carrier && can_carry(node))
			carrier = node;
		if (iso_node_get_type(node) == LIBISO_DIR) {
			ret = loosen((IsoDir *)node, round);
			if (ret < 0)
				break;
		}
	}
	iso_dir_iter_free(it);
	if (ret >= 0 && bytes > HEAVY && carrier)
		ret = add_weight(carrier, round);
	return ret;
}

int loosen_folders(struct session *s, unsigned round, struct why *why)
{
	int ret = loosen(iso_image_get_root(s->image), round);

	return ret < 0 ? library_error(ret, "cannot change the layout", why)
		       : 0;
}
