/* The verbs, and the two small grammars that need no file of their own. See command.h. */
#include "smtp/command.h"

static const struct {
    enum smtp_verb verb;
    const char *name;
} verbs[] = {
    {SMTP_MAIL, "MAIL"}, {SMTP_RCPT, "RCPT"},       {SMTP_DATA, "DATA"},
    {SMTP_EHLO, "EHLO"}, {SMTP_QUIT, "QUIT"},       {SMTP_BDAT, "BDAT"},
    {SMTP_RSET, "RSET"}, {SMTP_HELO, "HELO"},       {SMTP_LHLO, "LHLO"},
    {SMTP_NOOP, "NOOP"}, {SMTP_VRFY, "VRFY"},       {SMTP_EXPN, "EXPN"},
    {SMTP_HELP, "HELP"}, {SMTP_XCLIENT, "XCLIENT"}, {SMTP_STARTTLS, "STARTTLS"},
    {SMTP_AUTH, "AUTH"},
};

static size_t word_length(struct slice line)
{
    size_t len = 0;

    while (len < line.len && !ascii_is_blank(line.ptr[len]))
        len++;
    return len;
}

struct smtp_command smtp_command_parse(struct slice line)
{
    size_t len = word_length(line);
    struct smtp_command command = {.word = slice_sub(line, 0, len),
                                   .argument = slice_trim(slice_skip(line, len))};

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (slice_eq_nocase(command.word, slice_from_cstr(verbs[i].name))) {
            command.verb = verbs[i].verb;
            break;
        }
    }
    return command;
}

const char *smtp_verb_name(enum smtp_verb verb)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (verbs[i].verb == verb)
            return verbs[i].name;
    }
    return "?";
}

bool smtp_hello_name_is_valid(struct slice name)
{
    if (name.len == 0 || name.len > SMTP_HELLO_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c <= ' ' || c == 0x7f)
            return false;
    }
    return true;
}

bool smtp_bdat_parse(struct slice argument, uint64_t *ret_size, bool *ret_last)
{
    size_t len = word_length(argument);
    struct slice rest = slice_trim(slice_skip(argument, len));
    uint64_t size;

    if (!slice_parse_u64(slice_sub(argument, 0, len), INT64_MAX, &size))
        return false;
    if (rest.len && !slice_eq_nocase(rest, SLICE("LAST")))
        return false;
    *ret_size = size;
    *ret_last = rest.len != 0;
    return true;
}
