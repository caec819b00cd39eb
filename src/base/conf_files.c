/* SPDX-License-Identifier: MIT */
#include "base/conf_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/conf_errors.h"

struct conf_paths conf_paths_system(void)
{
    static const char *const dirs[] = {
        SYSCONFDIR "/echod.conf.d",
        "/run/echod.conf.d",
        "/usr/local/lib/echod.conf.d",
        "/usr/lib/echod.conf.d",
        NULL,
    };

    return (struct conf_paths){.file = SYSCONFDIR "/echod.conf", .dirs = dirs};
}

/* ---- drop-ins ---- */

static void closedirp(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static const char *file_name(const char *path)
{
    return strrchr(path, '/') + 1;
}

static bool is_dropin(const char *name)
{
    size_t length = strlen(name);

    return name[0] != '.' && length > strlen(".conf") &&
           strcmp(name + length - strlen(".conf"), ".conf") == 0;
}

static bool is_null_device(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static bool is_mask(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return false; /* Reading it will say why. */
    return is_null_device(&st) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

/* Whether one of the first count files, those of more important directories, has this name. */
static bool is_replaced(const struct conf_files *files, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(file_name(files->path[i]), name) == 0)
            return true;
    return false;
}

static int files_append(struct conf_files *files, const char *dir, const char *name)
{
    char **grown = reallocarray(files->path, files->count + 1, sizeof(*grown));

    if (!grown)
        return -ENOMEM;
    files->path = grown;
    if (asprintf(&files->path[files->count], "%s/%s", dir, name) < 0)
        return -ENOMEM;
    files->count++;
    return 0;
}

/* Appends a directory's drop-ins. 0 or -errno. */
static int dir_read(const char *path, struct conf_files *files)
{
    _cleanup_(closedirp) DIR *dir = opendir(path);
    size_t before = files->count;
    const struct dirent *entry;
    int r;

    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    while (errno = 0, (entry = readdir(dir))) {
        if (!is_dropin(entry->d_name) || is_replaced(files, before, entry->d_name))
            continue;
        r = files_append(files, path, entry->d_name);
        if (r < 0)
            return r;
    }
    return -errno;
}

static void masks_remove(struct conf_files *files)
{
    size_t kept = 0;

    for (size_t i = 0; i < files->count; i++)
        if (is_mask(files->path[i]))
            free(files->path[i]);
        else
            files->path[kept++] = files->path[i];
    files->count = kept;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(file_name(*(char *const *)a), file_name(*(char *const *)b));
}

int conf_files_find(const char *const *dirs, struct conf_files *ret_files,
                    struct conf_errors *errors)
{
    _cleanup_(conf_files_deinit) struct conf_files files = {0};
    int r;

    for (; *dirs; dirs++) {
        r = dir_read(*dirs, &files);
        if (r < 0 && r != -ENOMEM)
            r = conf_errors_add(errors, *dirs, 0, "drop-in directory cannot be read: %s",
                                strerror(-r));
        if (r < 0)
            return r;
    }
    masks_remove(&files);
    if (files.count > 0)
        qsort(files.path, files.count, sizeof(*files.path), name_compare);
    *ret_files = files;
    files = (struct conf_files){0}; /* now owned by the caller */
    return 0;
}

void conf_files_deinit(struct conf_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->path[i]);
    free(files->path);
    *files = (struct conf_files){0};
}

/* ---- reading ---- */

/* Opens what can be read as a configuration; ret_size is its size, roughly. */
static int file_open(const char *path, size_t *ret_size)
{
    /* O_NONBLOCK: a FIFO without a writer would keep us waiting. */
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int opened;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode) && !is_null_device(&st))
        return -EBADF;
    if (st.st_size > (off_t)CONF_FILE_SIZE_MAX)
        return -EFBIG;
    *ret_size = (size_t)st.st_size;
    opened = fd;
    fd = -1; /* now owned by the caller */
    return opened;
}

/* Reads at most size bytes; how many, or -errno. */
static ssize_t fd_read(int fd, char *buffer, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t n = read(fd, buffer + used, size - used);

        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -errno;
        used += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)used;
}

int conf_file_read(const char *path, char **ret_text, size_t *ret_length)
{
    _cleanup_(freep) char *text = NULL;
    _cleanup_(closep) int fd = -1;
    size_t size = 0;
    ssize_t n;

    fd = file_open(path, &size);
    if (fd < 0)
        return fd;
    size += 4096; /* It may have grown since, and some file systems tell no size. */
    text = malloc(size + 2);
    if (!text)
        return -ENOMEM;
    n = fd_read(fd, text, size);
    if (n < 0)
        return (int)n;
    if ((size_t)n == size || (size_t)n > CONF_FILE_SIZE_MAX)
        return -EFBIG;
    memcpy(text + n, "\n", 2); /* libconfig 1.5 takes no comment at the end without it. */
    *ret_text = text;
    text = NULL; /* now owned by the caller */
    *ret_length = (size_t)n;
    return 0;
}
