// SPDX-License-Identifier: GPL-2.0-only
/*
 * Balanced binary search tree with the key in the node (an AVL tree). The caller
 * locks. Owner: kernel/lib/tree.c; compiles natively.
 */
#pragma once

#include <nestbox/types.h>

struct tree_node {
	struct tree_node *parent, *child[2];
	u64 key;
	int height;
};

struct tree {
	struct tree_node *root;
};

/* false: the key is there already. */
bool tree_insert(struct tree *t, struct tree_node *n, u64 key);
void tree_remove(struct tree *t, struct tree_node *n);
struct tree_node *tree_find(const struct tree *t, u64 key);
struct tree_node *tree_floor(const struct tree *t, u64 key);	/* greatest with key <= */
struct tree_node *tree_ceil(const struct tree *t, u64 key);	/* least with key >= */
struct tree_node *tree_next(const struct tree_node *n);
struct tree_node *tree_prev(const struct tree_node *n);
struct tree_node *tree_first(const struct tree *t);
