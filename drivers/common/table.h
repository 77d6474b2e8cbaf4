/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The shares of an open file by the ids that their owner chose, the same in every driver: chains
 * of nodes that lie in the shares. Ids that collide cost only their owner, who has no more than
 * its quota of them. Everything here is called under one lock of the driver's.
 */
#ifndef PENDSHARE_TABLE_H
#define PENDSHARE_TABLE_H

#include "../include/pendshare/abi.h"

struct pendshare_node {
	__u64 id;
	struct pendshare_node *next;
	struct pendshare_node **link; /* what points to it; NULL: in no table */
};

/* 1 << bits chains, 1 to 32 bits; all zero is an empty table. */
struct pendshare_table {
	struct pendshare_node **chains;
	__u32 bits;
};

/* Fibonacci hashing: owners count ids up, or use multiples of something. */
static inline struct pendshare_node **pendshare_chain(const struct pendshare_table *table, __u64 id)
{
	return &table->chains[(id * 0x9e3779b97f4a7c15ull) >> (64 - table->bits)];
}

/* NULL: none of that id. */
static inline struct pendshare_node *pendshare_find(const struct pendshare_table *table, __u64 id)
{
	struct pendshare_node *node = *pendshare_chain(table, id);

	while (node && node->id != id)
		node = node->next;
	return node;
}

/* No other of its id is in the table. */
static inline void pendshare_insert(struct pendshare_table *table, struct pendshare_node *node)
{
	struct pendshare_node **chain = pendshare_chain(table, node->id);

	node->next = *chain;
	node->link = chain;
	if (node->next)
		node->next->link = &node->next;
	*chain = node;
}

static inline int pendshare_in_table(const struct pendshare_node *node)
{
	return node->link != (struct pendshare_node **)0;
}

static inline void pendshare_remove(struct pendshare_node *node)
{
	*node->link = node->next;
	if (node->next)
		node->next->link = node->link;
	node->next = (struct pendshare_node *)0;
	node->link = (struct pendshare_node **)0;
}

/* The one after `node`, or the first with NULL; NULL: there is no other. */
static inline struct pendshare_node *pendshare_next(const struct pendshare_table *table,
						    const struct pendshare_node *node)
{
	struct pendshare_node **chain = table->chains;
	struct pendshare_node **end = chain + ((__u64)1 << table->bits);

	if (node && node->next)
		return node->next;
	if (node)
		chain = pendshare_chain(table, node->id) + 1;
	while (chain < end && !*chain)
		chain++;
	return chain < end ? *chain : (struct pendshare_node *)0;
}

#endif
