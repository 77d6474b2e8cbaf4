/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The requests of abi.h as functions that return 0 or a negative errno, and what tests need around them. */
#ifndef DRIVER_H
#define DRIVER_H

#include <errno.h>
#include <fcntl.h>
#include <pendshare/abi.h>
#include <pendshare/ring.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../testbed/tap/suite.h"

#define PAGE ((unsigned long)sysconf(_SC_PAGESIZE))

static inline int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static inline int device(void)
{
	int fd = open(PENDSHARE_DEVICE_PATH, O_RDWR | O_CLOEXEC);

	NEED(fd >= 0);
	return fd;
}

/* Anonymous memory, touched. */
static inline void *region(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(memory != MAP_FAILED);
	memset(memory, 0xee, bytes);
	return memory;
}

static inline struct pendshare_info info(int fd)
{
	struct pendshare_info info = { .size = sizeof(info) };

	NEED(call(fd, PENDSHARE_IOC_INFO, &info) == 0);
	return info;
}

static inline struct pendshare_share lend(__u64 id, const void *memory, __u64 bytes, const char *peer)
{
	struct pendshare_share args = {
		.size = sizeof(args),
		.id = id,
		.address = (uintptr_t)memory,
		.length = bytes,
		.access = PENDSHARE_ACCESS_READ | PENDSHARE_ACCESS_WRITE,
	};

	strncpy(args.peer, peer, sizeof(args.peer) - 1);
	return args;
}

static inline int share_args(int fd, struct pendshare_share args)
{
	return call(fd, PENDSHARE_IOC_SHARE, &args);
}

static inline int share(int fd, __u64 id, const void *memory, __u64 bytes, const char *peer)
{
	return share_args(fd, lend(id, memory, bytes, peer));
}

#define SHARE_WITH(fd, id, memory, bytes, peer, options_)				\
	({										\
		struct pendshare_share args_ = lend(id, memory, bytes, peer);		\
		memcpy(args_.options, &(options_), sizeof(options_));			\
		args_.options_size = sizeof(options_);					\
		share_args(fd, args_);							\
	})

static inline int end(int fd, unsigned long request, __u64 id, __u32 flags,
		      struct pendshare_event *event)
{
	struct pendshare_end args = { .size = sizeof(args), .flags = flags, .id = id };
	int ret = call(fd, request, &args);

	if (event)
		*event = args.event;
	return ret;
}

static inline int release_share(int fd, __u64 id)
{
	return end(fd, PENDSHARE_IOC_RELEASE, id, 0, NULL);
}

static inline int notify(int fd, __u64 id)
{
	struct pendshare_notify args = { .size = sizeof(args), .id = id };

	return call(fd, PENDSHARE_IOC_NOTIFY, &args);
}

/* How many events came, or a negative errno. */
static inline int pend(int fd, __u64 id, struct pendshare_event *events, __u32 capacity)
{
	struct pendshare_pend args = {
		.size = sizeof(args),
		.id = id,
		.events = (uintptr_t)events,
		.capacity = capacity,
	};
	int ret = call(fd, PENDSHARE_IOC_PEND, &args);

	return ret ? ret : (int)args.count;
}

static inline int close_down(int fd)
{
	struct pendshare_shutdown args = { .size = sizeof(args) };

	return call(fd, PENDSHARE_IOC_SHUTDOWN, &args);
}

static inline int revoke_all(int fd, __u64 grace_ms)
{
	struct pendshare_revoke args = { .size = sizeof(args), .grace_ms = grace_ms };

	return call(fd, PENDSHARE_IOC_REVOKE, &args);
}

static inline void set_nonblocking(int fd)
{
	NEED(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
}

/* The next event other than a doorbell. */
static inline struct pendshare_event next_but_doorbells(int fd)
{
	struct pendshare_event event;

	do
		NEED(pend(fd, 0, &event, 1) == 1);
	while (event.kind == PENDSHARE_EVENT_DOORBELL);
	return event;
}

static inline long long vmstat(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char key[64];
	long long value, found = -1;

	NEED(file);
	while (found < 0 && fscanf(file, "%63s %lld", key, &value) == 2)
		if (!strcmp(key, name))
			found = value;
	fclose(file);
	NEED(found >= 0);
	return found;
}

/* Pages that anything in the system has pinned, once each processor's share of the counts is summed up. */
static inline long long pinned_pages(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);

	NEED(fd >= 0 && write(fd, "1", 1) == 1);
	close(fd);
	return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
}

/*
 * The same once it has stopped to be anything but a leak: the kernel counts everybody's pins, and file systems that read
 * or write user memory in place have pins of a moment (9p does on 7.x). A leak stays.
 */
static inline long long leaked_pages(void)
{
	long long pages = pinned_pages();

	for (int tries = 0; pages && tries < 1000; tries++) {
		sched_yield();
		pages = pinned_pages();
	}
	return pages;
}

/* Nothing is left of any share: neither in the driver's books nor in the kernel's. */
static inline void check_nothing_left(void)
{
	int fd = device();
	struct pendshare_info now = info(fd);

	CHECK_IS(now.total_shares, 0);
	CHECK_IS(now.total_pinned_pages, 0);
	CHECK_IS(leaked_pages(), 0);
	close(fd);
}

struct thread {
	pthread_t handle;
	void *(*run)(void *);
	void *context;
	pid_t tid;
	pthread_barrier_t *started;
};

static inline void *thread_main(void *context)
{
	struct thread *thread = context;

	thread->tid = gettid();
	pthread_barrier_wait(thread->started);
	return thread->run(thread->context);
}

static inline void thread_start(struct thread *thread, void *(*run)(void *), void *context)
{
	pthread_barrier_t started;

	pthread_barrier_init(&started, NULL, 2);
	*thread = (struct thread){ .run = run, .context = context, .started = &started };
	NEED(pthread_create(&thread->handle, NULL, thread_main, thread) == 0);
	pthread_barrier_wait(&started);
	pthread_barrier_destroy(&started); /* waits until the thread has left it, too */
}

static inline void *thread_join(struct thread *thread)
{
	void *result;

	NEED(pthread_join(thread->handle, &result) == 0);
	return result;
}

/* Returns once the task sleeps inside a system call of that number: no guess at how long that takes. */
static inline void until_blocked(pid_t tid, long syscall_number)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	for (;;) {
		FILE *file = fopen(path, "r");

		NEED(file);
		if (fgets(text, sizeof(text), file) && strncmp(text, "running", 7) &&
		    strtol(text, NULL, 10) == syscall_number) {
			fclose(file);
			return;
		}
		fclose(file);
		sched_yield();
	}
}

/* The page frame that is mapped there. */
static inline __u64 frame(const void *address)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	__u64 entry;

	NEED(fd >= 0);
	NEED(pread(fd, &entry, 8, (uintptr_t)address / PAGE * 8) == 8);
	close(fd);
	NEED(entry >> 63);
	return entry & ((1ull << 55) - 1);
}

/* Runs a function in a child of its own and returns its exit status, or minus the signal that ended it. */
static inline int in_child(int (*run)(void *), void *context)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	NEED(pid >= 0);
	if (!pid)
		_exit(run(context));
	NEED(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* In a child: becomes a user without capabilities, whose memory lock limit is bytes. */
static inline void become_user(unsigned int uid, __u64 bytes)
{
	struct rlimit limit = { bytes, bytes };

	NEED(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	NEED(setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
}

static inline void open_to_all(void)
{
	NEED(chmod(PENDSHARE_DEVICE_PATH, 0666) == 0);
}

#endif
