/* SPDX-License-Identifier: MIT */
#include "base/conf.h"

#include <errno.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/conf_array.h"
#include "base/conf_errors.h"
#include "base/conf_files.h"
#include "base/conf_literal.h"
#include "base/conf_network.h"
#include "base/conf_origin.h"
#include "base/conf_schema.h"
#include "base/conf_syntax.h"
#include "base/suggest.h"

/*
 * libconfig says what a file is made of; what the values are is read from the text, see
 * base/conf_literal.h. A file that libconfig gave up on is walked as far as it came, so that one
 * run reports as many faults as possible.
 */

/* A load under way; nothing of conf gets out unless all went well. */
struct load {
    struct conf conf;
    struct conf_errors *errors;
    const char *file;
    const char *text;
    const config_setting_t *last; /* that was read of a file that libconfig gave up on, or NULL */
    int r;                        /* -ENOMEM, once that happened */
};

/* Values and lines in messages are cut off here. */
#define EXCERPT_SIZE 64

/* Enough for what is said to be wrong with a value. */
enum { PROBLEM_SIZE = CONF_NETWORK_PROBLEM_SIZE };

#define fault(load, line, ...)                                                                     \
    load_result(load, conf_errors_add((load)->errors, (load)->file, line, __VA_ARGS__))

static void load_result(struct load *load, int r)
{
    if (r < 0)
        load->r = r;
}

/* ---- what was found ---- */

static const char *type_name(int type)
{
    switch (type) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a number";
    case CONFIG_TYPE_FLOAT:
        return "a decimal fraction";
    case CONFIG_TYPE_BOOL:
        return "a boolean";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_ARRAY:
        return "an array";
    case CONFIG_TYPE_LIST:
        return "a list";
    default:
        return "a group";
    }
}

static const char *excerpt(const char *start, size_t length, char text[static EXCERPT_SIZE])
{
    bool cut = length > EXCERPT_SIZE - 4;

    (void)snprintf(text, EXCERPT_SIZE, "%.*s%s", (int)(cut ? EXCERPT_SIZE - 4 : length), start,
                   cut ? "..." : "");
    return text;
}

/* A setting's value as it stands in the file. */
static const char *value_excerpt(const struct load *load, const config_setting_t *setting,
                                 const char *path, char text[static EXCERPT_SIZE])
{
    struct conf_literal literal = {0};

    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        return conf_literal_quote(config_setting_get_string(setting), text, EXCERPT_SIZE);
    case CONFIG_TYPE_ARRAY:
        return "[ ... ]";
    case CONFIG_TYPE_LIST:
        return "( ... )";
    case CONFIG_TYPE_GROUP:
        return "{ ... }";
    default:
        if (conf_literal_find(load->text, path, &literal) < 0)
            return "?";
        return excerpt(literal.start, literal.length, text);
    }
}

/* ---- complaints ---- */

/* "KEY = VALUE: problem; allowed: ..." */
static void fault_value(struct load *load, const config_setting_t *setting,
                        const struct conf_schema *schema, const char *problem)
{
    char value[EXCERPT_SIZE], allowed[CONF_SCHEMA_TEXT_SIZE];

    fault(load, config_setting_source_line(setting), "%s = %s: %s; allowed: %s", schema->name,
          value_excerpt(load, setting, schema->name, value), problem,
          conf_schema_allowed(schema, allowed, sizeof(allowed)));
}

static const char *type_wanted(enum conf_type type)
{
    return type == CONF_TYPE_INT                                     ? "a number"
           : type == CONF_TYPE_NETWORKS || type == CONF_TYPE_CHOICES ? "an array"
                                                                     : "a string";
}

static void fault_type(struct load *load, const config_setting_t *setting,
                       const struct conf_schema *schema)
{
    char problem[64];

    (void)snprintf(problem, sizeof(problem), "%s where %s is wanted",
                   type_name(config_setting_type(setting)), type_wanted(schema->type));
    fault_value(load, setting, schema, problem);
}

/* "KEY[INDEX] = VALUE: problem; allowed: ..." */
static void fault_element(struct load *load, const struct conf_schema *schema, unsigned index,
                          const struct conf_element *element, const char *problem)
{
    char value[EXCERPT_SIZE], allowed[CONF_SCHEMA_TEXT_SIZE];

    fault(load, element->text.line, "%s[%u] = %s: %s; allowed: %s", schema->name, index,
          excerpt(element->text.start, element->text.length, value), problem,
          conf_schema_element_allowed(schema, allowed, sizeof(allowed)));
}

static void fault_group_wanted(struct load *load, const config_setting_t *setting, const char *path)
{
    char value[EXCERPT_SIZE], keys[CONF_SCHEMA_TEXT_SIZE];

    fault(load, config_setting_source_line(setting),
          "%s = %s: %s where a group is wanted; allowed: { ... } with %s", path,
          value_excerpt(load, setting, path, value), type_name(config_setting_type(setting)),
          conf_schema_keys(path, keys, sizeof(keys)));
}

static void fault_unknown(struct load *load, const config_setting_t *setting, const char *group,
                          const char *path)
{
    char text[CONF_SCHEMA_NAME_SIZE], keys[CONF_SCHEMA_TEXT_SIZE], name[EXCERPT_SIZE];
    const char *near = conf_schema_suggest(path, text);
    unsigned line = config_setting_source_line(setting);

    (void)excerpt(path, strlen(path), name);
    if (near)
        fault(load, line, "%s: unknown key; did you mean \"%s\"?", name, near);
    else
        fault(load, line, "%s: unknown key; known keys: %s", name,
              conf_schema_keys(group, keys, sizeof(keys)));
}

/* ---- values ---- */

static bool int_is_intact(const config_setting_t *setting, long long number)
{
    return config_setting_type(setting) == CONFIG_TYPE_INT
               ? config_setting_get_int(setting) == number
               : config_setting_get_int64(setting) == number;
}

/* NULL, or what is wrong with the literal. */
static const char *int_read(const struct load *load, const config_setting_t *setting,
                            const struct conf_schema *schema, int *ret_number)
{
    struct conf_literal literal = {0};
    long long number = 0;
    int r;

    r = conf_literal_find(load->text, schema->name, &literal);
    if (r == 0)
        r = conf_literal_parse(&literal, &number);
    if (r == -EDOM)
        return "a leading zero, which makes a number octal elsewhere but not here";
    if (r == -ERANGE || (r == 0 && (number < schema->min || number > schema->max)))
        return "out of range";
    if (r < 0 || !int_is_intact(setting, number))
        return "not a number that is read the same by everyone";
    *ret_number = (int)number;
    return NULL;
}

static bool int_apply(struct load *load, const config_setting_t *setting,
                      const struct conf_schema *schema, char *field)
{
    int type = config_setting_type(setting);
    const char *problem;

    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
        fault_type(load, setting, schema);
        return false;
    }
    problem = int_read(load, setting, schema, (int *)(void *)field);
    if (problem)
        fault_value(load, setting, schema, problem);
    return !problem;
}

/* NULL, or what is wrong with the string. */
static const char *string_check(const struct load *load, const struct conf_schema *schema,
                                const char *string)
{
    struct conf_literal literal = {0};

    if (conf_literal_find(load->text, schema->name, &literal) < 0)
        return "not a string that is read the same by everyone";
    if (conf_literal_has_nul(&literal))
        return "a NUL character (\\x00) in a string";
    if (strlen(string) > (size_t)schema->max)
        return "too long";
    for (; *string; string++)
        if ((unsigned char)*string < 0x20 || *string == 0x7f)
            return "a control character in a string";
    return NULL;
}

static bool string_apply(struct load *load, const config_setting_t *setting,
                         const struct conf_schema *schema, char *field)
{
    const char *string = config_setting_get_string(setting);
    const char *problem;

    if (!string) {
        fault_type(load, setting, schema);
        return false;
    }
    problem = string_check(load, schema, string);
    if (problem)
        fault_value(load, setting, schema, problem);
    else
        memcpy(field, string, strlen(string) + 1);
    return !problem;
}

/* What to say of a name that is none of the choices. */
static const char *choice_problem(const struct conf_schema *schema, const char *name,
                                  char problem[static PROBLEM_SIZE])
{
    const char *known[16] = {NULL}, *near;

    for (size_t i = 0; schema->choices[i].name && i < 15; i++)
        known[i] = schema->choices[i].name;
    near = suggest(name, known);
    (void)snprintf(problem, PROBLEM_SIZE, "unknown value%s%s%s", near ? ", did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
    return problem;
}

static bool choice_apply(struct load *load, const config_setting_t *setting,
                         const struct conf_schema *schema, char *field)
{
    const char *string = config_setting_get_string(setting);
    int value = string ? conf_schema_choice(schema, string) : -1;
    char problem[PROBLEM_SIZE];

    if (!string)
        fault_type(load, setting, schema);
    else if (value < 0)
        fault_value(load, setting, schema, choice_problem(schema, string, problem));
    else
        *(int *)(void *)field = value;
    return value >= 0;
}

/* An array that is being read. */
struct collected {
    struct networks networks;
    int choices;
};

static void collected_deinit(struct collected *collected)
{
    networks_deinit(&collected->networks);
}

static const char *network_collect(struct load *load, const struct conf_element *element,
                                   const char *string, struct collected *collected,
                                   char text[static PROBLEM_SIZE])
{
    struct network network;
    const char *problem = conf_network_read(element, string, &network, text);

    if (!problem)
        load_result(load, networks_add(&collected->networks, &network));
    return problem;
}

static const char *choice_collect(const struct conf_schema *schema, const char *string,
                                  struct collected *collected, char text[static PROBLEM_SIZE])
{
    int value = conf_schema_choice(schema, string);

    if (value < 0)
        return choice_problem(schema, string, text);
    if (collected->choices & value)
        return "a duplicate";
    collected->choices |= value;
    return NULL;
}

/* Adds the next element. False, after saying so, if anything is wrong with it. */
static bool element_apply(struct load *load, const config_setting_t *setting,
                          const struct conf_schema *schema, struct conf_array *array,
                          struct collected *collected)
{
    unsigned index = (unsigned)array->index;
    const config_setting_t *value = config_setting_get_elem(setting, index);
    const char *string = config_setting_get_string(value);
    char text[PROBLEM_SIZE];
    const char *problem = text;
    struct conf_element element = {.strings = 0};

    if (!string && load->last && config_setting_parent(load->last) == setting)
        return false; /* It is where libconfig gave up: a syntax error. */
    if (!conf_array_next(array, &element))
        problem = "not read the same by everyone";
    else if (!string)
        (void)snprintf(text, sizeof(text), "%s where a string is wanted",
                       type_name(config_setting_type(value)));
    else if (schema->type == CONF_TYPE_CHOICES)
        problem = choice_collect(schema, string, collected, text);
    else
        problem = network_collect(load, &element, string, collected, text);
    if (problem)
        fault_element(load, schema, index, &element, problem);
    return !problem;
}

/* Reads all elements; false if anything is wrong with them. */
static bool array_read(struct load *load, const config_setting_t *setting,
                       const struct conf_schema *schema, struct collected *collected)
{
    struct conf_literal literal = {.start = "", .line = 1};
    struct conf_array array;
    bool good = true;

    if (config_setting_type(setting) != CONFIG_TYPE_ARRAY) {
        fault_type(load, setting, schema);
        return false;
    }
    (void)conf_literal_find(load->text, schema->name, &literal);
    array = conf_array_begin(&literal);
    for (int i = config_setting_length(setting); i > 0; i--)
        good = element_apply(load, setting, schema, &array, collected) && good;
    return good;
}

static bool networks_apply(struct load *load, const config_setting_t *setting,
                           const struct conf_schema *schema, char *field)
{
    _cleanup_(collected_deinit) struct collected collected = {.choices = 0};
    struct networks *to = (struct networks *)(void *)field;

    if (!array_read(load, setting, schema, &collected))
        return false;
    networks_deinit(to);
    *to = collected.networks;
    collected.networks = (struct networks){0}; /* now owned by the configuration */
    return true;
}

static bool choices_apply(struct load *load, const config_setting_t *setting,
                          const struct conf_schema *schema, char *field)
{
    struct collected collected = {.choices = 0};

    if (!array_read(load, setting, schema, &collected))
        return false;
    if (collected.choices != 0)
        *(int *)(void *)field = collected.choices;
    else if (load->last != setting) /* else it is where libconfig gave up: a syntax error */
        fault_value(load, setting, schema, "it is empty");
    return collected.choices != 0;
}

static void key_apply(struct load *load, const config_setting_t *setting, enum conf_key key)
{
    const struct conf_schema *schema = conf_schema(key);
    char *field = (char *)&load->conf + schema->offset;
    bool applied = false;

    switch (schema->type) {
    case CONF_TYPE_INT:
        applied = int_apply(load, setting, schema, field);
        break;
    case CONF_TYPE_STRING:
        applied = string_apply(load, setting, schema, field);
        break;
    case CONF_TYPE_CHOICE:
        applied = choice_apply(load, setting, schema, field);
        break;
    case CONF_TYPE_CHOICES:
        applied = choices_apply(load, setting, schema, field);
        break;
    case CONF_TYPE_NETWORKS:
        applied = networks_apply(load, setting, schema, field);
        break;
    }
    if (applied)
        conf_origin_set(&load->conf.origin[key], load->file, config_setting_source_line(setting));
}

/* ---- files ---- */

static void group_apply(struct load *load, const config_setting_t *group, const char *name);

static void setting_apply(struct load *load, const config_setting_t *setting, const char *group)
{
    char path[128];
    int key;

    if (config_setting_type(setting) == CONFIG_TYPE_NONE)
        return; /* The place of a syntax error. */
    (void)snprintf(path, sizeof(path), "%s%s%s", group, *group ? "." : "",
                   config_setting_name(setting));
    key = conf_schema_find(path);
    if (key >= 0)
        key_apply(load, setting, (enum conf_key)key);
    else if (!conf_schema_is_group(path))
        fault_unknown(load, setting, group, path);
    else if (!config_setting_is_group(setting))
        fault_group_wanted(load, setting, path);
    else
        group_apply(load, setting, path);
}

/* Only known groups are gone into, so this goes no deeper than the schema. */
static void group_apply(struct load *load, const config_setting_t *group, const char *name)
{
    int count = config_setting_length(group);

    for (int i = 0; i < count; i++)
        setting_apply(load, config_setting_get_elem(group, (unsigned)i), name);
}

/* How many names libconfig has read, those in lists too. */
static size_t names_count(const config_setting_t *setting)
{
    int count = config_setting_is_aggregate(setting) ? config_setting_length(setting) : 0;
    size_t names = config_setting_name(setting) ? 1 : 0;

    for (int i = 0; i < count; i++)
        names += names_count(config_setting_get_elem(setting, (unsigned)i));
    return names;
}

/* The setting that was read last. */
static const config_setting_t *setting_last(const config_setting_t *setting)
{
    while (config_setting_is_aggregate(setting) && config_setting_length(setting) > 0)
        setting = config_setting_get_elem(setting, (unsigned)config_setting_length(setting) - 1);
    return setting;
}

static void syntax_report(struct load *load, const config_t *config)
{
    const config_setting_t *root = config_root_setting(config);
    const char *message = config_error_text(config);
    struct conf_syntax_stop stop = {
        .message = message ? message : "syntax error",
        .line = (unsigned)config_error_line(config),
        .names = names_count(root),
        .incomplete = config_setting_type(load->last) == CONFIG_TYPE_NONE,
        .duplicate = message && strstr(message, "duplicate"),
    };

    load_result(load, conf_syntax_report(load->errors, load->file, load->text, &stop));
}

static void configp(config_t *config)
{
    config_destroy(config);
}

static void text_apply(struct load *load, char *text, size_t length)
{
    _cleanup_(configp) config_t config;
    bool broken = false;
    int r;

    config_init(&config);
    load->text = text;
    r = conf_syntax_prepare(load->errors, load->file, text, length, &broken);
    load_result(load, r);
    if (r < 0)
        return;
    r = config_read_string(&config, text);
    load->last = r == CONFIG_TRUE ? NULL : setting_last(config_root_setting(&config));
    group_apply(load, config_root_setting(&config), "");
    if (r != CONFIG_TRUE && !broken)
        syntax_report(load, &config);
}

static void fault_read(struct load *load, int r)
{
    if (r == -EFBIG)
        fault(load, 0, "too large; allowed: at most %zu bytes", CONF_FILE_SIZE_MAX);
    else if (r == -EBADF)
        fault(load, 0, "not a regular file");
    else
        fault(load, 0, "cannot be read: %s", strerror(-r));
}

static void file_apply(struct load *load, const char *file, bool required)
{
    _cleanup_(freep) char *text = NULL;
    size_t length = 0;
    int r;

    load->file = file;
    r = conf_file_read(file, &text, &length);
    if (r == -ENOMEM)
        load_result(load, r);
    else if (r == 0)
        text_apply(load, text, length);
    else if (r != -ENOENT || required)
        fault_read(load, r);
}

static void dropins_apply(struct load *load, const char *const *dirs)
{
    _cleanup_(conf_files_deinit) struct conf_files files = {0};

    load_result(load, conf_files_find(dirs, &files, load->errors));
    for (size_t i = 0; i < files.count; i++)
        file_apply(load, files.path[i], true);
}

int conf_load(const struct conf_paths *paths, struct conf *ret_conf, struct conf_errors *errors)
{
    struct load load = {.errors = errors};

    load_result(&load, conf_defaults(&load.conf));
    if (paths->file)
        file_apply(&load, paths->file, paths->file_required);
    if (paths->dirs)
        dropins_apply(&load, paths->dirs);
    if (load.r == 0 && errors->count > 0)
        load.r = -EINVAL;
    if (load.r == 0)
        *ret_conf = conf_take(&load.conf);
    conf_deinit(&load.conf);
    return load.r;
}
