// SPDX-License-Identifier: GPL-2.0-only
/*
 * Goes wrong on purpose, in the ways that its parameter names, so that the VM
 * bed can be seen to notice: a gate that never fired proves nothing.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *faults = "";
module_param(faults, charp, 0);
MODULE_PARM_DESC(faults, "what to do wrong, separated by commas, in this order");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

static noinline void use_after_free(void)
{
	int *volatile memory = kmalloc(sizeof(*memory) * 16, GFP_KERNEL);

	if (!memory)
		return;
	kfree(memory);
	WRITE_ONCE(memory[3], 1);
}

static noinline void invert_locks(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static noinline void sleep_in_atomic(void)
{
	spin_lock(&spin);
	might_sleep();
	spin_unlock(&spin);
}

static noinline void leak(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		char *volatile memory = kmalloc(200, GFP_KERNEL);

		if (memory)
			memory[0] = i;
	}
}

static noinline void leave_pinned(void)
{
	struct page *page;

	if (pin_user_pages_fast(current->mm->start_stack, 1, FOLL_WRITE, &page) != 1)
		pr_err("nothing pinned\n");
}

static noinline void warn(void)
{
	WARN(1, "broken on purpose\n");
}

static noinline void stay_busy(void)
{
	__module_get(THIS_MODULE);
}

static noinline void write_to_null(void)
{
	WRITE_ONCE(*(int *)8, 1);
}

static const struct {
	const char *name;
	void (*commit)(void);
} known[] = {
	{ "use-after-free", use_after_free },
	{ "lock-inversion", invert_locks },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "leak", leak },
	{ "pinned", leave_pinned },
	{ "warning", warn },
	{ "busy", stay_busy },
	{ "null", write_to_null },
};

static int __init broken_init(void)
{
	char *fault;
	size_t i;

	while ((fault = strsep(&faults, ",")))
		for (i = 0; i < ARRAY_SIZE(known); i++)
			if (!strcmp(fault, known[i].name))
				known[i].commit();
	return 0;
}
module_init(broken_init);

static void __exit broken_exit(void)
{
}
module_exit(broken_exit);

MODULE_DESCRIPTION("Goes wrong on purpose, to test the test bed");
MODULE_LICENSE("GPL");
