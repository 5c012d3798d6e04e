/*
 * Verdicts as lines and as JSON. See verify.h.
 *
 * The lines are the JSON object turned into text: an object is its check and result, and what it
 * holds is indented below; a list (its key is a plural) is its
 * elements, numbered. So a judge cannot tell one half of the
 * people something else.
 */
#include "control/verify.h"

#include "trust/printable.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SHOWN_MAX = 4096, INDENT = 2 };

json_t *verify_tell_new(const char *check, const char *result)
{
    return json_pack("{s:s, s:s}", "check", check, "result", result);
}

void verify_tell_text(json_t *object, const char *key, struct slice text, struct arena *arena)
{
    struct slice shown = printable_text(arena, text, TEXT_SHOWN_MAX);

    if (text.len)
        json_object_set_new(object, key, json_stringn(shown.ptr, shown.len));
}

void verify_tell_number(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, json_integer(number));
}

void verify_tell_flag(json_t *object, const char *key, bool flag)
{
    json_object_set_new(object, key, json_boolean(flag));
}

static void print_object(const json_t *object, int indent);

/* "spf_aligned" is read as "spf aligned". */
static void print_key(const char *key, size_t len, int indent)
{
    printf("%*s", indent, "");
    for (size_t i = 0; i < len; i++)
        putchar(key[i] == '_' ? ' ' : key[i]);
}

/* Of "signatures" each is a "signature". */
static void print_list(const char *key, const json_t *list, int indent)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        print_key(key, strlen(key) - 1, indent);
        printf(" %zu: ", i + 1);
        print_object(json_array_get(list, i), indent);
    }
}

static void print_value(const char *key, const json_t *value, int indent)
{
    if (json_is_array(value)) {
        print_list(key, value, indent);
        return;
    }
    print_key(key, strlen(key), indent);
    printf(": ");
    if (json_is_object(value))
        print_object(value, indent);
    else if (json_is_string(value))
        printf("%s\n", json_string_value(value));
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
    else
        printf("%s\n", json_is_true(value) ? "yes" : "no");
}

/* Behind what the object is called. */
static void print_object(const json_t *object, int indent)
{
    const char *result = json_string_value(json_object_get(object, "result"));
    const char *key;
    json_t *value;

    printf("%s\n", result ? result : "");
    json_object_foreach((json_t *)object, key, value)
    {
        if (strcmp(key, "check") != 0 && strcmp(key, "result") != 0)
            print_value(key, value, indent + INDENT);
    }
}

void verify_tell_print(const json_t *object)
{
    printf("%s: ", json_string_value(json_object_get(object, "check")));
    print_object(object, 0);
}
