/* SPDX-License-Identifier: MIT */
#pragma once

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A scratch directory for a test case: made and removed outside of its tests (an unchecked
 * fixture), so that nothing is left when a test fails, and emptied before each of them.
 */

static char scratch[PATH_MAX - 256];

static int scratch_unlink(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    if (at->level > 0)
        (void)remove(path);
    return 0;
}

static void scratch_clear(void)
{
    ck_assert_int_eq(nftw(scratch, scratch_unlink, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void scratch_make(void)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(scratch, sizeof(scratch), "%s/echod-check-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static void scratch_remove(void)
{
    scratch_clear();
    (void)rmdir(scratch);
}

static inline void scratch_case(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, scratch_make, scratch_remove);
    tcase_add_checked_fixture(tcase, scratch_clear, NULL);
}

/* The path of a name in the directory, in one of a few buffers that are used in turn. */
static inline const char *scratch_path(const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, PATH_MAX, "%s/%s", scratch, name);
    return path;
}

static inline void scratch_dir(const char *name)
{
    ck_assert_int_eq(mkdir(scratch_path(name), 0755), 0);
}

static inline void scratch_write_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(scratch_path(name), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void scratch_write(const char *name, const char *text)
{
    scratch_write_bytes(name, text, strlen(text));
}

static inline void scratch_link(const char *target, const char *name)
{
    ck_assert_int_eq(symlink(target, scratch_path(name)), 0);
}
