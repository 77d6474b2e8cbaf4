// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Which memory is lent and which is refused, that a refusal changes nothing, and whose it stays. */
#include "driver.h"

static void refuse(int error, const void *memory, size_t bytes)
{
	int fd = device();

	CHECK_IS(share(fd, 1, memory, bytes, ""), error);
	CHECK_IS(info(fd).pinned_pages, 0);
	close(fd);
	check_nothing_left();
}

TEST(bad_addresses, "memory that is unmapped, protected or the kernel's gets EFAULT")
{
	unsigned char *memory = region(2048 * PAGE);

	NEED(munmap(memory + 2047 * PAGE, PAGE) == 0);
	refuse(-EFAULT, memory, 2048 * PAGE); /* 2047 pages are pinned and given back */
	NEED(mprotect(memory, PAGE, PROT_READ) == 0);
	refuse(-EFAULT, memory, PAGE);
	refuse(-EFAULT, memory, 16 * PAGE);
	NEED(mprotect(memory, PAGE, PROT_NONE) == 0);
	refuse(-EFAULT, memory, PAGE);
	munmap(memory, 2047 * PAGE);
	refuse(-EFAULT, memory, PAGE);
	refuse(-EFAULT, NULL, PAGE);
	refuse(-EFAULT, (void *)0xffffffff81000000, PAGE);
	refuse(-EFAULT, (void *)0xffff888000000000, PAGE);
	refuse(-EFAULT, (void *)(0x800000000000 - PAGE), PAGE); /* where user space ends on x86-64 */
	refuse(-EFAULT, (void *)0x8000000000000000, PAGE);
}

/* A file on the disk that tests may write, or in memory where there is none. */
static void *map_file(int flags, int *fd)
{
	const char *directory = getenv("PENDSHARE_SCRATCH") ?: "/dev/shm";
	char path[512];
	void *memory;

	snprintf(path, sizeof(path), "%s/pendshare-XXXXXX", directory);
	*fd = mkstemp(path);
	NEED(*fd >= 0);
	NEED(ftruncate(*fd, 4 * PAGE) == 0);
	NEED(pwrite(*fd, "file", 4, 0) == 4);
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, *fd, 0);
	NEED(memory != MAP_FAILED);
	unlink(path);
	return memory;
}

TEST(shared_mappings, "shared mappings of files and of anonymous memory get EOPNOTSUPP")
{
	void *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd;

	NEED(memory != MAP_FAILED);
	refuse(-EOPNOTSUPP, memory, 4 * PAGE);
	memset(memory, 1, 4 * PAGE);
	refuse(-EOPNOTSUPP, memory, 4 * PAGE);
	munmap(memory, 4 * PAGE);
	memory = map_file(MAP_SHARED, &fd);
	refuse(-EOPNOTSUPP, memory, 4 * PAGE);
	munmap(memory, 4 * PAGE);
	close(fd);
	fd = memfd_create("pendshare", 0);
	NEED(fd >= 0 && ftruncate(fd, PAGE) == 0);
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(memory != MAP_FAILED);
	refuse(-EOPNOTSUPP, memory, PAGE);
	munmap(memory, PAGE);
	close(fd);
}

TEST(half_shared, "anonymous memory that runs into a shared mapping gets EOPNOTSUPP")
{
	unsigned char *memory = region(1024 * PAGE);

	NEED(mmap(memory + 1000 * PAGE, 24 * PAGE, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	refuse(-EOPNOTSUPP, memory, 1024 * PAGE);
	munmap(memory, 1024 * PAGE);
}

TEST(private_mappings, "a private mapping of a file is served: the process's copy, never the file")
{
	struct pendshare_fill_options options = { .first = 7, .rounds = 1 };
	struct pendshare_event event;
	unsigned char *memory;
	int file, fd = device();
	char byte;

	memory = map_file(MAP_PRIVATE, &file);
	CHECK_IS(memory[0], 'f');
	CHECK_IS(SHARE_WITH(fd, 1, memory, 4 * PAGE, "fill", options), 0);
	event = next_but_doorbells(fd);
	CHECK_IS(event.reason, PENDSHARE_PEER_ENDED);
	CHECK_IS(memory[0], 7);
	NEED(pread(file, &byte, 1, 0) == 1);
	CHECK_IS(byte, 'f');
	munmap(memory, 4 * PAGE);
	close(file);
	close(fd);
	check_nothing_left();
}

/* Bytes of a hugetlb page. */
static size_t hugetlb_page(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	size_t kib = 0;
	char line[128];

	NEED(file);
	while (!kib && fgets(line, sizeof(line), file))
		sscanf(line, "Hugepagesize: %zu kB", &kib);
	fclose(file);
	NEED(kib);
	return kib << 10;
}

TEST(hugetlb, "hugetlb memory gets EOPNOTSUPP")
{
	size_t bytes = hugetlb_page();
	FILE *pool = fopen("/proc/sys/vm/nr_hugepages", "w");
	void *memory;

	NEED(pool);
	fprintf(pool, "2\n");
	fclose(pool);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		      -1, 0);
	NEED(memory != MAP_FAILED);
	refuse(-EOPNOTSUPP, memory, bytes);
	memset(memory, 1, bytes);
	refuse(-EOPNOTSUPP, memory, bytes);
	refuse(-EOPNOTSUPP, memory, PAGE);
	munmap(memory, bytes);
}

/* The first mapping whose name is that. */
static void *find_mapping(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, found = 0;
	char line[512];

	NEED(maps);
	while (!found && fgets(line, sizeof(line), maps))
		if (strstr(line, name) && sscanf(line, "%lx", &start) == 1)
			found = start;
	fclose(maps);
	return (void *)found;
}

TEST(pfn_mappings, "mappings of device memory get EOPNOTSUPP")
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	void *vvar = find_mapping("[vvar]");
	void *memory;

	if (vvar)
		refuse(-EOPNOTSUPP, vvar, PAGE);
	if (fd < 0)
		SKIP("no /dev/mem, tried the kernel's data page only");
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0xf0000);
	if (memory == MAP_FAILED)
		SKIP("no mapping of /dev/mem, tried the kernel's data page only");
	refuse(-EOPNOTSUPP, memory, PAGE);
	munmap(memory, PAGE);
	close(fd);
}

TEST(zero_page, "memory never touched, or only read, is lent as a page of its own")
{
	volatile unsigned char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pendshare_share args = lend(1, (void *)memory, PAGE, "");
	int fd = device();
	__u64 before;

	CHECK_IS(memory[0] + memory[PAGE], 0);
	CHECK_IS(frame((void *)memory), frame((void *)(memory + PAGE)));
	args.access = PENDSHARE_ACCESS_READ;
	CHECK_IS(share_args(fd, args), 0);
	before = frame((void *)memory);
	CHECK(before != frame((void *)(memory + PAGE)));
	memory[0] = 1;
	CHECK_IS(frame((void *)memory), before);
	close(fd);
	munmap((void *)memory, 2 * PAGE);
	check_nothing_left();
}

TEST(fork_unharmed, "a fork during a share leaves it with the owner's memory, not the child's")
{
	volatile unsigned char *memory = region(4 * PAGE);
	struct pendshare_event event;
	int fd = device();
	pid_t pid;

	CHECK_IS(share(fd, 1, (void *)memory, 4 * PAGE, "fill"), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	pid = fork();
	NEED(pid >= 0);
	if (!pid) {
		memory[0] = 99;
		_exit(memory[PAGE] == 0 ? 0 : 1);
	}
	memory[0] = 77;
	CHECK_IS(notify(fd, 1), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(memory[0], 1);
	CHECK_IS(memory[3 * PAGE], 1);
	NEED(waitpid(pid, NULL, 0) == pid);
	CHECK_IS(memory[0], 1);
	close(fd);
	munmap((void *)memory, 4 * PAGE);
	check_nothing_left();
}

TEST(unmapped, "memory that the owner unmaps or replaces stays the share's until it ends")
{
	struct pendshare_event event;
	unsigned char *memory = region(4 * PAGE);
	int fd = device();

	CHECK_IS(share(fd, 1, memory, 4 * PAGE, "fill"), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	NEED(munmap(memory, 4 * PAGE) == 0);
	NEED(mmap(memory, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0) == memory);
	CHECK_IS(notify(fd, 1), 0);
	CHECK_IS(pend(fd, 0, &event, 1), 1);
	CHECK_IS(memory[0], 0);
	CHECK_IS(info(fd).pinned_pages, 4);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, 4 * PAGE);
	check_nothing_left();
}

MAIN
