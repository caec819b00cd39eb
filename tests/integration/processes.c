/* SPDX-License-Identifier: MIT */
#include "processes.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"

/* Reads /proc/PID/NAME; empty when the process is no more. */
static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
}

/* The state and the parent of a process. */
static char read_state(pid_t pid, pid_t *ret_parent)
{
    char text[512], state;
    const char *end;
    int parent;

    read_proc(pid, "stat", text, sizeof(text));
    end = strrchr(text, ')');
    if (!end || sscanf(end, ") %c %d", &state, &parent) != 2)
        return '\0';
    *ret_parent = parent;
    return state;
}

char process_state(pid_t pid)
{
    pid_t parent;

    return read_state(pid, &parent);
}

/*
 * /proc/PID/task/PID/children would be quicker, but misses some while others end: proc(5).
 * harness_run() calls this outside of tests, where ck_assert() must not be.
 */
struct children process_children(pid_t pid)
{
    struct children children = {.count = 0};
    DIR *dir = opendir("/proc");

    for (const struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
        pid_t child = (pid_t)strtol(entry->d_name, NULL, 10), parent;
        char state = child > 0 ? read_state(child, &parent) : '\0';

        if (state != '\0' && state != 'Z' && parent == pid && children.count < CHILDREN_MAX)
            children.pid[children.count++] = child;
    }
    if (dir)
        (void)closedir(dir);
    return children;
}

static bool share_one(const struct children *a, const struct children *b)
{
    for (unsigned i = 0; i < a->count; i++)
        for (unsigned j = 0; j < b->count; j++)
            if (a->pid[i] == b->pid[j])
                return true;
    return false;
}

bool process_has_child_of(pid_t pid, const struct children *old)
{
    struct children now = process_children(pid);

    return share_one(&now, old);
}

struct awaited_children {
    pid_t pid;
    unsigned count;
    const struct children *old;
    struct children now;
};

static bool has_children(void *context)
{
    struct awaited_children *a = context;

    a->now = process_children(a->pid);
    if (a->old && share_one(&a->now, a->old))
        return false;
    return a->count ? a->now.count == a->count : a->now.count > 0;
}

struct children process_await_children(pid_t pid, unsigned count, const struct children *old)
{
    struct awaited_children a = {.pid = pid, .count = count, .old = old};

    harness_await(has_children, &a, "the number of workers");
    return a.now;
}

static bool is_stopped(void *context)
{
    return process_state(*(const pid_t *)context) == 'T';
}

void process_stop(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    harness_await(is_stopped, &pid, "a process that stops");
}

void process_continue(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
}

void process_stop_children(pid_t pid)
{
    struct children children = process_children(pid);

    for (unsigned i = 0; i < children.count; i++)
        process_stop(children.pid[i]);
}

void process_continue_children(pid_t pid)
{
    struct children children = process_children(pid);

    for (unsigned i = 0; i < children.count; i++)
        process_continue(children.pid[i]);
}

int process_watch(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

void process_await_end(int watch)
{
    struct pollfd p = {.fd = watch, .events = POLLIN};

    ck_assert_msg(poll(&p, 1, DEADLINE_MS) == 1, "the process did not end");
    (void)close(watch);
}

/* Sums up what OF says about a process and its children. */
static uint64_t sum_tree(pid_t pid, uint64_t (*of)(pid_t pid))
{
    struct children children = process_children(pid);
    uint64_t sum = of(pid);

    for (unsigned i = 0; i < children.count; i++)
        sum += of(children.pid[i]);
    return sum;
}

static uint64_t cpu_ms(pid_t pid)
{
    char text[512];
    const char *end;
    uint64_t user, system;

    read_proc(pid, "stat", text, sizeof(text));
    end = strrchr(text, ')');
    if (!end || sscanf(end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                       &user, &system) != 2)
        return 0;
    return (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

uint64_t process_tree_cpu_ms(pid_t pid)
{
    return sum_tree(pid, cpu_ms);
}

static uint64_t memory(pid_t pid)
{
    char text[4096];
    const char *at;

    read_proc(pid, "smaps_rollup", text, sizeof(text));
    at = strstr(text, "\nPss:");
    return at ? strtoull(at + sizeof("\nPss:") - 1, NULL, 10) * 1024 : 0;
}

uint64_t process_tree_memory(pid_t pid)
{
    return sum_tree(pid, memory);
}

static DIR *open_descriptors(pid_t pid)
{
    char path[64];
    DIR *dir;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    return dir;
}

unsigned process_descriptor_count(pid_t pid)
{
    DIR *dir = open_descriptors(pid);
    unsigned count = 0;

    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

bool process_has_file(pid_t pid, const char *path)
{
    DIR *dir = open_descriptors(pid);
    struct stat wanted, found;
    bool has = false;

    ck_assert_int_eq(stat(path, &wanted), 0);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (fstatat(dirfd(dir), entry->d_name, &found, 0) == 0 && found.st_dev == wanted.st_dev &&
            found.st_ino == wanted.st_ino)
            has = true;
    (void)closedir(dir);
    return has;
}

const char *process_link(pid_t pid, const char *name)
{
    static char target[PATH_MAX];
    char path[64];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    n = readlink(path, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = '\0';
    return target;
}

const char *process_status(pid_t pid, const char *name)
{
    static char line[512];
    char text[8192], label[64], *at;

    read_proc(pid, "status", text, sizeof(text));
    (void)snprintf(label, sizeof(label), "\n%s:\t", name);
    at = strstr(text, label);
    ck_assert_msg(at != NULL, "no %s of process %d", name, (int)pid);
    at += strlen(label);
    at[strcspn(at, "\n")] = '\0';
    (void)snprintf(line, sizeof(line), "%s", at);
    return line;
}
