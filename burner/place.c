/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/acl.h"
#include "burner/link_mark.h"
#include "burner/link_target.h"
#include "burner/session_parts.h"
#include "common/cleanup.h"

enum {
	/* iso_node_set_attrs: replace all, ACLs and all name spaces. */
	ATTRS_ALL = 1 | 8,
	/* iso_node_get_attrs: ACLs as an attribute with an empty name. */
	ATTRS_WITH_ACL = 1,
	ATTRS_RELEASE = 1 << 15,
	HIDDEN = LIBISO_HIDE_ON_RR | LIBISO_HIDE_ON_JOLIET |
		 LIBISO_HIDE_ON_1999 | LIBISO_HIDE_BUT_WRITE,
};

/* Names sort before all others, so that what is hidden comes first. */
static const char hidden_name[] = "\001\001%zu";

static int plan_error(struct session *s, uint32_t index, int ret,
		      struct why *why)
{
	char path[300];

	content_path(s->plan, index, path, sizeof path);
	return library_error(ret, path, why);
}

/* As libisofs gives and takes them. */
struct attr_list {
	char **names;
	char **values;
	size_t *lengths;
	size_t n;
};

static int attr_list_get(IsoNode *node, struct attr_list *list, int flags)
{
	return iso_node_get_attrs(node, &list->n, &list->names, &list->lengths,
				  &list->values, flags);
}

static void attr_list_release(struct attr_list *list)
{
	attr_list_get(NULL, list, ATTRS_RELEASE);
}

static int attr_list_add(struct attr_list *list, const char *name,
			 size_t name_len, const void *value, size_t len)
{
	char *name_copy = strndup(name, name_len);
	char *value_copy = malloc(len + 1);

	if (!name_copy || !value_copy) {
		free(name_copy);
		free(value_copy);
		return -ENOMEM;
	}
	memcpy(value_copy, value, len);
	value_copy[len] = 0;
	list->names[list->n] = name_copy;
	list->values[list->n] = value_copy;
	list->lengths[list->n++] = len;
	return 0;
}

static bool is_name(const char *name, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(name, word, len) == 0;
}

/*
 * libisofs 1.5.4 cannot read a list back that ends in an empty value.  So one
 * that has any gets an end that is not empty, in the name space that readers
 * keep for themselves.
 */
static const char list_end[] = "isofs.end";

/*
 * A symbolic link's list is never short: where target and list together are
 * longer than the rest of the record, but the list alone is not, libisofs 1.5.4
 * puts it into the record all the same and overwrites what follows.  This many
 * bytes never fit in there (ECMA-119 9.1, SUSP 5).
 */
enum { LINK_LIST_MIN = 250 };

/* libisofs' own attributes, which tell a file's checksum. */
static bool is_library_attr(const char *name)
{
	return !strncmp(name, "isofs.", 6) && strcmp(name, list_end) != 0 &&
	       strcmp(name, LINK_MARK_ATTR) != 0;
}

/* What is not the user's: libisofs' own attributes, and ours that stays. */
static bool is_kept_attr(const char *name)
{
	return is_library_attr(name) || !strcmp(name, LINK_TARGET_ATTR);
}

/* Ours for this node: link_target.h, link_mark.h. */
static int add_own_attrs(const struct session *s, const struct session_node *n,
			 struct attr_list *ret)
{
	char mark[LINK_MARK_MAX];
	int err = 0;

	if (n->base_id == SESSION_NEW && S_ISLNK(n->attr.mode) &&
	    link_target_needs_attr(n->target))
		err = attr_list_add(ret, LINK_TARGET_ATTR,
				    strlen(LINK_TARGET_ATTR), n->target,
				    strlen(n->target));
	if (err < 0 || !n->link_id || S_ISREG(n->attr.mode))
		return err;
	snprintf(mark, sizeof mark, "%llu.%llu",
		 (unsigned long long)s->medium.nwa,
		 (unsigned long long)n->link_id);
	return attr_list_add(ret, LINK_MARK_ATTR, strlen(LINK_MARK_ATTR), mark,
			     strlen(mark));
}

/*
 * The list that @node, which is @n, shall have: of what it has, what is not the
 * user's; all of its xattrs but the ACLs; and ours.
 */
static int attr_list_make(const struct session *s, const struct session_node *n,
			  IsoNode *node, struct attr_list *ret)
{
	const struct xattrs *x = n->xattrs;
	struct attr_list old = {0};
	uint32_t cursor = 0;
	const char *name;
	const void *value;
	size_t name_len, len, i, room;
	static const char zeros[LINK_LIST_MIN];
	bool empty = false;
	int err = 0;

	if (attr_list_get(node, &old, 0) < 0)
		return -EIO;
	room = old.n + (x ? x->count : 0) + 3;
	ret->names = calloc(room, sizeof *ret->names);
	ret->values = calloc(room, sizeof *ret->values);
	ret->lengths = calloc(room, sizeof *ret->lengths);
	if (!ret->names || !ret->values || !ret->lengths)
		err = -ENOMEM;
	for (i = 0; !err && i < old.n; i++)
		if (is_kept_attr(old.names[i]))
			err = attr_list_add(ret, old.names[i],
					    strlen(old.names[i]), old.values[i],
					    old.lengths[i]);
	attr_list_release(&old);
	if (!err)
		err = add_own_attrs(s, n, ret);
	while (!err && ret->n < room - 1 &&
	       xattrs_next(x, &cursor, &name, &name_len, &value, &len))
		if (!is_name(name, name_len, ACL_ACCESS_XATTR) &&
		    !is_name(name, name_len, ACL_DEFAULT_XATTR)) {
			err = attr_list_add(ret, name, name_len, value, len);
			empty |= len == 0;
		}
	if (!err && ret->n && S_ISLNK(n->attr.mode))
		err = attr_list_add(ret, list_end, sizeof list_end - 1, zeros,
				    sizeof zeros);
	else if (!err && empty)
		err = attr_list_add(ret, list_end, sizeof list_end - 1, "", 1);
	return err;
}

static int acl_text(const struct xattrs *x, const char *name, char **ret)
{
	const void *value;
	int len = xattrs_get(x, name, &value);

	*ret = NULL;
	return len < 0 ? 0 : acl_to_text(value, (size_t)len, ret);
}

static int set_acls(struct session *s, uint32_t index, IsoNode *node,
		    struct why *why)
{
	const struct xattrs *x = s->plan->nodes[index].xattrs;
	AUTO_FREE char *access = NULL;
	AUTO_FREE char *dflt = NULL;
	int err, ret;

	err = acl_text(x, ACL_ACCESS_XATTR, &access);
	if (!err)
		err = acl_text(x, ACL_DEFAULT_XATTR, &dflt);
	if (err == -EINVAL) {
		char path[300];

		content_path(s->plan, index, path, sizeof path);
		return why_set(why, err, "%s: malformed access control list",
			       path);
	}
	if (err < 0 || (!access && !dflt))
		return err;
	ret = iso_node_set_acl_text(node, access, dflt, 0);
	return ret < 0 ? plan_error(s, index, ret, why) : 0;
}

/* Its list anew, with the attributes that are (@last) or are not the library's. */
static void list_part(const struct attr_list *from, bool last,
		      struct attr_list *to)
{
	for (size_t i = 0; i < from->n; i++)
		if (is_library_attr(from->names[i]) == last) {
			to->names[to->n] = from->names[i];
			to->values[to->n] = from->values[i];
			to->lengths[to->n++] = from->lengths[i];
		}
}

/*
 * libisofs takes names for hard links only if their lists are equal byte by
 * byte, and it renews its own attributes in place for nodes of the base, at the
 * end for others.
 */
static int library_attrs_last(struct session *s, uint32_t index, IsoNode *node,
			      struct why *why)
{
	struct attr_list list = {0}, sorted = {0};
	int ret = attr_list_get(node, &list, ATTRS_WITH_ACL);

	if (ret < 0)
		return plan_error(s, index, ret, why);
	sorted.names = calloc(list.n + 1, sizeof *sorted.names);
	sorted.values = calloc(list.n + 1, sizeof *sorted.values);
	sorted.lengths = calloc(list.n + 1, sizeof *sorted.lengths);
	if (sorted.names && sorted.values && sorted.lengths) {
		list_part(&list, false, &sorted);
		list_part(&list, true, &sorted);
		ret = iso_node_set_attrs(node, sorted.n, sorted.names,
					 sorted.lengths, sorted.values,
					 ATTRS_ALL);
	} else {
		ret = ISO_OUT_OF_MEM;
	}
	free(sorted.names);
	free(sorted.values);
	free(sorted.lengths);
	attr_list_release(&list);
	return ret < 0 ? plan_error(s, index, ret, why) : 0;
}

int place_attr(struct session *s, uint32_t index, IsoNode *node,
	       struct why *why)
{
	const struct session_node *n = &s->plan->nodes[index];
	struct attr_list list = {0};
	int err, ret = 1;

	err = attr_list_make(s, n, node, &list);
	/* The old ACLs go before the permissions, which they would follow. */
	if (!err)
		ret = iso_node_set_attrs(node, list.n, list.names, list.lengths,
					 list.values, ATTRS_ALL);
	attr_list_release(&list);
	if (err < 0)
		return err;
	if (ret < 0)
		return plan_error(s, index, ret, why);
	iso_node_set_permissions(node, n->attr.mode & 07777);
	iso_node_set_uid(node, n->attr.uid);
	iso_node_set_gid(node, n->attr.gid);
	iso_node_set_atime(node, n->attr.atime.tv_sec);
	iso_node_set_mtime(node, n->attr.mtime.tv_sec);
	iso_node_set_ctime(node, n->attr.ctime.tv_sec);
	if (!n->xattrs)
		return 0;
	err = set_acls(s, index, node, why);
	return err ? err : library_attrs_last(s, index, node, why);
}

int place_same_attr(IsoNode *from, IsoNode *to, struct why *why)
{
	struct attr_list list = {0};
	int ret;

	ret = attr_list_get(from, &list, ATTRS_WITH_ACL);
	if (ret < 0)
		return library_error(ret, iso_node_get_name(from), why);
	iso_node_set_permissions(to, iso_node_get_permissions(from));
	ret = iso_node_set_attrs(to, list.n, list.names, list.lengths,
				 list.values, ATTRS_ALL);
	attr_list_release(&list);
	if (ret < 0)
		return library_error(ret, iso_node_get_name(from), why);
	iso_node_set_uid(to, iso_node_get_uid(from));
	iso_node_set_gid(to, iso_node_get_gid(from));
	iso_node_set_atime(to, iso_node_get_atime(from));
	iso_node_set_mtime(to, iso_node_get_mtime(from));
	iso_node_set_ctime(to, iso_node_get_ctime(from));
	iso_node_set_hidden(to, iso_node_get_hidden(from));
	return 0;
}

static int add_file(struct session *s, uint32_t index, IsoDir *dir,
		    IsoNode **ret_node, struct why *why)
{
	const struct session_node *n = &s->plan->nodes[index];
	IsoStream *stream;
	IsoFile *file;
	int ret;

	ret = content_stream_new(&s->reader, index, &stream);
	if (ret < 0)
		return ret;
	ret = iso_tree_add_new_file(dir, n->name, stream, &file);
	if (ret < 0) {
		iso_stream_unref(stream);
		return plan_error(s, index, ret, why);
	}
	*ret_node = (IsoNode *)file;
	return 0;
}

static int add_kind(struct session *s, uint32_t index, IsoDir *dir,
		    IsoNode **ret_node, struct why *why)
{
	const struct session_node *n = &s->plan->nodes[index];
	IsoDir *new_dir;
	IsoSymlink *link;
	IsoSpecial *special;
	int ret;

	switch (n->attr.mode & S_IFMT) {
	case S_IFREG:
		return add_file(s, index, dir, ret_node, why);
	case S_IFDIR:
		ret = iso_tree_add_new_dir(dir, n->name, &new_dir);
		if (ret >= 0)
			*ret_node = (IsoNode *)new_dir;
		break;
	case S_IFLNK:
		ret = iso_tree_add_new_symlink(
			dir, n->name, link_target_for_others(n->target), &link);
		if (ret >= 0)
			*ret_node = (IsoNode *)link;
		break;
	default:
		ret = iso_tree_add_new_special(dir, n->name, n->attr.mode,
					       n->attr.rdev, &special);
		if (ret >= 0)
			*ret_node = (IsoNode *)special;
		break;
	}
	return ret < 0 ? plan_error(s, index, ret, why) : 0;
}

int place_new(struct session *s, uint32_t index, IsoDir *dir, IsoNode *old,
	      IsoNode **ret, struct why *why)
{
	const struct session_node *n = &s->plan->nodes[index];
	int err;

	if (old)
		err = add_file(s, index, dir, ret, why);
	else
		err = add_kind(s, index, dir, ret, why);
	if (err < 0)
		return err;
	if (old && !(n->flags & SESSION_ATTR))
		return place_same_attr(old, *ret, why);
	return place_attr(s, index, *ret, why);
}

int place_twin(IsoFile *file, IsoDir *dir, const char *name, IsoNode **ret,
	       struct why *why)
{
	IsoStream *stream = iso_file_get_stream(file);
	IsoFile *twin;
	int err;

	iso_stream_ref(stream);
	err = iso_tree_add_new_file(dir, name, stream, &twin);
	if (err < 0) {
		iso_stream_unref(stream);
		return library_error(err, name, why);
	}
	*ret = (IsoNode *)twin;
	return place_same_attr((IsoNode *)file, *ret, why);
}

int place_hidden(struct session *s, IsoNode *node, struct why *why)
{
	IsoDir *root = iso_image_get_root(s->image);
	char name[32];
	int ret;

	do {
		snprintf(name, sizeof name, hidden_name, s->n_hidden++);
		ret = iso_node_set_name(node, name);
		if (ret >= 0)
			ret = iso_dir_add_node(root, node, ISO_REPLACE_NEVER);
	} while (ret == (int)ISO_NODE_NAME_NOT_UNIQUE);
	if (ret < 0)
		return library_error(ret, "hidden file", why);
	iso_node_set_hidden(node, HIDDEN);
	return 0;
}
