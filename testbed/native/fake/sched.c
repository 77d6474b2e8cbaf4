// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The fake's threads: fibers on one real thread, switched only at points, by chance from a seed. A
 * run can be repeated exactly, does not depend on the load of the machine, and meets in
 * seconds the interleavings that real threads meet in days.
 *
 * Points are: every lock, every call of the kernel or the framework, every atomic operation of the
 * driver (points.h). The thread sanitizer takes each fiber for a thread, and a switch for no
 * synchronization, so it sees a data race as it would between real ones.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

/* The Makefile says which sanitizer the program is for: this file itself is built without. */
#ifdef FAKE_ADDRESS
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FAKE_THREAD
#include <sanitizer/tsan_interface.h>
#endif

#define FIBERS 16
#define STACK_SIZE (256 * 1024)
/* So many switches in a row that led to nothing but waiting: nobody can go on. */
#define PATIENCE 100000

struct fiber {
	void *stack_pointer; /* while it does not run */
	const void *stack;
	size_t stack_size;
	void *sanitizer;     /* the thread sanitizer's */
	void *fake_stack;    /* the address sanitizer's */
	void (*run)(void *); /* NULL: idle */
	void *argument;
	KIRQL irql;
	unsigned int locks;
	struct fake_process *process;
};

static struct fiber fibers[FIBERS]; /* the first is the program itself */
static unsigned int fiber_count = 1;
static struct fiber *current = fibers;
static unsigned int busy; /* fibers that have something to run, without the first */
static unsigned int waits;
static unsigned int random_state = 1;

unsigned int fake_switch_chance;

void fake_seed(unsigned int seed)
{
	random_state = seed * 2654435761u | 1u;
}

unsigned int fake_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

/* On arrival at a fiber; the first arrival tells where the program's own stack is. */
static void arrive(struct fiber *self)
{
#ifdef FAKE_ADDRESS
	const void *stack;
	size_t size;

	__sanitizer_finish_switch_fiber(self->fake_stack, &stack, &size);
	if (!fibers[0].stack) {
		fibers[0].stack = stack;
		fibers[0].stack_size = size;
	}
#else
	(void)self;
#endif
}

/*
 * Saves what a call has to preserve on this stack, and goes on where the other stack left off.
 * ucontext would ask the kernel for the signal mask twice a switch.
 */
void sched_swap(void **save, void *load);
#if defined(__x86_64__)
__asm__(".text\n.globl sched_swap\n.type sched_swap, @function\nsched_swap:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, (%rdi)\n	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n");
#define SAVED_WORDS 6
#define ENTRY_WORD 6
#elif defined(__aarch64__)
__asm__(".text\n.globl sched_swap\n.type sched_swap, %function\nsched_swap:\n"
	"	stp x29, x30, [sp, #-160]!\n	stp x19, x20, [sp, #16]\n	stp x21, x22, [sp, #32]\n"
	"	stp x23, x24, [sp, #48]\n	stp x25, x26, [sp, #64]\n	stp x27, x28, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n	mov x9, sp\n	str x9, [x0]\n	mov sp, x1\n"
	"	ldp x19, x20, [sp, #16]\n	ldp x21, x22, [sp, #32]\n	ldp x23, x24, [sp, #48]\n"
	"	ldp x25, x26, [sp, #64]\n	ldp x27, x28, [sp, #80]\n	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n	ldp d12, d13, [sp, #128]\n	ldp d14, d15, [sp, #144]\n"
	"	ldp x29, x30, [sp], #160\n	ret\n");
#define SAVED_WORDS 20
#define ENTRY_WORD 1
#else
#error "no switch of stacks for this processor"
#endif

static void switch_to(struct fiber *next)
{
	struct fiber *from = current;

	current = next;
#ifdef FAKE_ADDRESS
	__sanitizer_start_switch_fiber(&from->fake_stack, next->stack, next->stack_size);
#endif
#ifdef FAKE_THREAD
	__tsan_switch_to_fiber(next->sanitizer, __tsan_switch_to_fiber_no_sync);
#endif
	sched_swap(&from->stack_pointer, next->stack_pointer);
	arrive(from);
}

/* Lets another fiber run that has something to run, if there is one. */
static void switch_away(void)
{
	unsigned int start = fake_random() % fiber_count;
	unsigned int i;

	for (i = 0; i < fiber_count; i++) {
		struct fiber *next = &fibers[(start + i) % fiber_count];

		if (next != current && (next == fibers || next->run)) {
			switch_to(next);
			return;
		}
	}
}

void fake_point(void)
{
	if (busy && (fake_random() & 255u) < fake_switch_chance)
		switch_away();
}

void fake_yield(void)
{
	FAKE_REQUIRE(++waits < PATIENCE);
	switch_away();
}

static void fiber_main(void)
{
	struct fiber *self = current;

	arrive(self);
	for (;;) {
#ifdef FAKE_THREAD
		__tsan_acquire(self);
#endif
		self->run(self->argument);
		FAKE_REQUIRE(self->irql == PASSIVE_LEVEL && !self->locks);
		self->run = NULL;
		busy--;
		waits = 0;
		while (!self->run)
			switch_away();
	}
}

/* A stack as if it had called sched_swap() at the beginning of fiber_main(). */
static void prepare_stack(struct fiber *fiber, char *stack)
{
	/* Two words above the saved ones: where a return address would be, and alignment. */
	void **top = (void **)(stack + STACK_SIZE) - 4;
	void **frame = top - SAVED_WORDS;

	memset(frame, 0, (SAVED_WORDS + 4) * sizeof(*frame));
	frame[ENTRY_WORD] = (void *)fiber_main;
	fiber->stack_pointer = frame;
	fiber->stack = stack;
	fiber->stack_size = STACK_SIZE;
}

static struct fiber *idle_fiber(void)
{
	struct fiber *fiber;
	unsigned int i;

	for (i = 1; i < fiber_count; i++)
		if (!fibers[i].run)
			return &fibers[i];
	FAKE_REQUIRE(fiber_count < FIBERS);
	fiber = &fibers[fiber_count];
	prepare_stack(fiber, aligned_alloc(16, STACK_SIZE));
#ifdef FAKE_THREAD
	fibers[0].sanitizer = __tsan_get_current_fiber();
	fiber->sanitizer = __tsan_create_fiber(0);
#endif
	fiber_count++;
	return fiber;
}

void fake_spawn(void (*run)(void *), void *argument)
{
	struct fiber *fiber;

	FAKE_REQUIRE(current == fibers);
	fiber = idle_fiber();
	fiber->argument = argument;
	fiber->process = NULL;
#ifdef FAKE_THREAD
	__tsan_release(fiber);
#endif
	fiber->run = run;
	busy++;
}

/* IRQL and locks are the fiber's. */

struct fake_process *sched_process(void)
{
	return current->process;
}

HANDLE PsGetCurrentThreadId(void)
{
	return current;
}

void fake_process_enter(struct fake_process *process)
{
	current->process = process;
}

KIRQL fake_irql(void)
{
	return current->irql;
}

KIRQL fake_raise(KIRQL irql)
{
	KIRQL old = current->irql;

	FAKE_REQUIRE(irql >= old);
	current->irql = irql;
	return old;
}

void fake_lower(KIRQL irql)
{
	FAKE_REQUIRE(irql <= current->irql);
	current->irql = irql;
}

void sched_count_locks(int change)
{
	current->locks += (unsigned int)change;
}

void fake_require_callable(KIRQL highest)
{
	FAKE_REQUIRE(current->locks == 0);
	FAKE_REQUIRE(current->irql <= highest);
	waits = 0;
	fake_point();
}
