/* SPDX-License-Identifier: MIT */
#include "base/conf_array.h"

struct conf_array conf_array_begin(const struct conf_literal *literal)
{
    return (struct conf_array){
        .scan = {.at = literal->start + literal->length, .line = literal->line}, .more = true};
}

/* Where an array ends, or has to if its "]" is missing: at the next setting at the latest. */
static bool ends_array(const struct conf_array *array, const struct conf_token *token)
{
    switch (token->kind) {
    case CONF_TOKEN_CLOSE:
    case CONF_TOKEN_END:
    case CONF_TOKEN_INCLUDE:
    case CONF_TOKEN_OPEN_COMMENT:
    case CONF_TOKEN_OPEN_STRING:
        return true;
    case CONF_TOKEN_NAME:
        return conf_scan_peek(&array->scan).kind == CONF_TOKEN_ASSIGN;
    default:
        return *token->text.start == ';';
    }
}

static void element_extend(struct conf_element *element, const struct conf_token *token)
{
    const struct conf_literal *text = &token->text;

    if (element->text.length == 0)
        element->text = *text;
    element->text.length = (size_t)(text->start + text->length - element->text.start);
    element->strings += token->kind == CONF_TOKEN_STRING;
    element->others += token->kind != CONF_TOKEN_STRING;
}

bool conf_array_next(struct conf_array *array, struct conf_element *ret)
{
    struct conf_element element = {.strings = 0};
    struct conf_token token;

    if (!array->more)
        return false;
    for (;;) {
        token = conf_scan_next(&array->scan);
        array->more = !ends_array(array, &token);
        if (!array->more || *token.text.start == ',')
            break;
        element_extend(&element, &token);
    }
    array->closed = *token.text.start == ']';
    if (element.text.length == 0)
        element.text = (struct conf_literal){.start = token.text.start, .line = token.text.line};
    *ret = element;
    return array->index++ > 0 || array->more || element.text.length > 0;
}
