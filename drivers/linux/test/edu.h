/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Cards on the bus: QEMU's edu, driven by ../../examples/linux/pendshare-edu.c. Who includes this says how many CARDS there are. */
#ifndef EDU_H
#define EDU_H

#include <dirent.h>

#include "driver.h"

#define EDU_DRIVER "/sys/bus/pci/drivers/pendshare-edu"
#define ALL_BITS 40 /* as the bed gives the cards */

static char cards[CARDS][16]; /* names on the bus */

static inline void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	NEED(fd >= 0);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static inline void find_cards(void)
{
	DIR *directory = opendir(EDU_DRIVER);
	struct dirent *entry;
	int found = 0;

	NEED(directory);
	while (found < CARDS && (entry = readdir(directory)))
		if (!strncmp(entry->d_name, "0000:", 5))
			strcpy(cards[found++], entry->d_name);
	closedir(directory);
	NEED(found == CARDS);
}

static inline void unplug(int card)
{
	write_to(EDU_DRIVER "/unbind", cards[card]);
}

/* With so many bits of an address in reach. */
static inline void plug(int card, int bits)
{
	char text[8];

	snprintf(text, sizeof(text), "%d", bits);
	write_to("/sys/module/pendshare_edu/parameters/dma_bits", text);
	write_to(EDU_DRIVER "/bind", cards[card]);
}

/* They came up by the reach that edu has by itself. Numbers are given anew, lowest first. */
static inline void start_cards(void)
{
	find_cards();
	for (int card = 0; card < CARDS; card++)
		unplug(card);
	for (int card = 0; card < CARDS; card++)
		plug(card, ALL_BITS);
}

/* A file of the directory that a device on the bus has. */
static inline int open_of(const char *device, const char *file, int flags)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, file);
	fd = open(path, flags | O_CLOEXEC);
	NEED(fd >= 0);
	return fd;
}

static inline void write_of(const char *device, const char *file, const char *text)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, file);
	write_to(path, text);
}

/* The first so many bytes of memory that a device has behind its BAR. */
static inline volatile void *map_bar(const char *device, const char *bar, size_t bytes)
{
	int fd = open_of(device, bar, O_RDWR);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	NEED(memory != MAP_FAILED);
	close(fd);
	return memory;
}

/* Returns what stood there. */
static inline __u32 set_config(const char *device, int at, __u32 clear, __u32 set)
{
	int fd = open_of(device, "config", O_RDWR);
	__u32 old, new;

	NEED(pread(fd, &old, sizeof(old), at) == sizeof(old));
	new = (old & ~clear) | set;
	NEED(pwrite(fd, &new, sizeof(new), at) == sizeof(new));
	close(fd);
	return old;
}

#endif
