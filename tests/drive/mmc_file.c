/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/drive/mmc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

/* The name holds what has to be equal in all programs that share a file. */
static const char magic[16] = "discfs mmc 1";

struct header {
	char magic[16];
	uint64_t state_size;
	uint64_t total;
	pthread_mutex_t lock;
	struct mmc_state state;
};

#define PAGE 4096u
#define CACHE_AT ((sizeof(struct header) + PAGE - 1) / PAGE * PAGE)
#define MAP_AT (CACHE_AT + (size_t)MMC_CACHE_BLOCKS * MMC_BLOCK)

static size_t data_at(uint32_t capacity)
{
	return (MAP_AT + capacity + PAGE - 1) / PAGE * PAGE;
}

static void areas(struct mmc_file *file, uint32_t capacity)
{
	struct header *header = file->map;
	uint8_t *base = file->map;

	file->mmc.s = &header->state;
	file->mmc.cache = base + CACHE_AT;
	file->mmc.map = base + MAP_AT;
	file->mmc.data = base + data_at(capacity);
}

static void make_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	/* A process that is killed in the middle leaves it to the next. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

static uint32_t hash(const char *text)
{
	uint32_t value = 2166136261u;

	while (*text)
		value = (value ^ (uint8_t)*text++) * 16777619u;
	return value;
}

static void put_hex(char *p, uint32_t value)
{
	for (int shift = 28; shift >= 0; shift -= 4)
		*p++ = "0123456789ABCDEF"[value >> shift & 15];
}

int mmc_file_create(const char *path, enum mmc_media media, uint32_t capacity)
{
	struct mmc_file file = {0};
	struct header *header;
	AUTO_FD int fd =
		open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (!capacity)
		capacity = mmc_kind(media)->capacity;
	file.len = data_at(capacity) + (size_t)capacity * MMC_BLOCK;
	if (ftruncate(fd, (off_t)file.len) < 0)
		return -errno;
	file.map =
		mmap(NULL, file.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file.map == MAP_FAILED)
		return -errno;
	header = file.map;
	header->state_size = sizeof(struct mmc_state);
	header->total = file.len;
	make_lock(&header->lock);
	areas(&file, capacity);
	memcpy(header->state.serial, "MMC-", 4);
	put_hex(header->state.serial + 4, hash(path));
	header->state.disc_id = hash(path) ^ (uint32_t)getpid();
	mmc_insert(&file.mmc, media, capacity);
	memcpy(header->magic, magic, sizeof(magic));
	mmc_file_close(&file);
	return 0;
}

int mmc_file_open(const char *path, struct mmc_file *ret)
{
	struct mmc_file file = {0};
	const struct header *header;
	struct statx stx;
	AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* Not fstat: that one shows the drive to programs (shim.h). */
	if (statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &stx) < 0)
		return -errno;
	if (stx.stx_size < MAP_AT)
		return -EINVAL;
	file.len = (size_t)stx.stx_size;
	file.map =
		mmap(NULL, file.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file.map == MAP_FAILED)
		return -errno;
	header = file.map;
	if (memcmp(header->magic, magic, sizeof(magic)) != 0 ||
	    header->state_size != sizeof(struct mmc_state) ||
	    header->total != file.len ||
	    data_at(header->state.capacity) +
			    (size_t)header->state.capacity * MMC_BLOCK >
		    file.len) {
		mmc_file_close(&file);
		return -EINVAL;
	}
	areas(&file, header->state.capacity);
	*ret = file;
	return 0;
}

void mmc_file_close(struct mmc_file *file)
{
	if (file->map)
		munmap(file->map, file->len);
	file->map = NULL;
}

void mmc_file_lock(struct mmc_file *file)
{
	struct header *header = file->map;

	if (pthread_mutex_lock(&header->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&header->lock);
}

void mmc_file_unlock(struct mmc_file *file)
{
	struct header *header = file->map;

	pthread_mutex_unlock(&header->lock);
}
