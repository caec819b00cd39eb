/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/conf.h"

/* Finding the drop-in files and reading files: no knowledge of what is in them. */

struct conf_files {
    char **path;
    size_t count;
};

/*
 * Finds the *.conf files of the directories, the most important one first. They are sorted by file
 * name, whatever the directory; of several with the same name only the most important one counts,
 * and when that is empty or a link to /dev/null, none. A directory that does not exist is like an
 * empty one; one that cannot be read is added to the errors. 0 or -ENOMEM.
 */
int conf_files_find(const char *const *dirs, struct conf_files *ret_files,
                    struct conf_errors *errors);

void conf_files_deinit(struct conf_files *files);

/* No configuration is larger, but a file given by mistake may be. Bytes. */
#define CONF_FILE_SIZE_MAX ((size_t)1024 * 1024)

/*
 * Reads a file as a whole; /dev/null is an empty one. The text ends with a line feed and a NUL,
 * ret_length counts neither NUL nor the line feed that was added. Returns 0; -EFBIG: larger than
 * CONF_FILE_SIZE_MAX; -EISDIR: a directory; -EBADF: no regular file; or what open(2) and read(2)
 * say. Never waits, whatever the file is.
 */
int conf_file_read(const char *path, char **ret_text, size_t *ret_length);
