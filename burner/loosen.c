/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "burner/session_parts.h"

/*
 * stretch.h has what libisofs 1.5.4 gets wrong.  Its forecast of a continuation
 * area is never too small where it begins with what is true, since filling
 * blocks one by one ends no earlier for beginning later.  It begins with
 * something else in the root only: that one's attributes follow the fields that
 * announce Rock Ridge and AAIP, but are reckoned as if they came first.  Seven
 * of their pieces, 255 bytes each, fill a block, behind those fields one less.
 * So their end comes out too late where their number is a multiple of seven and
 * the last one does not fit any more, and only there.  Another attribute makes
 * one or two more of them.
 */
static char attr_name[] = "isofs.end"; /* readers keep it for themselves */
static char zeros[8192];

enum {
	ATTRS_ADD = 2 | 8, /* keep the others, allow every name space */
	STEP = 300,	   /* more than a piece, less than two */
};

int loosen_root(struct session *s, unsigned round, struct why *why)
{
	IsoNode *root = (IsoNode *)iso_image_get_root(s->image);
	char *name = attr_name, *value = zeros;
	size_t len = (size_t)STEP * round;
	int ret;

	if (len > sizeof zeros)
		len = sizeof zeros;
	ret = iso_node_set_attrs(root, 1, &name, &len, &value, ATTRS_ADD);
	return ret < 0 ? library_error(ret, "cannot change the layout", why)
		       : 0;
}
