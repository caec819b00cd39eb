/* SPDX-License-Identifier: MIT */
#include "base/conf_files.h"

#include <errno.h>

#include "base/conf_errors.h"
#include "scratch.h"

static struct conf_files files;
static struct conf_errors errors;

/* Finds what the directories a, b and c have, a being the most important one. */
static void find(void)
{
    const char *const dirs[] = {scratch_path("a"), scratch_path("b"), scratch_path("c"), NULL};

    ck_assert_int_eq(conf_files_find(dirs, &files, &errors), 0);
}

static void found(size_t index, const char *name)
{
    ck_assert_uint_lt(index, files.count);
    ck_assert_str_eq(files.path[index], scratch_path(name));
}

static void done(size_t count, size_t error_count)
{
    ck_assert_uint_eq(files.count, count);
    ck_assert_uint_eq(errors.count, error_count);
    conf_files_deinit(&files);
    conf_errors_deinit(&errors);
}

START_TEST(missing_directories)
{
    find();
    done(0, 0);
}
END_TEST

START_TEST(sorted_whatever_the_directory)
{
    scratch_dir("a");
    scratch_dir("b");
    scratch_dir("c");
    scratch_write("a/50-m.conf", "x");
    scratch_write("b/10-z.conf", "x");
    scratch_write("b/90-a.conf", "x");
    scratch_write("c/20-b.conf", "x");
    scratch_write("c/5.conf", "x"); /* by bytes, not by number */
    find();
    found(0, "b/10-z.conf");
    found(1, "c/20-b.conf");
    found(2, "c/5.conf");
    found(3, "a/50-m.conf");
    found(4, "b/90-a.conf");
    done(5, 0);
}
END_TEST

START_TEST(same_name_replaced)
{
    scratch_dir("a");
    scratch_dir("b");
    scratch_dir("c");
    scratch_write("b/10.conf", "x");
    scratch_write("c/10.conf", "x");
    scratch_write("a/20.conf", "x");
    scratch_write("c/20.conf", "x");
    find();
    found(0, "b/10.conf");
    found(1, "a/20.conf");
    done(2, 0);
}
END_TEST

START_TEST(masks)
{
    scratch_dir("a");
    scratch_dir("b");
    scratch_dir("c");
    scratch_link("/dev/null", "a/10.conf");
    scratch_write("b/10.conf", "x");
    scratch_write("c/10.conf", "x");
    scratch_write("a/20.conf", "");
    scratch_write("b/20.conf", "x");
    scratch_link("/dev/null", "b/30.conf"); /* too unimportant to mask a's */
    scratch_write("a/30.conf", "x");
    find();
    found(0, "a/30.conf");
    done(1, 0);
}
END_TEST

START_TEST(other_names_ignored)
{
    scratch_dir("a");
    scratch_write("a/.hidden.conf", "x");
    scratch_write("a/.conf", "x");
    scratch_write("a/10.conf~", "x");
    scratch_write("a/10.conf.dpkg-new", "x");
    scratch_write("a/README", "x");
    scratch_write("a/conf", "x");
    scratch_write("a/10.CONF", "x");
    scratch_write("a/x.conf", "x");
    find();
    found(0, "a/x.conf");
    done(1, 0);
}
END_TEST

/* Reading them will be an error: they must not get lost here. */
START_TEST(unreadable_files_are_kept)
{
    scratch_dir("a");
    scratch_dir("a/dir.conf");
    scratch_link("nowhere", "a/link.conf");
    find();
    found(0, "a/dir.conf");
    found(1, "a/link.conf");
    done(2, 0);
}
END_TEST

START_TEST(unreadable_directories_are_errors)
{
    scratch_write("a", "x");
    scratch_link("c", "c");
    scratch_dir("b");
    scratch_write("b/10.conf", "x");
    find();
    found(0, "b/10.conf");
    ck_assert_uint_eq(errors.count, 2);
    ck_assert_ptr_nonnull(strstr(errors.text[0], scratch_path("a: ")));
    ck_assert_ptr_nonnull(strstr(errors.text[0], strerror(ENOTDIR)));
    ck_assert_ptr_nonnull(strstr(errors.text[1], scratch_path("c: ")));
    ck_assert_ptr_nonnull(strstr(errors.text[1], strerror(ELOOP)));
    done(1, 2);
}
END_TEST

START_TEST(many_files)
{
    char name[32];

    scratch_dir("a");
    for (int i = 999; i >= 0; i--) {
        (void)snprintf(name, sizeof(name), "a/%03d.conf", i);
        scratch_write(name, "x");
    }
    find();
    found(0, "a/000.conf");
    found(500, "a/500.conf");
    done(1000, 0);
}
END_TEST

/* ---- reading ---- */

static void reads(const char *path, const char *text)
{
    char *read = NULL;
    size_t length = 0;

    ck_assert_int_eq(conf_file_read(path, &read, &length), 0);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_mem_eq(read, text, length);
    ck_assert_str_eq(read + length, "\n");
    free(read);
}

START_TEST(reading)
{
    scratch_write("x", "port = 7;");
    reads(scratch_path("x"), "port = 7;");
    scratch_write("empty", "");
    reads(scratch_path("empty"), "");
    reads("/dev/null", "");
}
END_TEST

START_TEST(reading_fails)
{
    char *text = NULL;
    size_t length;

    ck_assert_int_eq(conf_file_read(scratch, &text, &length), -EISDIR);
    ck_assert_int_eq(conf_file_read(scratch_path("none"), &text, &length), -ENOENT);
    ck_assert_int_eq(conf_file_read("/dev/zero", &text, &length), -EBADF);
    ck_assert_int_eq(mkfifo(scratch_path("fifo"), 0600), 0);
    ck_assert_int_eq(conf_file_read(scratch_path("fifo"), &text, &length), -EBADF);
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(reading_stops_at_the_limit)
{
    char *bytes = malloc(CONF_FILE_SIZE_MAX + 1), *text = NULL;
    size_t length = 0;

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, ' ', CONF_FILE_SIZE_MAX + 1);
    scratch_write_bytes("most", bytes, CONF_FILE_SIZE_MAX);
    scratch_write_bytes("more", bytes, CONF_FILE_SIZE_MAX + 1);
    ck_assert_int_eq(conf_file_read(scratch_path("more"), &text, &length), -EFBIG);
    ck_assert_int_eq(conf_file_read(scratch_path("most"), &text, &length), 0);
    ck_assert_uint_eq(length, CONF_FILE_SIZE_MAX);
    free(text);
    free(bytes);
}
END_TEST

/* ---- paths ---- */

START_TEST(system_files)
{
    struct conf_paths paths = conf_paths_system();

    ck_assert(!paths.file_required);
    ck_assert_ptr_nonnull(strstr(paths.file, "/echod.conf"));
    ck_assert_ptr_nonnull(strstr(paths.dirs[0], "/echod.conf.d"));
    ck_assert_str_eq(paths.dirs[1], "/run/echod.conf.d");
    ck_assert_str_eq(paths.dirs[2], "/usr/local/lib/echod.conf.d");
    ck_assert_str_eq(paths.dirs[3], "/usr/lib/echod.conf.d");
    ck_assert_ptr_null(paths.dirs[4]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conf_files");
    TCase *tcase = tcase_create("files");
    SRunner *runner;
    int failed;

    scratch_case(tcase);
    tcase_add_test(tcase, missing_directories);
    tcase_add_test(tcase, sorted_whatever_the_directory);
    tcase_add_test(tcase, same_name_replaced);
    tcase_add_test(tcase, masks);
    tcase_add_test(tcase, other_names_ignored);
    tcase_add_test(tcase, unreadable_files_are_kept);
    tcase_add_test(tcase, unreadable_directories_are_errors);
    tcase_add_test(tcase, many_files);
    tcase_add_test(tcase, reading);
    tcase_add_test(tcase, reading_fails);
    tcase_add_test(tcase, reading_stops_at_the_limit);
    tcase_add_test(tcase, system_files);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
