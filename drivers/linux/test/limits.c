// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What one user may have: locked memory, shares, timers. */
#include "driver.h"

static int over_memlock(void *context)
{
	unsigned char *memory;
	int fd;

	become_user(1000, 16 * PAGE);
	memory = mmap(NULL, 4096 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(memory, 4096 * PAGE, MADV_NOHUGEPAGE); /* a huge page would be charged as a whole */
	fd = device();
	CHECK_IS(share(fd, 1, memory, 17 * PAGE, ""), -ENOMEM);
	CHECK_IS(share(fd, 1, memory, 4096 * PAGE, ""), -ENOMEM);
	CHECK_IS(info(fd).pinned_pages, 0);
	CHECK_IS(share(fd, 1, memory, 16 * PAGE, ""), 0);
	CHECK_IS(share(fd, 2, memory + 16 * PAGE, PAGE, ""), -ENOMEM);
	CHECK_IS(info(fd).pinned_pages, 16);
	CHECK_IS(release_share(fd, 1), 0);
	CHECK_IS(share(fd, 2, memory, PAGE, ""), 0);
	CHECK_IS(release_share(fd, 2), 0);
	CHECK_IS(info(fd).pinned_pages, 0);
	return tap_failures != 0;
}

TEST(memlock, "more than RLIMIT_MEMLOCK gets ENOMEM and leaves nothing pinned")
{
	open_to_all();
	CHECK_IS(in_child(over_memlock, NULL), 0);
	check_nothing_left();
}

/* Bytes; 0: a kernel without transparent huge pages, as those with PREEMPT_RT are. */
static size_t huge_page(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "r");
	size_t bytes;

	if (!file)
		return 0;
	NEED(fscanf(file, "%zu", &bytes) == 1);
	fclose(file);
	return bytes;
}

static int huge_memlock(void *context)
{
	size_t bytes = huge_page() ?: 2 << 20, pages = bytes / PAGE;
	unsigned char *memory = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *huge = (void *)(((uintptr_t)memory + bytes - 1) & ~(bytes - 1));
	int fd;

	madvise(huge, bytes, MADV_HUGEPAGE);
	memset(huge, 1, bytes);
	if (huge_page() && frame(huge) + pages - 1 != frame(huge + bytes - PAGE))
		return 99;
	become_user(1000, (pages - 1) * PAGE);
	fd = device();
	CHECK_IS(share(fd, 1, huge, PAGE, ""), huge_page() ? -ENOMEM : 0);
	CHECK_IS(info(fd).pinned_pages, !huge_page());
	return tap_failures != 0;
}

TEST(huge_memlock_test, "one page of a huge page is charged as all of it, and any other as one")
{
	int ret;

	open_to_all();
	ret = in_child(huge_memlock, NULL);
	if (ret == 99)
		SKIP("the kernel gave no huge page");
	CHECK_IS(ret, 0);
	check_nothing_left();
}

/* Bytes of kernel memory in kinds that shares could take. */
static long long kernel_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	long long value, sum = 0;
	char line[128];

	NEED(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %lld", &value) == 1 ||
		    sscanf(line, "VmallocUsed: %lld", &value) == 1 ||
		    sscanf(line, "Percpu: %lld", &value) == 1)
			sum += value;
	fclose(file);
	return sum << 10;
}

/* Of our cache, as the slab allocator shows it; 0 where it does not. */
static long long slab_bytes(const char *what)
{
	long long bytes = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/slab/ps_share/%s", what);
	file = fopen(path, "r");
	if (!file)
		return 0;
	NEED(fscanf(file, "%lld", &bytes) == 1);
	fclose(file);
	return bytes;
}

/* What the kernel's checkers put around each object is not the driver's. */
static long long checkers_bytes(void)
{
	long long around = slab_bytes("slab_size") - slab_bytes("object_size");

	return around > 64 ? around : 0;
}

TEST(share_quota, "a user's shares are limited over all files, and cost under 1 KiB each")
{
	long long before = kernel_memory();
	unsigned char *memory = region(64 * PAGE);
	int fds[2] = { device(), device() };
	__u32 i;

	for (i = 0; i < PENDSHARE_SHARES_PER_USER; i++)
		if (share(fds[i & 1], i + 1, memory + i % 64 * PAGE, PAGE, ""))
			break;
	CHECK_IS(i, PENDSHARE_SHARES_PER_USER);
	printf("# %lld bytes of kernel memory a share\n", (kernel_memory() - before) / i);
	CHECK(kernel_memory() - before < i * (1024 + checkers_bytes()));
	CHECK_IS(share(fds[0], i + 1, memory, PAGE, ""), -EDQUOT);
	CHECK_IS(share(fds[1], i + 1, memory, PAGE, ""), -EDQUOT);
	CHECK_IS(info(fds[0]).total_shares, PENDSHARE_SHARES_PER_USER);
	CHECK_IS(release_share(fds[0], 1), 0);
	CHECK_IS(share(fds[1], i + 1, memory, PAGE, ""), 0);
	close(fds[0]);
	close(fds[1]);
	munmap(memory, 64 * PAGE);
	check_nothing_left();
}

TEST(rate_quota, "the summed rate of a user's timers is limited")
{
	struct pendshare_clock_options options = { .period_ns = PENDSHARE_MIN_PERIOD_NS };
	unsigned char *memory = region(12 * PAGE);
	int fd = device();
	int ret = 0;
	__u64 id;

	for (id = 1; id <= 6 && !ret; id++)
		ret = SHARE_WITH(fd, id, memory + (id - 1) * 2 * PAGE, 2 * PAGE, "clock", options);
	CHECK_IS(ret, -EDQUOT);
	CHECK_IS(id, 7); /* 5 of 20,000 a second are served, the 6th is not */
	CHECK_IS(release_share(fd, 1), 0);
	CHECK_IS(SHARE_WITH(fd, 7, memory, 2 * PAGE, "clock", options), 0);
	close(fd);
	munmap(memory, 12 * PAGE);
	check_nothing_left();
}

MAIN
