/* SPDX-License-Identifier: MIT */
#pragma once

/* The steps that daemon(7) lists for SysV daemons, and the pipe to the one who typed the command.
 */

enum daemonize_result {
    DAEMONIZE_PARENT, /* this is the process that was started: it ends with *ret as its status */
    DAEMONIZE_CHILD,  /* this is the daemon: *ret is the pipe to the parent */
    DAEMONIZE_FAILED, /* *ret is the errno */
};

/*
 * Goes into the background. The parent copies to its standard error what is written to the pipe,
 * and ends when the daemon calls daemonize_tell() or dies.
 */
enum daemonize_result daemonize(int *ret);

/*
 * The same for a daemon that has just become another program, execve(2): it is one already, and
 * only leaves the directory to which the paths in argv were relative.
 */
enum daemonize_result daemonize_again(int *ret);

/* Lets the parent end with this exit status; closes the pipe. Does nothing with -1. */
void daemonize_tell(int *parent, int status);
