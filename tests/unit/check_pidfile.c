/* SPDX-License-Identifier: MIT */
#include "daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "process.h"
#include "scratch.h"
#include "suite.h"

/* What happens between open(2) and flock(2): this takes the place of the library's function. */
static void (*before_lock)(void);

int flock(int fd, int operation)
{
    void (*now)(void) = before_lock;

    before_lock = NULL;
    if (now)
        now();
    return (int)syscall(SYS_flock, fd, operation);
}

static struct pidfile pidfile;
static pid_t holder;

static int create(const char *name)
{
    holder = -1;
    return pidfile_create(&pidfile, scratch_path(name), &holder);
}

static bool exists(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

static void assert_content(const char *name, pid_t pid)
{
    char expected[32], content[32] = "";
    FILE *file = fopen(scratch_path(name), "r");

    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(content, sizeof(content), file));
    (void)snprintf(expected, sizeof(expected), "%d\n", (int)pid);
    ck_assert_str_eq(content, expected);
    ck_assert_ptr_null(fgets(content, sizeof(content), file));
    (void)fclose(file);
}

START_TEST(file_has_the_number_of_this_process)
{
    ck_assert_int_eq(create("pid"), 0);
    assert_content("pid", getpid());
    pidfile_remove(&pidfile);
    ck_assert(!exists("pid"));
}
END_TEST

START_TEST(longer_stale_content_is_replaced)
{
    scratch_write("pid", "123456789012345678\nand more\n");
    ck_assert_int_eq(create("pid"), 0);
    assert_content("pid", getpid());
    pidfile_remove(&pidfile);
}
END_TEST

static int create_in_child(void *unused)
{
    (void)unused;
    return -create("pid");
}

START_TEST(dead_holder_stops_nobody)
{
    ck_assert_int_eq(process_run(create_in_child, NULL), 0);
    ck_assert(exists("pid")); /* it died without removing it */
    ck_assert_int_eq(create("pid"), 0);
    assert_content("pid", getpid());
    pidfile_remove(&pidfile);
}
END_TEST

static int meet_parent(void *unused)
{
    struct pidfile none = {.fd = -1};

    (void)unused;
    pidfile = none;
    return create("pid") == -EEXIST && holder == getppid() && pidfile.fd == -1 ? 0 : 1;
}

START_TEST(second_process_learns_who_is_there)
{
    ck_assert_int_eq(create("pid"), 0);
    ck_assert_int_eq(process_run(meet_parent, NULL), 0);
    assert_content("pid", getpid());
    pidfile_remove(&pidfile);
    ck_assert_int_eq(process_run(create_in_child, NULL), 0);
}
END_TEST

static void remove_file(void)
{
    ck_assert_int_eq(unlink(scratch_path("pid")), 0);
}

static void replace_file(void)
{
    remove_file();
    scratch_write("pid", "42\n");
}

/* Its last holder may remove it when we have opened it already: our lock would be on no name. */
START_TEST(file_that_is_removed_meanwhile_is_created_again)
{
    before_lock = remove_file;
    ck_assert_int_eq(create("pid"), 0);
    assert_content("pid", getpid());
    ck_assert_int_eq(process_run(meet_parent, NULL), 0);
    pidfile_remove(&pidfile);
    ck_assert(!exists("pid"));
}
END_TEST

START_TEST(file_that_is_replaced_meanwhile_is_the_one_that_counts)
{
    before_lock = replace_file;
    ck_assert_int_eq(create("pid"), 0);
    assert_content("pid", getpid());
    ck_assert_int_eq(process_run(meet_parent, NULL), 0);
    pidfile_remove(&pidfile);
}
END_TEST

START_TEST(file_of_another_is_not_removed)
{
    ck_assert_int_eq(create("pid"), 0);
    replace_file();
    pidfile_remove(&pidfile);
    assert_content("pid", 42);
}
END_TEST

START_TEST(holder_that_wrote_nothing_is_unknown)
{
    ck_assert_int_eq(create("pid"), 0);
    ck_assert_int_eq(ftruncate(pidfile.fd, 0), 0);
    ck_assert_int_eq(pidfile_create(&(struct pidfile){.fd = -1}, pidfile.path, &holder), -EEXIST);
    ck_assert_int_eq(holder, 0);
    pidfile_remove(&pidfile);
}
END_TEST

START_TEST(removing_twice_spares_the_next_holder)
{
    struct pidfile next;

    ck_assert_int_eq(create("pid"), 0);
    pidfile_remove(&pidfile);
    ck_assert_int_eq(pidfile.fd, -1);
    ck_assert_int_eq(pidfile_create(&next, scratch_path("pid"), &holder), 0);
    pidfile_remove(&pidfile);
    ck_assert(exists("pid"));
    pidfile_remove(&next);
}
END_TEST

START_TEST(removing_none_is_harmless)
{
    struct pidfile none = {.fd = -1, .path = NULL};

    pidfile_remove(&none);
    ck_assert_int_eq(none.fd, -1);
}
END_TEST

START_TEST(link_is_not_followed)
{
    scratch_write("precious", "42\n");
    scratch_link(scratch_path("precious"), "pid");
    ck_assert_int_eq(create("pid"), -ELOOP);
    assert_content("precious", 42);
}
END_TEST

START_TEST(what_is_no_file_is_refused_and_stays)
{
    char *before = process_descriptors();

    ck_assert_int_eq(mkfifo(scratch_path("pid"), 0600), 0);
    ck_assert_int_eq(create("pid"), -EINVAL);
    ck_assert(exists("pid"));
    process_assert_descriptors(before);
}
END_TEST

START_TEST(failure_is_said_and_leaves_nothing_open)
{
    char *before = process_descriptors();

    ck_assert_int_eq(create("no/such/directory"), -ENOENT);
    scratch_dir("directory");
    ck_assert_int_eq(create("directory"), -EISDIR);
    process_assert_descriptors(before);
}
END_TEST

START_TEST(lock_is_not_for_other_programs)
{
    ck_assert_int_eq(create("pid"), 0);
    ck_assert_int_eq(fcntl(pidfile.fd, F_GETFD), FD_CLOEXEC);
    pidfile_remove(&pidfile);
}
END_TEST

/* As after execve(2): the same process, the same descriptor. */
START_TEST(file_is_adopted)
{
    struct pidfile next;
    const char *path = scratch_path("pid");

    ck_assert_int_eq(create("pid"), 0);
    ck_assert_int_eq(pidfile_adopt(&next, pidfile.fd, path), 0);
    ck_assert_int_eq(pidfile_create(&(struct pidfile){.fd = -1}, path, &holder), -EEXIST);
    ck_assert_int_eq(holder, getpid());
    pidfile_remove(&next);
    ck_assert(!exists("pid"));
}
END_TEST

static int adopt_in_child(void *unused)
{
    (void)unused;
    return pidfile_adopt(&(struct pidfile){.fd = -1}, pidfile.fd, pidfile.path) == -ESTALE ? 0 : 1;
}

START_TEST(file_of_another_is_not_adopted)
{
    struct pidfile next = {.fd = -1};
    int fd;

    ck_assert_int_eq(create("pid"), 0);
    ck_assert_int_eq(process_run(adopt_in_child, NULL), 0); /* with another number */
    fd = open(pidfile.path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pidfile_adopt(&next, fd, pidfile.path), -ESTALE); /* not what holds the lock */
    (void)close(fd);
    ck_assert_int_eq(unlink(pidfile.path), 0);
    ck_assert_int_eq(pidfile_adopt(&next, pidfile.fd, pidfile.path), -ESTALE);
    ck_assert_int_eq(next.fd, -1);
    pidfile_remove(&pidfile);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("pidfile");

    scratch_case(tcase);
    tcase_add_test(tcase, file_has_the_number_of_this_process);
    tcase_add_test(tcase, longer_stale_content_is_replaced);
    tcase_add_test(tcase, dead_holder_stops_nobody);
    tcase_add_test(tcase, second_process_learns_who_is_there);
    tcase_add_test(tcase, file_that_is_removed_meanwhile_is_created_again);
    tcase_add_test(tcase, file_that_is_replaced_meanwhile_is_the_one_that_counts);
    tcase_add_test(tcase, file_of_another_is_not_removed);
    tcase_add_test(tcase, holder_that_wrote_nothing_is_unknown);
    tcase_add_test(tcase, removing_twice_spares_the_next_holder);
    tcase_add_test(tcase, removing_none_is_harmless);
    tcase_add_test(tcase, link_is_not_followed);
    tcase_add_test(tcase, what_is_no_file_is_refused_and_stays);
    tcase_add_test(tcase, failure_is_said_and_leaves_nothing_open);
    tcase_add_test(tcase, lock_is_not_for_other_programs);
    tcase_add_test(tcase, file_is_adopted);
    tcase_add_test(tcase, file_of_another_is_not_adopted);
    return suite_run("pidfile", tcase);
}
