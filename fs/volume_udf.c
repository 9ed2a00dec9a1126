/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A UDF file system beside the ISO 9660 that is shown.  Windows' install images
 * hold all their files in UDF, and in ISO 9660 one that says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burner/udf.h"
#include "fs/volume_internal.h"

static void write_words(struct volume *v, const struct udf_volume *udf,
			char *buf, size_t size)
{
	struct tree_space space;
	char name[sizeof udf->label + 4] = "";

	tree_space(v->tree, &space);
	if (udf->label[0])
		snprintf(name, sizeof name, ", '%s'", udf->label);
	if (udf->counted && udf->files > space.files)
		snprintf(buf, size,
			 "it also holds a UDF file system%s, of whose %lu "
			 "files ISO 9660 shows only %llu; \"mount -t udf -o ro "
			 "%s DIR\" shows them",
			 name, (unsigned long)udf->files,
			 (unsigned long long)space.files, v->source);
	else
		snprintf(buf, size,
			 "it also holds a UDF file system%s, which a new "
			 "session would hide or leave behind; \"discfs export "
			 "%s FILE\" makes an image without it",
			 name, v->source);
}

int volume_look_at_udf(struct volume *v, struct why *why)
{
	const struct udf_volume *udf = v->medium.udf;
	char text[sizeof why->text];

	if (!udf)
		return 0;
	write_words(v, udf, text, sizeof text);
	v->beside = strdup(text);
	if (!v->beside)
		return why_set(why, -ENOMEM, "out of memory");
	/* The same reason, of which the medium alone knew less. */
	if (v->readonly_reason && v->medium.udf_forbids &&
	    !strcmp(v->readonly_reason, v->medium.why_not_writable)) {
		free(v->readonly_reason);
		v->readonly_reason = strdup(text);
		if (!v->readonly_reason)
			return why_set(why, -ENOMEM, "out of memory");
	}
	return 0;
}
