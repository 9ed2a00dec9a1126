/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "burner/content_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

enum {
	/* libisofs asks for one block at a time: read more, call less. */
	CHUNK_BYTES = 256 * 1024,
	/* Marks our streams' ids beside those of files and images (1 and 2
	 * are libisofs' own). */
	CONTENT_FS_ID = 0xd15c,
	ID_BY_LINK = 1,
	ID_BY_NODE = 2,
};

struct content {
	struct content_reader *reader;
	uint32_t index;
	unsigned char *chunk; /* while open */
	size_t chunk_bytes;   /* its size */
	uint64_t chunk_off;   /* of the file's bytes in it */
	size_t chunk_fill;
	uint64_t off; /* where the next read begins */
};

static const struct session_node *content_node(const struct content *c)
{
	return &c->reader->plan->nodes[c->index];
}

static int content_open(IsoStream *stream)
{
	struct content *c = stream->data;
	uint64_t size = content_node(c)->size;

	c->chunk_bytes = size < CHUNK_BYTES ? (size_t)size : CHUNK_BYTES;
	c->chunk = malloc(c->chunk_bytes ? c->chunk_bytes : 1);
	if (!c->chunk)
		return (int)ISO_OUT_OF_MEM;
	c->off = c->chunk_off = 0;
	c->chunk_fill = 0;
	atomic_store(&c->reader->current, c->index);
	return ISO_SUCCESS;
}

static int content_close(IsoStream *stream)
{
	struct content *c = stream->data;

	free(c->chunk);
	c->chunk = NULL;
	/* It stays the one that progress names until the next is opened. */
	atomic_store(&c->reader->current, c->index);
	return ISO_SUCCESS;
}

static off_t content_get_size(IsoStream *stream)
{
	return (off_t)content_node(stream->data)->size;
}

static int content_fill(struct content *c)
{
	struct content_reader *reader = c->reader;
	const struct session_node *node = content_node(c);
	uint64_t left = node->size - c->off;
	size_t n = left < c->chunk_bytes ? (size_t)left : c->chunk_bytes;
	const atomic_int *cancel = atomic_load(&reader->cancel);
	int err, none = 0;

	if (cancel && atomic_load(cancel))
		err = -ECANCELED;
	else
		err = reader->plan->read(reader->plan->arg, node->content,
					 c->chunk, n, c->off);
	if (err < 0) {
		if (atomic_compare_exchange_strong(&reader->failure, &none,
						   err))
			atomic_store(&reader->failed, c->index);
		return err;
	}
	c->chunk_off = c->off;
	c->chunk_fill = n;
	return 0;
}

static int content_read(IsoStream *stream, void *buf, size_t count)
{
	struct content *c = stream->data;
	uint64_t size = content_node(c)->size;
	unsigned char *out = buf;
	size_t done = 0;

	while (done < count && c->off < size) {
		size_t at, n;

		if (c->off >= c->chunk_off + c->chunk_fill &&
		    content_fill(c) < 0)
			return (int)ISO_FATAL_ERROR;
		at = (size_t)(c->off - c->chunk_off);
		n = c->chunk_fill - at;
		if (n > count - done)
			n = count - done;
		memcpy(out + done, c->chunk + at, n);
		done += n;
		c->off += n;
	}
	return (int)done;
}

static int content_is_repeatable(IsoStream *stream)
{
	(void)stream;
	return 1;
}

static void content_get_id(IsoStream *stream, unsigned int *fs_id,
			   dev_t *dev_id, ino_t *ino_id)
{
	struct content *c = stream->data;
	uint64_t link_id = content_node(c)->link_id;

	*fs_id = CONTENT_FS_ID;
	*dev_id = link_id ? ID_BY_LINK : ID_BY_NODE;
	*ino_id = link_id ? link_id : c->index;
}

static void content_free(IsoStream *stream)
{
	struct content *c = stream->data;

	free(c->chunk);
	free(c);
}

static int content_update_size(IsoStream *stream)
{
	(void)stream;
	return ISO_SUCCESS;
}

static IsoStream *content_get_input(IsoStream *stream, int flag)
{
	(void)stream;
	(void)flag;
	return NULL;
}

static int content_clone(IsoStream *stream, IsoStream **ret, int flag)
{
	(void)stream;
	(void)ret;
	(void)flag;
	return (int)ISO_STREAM_NO_CLONE;
}

static IsoStreamIface content_class = {
	.version = 4,
	.type = {'u', 's', 'e', 'r'},
	.open = content_open,
	.close = content_close,
	.get_size = content_get_size,
	.read = content_read,
	.is_repeatable = content_is_repeatable,
	.get_id = content_get_id,
	.free = content_free,
	.update_size = content_update_size,
	.get_input_stream = content_get_input,
	.cmp_ino = NULL,
	.clone_stream = content_clone,
};

void content_reader_settle(struct content_reader *reader)
{
	/* Reads what content_close wrote, and so comes after it. */
	(void)atomic_load(&reader->current);
}

void content_reader_init(struct content_reader *reader,
			 const struct session_plan *plan)
{
	reader->plan = plan;
	atomic_init(&reader->cancel, NULL);
	atomic_init(&reader->current, CONTENT_NO_NODE);
	atomic_init(&reader->failure, 0);
	atomic_init(&reader->failed, CONTENT_NO_NODE);
}

int content_stream_new(struct content_reader *reader, uint32_t index,
		       IsoStream **ret)
{
	AUTO_FREE struct content *c = calloc(1, sizeof *c);
	IsoStream *stream = calloc(1, sizeof *stream);

	if (!c || !stream) {
		free(stream);
		return -ENOMEM;
	}
	c->reader = reader;
	c->index = index;
	stream->class = &content_class;
	stream->refcount = 1;
	stream->data = STEAL_PTR(c);
	*ret = stream;
	return 0;
}

void content_path(const struct session_plan *plan, uint32_t index, char *buf,
		  size_t size)
{
	AUTO_FREE uint32_t *up = NULL;
	size_t depth = 0, fill = 0, i;
	uint32_t n;

	for (n = index; n != 0; n = plan->nodes[n].parent)
		depth++;
	up = malloc((depth ? depth : 1) * sizeof *up);
	if (!up || !depth) {
		snprintf(buf, size, "/");
		return;
	}
	for (n = index, i = depth; i > 0; n = plan->nodes[n].parent)
		up[--i] = n;
	for (i = 0; i < depth && fill < size; i++) {
		int len = snprintf(buf + fill, size - fill, "/%s",
				   plan->nodes[up[i]].name);

		fill += len > 0 ? (size_t)len : 0;
	}
}
