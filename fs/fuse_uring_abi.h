/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FS_FUSE_URING_ABI_H
#define FS_FUSE_URING_ABI_H

/*
 * The kernel's interface for requests by io_uring (FUSE 7.42, Linux 6.14), as
 * linux/fuse.h has it, for those who build with older headers.
 */

#include <linux/fuse.h>

#ifndef FUSE_OVER_IO_URING

#include <stdint.h>

#define FUSE_OVER_IO_URING (1ULL << 41) /* of INIT: flags and flags2 */

struct fuse_uring_ent_in_out {
	uint64_t flags;
	uint64_t commit_id;
	uint32_t payload_sz; /* bytes */
	uint32_t padding;
	uint64_t reserved;
};

struct fuse_uring_req_header {
	char in_out[128]; /* fuse_in_header, or fuse_out_header */
	char op_in[128];  /* the request's first argument */
	struct fuse_uring_ent_in_out ring_ent_in_out;
};

enum fuse_uring_cmd {
	FUSE_IO_URING_CMD_INVALID = 0,
	FUSE_IO_URING_CMD_REGISTER = 1,
	FUSE_IO_URING_CMD_COMMIT_AND_FETCH = 2,
};

/* In the 80 bytes that an SQE of 128 has for a command. */
struct fuse_uring_cmd_req {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t qid;
	uint8_t padding[6];
};

#endif

#endif
