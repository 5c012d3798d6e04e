/* See report.h. What reports say is what strangers say: what a terminal would obey is taken out. */
#include "control/report.h"

#include "base/log.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

/* A terminal takes as commands the controls of ASCII and of Latin-1 (U+0080 to U+009F); what turns
 * the direction of writing shows a text that is not there. */
static bool is_harmless(uint32_t c)
{
    return c >= ' ' && !(c >= 0x7f && c < 0xa0) && !(c >= 0x200e && c <= 0x200f) &&
           !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069) && c != 0x61c;
}

void report_print(struct slice text)
{
    while (text.len) {
        size_t len = utf8_char_len(text);
        if (len && is_harmless(utf8_char_value(text)))
            fwrite(text.ptr, 1, len, stdout);
        else
            putchar('?');
        text = slice_skip(text, len ? len : 1);
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
    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
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
