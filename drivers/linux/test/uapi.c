// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the driver says to every kind of bad input, and that it changes nothing. */
#include "driver.h"

static const struct request {
	const char *name;
	unsigned long code;
	__u32 size;
} requests[] = {
	{ "INFO", PENDSHARE_IOC_INFO, sizeof(struct pendshare_info) },
	{ "SHARE", PENDSHARE_IOC_SHARE, sizeof(struct pendshare_share) },
	{ "PEND", PENDSHARE_IOC_PEND, sizeof(struct pendshare_pend) },
	{ "RELEASE", PENDSHARE_IOC_RELEASE, sizeof(struct pendshare_end) },
	{ "CANCEL", PENDSHARE_IOC_CANCEL, sizeof(struct pendshare_end) },
	{ "NOTIFY", PENDSHARE_IOC_NOTIFY, sizeof(struct pendshare_notify) },
	{ "SHUTDOWN", PENDSHARE_IOC_SHUTDOWN, sizeof(struct pendshare_shutdown) },
	{ "REVOKE", PENDSHARE_IOC_REVOKE, sizeof(struct pendshare_revoke) },
};

#define EACH_REQUEST(request)	\
	(const struct request *request = requests; request < requests + 8; request++)

static bool lists(const char *names, const char *name)
{
	for (; *names; names += strlen(names) + 1)
		if (!strcmp(names, name))
			return true;
	return false;
}

TEST(info_tells, "INFO tells versions, limits and peers")
{
	int fd = device();
	struct pendshare_info now = info(fd);

	CHECK_IS(now.size, sizeof(now));
	CHECK_IS(now.abi_version, PENDSHARE_ABI_VERSION);
	CHECK_IS(now.page_size, sysconf(_SC_PAGESIZE));
	CHECK_IS(now.max_shares, PENDSHARE_SHARES_PER_USER);
	CHECK(now.max_bytes >= 1ull << 30);
	CHECK(lists(now.peers, "fill") && lists(now.peers, "echo"));
	CHECK(lists(now.peers, "clock") && lists(now.peers, "blast"));
	CHECK_IS(now.shares, 0);
	close(fd);
}

TEST(unknown_requests, "unknown requests get ENOTTY")
{
	unsigned char arg[512] = { 16 };
	int fd = device();

	CHECK_IS(call(fd, PENDSHARE_IOC(PENDSHARE_NR_INFO - 1), arg), -ENOTTY);
	CHECK_IS(call(fd, PENDSHARE_IOC(PENDSHARE_NR_REVOKE + 1), arg), -ENOTTY);
	CHECK_IS(call(fd, _IO(PENDSHARE_IOC_MAGIC + 1, PENDSHARE_NR_INFO), arg), -ENOTTY);
	CHECK_IS(call(fd, _IOWR(PENDSHARE_IOC_MAGIC, PENDSHARE_NR_INFO, __u32), arg), -ENOTTY);
	CHECK_IS(call(fd, 0, arg), -ENOTTY);
	close(fd);
}

TEST(sizes, "structures that are short, dirty, endless or not there are refused by every request")
{
	int fd = device();

	for EACH_REQUEST(request) {
		unsigned char arg[8192] = { 0 };
		__u32 *size = (__u32 *)arg;

		*size = request->size - 8;
		CHECK_IS(call(fd, request->code, arg), -EINVAL);
		*size = 0;
		CHECK_IS(call(fd, request->code, arg), -EINVAL);
		*size = request->size + 8;
		arg[request->size + 7] = 1;
		CHECK_IS(call(fd, request->code, arg), -E2BIG);
		*size = 4104;
		CHECK_IS(call(fd, request->code, arg), -E2BIG);
		*size = 0xffffffff;
		CHECK_IS(call(fd, request->code, arg), -E2BIG);
		CHECK_IS(call(fd, request->code, NULL), -EFAULT);
		CHECK_IS(call(fd, request->code, (void *)-4096l), -EFAULT);
	}
	close(fd);
}

TEST(half_a_structure, "a structure that runs into unmapped memory gets EFAULT")
{
	unsigned char *memory = region(2 * PAGE);
	int fd = device();

	NEED(munmap(memory + PAGE, PAGE) == 0);
	for EACH_REQUEST(request) {
		__u32 *size = (__u32 *)(memory + PAGE - 8);

		memset(size, 0, 8);
		*size = request->size < 16 ? 16 : request->size;
		CHECK_IS(call(fd, request->code, size), -EFAULT);
	}
	munmap(memory, PAGE);
	close(fd);
}

TEST(longer_structures, "a longer structure with nothing in its tail is taken")
{
	struct {
		struct pendshare_info info;
		__u64 tail[4];
	} longer = { .info.size = sizeof(longer) };
	int fd = device();

	CHECK_IS(call(fd, PENDSHARE_IOC_INFO, &longer), 0);
	CHECK_IS(longer.info.abi_version, PENDSHARE_ABI_VERSION);
	CHECK_IS(longer.tail[0], 0);
	close(fd);
}

TEST(unknown_flags, "unknown flags get EINVAL from every request")
{
	int fd = device();

	for EACH_REQUEST(request) {
		__u32 arg[128] = { request->size, 0x80000000 };

		CHECK_IS(call(fd, request->code, arg), -EINVAL);
	}
	close(fd);
}

TEST(bad_fields, "SHARE refuses fields that are out of range")
{
	void *memory = region(4 * PAGE);
	int fd = device();

#define REFUSED(error, change)							\
	do {									\
		struct pendshare_share args = lend(1, memory, 4 * PAGE, "fill");	\
		change;								\
		CHECK_IS(share_args(fd, args), error);				\
	} while (0)

	REFUSED(-EINVAL, args.id = 0);
	REFUSED(-EINVAL, args.access = 0);
	REFUSED(-EINVAL, args.access = 4);
	REFUSED(-EINVAL, args.access = PENDSHARE_ACCESS_READ); /* fill writes */
	REFUSED(-EINVAL, args.length = 0);
	REFUSED(-EINVAL, args.length = PAGE + 1);
	REFUSED(-EINVAL, args.length = 8);
	REFUSED(-EINVAL, args.address += 8);
	REFUSED(-EINVAL, args.options_size = PENDSHARE_OPTIONS_SIZE + 1);
	REFUSED(-EINVAL, args.options_size = PENDSHARE_OPTIONS_SIZE); /* more than fill knows */
	REFUSED(-EINVAL, args.options[0] = 1);
	REFUSED(-EINVAL, (args.options_size = 8, args.options[63] = 1));
	REFUSED(-EINVAL, (args.options_size = 8, args.options[0] = 1)); /* a period of 1 ns */
	REFUSED(-EINVAL, memset(args.peer, 'a', sizeof(args.peer)));
	REFUSED(-EINVAL, memset(args.label, 'a', sizeof(args.label)));
	REFUSED(-EINVAL, args.event = 1);
	REFUSED(-EINVAL, args.deadline_ns = 1ull << 63);
	REFUSED(-EINVAL, (args.peer[0] = 0, args.options_size = 8));
	REFUSED(-ENOENT, args.peer[0] = 'b');
	REFUSED(-EOVERFLOW, args.length = info(fd).max_bytes + PAGE);
	REFUSED(-EOVERFLOW, (args.address = -(__u64)PAGE, args.length = 2 * PAGE));
	REFUSED(-EOVERFLOW, args.length = -(__u64)PAGE);
	CHECK_IS(info(fd).shares, 0);
	CHECK_IS(info(fd).pinned_pages, 0);
	munmap(memory, 4 * PAGE);
	close(fd);
	check_nothing_left();
}

TEST(bad_eventfd, "SHARE refuses an event that is no eventfd with EBADF")
{
	void *memory = region(PAGE);
	int fd = device();
	__u64 bad[] = { (__u64)fd, 1000, 1ull << 32, ~0ull, 0x80000000 };

	for (unsigned int i = 0; i < 5; i++) {
		struct pendshare_share args = lend(1, memory, PAGE, "");

		args.flags = PENDSHARE_SHARE_EVENT;
		args.event = bad[i];
		CHECK_IS(share_args(fd, args), -EBADF);
	}
	munmap(memory, PAGE);
	close(fd);
	check_nothing_left();
}

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
	refuse(-EFAULT, (void *)0x7ffffffff000, PAGE);	/* the last page of user space and beyond */
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

TEST(hugetlb, "hugetlb memory gets EOPNOTSUPP")
{
	size_t bytes = 2ul << 20;
	FILE *pool = fopen("/proc/sys/vm/nr_hugepages", "w");
	void *memory;

	if (!pool)
		SKIP("no hugetlb in this kernel");
	fprintf(pool, "4\n");
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

static __u64 frame(const void *address)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	__u64 entry;

	NEED(fd >= 0);
	NEED(pread(fd, &entry, 8, (uintptr_t)address / PAGE * 8) == 8);
	close(fd);
	NEED(entry >> 63);
	return entry & ((1ull << 55) - 1);
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

TEST(wrong_ids, "ids that are unknown, ended or of another file get ENOENT")
{
	void *memory = region(2 * PAGE);
	int fd = device(), other = device();
	struct pendshare_event event;

	CHECK_IS(share(fd, 7, memory, PAGE, "fill"), 0);
	CHECK_IS(share(fd, 7, memory + PAGE, PAGE, ""), -EEXIST);
	for (int i = 0; i < 2; i++) {
		int at = i ? other : fd;
		__u64 id = i ? 7 : 8;

		CHECK_IS(release_share(at, id), -ENOENT);
		CHECK_IS(end(at, PENDSHARE_IOC_CANCEL, id, 0, NULL), -ENOENT);
		CHECK_IS(notify(at, id), -ENOENT);
		CHECK_IS(pend(at, id, &event, 1), -ENOENT);
	}
	CHECK_IS(share(other, 7, memory + PAGE, PAGE, ""), 0);
	CHECK_IS(notify(other, 7), -EOPNOTSUPP);
	CHECK_IS(release_share(fd, 7), 0);
	CHECK_IS(release_share(fd, 7), -ENOENT);
	CHECK_IS(notify(fd, 7), -ENOENT);
	CHECK_IS(info(other).shares, 1);
	CHECK_IS(share(fd, 7, memory, PAGE, ""), 0); /* the id is free again */
	close(fd);
	close(other);
	munmap(memory, 2 * PAGE);
	check_nothing_left();
}

static int use_inherited(void *context)
{
	int fd = *(int *)context;

	for EACH_REQUEST(request) {
		__u32 arg[128] = { request->size };
		int expected = request->code == PENDSHARE_IOC_INFO ? 0 : -EIO;

		if (call(fd, request->code, arg) != expected)
			return 1;
	}
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) == 1 ? 0 : 2;
}

TEST(other_process, "another process gets EIO from all but INFO, and changes nothing")
{
	void *memory = region(PAGE);
	int fd = device();

	CHECK_IS(share(fd, 1, memory, PAGE, ""), 0);
	CHECK_IS(in_child(use_inherited, &fd), 0);
	CHECK_IS(info(fd).shares, 1);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	munmap(memory, PAGE);
	check_nothing_left();
}

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

static int huge_memlock(void *context)
{
	unsigned char *memory = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *huge = (void *)(((uintptr_t)memory + (2 << 20) - 1) & ~((2ul << 20) - 1));
	int fd;

	madvise(huge, 2 << 20, MADV_HUGEPAGE);
	memset(huge, 1, 2 << 20);
	if (frame(huge) + 511 != frame(huge + 511 * PAGE))
		return 99;
	become_user(1000, 511 * PAGE);
	fd = device();
	CHECK_IS(share(fd, 1, huge, PAGE, ""), -ENOMEM); /* it keeps all 512 pages */
	CHECK_IS(info(fd).pinned_pages, 0);
	return tap_failures != 0;
}

TEST(huge_memlock_test, "one page of a huge page is charged as all of it")
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
	CHECK(kernel_memory() - before < i * 1024ll);
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

static int revoke_as_user(void *context)
{
	become_user(1000, 0);
	return revoke_all(device(), 0) == -EPERM ? 0 : 1;
}

TEST(not_privileged, "REVOKE is for administrators")
{
	open_to_all();
	CHECK_IS(in_child(revoke_as_user, NULL), 0);
}

MAIN
