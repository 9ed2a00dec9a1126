/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/array.h"

#include <stdlib.h>
#include <string.h>

void *array_append(void *array, uint32_t *n, size_t size)
{
	void *v;

	memcpy(&v, array, sizeof v);
	if ((*n & (*n - 1)) == 0) {
		if (*n > UINT32_MAX / 2)
			return NULL;
		v = realloc(v, (*n ? 2 * (size_t)*n : 1) * size);
		if (!v)
			return NULL;
		memcpy(array, &v, sizeof v);
	}
	return (char *)v + (size_t)(*n)++ * size;
}
