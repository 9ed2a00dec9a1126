/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/exit_code.h"

#include <errno.h>

int exit_code_of(int err)
{
	switch (-err) {
	case 0:
		return EXIT_CODE_OK;
	case EINTR:
		return EXIT_CODE_INTERRUPTED;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case EAGAIN:
		return EXIT_CODE_SYSTEM;
	default:
		return EXIT_CODE_FAILURE;
	}
}
