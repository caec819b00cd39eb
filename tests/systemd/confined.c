/* SPDX-License-Identifier: MIT */

/*
 * Tries, in echod's place, what echod's services must not be able to do. Prints a line for each
 * attempt, "closed: " or "open: " and what; exits with 1 if anything was open.
 *
 *   confined [activated]    activated: without any network, too
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool any_open;

/* Says how an attempt went; what cannot even be tried is as good as closed. */
static void say(bool open, const char *what, const char *where)
{
    printf("%s: %s%s%s\n", open ? "open" : "closed", what, where[0] ? " " : "", where);
    any_open = any_open || open;
}

/* Files. */

static bool is_runtime_directory(const char *path)
{
    const char *own = getenv("RUNTIME_DIRECTORY");

    return own && strcmp(path, own) == 0;
}

static bool can_make_file(const char *directory)
{
    char path[4096];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/echod-confined", directory);
    fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    (void)close(fd);
    (void)unlink(path);
    return true;
}

static int try_directory(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    if (type != FTW_D && type != FTW_DNR)
        return FTW_CONTINUE;
    if (can_make_file(path) && !is_runtime_directory(path))
        say(true, "making a file in", path);
    return at->level == 2 || strcmp(path, "/proc") == 0 ? FTW_SKIP_SUBTREE : FTW_CONTINUE;
}

/* Also where nftw(3) does not get to: mountinfo names every mount point, in its fifth field. */
static void try_mounts(void)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char line[8192], path[4096];

    while (mounts && fgets(line, sizeof(line), mounts))
        if (sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1 && can_make_file(path) &&
            !is_runtime_directory(path))
            say(true, "making a file on the mount", path);
    if (mounts)
        (void)fclose(mounts);
    else
        say(true, "nothing, for want of", "/proc/self/mountinfo");
}

static void try_files(void)
{
    static const char *const known[] = {"/",        "/etc",        "/var",      "/tmp",
                                        "/var/tmp", "/dev/shm",    "/run",      "/run/lock",
                                        "/dev",     "/dev/mqueue", "/usr/sbin", "/usr/lib"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        say(can_make_file(known[i]), "making a file in", known[i]);
    (void)nftw("/", try_directory, 32, FTW_PHYS | FTW_ACTIONRETVAL);
    try_mounts();
    say(access("/root", R_OK) == 0, "looking into", "/root");
    say(access("/proc/1/status", R_OK) == 0, "looking at", "process 1");
}

/* System calls. */

static void try_socket(int family, int type, const char *name)
{
    int fd = socket(family, type | SOCK_CLOEXEC, 0);

    say(fd >= 0, "making a socket of", name);
    if (fd >= 0)
        (void)close(fd);
}

static void try_sockets(bool activated)
{
    try_socket(AF_PACKET, SOCK_RAW, "AF_PACKET");
    try_socket(AF_NETLINK, SOCK_RAW, "AF_NETLINK");
    if (!activated)
        return;
    try_socket(AF_INET, SOCK_STREAM, "AF_INET");
    try_socket(AF_INET6, SOCK_STREAM, "AF_INET6");
}

static int child_trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static int child_execute(void)
{
    (void)execl("/usr/bin/true", "true", (char *)NULL);
    return errno != EACCES; /* What was executed says 0, which is not REFUSED. */
}

static int child_user_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0;
}

/* Whether an attempt, which a child makes, succeeds. */
static bool succeeds(int (*attempt)(void))
{
    enum { REFUSED = 42 };
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(attempt() ? EXIT_FAILURE : REFUSED);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return true;
    return !WIFEXITED(status) || WEXITSTATUS(status) != REFUSED;
}

static void try_calls(void)
{
    void *memory;

    say(succeeds(child_trace), "ptrace", "");
    say(succeeds(child_execute), "executing", "/usr/bin/true");
    say(succeeds(child_user_namespace), "making a user namespace", "");
    memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    say(memory != MAP_FAILED, "having writable memory that can be executed", "");
    say(sethostname("confined", 8) == 0, "changing the host's name", "");
}

/* Who this is, and what it has. */

/* The lines of /proc/self/status whose value has to be this one. */
static void check_status(void)
{
    static const char *const wanted[] = {"CapInh:\t0000000000000000",
                                         "CapPrm:\t0000000000000000",
                                         "CapEff:\t0000000000000000",
                                         "CapBnd:\t0000000000000000",
                                         "CapAmb:\t0000000000000000",
                                         "NoNewPrivs:\t1",
                                         "Seccomp:\t2"};
    FILE *status = fopen("/proc/self/status", "re");
    char line[512];

    while (status && fgets(line, sizeof(line), status))
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
            if (strncmp(line, wanted[i], strcspn(wanted[i], "\t")) == 0) {
                line[strcspn(line, "\n")] = '\0';
                say(strcmp(line, wanted[i]) != 0, "/proc/self/status says", line);
            }
    if (status)
        (void)fclose(status);
    else
        say(true, "nothing, for want of", "/proc/self/status");
}

/* systemd.exec(5), DynamicUser=: 61184 to 65519. */
static void check_user(void)
{
    say(getuid() < 61184 || getuid() > 65519 || getgid() < 61184 || getgid() > 65519,
        "being another user than a dynamic one", "");
}

/* The network interfaces of this process: /proc/self/net/dev has one a line after two headings. */
static void check_interfaces(void)
{
    FILE *dev = fopen("/proc/self/net/dev", "re");
    char line[512], name[64];
    int number = 0, others = 0;

    while (dev && fgets(line, sizeof(line), dev))
        if (++number > 2 && sscanf(line, " %63[^:]", name) == 1 && strcmp(name, "lo") != 0) {
            say(true, "the network by", name);
            others++;
        }
    if (dev)
        (void)fclose(dev);
    say(number != 3 || others > 0, "any interface but lo", "");
}

int main(int argc, char **argv)
{
    bool activated = argc > 1 && strcmp(argv[1], "activated") == 0;

    try_files();
    try_sockets(activated);
    try_calls();
    check_status();
    check_user();
    if (activated)
        check_interfaces();
    return any_open ? EXIT_FAILURE : EXIT_SUCCESS;
}
