/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What proc(5) tells of other processes. Processes that are no more are all zeros. */

enum { CHILDREN_MAX = 64 };

struct children {
    pid_t pid[CHILDREN_MAX];
    unsigned count;
};

/* The living children: of echod, its workers. */
struct children process_children(pid_t pid);

/* Whether one of these is still a child of the process. */
bool process_has_child_of(pid_t pid, const struct children *old);

/*
 * Waits until a process has COUNT children (0: any number, but some), none of them in OLD (which
 * may be NULL).
 */
struct children process_await_children(pid_t pid, unsigned count, const struct children *old);

/* 'R', 'S', 'T', 'Z'; '\0' if there is none. */
char process_state(pid_t pid);

/* SIGSTOP, and waits until it has stopped. */
void process_stop(pid_t pid);
void process_continue(pid_t pid);

/* The same for all its children. */
void process_stop_children(pid_t pid);
void process_continue_children(pid_t pid);

/* A descriptor for a process that is readable when it has ended. */
int process_watch(pid_t pid);

/* Waits until it has ended; closes the descriptor. */
void process_await_end(int watch);

/* The milliseconds of CPU time of a process and its children. */
uint64_t process_tree_cpu_ms(pid_t pid);

/* The memory of a process and its children, in bytes: shared pages count once. */
uint64_t process_tree_memory(pid_t pid);

unsigned process_descriptor_count(pid_t pid);

/* Whether one of its descriptors is this file. */
bool process_has_file(pid_t pid, const char *path);

/* What a descriptor or "cwd" of it is a link to, in a buffer that the next call uses. */
const char *process_link(pid_t pid, const char *name);

/* A line of /proc/PID/status without its name, in a buffer that the next call uses. */
const char *process_status(pid_t pid, const char *name);
