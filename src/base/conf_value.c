/* SPDX-License-Identifier: MIT */
#include "base/conf_value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/conf_listeners.h"
#include "base/conf_literal.h"
#include "base/conf_network.h"
#include "base/suggest.h"

/* Enough for what is said to be wrong with a value. */
enum { PROBLEM_SIZE = CONF_NETWORK_PROBLEM_SIZE };

/* A value, and where it goes. */
struct value {
    struct conf_reading *reading;
    const struct conf_node *node;
    const char *path;
    const struct conf_schema *schema;
    void *field;
};

static bool complain(const struct value *value, const char *problem)
{
    conf_fault_value(value->reading, value->node, value->path, value->schema, problem);
    return false;
}

static bool complain_of_kind(const struct value *value)
{
    conf_fault_kind(value->reading, value->node, value->path, value->schema);
    return false;
}

/* NULL, or what is wrong with the literal. */
static const char *int_parse(const struct value *value, long long *ret_number)
{
    const struct conf_schema *schema = value->schema;
    struct conf_literal literal = {0};
    long long number = 0;
    int r;

    r = conf_literal_find(value->reading->text, value->path, &literal);
    if (r == 0)
        r = conf_literal_parse(&literal, &number);
    if (r == -EDOM)
        return "a leading zero, which makes a number octal elsewhere but not here";
    if (r == -ERANGE || (r == 0 && (number < schema->min || number > schema->max)))
        return "out of range";
    if (r < 0 || number != value->node->number)
        return "not a number that is read the same by everyone";
    *ret_number = number;
    return NULL;
}

static bool int_read(const struct value *value)
{
    const char *problem;
    long long number = 0;

    if (value->node->kind != CONF_KIND_NUMBER)
        return complain_of_kind(value);
    problem = int_parse(value, &number);
    if (problem)
        return complain(value, problem);
    *(int *)value->field = (int)number;
    return true;
}

/* NULL, or what is wrong with the string. */
static const char *string_check(const struct value *value)
{
    const char *string = value->node->string;
    struct conf_literal literal = {0};

    if (conf_literal_find(value->reading->text, value->path, &literal) < 0)
        return "not a string that is read the same by everyone";
    if (conf_literal_has_nul(&literal))
        return "a NUL character (\\x00) in a string";
    if (strlen(string) > (size_t)value->schema->max)
        return "too long";
    for (; *string; string++)
        if ((unsigned char)*string < 0x20 || *string == 0x7f)
            return "a control character in a string";
    return value->schema->check ? value->schema->check(value->node->string) : NULL;
}

static bool string_read(const struct value *value)
{
    const char *string = value->node->string;
    const char *problem;

    if (!string)
        return complain_of_kind(value);
    problem = string_check(value);
    if (problem)
        return complain(value, problem);
    memcpy(value->field, string, strlen(string) + 1);
    return true;
}

static bool mode_read(const struct value *value)
{
    const char *string = value->node->string;
    size_t digits;
    long mode;

    if (!string)
        return complain_of_kind(value);
    digits = strspn(string, "01234567");
    mode = strtol(string, NULL, 8); /* What is too large for it is so for the row, too. */
    if (digits == 0 || string[digits])
        return complain(value, "not octal digits");
    if (mode > value->schema->max)
        return complain(value, "out of range");
    *(int *)value->field = (int)mode;
    return true;
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

static bool choice_read(const struct value *value)
{
    const char *string = value->node->string;
    char problem[PROBLEM_SIZE];
    int choice;

    if (!string)
        return complain_of_kind(value);
    choice = conf_schema_choice(value->schema, string);
    if (choice < 0)
        return complain(value, choice_problem(value->schema, string, problem));
    *(int *)value->field = choice;
    return true;
}

/* ---- arrays ---- */

/* The elements of an array so far. */
struct collected {
    struct networks networks;
    int choices;
};

static void collected_deinit(struct collected *collected)
{
    networks_deinit(&collected->networks);
}

static const char *network_collect(const struct value *value, const struct conf_element *element,
                                   const char *string, struct collected *collected,
                                   char text[static PROBLEM_SIZE])
{
    struct network network;
    const char *problem = conf_network_read(element, string, &network, text);

    if (!problem)
        conf_reading_result(value->reading, networks_add(&collected->networks, &network));
    return problem;
}

static const char *choice_collect(const struct value *value, const char *string,
                                  struct collected *collected, char text[static PROBLEM_SIZE])
{
    int choice = conf_schema_choice(value->schema, string);

    if (choice < 0)
        return choice_problem(value->schema, string, text);
    if (collected->choices & choice)
        return "a duplicate";
    collected->choices |= choice;
    return NULL;
}

/* Adds the next element. False, after saying so, if anything is wrong with it. */
static bool element_read(const struct value *value, struct conf_array *array,
                         struct collected *collected)
{
    size_t index = array->index;
    const struct conf_node *node = &value->node->child[index];
    struct conf_element element = {.strings = 0};
    char text[PROBLEM_SIZE];
    const char *problem = text;

    if (!node->string && value->node->cut)
        return false; /* It is where libconfig gave up: a syntax error. */
    if (!conf_array_next(array, &element))
        problem = "not read the same by everyone";
    else if (!node->string)
        (void)snprintf(text, sizeof(text), "%s where a string is wanted",
                       conf_kind_name(node->kind));
    else if (value->schema->type == CONF_TYPE_CHOICES)
        problem = choice_collect(value, node->string, collected, text);
    else
        problem = network_collect(value, &element, node->string, collected, text);
    if (problem)
        conf_fault_element(value->reading, value->path, value->schema, index, &element, problem);
    return !problem;
}

/* Reads all elements; false if anything is wrong with them. */
static bool elements_read(const struct value *value, struct collected *collected)
{
    struct conf_literal literal = {.start = "", .line = 1};
    struct conf_array array;
    bool good = true;

    if (value->node->kind != CONF_KIND_ARRAY)
        return complain_of_kind(value);
    (void)conf_literal_find(value->reading->text, value->path, &literal);
    array = conf_array_begin(&literal);
    for (size_t i = value->node->count; i > 0; i--)
        good = element_read(value, &array, collected) && good;
    return good && !value->node->cut;
}

static bool array_read(const struct value *value)
{
    _cleanup_(collected_deinit) struct collected collected = {.choices = 0};
    struct networks *networks = value->field;

    if (!elements_read(value, &collected))
        return false;
    if (value->schema->type == CONF_TYPE_CHOICES) {
        *(int *)value->field = collected.choices;
        return true;
    }
    networks_deinit(networks);
    *networks = collected.networks;
    collected.networks = (struct networks){0}; /* now owned by the field */
    return true;
}

bool conf_value_read(struct conf_reading *reading, const struct conf_node *node, const char *path,
                     const struct conf_schema *schema, void *field)
{
    const struct value value = {reading, node, path, schema, field};

    switch (schema->type) {
    case CONF_TYPE_INT:
        return int_read(&value);
    case CONF_TYPE_STRING:
        return string_read(&value);
    case CONF_TYPE_CHOICE:
        return choice_read(&value);
    case CONF_TYPE_MODE:
        return mode_read(&value);
    case CONF_TYPE_LISTENERS:
        return conf_listeners_read(reading, node, field);
    case CONF_TYPE_CHOICES:
    case CONF_TYPE_NETWORKS:
        return array_read(&value);
    }
    return false;
}
