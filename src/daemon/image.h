/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/handed.h"

/*
 * The program that this process runs, and how the process becomes a newer one of the same path,
 * with execve(2): the process number, its children and chosen descriptors stay. The descriptors go
 * the way of those of a service manager, sd_listen_fds(3), so there is one way to begin.
 */
struct image {
    char path[PATH_MAX];      /* of the program: a file by then, perhaps another one */
    char directory[PATH_MAX]; /* that the paths in argv are relative to */
    char **argv;
};

/* At the start, before the process leaves its directory. argv has to stay. 0 or -errno. */
int image_init(struct image *image, char **argv);

/* Whether this process has become this program with image_become(). */
bool image_was_replaced(void);

/* A descriptor for the next program, and its name. */
struct image_fd {
    int fd;
    char name[HANDED_NAME_SIZE];
};

/*
 * Becomes the program. Only returns when that fails, -errno: then everything is as it was, but that
 * from descriptors that somebody else left open CLOEXEC is set. Other descriptors than the COUNT
 * given ones have to have it.
 */
int image_become(const struct image *image, const struct image_fd *fds, unsigned count);

/* The program is tried in a child: with the same arguments, "--check-upgrade" and a descriptor. */
struct image_trial {
    pid_t pid;         /* 0: it has ended */
    int status;        /* of its end, waitpid(2) */
    int fd;            /* of what it says, non-blocking; -1: it has said all */
    char answer[1024]; /* that, as far as there is room */
    size_t length;
};

/* What a program says that can go on here, before its version. */
#define IMAGE_CAN_GO_ON "echod can go on: "

/* STATE is the descriptor. 0 or -errno. The child is to be reaped by the caller, who tells it. */
int image_try(const struct image *image, int state, struct image_trial *ret);
void image_trial_ended(struct image_trial *trial, int status);

/* Reads what there is: for when fd is readable. False at the end: fd is to be closed. */
bool image_trial_read(struct image_trial *trial);

/* Ends the child, if it has not ended by itself. */
void image_trial_cancel(struct image_trial *trial);

/* Of a child that has ended: whether the program can go on here; if not, answer says why. */
bool image_trial_succeeded(struct image_trial *trial);
