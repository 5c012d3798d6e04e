/* See report.h. What reports say is what strangers say: control characters are taken out. */
#include "control/report.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

void report_print(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        putchar(c < ' ' || c == 0x7f ? '?' : c);
    }
}

void report_print_part(const char *label, struct slice text)
{
    if (text.len == 0)
        return;
    printf("%s", label);
    report_print(text);
}

void report_print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
}

void report_set(json_t *object, const char *key, struct slice text)
{
    json_t *value = json_stringn(text.ptr ? text.ptr : "", text.len);

    json_object_set_new(object, key, value ? value : json_string(""));
}

void report_set_number(json_t *object, const char *key, uint64_t number)
{
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

int report_not_opened(const struct report_request *request, const char *file, const char *none,
                      int error)
{
    if (error == -ENOENT) {
        fprintf(stderr, "nuncio: %s\n", none);
        return EX_NOINPUT;
    }
    fprintf(stderr, "nuncio: %s/%s: %s\n", request->folder, file, log_strerror(error));
    return error == -EACCES ? EX_NOPERM : EX_IOERR;
}
