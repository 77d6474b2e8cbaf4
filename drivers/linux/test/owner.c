// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Whatever becomes of the owner and of copies of its descriptor: no page stays pinned, and the module can go. */
#include "driver.h"

#define SHARES 8

static const char *const peers[] = { "", "fill", "clock", "blast" };

/* Opens the device and lends memory to all sorts of peers. */
static int lend_much(void)
{
	struct pendshare_clock_options clock = { .period_ns = 200000 };
	unsigned char *memory = region(SHARES * 16 * PAGE);
	int fd = device();

	for (int i = 0; i < SHARES; i++) {
		struct pendshare_share args = lend(i + 1, memory + i * 16 * PAGE, 16 * PAGE, peers[i % 4]);

		if (i % 4 == 2) {
			memcpy(args.options, &clock, sizeof(clock));
			args.options_size = sizeof(clock);
		}
		NEED(share_args(fd, args) == 0);
	}
	return fd;
}

/* An owner in a process of its own, which has said through the pipe that its shares live. */
struct owner {
	pid_t pid;
	int says;  /* reads what the owner says */
	int hears; /* ends the owner when closed */
};

static struct owner owner_start(void (*live)(int says, int hears))
{
	struct owner owner;
	int says[2], hears[2];
	char byte;

	NEED(pipe(says) == 0 && pipe(hears) == 0);
	fflush(stdout);
	owner.pid = fork();
	NEED(owner.pid >= 0);
	if (!owner.pid) {
		close(says[0]);
		close(hears[1]);
		live(says[1], hears[0]);
		_exit(0);
	}
	close(says[1]);
	close(hears[0]);
	owner.says = says[0];
	owner.hears = hears[1];
	NEED(read(owner.says, &byte, 1) == 1);
	return owner;
}

static void say(int says)
{
	NEED(write(says, "", 1) == 1);
}

static void wait_for_end(int hears)
{
	char byte;

	while (read(hears, &byte, 1) < 0)
		;
}

static void owner_kill(struct owner *owner)
{
	int status;

	NEED(kill(owner->pid, SIGKILL) == 0);
	NEED(waitpid(owner->pid, &status, 0) == owner->pid);
}

static void owner_forget(struct owner *owner)
{
	close(owner->says);
	close(owner->hears);
}

static struct pendshare_info whole_driver(void)
{
	int fd = device();
	struct pendshare_info now = info(fd);

	close(fd);
	return now;
}

static void simply_live(int says, int hears)
{
	lend_much();
	say(says);
	wait_for_end(hears);
}

TEST(killed, "100 owners killed with live shares leave nothing pinned when they are reaped")
{
	for (int i = 0; i < 100 && !tap_failures; i++) {
		struct owner owner = owner_start(simply_live);

		CHECK_IS(whole_driver().total_shares, SHARES);
		owner_kill(&owner);
		owner_forget(&owner);
		CHECK_IS(whole_driver().total_shares, 0);
		CHECK_IS(whole_driver().total_pinned_pages, 0);
	}
	check_nothing_left();
}

static void exit_while_pending(int says, int hears)
{
	struct pendshare_event event;
	int fd = device();

	say(says);
	pend(fd, 0, &event, 1);
}

TEST(killed_in_pend, "an owner blocked in PEND can be killed")
{
	struct owner owner = owner_start(exit_while_pending);

	until_blocked(owner.pid, SYS_ioctl);
	owner_kill(&owner);
	owner_forget(&owner);
	check_nothing_left();
}

/* The heir lives on with a copy of the descriptor, and only sleeps. */
static void bequeath(int says, int hears)
{
	lend_much();
	if (!fork()) {
		say(says);
		wait_for_end(hears);
		_exit(0);
	}
	wait_for_end(hears);
}

TEST(inherited, "shares end with their owner although a child of it holds the descriptor")
{
	struct owner owner = owner_start(bequeath);
	char byte;

	CHECK_IS(whole_driver().total_shares, SHARES);
	owner_kill(&owner);
	CHECK_IS(whole_driver().total_shares, 0);
	CHECK_IS(whole_driver().total_pinned_pages, 0);
	close(owner.hears);
	NEED(read(owner.says, &byte, 1) == 0); /* the heir has gone */
	close(owner.says);
	check_nothing_left();
}

static int socket_pair[2];

static void send_away(int says, int hears)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = lend_much();

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	NEED(sendmsg(socket_pair[1], &message, 0) == 1);
	say(says);
	wait_for_end(hears);
}

static int receive(void)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	NEED(recvmsg(socket_pair[0], &message, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Once with the owner alive, once with it dead: all but INFO is refused. */
static void check_copy(struct owner *owner, int copy)
{
	struct pollfd poll_fd = { .fd = copy, .events = POLLIN };
	struct pendshare_event event;

	CHECK_IS(release_share(copy, 1), -EIO);
	CHECK_IS(pend(copy, 0, &event, 1), -EIO);
	CHECK_IS(close_down(copy), -EIO);
	CHECK_IS(info(copy).shares, SHARES);
	owner_kill(owner);
	CHECK_IS(info(copy).shares, 0);
	CHECK_IS(info(copy).pinned_pages, 0);
	CHECK_IS(pend(copy, 0, &event, 1), -EIO);
	CHECK_IS(poll(&poll_fd, 1, 0), 1);
	CHECK_IS(poll_fd.revents, POLLERR);
	close(copy);
	check_nothing_left();
}

TEST(sent, "a descriptor sent over a socket is of no use, and does not keep the shares")
{
	struct owner owner;

	NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, socket_pair) == 0);
	owner = owner_start(send_away);
	check_copy(&owner, receive());
	owner_forget(&owner);
	close(socket_pair[0]);
	close(socket_pair[1]);
}

static void tell_descriptor(int says, int hears)
{
	int fd = lend_much();

	say(says);
	NEED(write(says, &fd, sizeof(fd)) == sizeof(fd));
	wait_for_end(hears);
}

TEST(taken, "a descriptor taken by pidfd_getfd is of no use, and does not keep the shares")
{
	struct owner owner = owner_start(tell_descriptor);
	int pidfd = syscall(SYS_pidfd_open, owner.pid, 0);
	int fd, copy;

	NEED(read(owner.says, &fd, sizeof(fd)) == sizeof(fd));
	copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	NEED(copy >= 0);
	check_copy(&owner, copy);
	close(pidfd);
	owner_forget(&owner);
}

static bool keep_on_exec;

static void execute(int says, int hears)
{
	int fd = lend_much();

	if (keep_on_exec)
		fcntl(fd, F_SETFD, 0);
	fcntl(says, F_SETFD, FD_CLOEXEC); /* its end tells that exec has happened */
	say(says);
	dup2(hears, 0);
	execl("/bin/cat", "cat", NULL);
}

static void race_exec(bool keep)
{
	struct owner owner;
	char byte;

	keep_on_exec = keep;
	owner = owner_start(execute);
	NEED(read(owner.says, &byte, 1) == 0);
	CHECK_IS(whole_driver().total_shares, 0);
	CHECK_IS(whole_driver().total_pinned_pages, 0);
	owner_kill(&owner);
	owner_forget(&owner);
	check_nothing_left();
}

TEST(exec_closed, "exec closes the descriptor and ends the shares")
{
	race_exec(false);
}

TEST(exec_kept, "exec ends the shares even when it keeps the descriptor")
{
	race_exec(true);
}

static void *touch_and_leave(void *context)
{
	int fd = *(int *)context;

	return (void *)(intptr_t)release_share(fd, 1);
}

TEST(threads, "every thread of the owner is the owner, and one that leaves ends nothing")
{
	int fd = lend_much();
	struct thread thread;

	thread_start(&thread, touch_and_leave, &fd);
	CHECK_IS((intptr_t)thread_join(&thread), 0);
	CHECK_IS(info(fd).shares, SHARES - 1);
	close(fd);
	check_nothing_left();
}

TEST(closed, "close ends everything before it returns")
{
	int fd = lend_much();

	CHECK_IS(whole_driver().total_shares, SHARES);
	close(fd);
	CHECK_IS(whole_driver().total_shares, 0);
	CHECK_IS(whole_driver().total_pinned_pages, 0);
	check_nothing_left();
}

static int unload(void)
{
	return syscall(SYS_delete_module, "pendshare", O_NONBLOCK) ? -errno : 0;
}

TEST(unload_refused, "the module refuses to go while a file is open, and the shares do not notice")
{
	struct owner owner = owner_start(bequeath);
	int fd = lend_much();
	int error = unload();

	CHECK(error == -EAGAIN || error == -EBUSY);
	CHECK_IS(info(fd).total_shares, 2 * SHARES);
	CHECK_IS(release_share(fd, 1), 0);
	close(fd);
	error = unload(); /* an heir of a dead owner holds it too */
	CHECK(error == -EAGAIN || error == -EBUSY);
	owner_kill(&owner);
	error = unload();
	CHECK(error == -EAGAIN || error == -EBUSY);
	close(owner.hears);
	{
		char byte;

		NEED(read(owner.says, &byte, 1) == 0);
	}
	close(owner.says);
	check_nothing_left();
}

MAIN
